"""A stream as it goes out: Server-Sent Events that say "something has changed", and why the stream ends.

    retry: 2000
    event: sync      id: <where everything stood just before>   data: {}
    event: notices   the same
    event: end       data: {"reason": "token"}
    :                every HEARTBEAT_SECONDS without anything else

What a stream is about is looked at anew for each hint and at each beat: the token, the device's status, the vaults that
list it. The id is read before its hint is sent, so that whoever comes back with it has been told of everything up to
there. Not here: who is told when (hub.py). Source: WHATWG HTML, "Server-sent events". Spec:
openapi/protocol/events.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from backend.access.guard import admitted
from backend.access.store import TokenRow, token_row
from backend.events.hub import NOTICES, REPLACED, STOPPING, SYNC, Hub, Stream
from backend.events.store import Standing, standing_of
from backend.http.limits import EVENT_STREAM
from backend.http.line import LOST, Line, line_of
from backend.http.metrics import HINTS, STREAM_ENDS
from backend.http.problems import ProblemError
from backend.ports import Ports
from backend.storage.announcing import of_account, of_device, of_vault
from backend.storage.engine import StorageError
from sync.wire.ids import DeviceId

HEARTBEAT_SECONDS = 25  # below the half minute after which proxies give up a silent line
RETRY_MS = 2_000  # milliseconds that a client waits before it comes back; it adds its own jitter
SLOW_SECONDS = 5  # for whoever did not read to read its last words; then the line is cut
HEADERS = [
    (b"content-type", EVENT_STREAM.encode()),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would collect hints until a buffer is full
]
REVOKED, SLOW, TOKEN = "revoked", "slow", "token"
ENDS = frozenset({LOST, REPLACED, REVOKED, SLOW, STOPPING, TOKEN})  # every reason for which a stream ends
BEAT = b":\n\n"
WORDS = {SYNC: "sync", NOTICES: "notices"}


class Asked(NamedTuple):
    """Who listens: the hash of the token, its row when it was let in, the id that it has come back with, or nothing."""

    token_hash: bytes
    row: TokenRow
    last_id: str


Count = Callable[[str, str], None]
Hinted = Callable[[DeviceId], None]


class Listening:
    """The answer to one request for events. `hinted`: told of each device that is to be woken and was hinted."""

    def __init__(self, ports: Ports, hub: Hub, stream: Stream, asked: Asked, count: Count, hinted: Hinted) -> None:
        self._ports, self._hub, self._stream, self._asked = ports, hub, stream, asked
        self._count, self._hinted = count, hinted
        self._standing: Standing | None = None
        self._is_wished = False  # when it was looked last, a wish to wake the device waited

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        stream, line = self._stream, line_of(scope)
        if line is not None:
            line.on_over = stream.end
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await self._run(send, line)
        finally:
            if line is not None:
                line.on_over = None
            self._hub.close(stream)
            self._count(STREAM_ENDS, stream.ended or LOST)

    async def _run(self, send: Callable[[Any], Awaitable[None]], line: Line | None) -> None:
        await send(_body(b"retry: %d\n\n" % RETRY_MS))
        stream = self._stream
        await self._look()
        if self._standing is None or self._standing.id != self._asked.last_id:
            stream.hint(SYNC | (NOTICES if self._standing is not None and self._standing.told else 0))
        if line is None:
            stream.end(STOPPING)
        while True:
            what = await stream.next(min(HEARTBEAT_SECONDS, self._seconds_left()))
            if stream.ended is None or (what and stream.ended == STOPPING):
                await self._say(what, send, line)
            if stream.ended is not None:
                break
        if stream.ended != LOST:
            await send(_body(b'event: end\ndata: {"reason": "%s"}\n\n' % stream.ended.encode(), last=True))
        if line is not None and line.unsent():
            asyncio.get_running_loop().call_later(SLOW_SECONDS, line.cut)

    async def _say(self, what: int, send: Callable[[Any], Awaitable[None]], line: Line | None) -> None:
        """A hint, or a beat, to whoever is still let in and has taken the last one."""
        stream = self._stream
        is_in = await (self._look() if what else self._still_admitted())
        # Looked at behind a read: what has just been written is on its way only when the loop has been round.
        if stream.ended is None and line is not None and line.unsent():
            stream.end(SLOW)
        if not is_in or stream.ended not in (None, STOPPING):
            return
        if what:
            await send(_body(self._said(what)))
            if what & SYNC and self._is_wished:
                self._hinted(stream.device)
        else:
            await send(_body(BEAT))

    def _seconds_left(self) -> float:
        return (self._asked.row.expires_at - self._ports.now_ms()) / 1_000

    async def _still_admitted(self) -> bool:
        """False, and the stream has ended, for a device that would not be let in any more."""
        try:
            return self._admits(await token_row(self._ports.engine.reading(), self._asked.token_hash))
        except StorageError:
            return self._admits_unread()

    async def _look(self) -> bool:
        """The same; reads where everything stands, and follows the vaults that list the device now.

        Read again after following: what was committed in between was announced to nobody here.
        """
        stream = self._stream
        try:
            while True:
                row, found = await standing_of(self._ports.engine.reading(), self._asked.token_hash)
                if not self._admits(row) or row is None or found is None:
                    return False
                self._standing, self._is_wished = found, row.wake is not None
                own = {of_device(stream.device), of_account(self._asked.row.account)}
                topics = own | {of_vault(number) for number in found.vaults}
                if topics == stream.topics:
                    return True
                self._hub.follow(stream, topics)
        except StorageError:
            self._standing = None  # the hint goes out all the same, without an id
            return self._admits_unread()

    def _admits(self, row: TokenRow | None) -> bool:
        try:
            admitted(row, self._ports.now_ms())
        except ProblemError as problem:
            self._stream.end(REVOKED if problem.code == "revoked" else TOKEN)
            return False
        return True

    def _admits_unread(self) -> bool:
        """A database that is away ends nothing but what would have ended by now."""
        if self._seconds_left() <= 0:
            self._stream.end(TOKEN)
            return False
        return True

    def _said(self, what: int) -> bytes:
        """The events of a hint."""
        at = b"" if self._standing is None else b"id: %s\n" % self._standing.id.encode()
        said = b""
        for flag, word in WORDS.items():
            if what & flag:
                self._count(HINTS, word)
                said += b"event: %s\n%sdata: {}\n\n" % (word.encode(), at)
        return said


def _body(content: bytes, *, last: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": not last}
