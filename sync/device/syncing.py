"""A sync: as many round trips as it takes until every vault stands at its head and nothing of one's own is unread
there.

Between two requests everything is in the store, so that a kill at any await loses nothing and doubles nothing.
Whatever the server answers, local records stay as they are. Spec: openapi/protocol/sync.md.
"""

from __future__ import annotations

import msgspec

from sync.device.access import access_token, refusal
from sync.device.duties import take_duties
from sync.device.identity import Identity, get_identity, put_identity
from sync.device.intake import CODES_OF_THE_VAULT, finish, hear, take
from sync.device.outbox import DAY_MS, Asked, prepare, replay_ask
from sync.device.phone import Phone
from sync.device.refused import Refused
from sync.device.transport import Answered, Transport, Unreachable
from sync.wire.exchange import AnswerEnd, AnswerReader, Items, SyncRequest, VaultAnswer, VaultAsk, encode_request
from sync.wire.item import Item

ROUNDS_MAX = 10_000  # a bound on a server that never comes to an end
STILL_ROUNDS_MAX = 3  # rounds in a row that change nothing


class VaultReport(msgspec.Struct):
    """What became of one vault: why it did not get to the end (None: it did), and what to do then."""

    id: str
    code: str | None = None
    next: str | None = None


class SyncReport(msgspec.Struct):
    """A sync in figures: items sent and received, requests, bytes of bodies, changes still waiting."""

    sent: int = 0
    received: int = 0
    requests: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    waiting: int = 0
    vaults: list[VaultReport] = []


async def sync(phone: Phone, only: list[int] | None = None, *, asked_by_person: bool = True) -> SyncReport:
    """Syncs these vaults, or all. Raises: Refused (no_store, unreachable, server_error)."""
    async with phone.store.transaction() as rows:
        identity = await get_identity(rows)
        numbers = [n for n in await rows.vaults() if only is None or n in only]
    if identity is None or identity.account is None:
        raise Refused("no_store")
    transport = phone.connect(identity.server)
    run = _Run(phone, transport, identity, asked_by_person)
    try:
        await run.until_settled(numbers)
    except (Answered, Unreachable) as error:
        raise refusal(error) from error
    finally:
        await transport.close()
    async with phone.store.transaction() as rows:
        for number in numbers:
            run.report.waiting += await rows.count_pending(number)
        kept = await get_identity(rows)
        if kept is not None:
            kept.last_sync = phone.now_ms()
            await put_identity(rows, kept)
    return run.report


class _Run:
    """One sync under way."""

    def __init__(self, phone: Phone, transport: Transport, identity: Identity, asked_by_person: bool) -> None:
        self._phone, self._transport, self._identity = phone, transport, identity
        self._asked_by_person = asked_by_person
        self.report = SyncReport()
        self._replayed: set[int] = set()

    async def until_settled(self, numbers: list[int]) -> None:
        """Round trips for all vaults together until none has anything to do or nothing moves any more."""
        reports = {n: VaultReport(await self._name(n)) for n in numbers}
        self.report.vaults = list(reports.values())
        still = dict.fromkeys(numbers, 0)
        marks: dict[int, object] = {}
        active = list(numbers)
        for _ in range(ROUNDS_MAX):
            if not active:
                return
            codes = await self._round(active)
            going_on = []
            for number in active:
                code = codes.get(number, "incomplete")
                reports[number].code = code
                mark, more = await self._where(number)
                still[number] = still[number] + 1 if marks.get(number) == mark else 0
                marks[number] = mark
                if more and code not in ("removed", "diverged", "halted") and still[number] < STILL_ROUNDS_MAX:
                    going_on.append(number)
                elif not more and code not in CODES_OF_THE_VAULT:
                    reports[number].code = None
                reports[number].next = _NEXT.get(reports[number].code or "")
            active = going_on

    async def _name(self, number: int) -> str:
        async with self._phone.store.transaction() as rows:
            return (await rows.get_vault(number)).vault.hex()

    async def _where(self, number: int) -> tuple[object, bool]:
        """A mark that changes when anything moves, and whether there is more to do."""
        async with self._phone.store.transaction() as rows:
            state = await rows.get_vault(number)
            if take_duties(state, self._identity):
                await rows.put_vault(number, state)
            flying, pending = await rows.get_flying(number), await rows.count_pending(number)
        mine = (len(flying), pending, len(state.acked), len(state.intents), len(state.wanted))
        mark = (state.log.seq, state.at_head, state.epoch_held, mine)
        due = bool(flying or pending or state.intents or state.wanted) and not state.halted
        return mark, (not state.at_head or due or state.key_missing) and not state.removed and not state.halted

    async def _round(self, numbers: list[int]) -> dict[int, str | None]:
        """One request about these vaults; the code of each one's answer."""
        asks: list[VaultAsk] = []
        asked: list[Asked] = []
        async with self._phone.store.transaction() as rows:
            for number in numbers:
                ask, what = await prepare(self._phone, rows, self._identity, number)
                asks.append(ask)
                asked.append(what)
        codes, behind = await self._exchange(asks, asked)
        for number, answer in behind:
            codes[number] = await self._replay(number, answer)
        return codes

    async def _exchange(
        self, asks: list[VaultAsk], asked: list[Asked]
    ) -> tuple[dict[int, str | None], list[tuple[int, VaultAnswer]]]:
        body = encode_request(SyncRequest(tuple(asks)))
        for attempt in range(2):
            token = await access_token(self._phone, self._transport, self._identity, renew=attempt > 0)
            self.report.requests += 1
            self.report.bytes_up += len(body)
            try:
                return await self._read(body, token, asked)
            except Answered as answer:
                if answer.code != "token_invalid" or attempt:
                    raise
        raise AssertionError("the loop above returns or raises")

    async def _read(
        self, body: bytes, token: str, asked: list[Asked]
    ) -> tuple[dict[int, str | None], list[tuple[int, VaultAnswer]]]:
        """Takes an answer in as it streams. An answer cut short is good up to its last whole message."""
        codes: dict[int, str | None] = {}
        behind: list[tuple[int, VaultAnswer]] = []
        by_vault = {a.vault: a for a in asked}
        current: tuple[Asked, VaultAnswer] | None = None
        place = 0  # the seq that the next item follows
        reader = AnswerReader()
        whole = False
        async with self._transport.stream("/v1/sync", body, token) as pieces:
            async for piece in pieces:
                self.report.bytes_down += len(piece)
                try:
                    messages = reader.feed(piece)
                except ValueError as error:
                    raise Unreachable("an answer that is not ours") from error
                for message in messages:
                    if isinstance(message, VaultAnswer):
                        await self._finish(current)
                        one = by_vault.get(message.vault)
                        if one is None:
                            raise Unreachable("an answer about something else")
                        current, place = (one, message), one.cursor
                        codes[one.number] = message.code
                        if message.code == "behind":
                            behind.append((one.number, message))
                        self.report.sent += len(message.acks)
                        async with self._phone.store.transaction() as rows:
                            await hear(rows, self._identity, one, message)
                    elif isinstance(message, Items) and current:
                        stopped = await self._take(current[0], message.items, place)
                        place += len(message.items)
                        if stopped:
                            codes[current[0].number] = stopped
                    elif isinstance(message, AnswerEnd):
                        await self._finish(current)
                        current, whole = None, True
        if not whole:
            raise Unreachable("an answer that was cut short")
        return codes, behind

    async def _take(self, one: Asked, items: tuple[Item | bytes, ...], place: int) -> str | None:
        """Takes items in if they follow what this phone holds; gives why it stopped among them.

        They do not after a stop, nor when another command of this phone has gone on meanwhile: passed over then.
        """
        async with self._phone.store.transaction() as rows:
            state = await rows.get_vault(one.number)
            if state.log.seq != place or state.halted:
                return None
            stopped = await take(self._phone, rows, self._identity, one, items, state)
            self.report.received += sum(isinstance(item, Item) for item in items[: state.log.seq - place])
        return stopped

    async def _finish(self, current: tuple[Asked, VaultAnswer] | None) -> None:
        if current:
            async with self._phone.store.transaction() as rows:
                await finish(rows, *current)

    async def _replay(self, number: int, answer: VaultAnswer) -> str | None:
        """The server was restored from a backup: hand back what it lost, at most once a day unasked."""
        today = self._phone.now_ms() // DAY_MS
        async with self._phone.store.transaction() as rows:
            state = await rows.get_vault(number)
            if state.replayed_day == today and not (self._asked_by_person or number in self._replayed):
                return "behind"
            state.replayed_day = today
            await rows.put_vault(number, state)
            ask = await replay_ask(self._phone, rows, number, answer.next, answer.log_hash)
        self._replayed.add(number)
        if ask is None:
            async with self._phone.store.transaction() as rows:
                state = await rows.get_vault(number)
                state.halted = "diverged"
                await rows.put_vault(number, state)
            return "diverged"
        nothing = Asked(number, ask.vault, -1, {}, False)
        codes, _ = await self._exchange([ask], [nothing])
        return codes.get(number)


_NEXT = {
    "removed": "Your records stay readable here; ask an owner whether this was meant.",
    "diverged": "Nothing is sent until this is looked at: `carnet findings`.",
    "cloned": "Another copy of this phone has written: `carnet findings`.",
    "halted": "Nothing is sent until this is looked at: `carnet findings`.",
    "signature": "The server handed out something that nobody signed: `carnet findings`.",
    "newer_version": "This vault needs a newer carnet.",
    "key_missing": "Another phone of this vault has to sync, so that it can hand over the key.",
    "behind": "The server was restored from a backup; sync again.",
    "until": "The end date has passed; what waits is kept and shown to an owner.",
    "rights": "This person may not write here (any more).",
    "quota": "The quota is used up; what waits is kept.",
}
