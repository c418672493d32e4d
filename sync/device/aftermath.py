"""What a phone that came from a recovery code, or took a new card, still has to see to, after each sync.

It keeps the used code, or the card that was used twice, for some days: a server that was restored to before that knows
neither this phone nor its entry, and gets both again from the old card. And a recovered phone looks for the item by
which another one bears out what the server showed it. Spec: openapi/protocol/recovery.md; bad-days.md, MUST BAD-33.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from crypto.secret.secret import Secret
from sync.device.access import access_token, ask_once, enrol, enrolment_signature, open_account, refusal
from sync.device.health_cards import publish_waiting
from sync.device.identity import (
    Identity,
    Recovery,
    get_forked,
    get_recovery,
    put_forked,
    put_identity,
    put_recovery,
)
from sync.device.inbox import settle_inbox
from sync.device.outbox import replay_ask
from sync.device.phone import Phone
from sync.device.reading import identity_of
from sync.device.recovering import card_identity
from sync.device.refused import Refused
from sync.device.renewing import settle_account
from sync.device.share_laying import settle_shares
from sync.device.store.rows import Rows
from sync.device.syncing import SyncReport, Watch, sync
from sync.device.transport import Answered, Transport, Unreachable
from sync.log.reading import read_item
from sync.log.state import LogState
from sync.vault.entries import build_entry
from sync.vault.intents import AddCard, Meaning, meaning
from sync.vault.keyring import Keyring
from sync.vault.recovery import Recover, bears_out, fold, recovery_edits
from sync.vault.state import VaultState
from sync.wire.exchange import Items, VaultAnswer, VaultAsk
from sync.wire.ids import AccountId, DeviceId
from sync.wire.item import OWNER, Item

KEPT_DAYS = 30  # how long an old card is kept, as long as a server stores frames of those who lost their rights
_KEPT_MS = KEPT_DAYS * 86_400_000
_TRIES = 40  # of an entry that others overtake; a bot's quota does not last as long
_PAGES = 10_000


class _Old(NamedTuple):
    """A card that this phone keeps, the vaults it is kept for, and what it says in a log that lacks this phone's own.

    `account`: this phone's, None if the card opens one first. `hands_in`: it gives a server that only lost the end of
    the log this phone's copy of that instead.
    """

    card: Identity
    numbers: list[int]
    says: Callable[[LogState], Meaning | None]
    account: AccountId | None
    hands_in: bool


async def sync_and_see_to(phone: Phone, only: list[int] | None = None, *, watch: Watch = lambda *_: None) -> SyncReport:
    """A sync, and what a phone with an old card owes besides. Raises: as `sync`."""
    try:
        report = await sync(phone, only, watch=watch)
    except Refused as refused:
        if refused.code != "account_gone" or not await _enrolled_again(phone):
            raise
        report = await sync(phone, only, watch=watch)
    if await _repeat(phone, report):
        report = await sync(phone, only, watch=watch)
    await settle_account(phone)
    report.shares = await settle_shares(phone)
    await settle_inbox(phone)
    await publish_waiting(phone)
    async with phone.store.transaction() as rows:
        recovery = await get_recovery(rows)
        if recovery is not None:
            await _look_for_witnesses(rows, recovery)
            if len(recovery.old) and not _is_kept(phone, recovery.begun_ms):
                recovery.old = Secret(b"")
                await put_recovery(rows, recovery)
        forked = await get_forked(rows)
        kept = [one for one in forked if _is_kept(phone, one.since_ms)]
        if kept != forked:
            await put_forked(rows, kept)
    return report


def _is_kept(phone: Phone, since_ms: int) -> bool:
    return phone.now_ms() - since_ms <= _KEPT_MS


async def _old_cards(phone: Phone) -> list[_Old]:
    """The cards that this phone keeps, the one it had last first."""
    async with phone.store.transaction() as rows:
        recovery, forked = await get_recovery(rows), await get_forked(rows)
        if recovery is None and not forked:
            return []
        me, numbers = await identity_of(rows), await rows.vaults()
    olds = [
        _Old(one.was, numbers, partial(_adds_again, one.was.device, me), me.account, True)
        for one in forked
        if _is_kept(phone, one.since_ms)
    ]
    if recovery is not None and len(recovery.old) and _is_kept(phone, recovery.begun_ms):
        card = card_identity(me.server, recovery.old)
        recover = Recover(card.device, me.card, recovery.card, recovery.lost)
        olds.append(_Old(card, list(recovery.met), partial(_recovers_again, recover), None, False))
    return olds


def _adds_again(old: DeviceId, me: Identity, log: LogState) -> Meaning | None:
    """The card that was used twice adds the one that this phone took instead."""
    row = log.table.live().get(old)
    if row is None or me.device in log.table.cards:
        return None
    person = log.table.people[row.person]
    return meaning(AddCard(me.card, row.person, person.role, person.until), log, old)


def _recovers_again(recover: Recover, log: LogState) -> Meaning | None:
    edits = recovery_edits(recover, log.table)
    return Meaning(edits, log.table.role(recover.old) == OWNER) if edits else None


async def _enrolled_again(phone: Phone) -> bool:
    """The server has never heard of this phone: an old card enrols it again. False if none is heard either."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
    for old in await _old_cards(phone):
        transport = phone.connect(identity.server)
        try:
            await access_token(phone, transport, old.card, renew=True)
            account = old.account or await open_account(transport, identity.server, old.card.keys)
            signature = enrolment_signature(old.card.keys, identity.device, account)
            await enrol(transport, account, old.card.device, signature, identity.keys)
        except Answered:
            continue
        except Unreachable as error:
            raise refusal(error) from error
        finally:
            await transport.close()
        async with phone.store.transaction() as rows:
            identity = await identity_of(rows)
            identity.account = account
            await put_identity(rows, identity)
        return True
    return False


async def _repeat(phone: Phone, report: SyncReport) -> bool:
    """Where a log without this phone's entry was met, an old card brings it again; True if one did somewhere."""
    strange = {vault.id for vault in report.vaults if vault.code in ("removed", "diverged", "halted")}
    repeated = False
    for old in await _old_cards(phone) if strange else []:
        async with phone.store.transaction() as rows:
            me = (await identity_of(rows)).device
            states = [(number, await rows.get_vault(number)) for number in old.numbers]
        lost = [(number, s) for number, s in states if s.vault.hex() in strange and me not in s.dropped_ever]
        transport = phone.connect(old.card.server)
        try:
            token = await access_token(phone, transport, old.card, renew=True) if lost else ""
            for number, state in lost:
                repeated |= await _bring_again(phone, transport, token, old, number, state)
        except Answered:
            continue  # the old card is no longer heard: whoever dropped this phone meant it
        except Unreachable as error:
            raise refusal(error) from error
        finally:
            await transport.close()
    return repeated


async def _bring_again(
    phone: Phone, transport: Transport, token: str, old: _Old, number: int, state: VaultState
) -> bool:
    """Reads the server's log blindly as the old card, and has it sign its entry there."""
    card, log = old.card, LogState.empty(state.vault)
    keyring, kem_keys, handed_in = Keyring(state.keyring.raw()), dict(state.kem_keys), -1
    for _ in range(_TRIES):
        if not await _read_on(transport, token, card, log, keyring, kem_keys):
            return False
        says = old.says(log)
        if says is None:
            return handed_in >= 0
        if old.hands_in and handed_in < log.seq < state.log.seq:
            async with phone.store.transaction() as rows:
                lost = await replay_ask(phone, rows, number, log.seq, log.log_hash)
            if lost is not None:
                handed_in = log.seq
                await ask_once(transport, token, [lost])
                continue
        try:
            built = build_entry(
                log,
                card.keys,
                says.edits,
                keyring=keyring,
                kem_keys=kem_keys,
                fresh_key=Secret(phone.draw(32)) if says.starts_epoch else None,
                salt=phone.draw(32),
            )
        except LookupError:
            return False
        ask = VaultAsk(state.vault, log.seq, log.log_hash, 0, (built.item,), built.wraps, built.keybox)
        answers = [m for m in await ask_once(transport, token, [ask]) if isinstance(m, VaultAnswer)]
        if any(answer.acks for answer in answers):
            return True
        if not answers or answers[0].code != "cas":
            return False
    return False


async def _read_on(
    transport: Transport,
    token: str,
    card: Identity,
    log: LogState,
    keyring: Keyring,
    kem_keys: dict[DeviceId, bytes],
) -> bool:
    """Takes in what follows `log`, page by page; False if the server gives no log to this card."""
    for _ in range(_PAGES):
        ask = VaultAsk(log.vault, log.seq, log.log_hash, 0)
        answer, items = None, list[Item]()
        for message in await ask_once(transport, token, [ask]):
            if isinstance(message, VaultAnswer):
                answer = message
            elif isinstance(message, Items):
                items += [item for item in message.items if isinstance(item, Item)]
        if answer is None or answer.code in ("removed", "behind", "diverged"):
            return False
        if not fold(log, items, kem_keys):
            return False
        if answer.key and log.epoch:
            keyring.learn(answer.key, log.epoch.suite, log.vault, card.device, card.keys.kem)
        if not answer.more:
            return True
    return False


async def _look_for_witnesses(rows: Rows, recovery: Recovery) -> None:
    """Ends `unproved` where a phone that was there before this one has read the log as this one met it."""
    me = (await identity_of(rows)).device
    for number, met in recovery.met.items():
        state = await rows.get_vault(number)
        if not state.unproved or me not in state.log.table.cards:
            continue
        checked = recovery.checked.get(number, met)
        items = await rows.get_items(number, checked if checked <= state.log.seq else met)
        reads = [read_item(item) for _, item, void in items if void is None]
        reads = [read for read in reads if bears_out(read, state.log.table, me, met)]
        heads = await rows.get_heads(number, {read.seen_seq for read in reads})
        if any(heads.get(read.seen_seq) == read.seen_L for read in reads):
            state.unproved = False
            await rows.put_vault(number, state)
        recovery.checked[number] = state.log.seq
    await put_recovery(rows, recovery)
