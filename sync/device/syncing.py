"""A sync: as many round trips as it takes until every vault stands at its head and nothing of one's own is unread
there.

Between two requests everything is in the store, so that a kill at any await loses nothing and doubles nothing.
Whatever the server answers, local records stay as they are. Spec: openapi/protocol/sync.md.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sync.device.access import access_token, listed_vaults, refusal
from sync.device.duties import set_aside_a_viewers, take_duties
from sync.device.identity import Identity, get_identity, put_identity
from sync.device.intake import CODES_OF_THE_VAULT, WAITS, finish, hear, take
from sync.device.invitations import look_at
from sync.device.notices import keep_notices, kept_notices
from sync.device.outbox import DAY_MS, Asked, may_grant, prepare, replay_ask
from sync.device.phone import Phone
from sync.device.rebasing import FORKED, REBASES, advance
from sync.device.refused import Refused
from sync.device.share_register import forget_laid
from sync.device.shut_out import PHONE_WORDS, keep
from sync.device.transport import Answered, Transport, Unreachable
from sync.vault.replay import Finding
from sync.vault.rollback import held_back, to_repeat
from sync.wire.exchange import (
    AnswerEnd,
    AnswerHead,
    AnswerReader,
    Items,
    SyncRequest,
    VaultAnswer,
    VaultAsk,
    encode_request,
)
from sync.wire.ids import VaultId
from sync.wire.item import Item

ROUNDS_MAX = 10_000  # a bound on a server that never comes to an end
STILL_ROUNDS_MAX = 3  # rounds in a row that change nothing
STOPS = {"removed", "diverged"}  # asking again at once changes nothing
Mark = tuple[int, bool, int, int | None, tuple[int, ...]]


class VaultReport(msgspec.Struct):
    """What became of one vault: why it did not get to the end (None: it did), and what to do then."""

    id: str
    code: str | None = None
    next: str | None = None


class ShareReport(msgspec.Struct):
    """A share that the server does not have as the vault has it, and why, as a word."""

    id: str
    code: str


class SyncReport(msgspec.Struct):
    """A sync in figures: items sent and received, requests, bytes of bodies, changes still waiting. `shares`: those
    that could not be brought to the server; requests about shares are not counted here."""

    sent: int = 0
    received: int = 0
    requests: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    waiting: int = 0
    vaults: list[VaultReport] = []
    shares: list[ShareReport] = []


Watch = Callable[[str, int, int], None]  # told how a sync goes on: what it does, items done, items in all


async def sync(
    phone: Phone,
    only: list[int] | None = None,
    *,
    asked_by_person: bool = True,
    watch: Watch = lambda *_: None,
    card: Identity | None = None,
) -> SyncReport:
    """Syncs these vaults, or all. `card`: who asks, if it is a recovery card and not yet this phone.

    Raises: Refused (no_store, unreachable, server_error).
    """
    async with phone.store.transaction() as rows:
        identity = card or await get_identity(rows)
        numbers = [n for n in await rows.vaults() if only is None or n in only]
    if identity is None or identity.account is None:
        raise Refused("no_store")
    transport = phone.connect(identity.server)
    run = _Run(phone, transport, identity, asked_by_person, watch)
    try:
        await run.until_settled(numbers)
        if only is None and card is None:
            numbers += await run.invited()
    except (Answered, Unreachable) as error:
        refused = refusal(error)
        if refused.code in PHONE_WORDS and card is None:
            async with phone.store.transaction() as rows:
                await keep(rows, refused.code)
        raise refused from error
    finally:
        await transport.close()
    async with phone.store.transaction() as rows:
        if card is None:
            await keep(rows, None)
        for number in numbers:
            run.report.waiting += await rows.count_pending(number)
        kept = await get_identity(rows)
        if kept is not None:
            kept.last_sync = phone.now_ms()
            await put_identity(rows, kept)
    return run.report


class _Run:
    """One sync under way."""

    def __init__(
        self, phone: Phone, transport: Transport, identity: Identity, asked_by_person: bool, watch: Watch
    ) -> None:
        self._phone, self._transport, self._identity = phone, transport, identity
        self._asked_by_person, self._watch = asked_by_person, watch
        self.report = SyncReport()
        self._offered: tuple[VaultId, ...] | None = None  # what the last answer named as listing this card
        self._replayed: dict[int, int] = {}  # by vault: the seq from which this sync last handed items back
        self._rebased: dict[int, str] = {}  # by vault: why its log was, or is, read anew
        self._entries_wait: set[int] = set()  # vaults whose day has no room for an entry: frames go on without it

    async def until_settled(self, numbers: list[int]) -> None:
        """Round trips for all vaults together until none has anything to do or nothing moves any more."""
        reports = {n: VaultReport(await self._name(n)) for n in numbers}
        self.report.vaults += reports.values()
        still = dict.fromkeys(numbers, 0)
        marks: dict[int, Mark] = {}
        active = list(numbers)
        for _ in range(ROUNDS_MAX):
            if not active:
                return
            codes = await self._round(active)
            active = await self._advance(active)
            going_on = []
            for number in active:
                said = self._rebased.get(number) or codes.get(number, "incomplete")
                code = said or self._waits(number)
                reports.setdefault(number, VaultReport("")).code = code
                mark, more, halted = await self._where(number)
                stops = code in STOPS and number not in self._rebased
                at_rest = halted or stops or (said in WAITS and mark[1])
                still[number] = still.get(number, 0) + 1 if marks.get(number) == mark else 0
                marks[number] = mark
                if more and not at_rest and still[number] < STILL_ROUNDS_MAX:
                    going_on.append(number)
                elif halted:
                    reports[number].code = halted
                elif more:
                    reports[number].code = code or "incomplete"
                elif number not in self._rebased and code not in CODES_OF_THE_VAULT:
                    reports[number].code = self._waits(number)
                reports[number].next = _NEXT.get(reports[number].code or "")
            active = going_on

    async def invited(self) -> list[int]:
        """Enters vaults that a phone of one's own has made meanwhile, and reads them; gives their local numbers."""
        if self._offered is None and self.report.requests:
            return []  # no answer came as far as that
        token = await access_token(self._phone, self._transport, self._identity)
        if self._offered is None:  # a phone without a vault asks about none
            self._offered = tuple(await listed_vaults(self._transport, token))
            self.report.requests += 1
        entered = await look_at(self._phone, self._transport, token, self._identity, self._offered)
        await self.until_settled(entered)
        return entered

    def _waits(self, number: int) -> str | None:
        """What is left to say of a vault whose frames went on though an entry could not."""
        return "quota" if number in self._entries_wait else None

    async def _name(self, number: int) -> str:
        async with self._phone.store.transaction() as rows:
            return (await rows.get_vault(number)).vault.hex()

    async def _where(self, number: int) -> tuple[Mark, bool, str | None]:
        """A mark that changes when anything moves, whether there is more to do, and why nothing is sent.

        What this phone has to do by itself becomes an intent here.
        """
        today, entries_wait = self._phone.now_ms() // DAY_MS, number in self._entries_wait
        async with self._phone.store.transaction() as rows:
            number = (await rows.rebuilds()).get(number, number)
            state = await rows.get_vault(number)
            if state.rebuilding is None and take_duties(state, self._identity, self._phone.now_ms()):
                await rows.put_vault(number, state)
            await set_aside_a_viewers(rows, number, state, self._identity)
            flying, pending = await rows.get_flying(number), await rows.count_pending(number)
        wanted = may_grant(state, today)
        mine = (len(flying), pending, len(state.acked), len(state.intents), len(wanted))
        mark = (state.log.seq, state.at_head, state.epoch_held, self._replayed.get(number), mine)
        back = state.rebuilding is None and held_back(state)
        own = bool(pending or (state.intents and not entries_wait))
        says = to_repeat(state, self._identity.device) is not None if back else own
        due = bool(flying or wanted or says)
        halted = state.halted or ("rolled_back" if back and state.at_head and not due else None)
        more = (not state.at_head or due or state.key_missing) and not state.removed and not state.halted
        return mark, more, halted

    async def _round(self, numbers: list[int]) -> dict[int, str | None]:
        """One request about these vaults; the code of each one's answer."""
        asks: list[VaultAsk] = []
        asked: list[Asked] = []
        async with self._phone.store.transaction() as rows:
            rebuilds = await rows.rebuilds()
            for number in numbers:
                target, wait = rebuilds.get(number, number), number in self._entries_wait
                ask, what = await prepare(self._phone, rows, self._identity, target, entries_wait=wait)
                asks.append(ask)
                asked.append(what)
        codes, behind = await self._exchange(asks, asked)
        for number, answer in behind:
            codes[number] = await self._replay(number, answer)
        shown = {target: number for number, target in rebuilds.items()}
        told = {shown.get(number, number): code for number, code in codes.items()}
        for one in asked:
            number = shown.get(one.number, one.number)
            if one.intent is not None and told.get(number) == "quota" and number not in self._entries_wait:
                self._entries_wait.add(number)
                told[number] = None  # what waits besides has its turn
        return told

    async def _advance(self, active: list[int]) -> list[int]:
        """One step of every rebase; gives the vaults to go on with: all of them once this phone needs a new card."""
        async with self._phone.store.transaction() as rows:
            rebuilds, every = await rows.rebuilds(), await rows.vaults()
            for number in list(active):
                state = await rows.get_vault(rebuilds.get(number, number))
                why = state.rebuilding or state.halted
                if why in REBASES:
                    self._rebased[number] = "device_forked" if why in FORKED else "diverged"
                    await forget_laid(rows)
                if why in FORKED:
                    active = [*active, *(n for n in every if n not in active)]
        if self._rebased:
            self._identity = await advance(self._phone, self._transport, self._identity, active)
        return active

    async def _exchange(
        self, asks: list[VaultAsk], asked: list[Asked]
    ) -> tuple[dict[int, str | None], list[tuple[int, VaultAnswer]]]:
        async with self._phone.store.transaction() as rows:
            body = encode_request(SyncRequest(tuple(asks), (await kept_notices(rows)).shown))
        self._watch("Sending" if any(ask.items for ask in asks) else "Asking", 0, 0)
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
        reader = AnswerReader(len(asked))
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
                        one = by_vault.pop(message.vault, None)  # each is answered once
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
                        if place + len(message.items) > current[1].next:
                            raise Unreachable("an answer with other items than it announced")
                        stopped = await self._take(current[0], message.items, place)
                        place += len(message.items)
                        self._watch("Taking in", place, current[1].next)
                        if stopped:
                            codes[current[0].number] = stopped
                    elif isinstance(message, AnswerHead):
                        self._offered = message.invitations
                        async with self._phone.store.transaction() as rows:
                            await keep_notices(rows, message.notices)
                    elif isinstance(message, AnswerEnd):
                        await self._finish(current)
                        current, whole = None, not by_vault
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
            await forget_laid(rows)
            state = await rows.get_vault(number)
            if state.replayed_day == today and not (self._asked_by_person or number in self._replayed):
                return "behind"
            state.replayed_day = today
            await rows.put_vault(number, state)
            ask = await replay_ask(self._phone, rows, number, answer.next, answer.log_hash)
        self._replayed[number] = answer.next
        if ask is None:
            async with self._phone.store.transaction() as rows:
                state = await rows.get_vault(number)
                state.halted = "diverged"
                await rows.put_vault(number, state)
                await rows.put_findings(number, [Finding("diverged", answer.next, None)])
            return "diverged"
        nothing = Asked(number, ask.vault, -1, {}, None)
        codes, _ = await self._exchange([ask], [nothing])
        return codes.get(number)


_NEXT = {
    "removed": "Your records stay here, to read, edit and export; ask an owner if this was meant: `carnet status`.",
    "diverged": "The server's log was read anew, and what it lacked is sent again: `carnet findings`.",
    "device_forked": "This phone's store was copied and both are in use. This one goes on under a new card; the old one"
    " can be removed with `carnet members remove`. See `carnet findings`.",
    "rolled_back": "Nothing is sent until an owner's phone has repeated what the server lost: `carnet findings`.",
    "signature": "The server handed out something that nobody signed: `carnet findings`.",
    "two_histories": "This phone was let into another log than the server shows: nothing is sent. `carnet findings`.",
    "newer_version": "This vault needs a newer carnet.",
    "key_missing": "Another phone of this vault has to sync, so that it can hand over the key.",
    "behind": "The server was restored from a backup; sync again.",
    "until": "The end date has passed; what waits is kept and shown to an owner.",
    "rights": "This person may not write here (any more).",
    "quota": "The quota is used up; what waits is kept and sent another day.",
    "incomplete": "Not everything got through; sync again later.",
}
