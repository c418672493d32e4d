"""A phone in the foreground: it listens for hints, syncs on each, and says what came of it until it is stopped.

One task does all that touches the store, in turn: listen, sync, look. What is edited on this phone by other commands
meanwhile is sent. A server that is away, or refuses the stream, is asked again, less and less often; while it refuses
the stream the phone syncs by a schedule. Not here: words on a screen (cli/watch.py). Spec: openapi/protocol/events.md,
EVT-10 to EVT-12.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from sync.device.access import access_token
from sync.device.aftermath import sync_and_see_to
from sync.device.news import News, look_for_news, places
from sync.device.notices import count_new, shown_notices
from sync.device.phone import Phone
from sync.device.reading import identity_of
from sync.device.refused import Refused
from sync.device.store.rows import Rows
from sync.device.transport import Answered, Unreachable
from sync.wire.events import END, Event, EventReader

PATH = "/v1/events"
LOOK_SECONDS = 1.0  # between two looks whether something was edited on this phone
WAIT_SECONDS, WAIT_SECONDS_MAX = 1.0, 60.0  # before a server that is away is asked again: at first, and at most
POLL_SECONDS = 30.0  # between two syncs while the stream is refused
FINAL = frozenset({"no_store", "revoked", "account_gone", "forbidden", "store_damaged"})  # waiting mends none of these
SHORT_MS = 5_000  # milliseconds that a stream lasts at least, or its token was not what ended it
LISTENING, AWAY, POLLING = "listening", "away", "polling"

Tell = Callable[[dict[str, Any]], None]
Rest = Callable[[float], Awaitable[None]]


class Watching:
    """One run. `tell`: handed what happened, one object each. `rest`: waits some seconds."""

    def __init__(self, phone: Phone, tell: Tell, rest: Rest = asyncio.sleep) -> None:
        self._phone, self._tell, self._rest = phone, tell, rest
        self._last_id = ""  # up to where everything has been synced
        self._standing = ""  # how it stands with the server, as it was told last
        self._wait = WAIT_SECONDS
        self._renew = False  # the kept token was refused
        self._unsent: list[tuple[int, int]] = []  # what the last sync left: to try again at once changes nothing

    async def run(self) -> None:
        """Watches until it is cancelled. Raises: Refused, when no waiting would help."""
        while True:
            begun = self._phone.now_ms()
            try:
                reason = await self._once()
            except Refused as refused:
                if refused.code in FINAL:
                    raise
                reason = AWAY
            if reason == "replaced":
                raise Refused("watched_elsewhere")
            if reason == "token":
                self._renew = True
                if self._phone.now_ms() - begun > SHORT_MS:
                    continue
            if reason != POLLING:
                self._stands(AWAY)
                await self._rest(self._jittered(self._wait))
                self._wait = min(self._wait * 2, WAIT_SECONDS_MAX)

    async def _once(self) -> str:
        """One stream, or what there is instead; gives why it is over. Raises: Refused."""
        try:
            return await self._listen()
        except Answered as answer:
            return await self._refused(answer)
        except Unreachable:
            return AWAY

    async def _refused(self, answer: Answered) -> str:
        """What becomes of it when the server answers, but with no stream."""
        if answer.code == "token_invalid" and not self._renew:
            self._renew = True
            return await self._once()
        if answer.code in ("revoked", "assertion_invalid"):
            await self._sync()  # which says why, and keeps it
        self._stands(POLLING)
        await self._sync()
        await self._rest(self._jittered(POLL_SECONDS))
        return POLLING

    async def _listen(self) -> str:
        """Follows one stream to its end; gives why it ended. Raises: Answered, Unreachable, Refused."""
        async with self._phone.store.transaction() as rows:
            identity = await identity_of(rows)
        transport = self._phone.connect(identity.server)
        try:
            token = await access_token(self._phone, transport, identity, renew=self._renew)
            async with transport.listen(PATH, token, self._last_id) as pieces:
                self._renew = False
                self._stands(LISTENING)
                async for event in self._events(pieces):
                    if event is None:
                        if await self._waits():
                            await self._sync()
                        continue
                    self._wait = WAIT_SECONDS
                    if event.word == END:
                        return event.reason or AWAY
                    await self._sync()
                    self._last_id = event.id or self._last_id
        finally:
            await transport.close()
        return AWAY

    async def _events(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[Event | None]:
        """Events as they come, many of one kind at a time as one; None when none came for a moment."""
        reader = EventReader()
        coming = asyncio.ensure_future(anext(pieces, None))
        try:
            while True:
                done, _ = await asyncio.wait({coming}, timeout=LOOK_SECONDS)
                if not done:
                    yield None
                    continue
                piece = coming.result()
                if piece is None:
                    return
                coming = asyncio.ensure_future(anext(pieces, None))
                try:
                    events = reader.feed(piece)
                except ValueError as error:
                    raise Unreachable("an answer that is not ours") from error
                hints = [event for event in events if event.word != END]
                for event in [*hints[-1:], *(event for event in events if event.word == END)]:
                    yield event
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    async def _waits(self) -> bool:
        """True if something else of this phone's waits to be sent than the last sync left."""
        async with self._phone.store.transaction() as rows:
            return await _unsent(rows) not in ([], self._unsent)

    async def _sync(self) -> None:
        """A sync, and what it brought. Raises: Refused."""
        async with self._phone.store.transaction() as rows:
            before = await places(rows)
        await sync_and_see_to(self._phone)
        async with self._phone.store.transaction() as rows:
            news: list[News] = await look_for_news(rows, before)
            new = await count_new(rows)
            notices = (await shown_notices(rows))[:new] if new else []
            self._unsent = await _unsent(rows)
        for one in news:
            self._tell({"event": one.event, **one.words})
        for notice in reversed(notices):
            self._tell({"event": "notice", "kind": notice["kind"], "words": notice["words"], "at": notice["at"]})

    def _stands(self, how: str) -> None:
        if how != self._standing:
            self._standing = how
            self._tell({"event": how})

    def _jittered(self, seconds: float) -> float:
        """Between half of it and one and a half: phones that lost one server do not come back in one moment."""
        return seconds * (0.5 + int.from_bytes(self._phone.draw(4), "big") / 2**32)


async def _unsent(rows: Rows) -> list[tuple[int, int]]:
    """By vault with anything that waits: how many changes and wishes."""
    counts = [(await rows.count_pending(n), len((await rows.get_vault(n)).intents)) for n in await rows.vaults()]
    return counts if any(map(any, counts)) else []
