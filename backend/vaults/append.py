"""One transaction that appends what phones hand in: lock heads, rule, insert items, wraps and heads.

Several hand-ins share one transaction and so one commit. They are independent: if the transaction fails, each is tried
alone, and only the one that fails has failed. Nothing is acknowledged before the commit. Invariants: a vault's head,
its items, its wraps and the index of listed cards change together or not at all. Spec: openapi/protocol/sync.md,
"What is refused" and "Durability".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from backend.ledger.store import Happened
from backend.ledger.store import append as append_ledger
from backend.notices.store import lay_down
from backend.push.store import wish_notices, wish_wakes
from backend.storage.announcing import of_device, of_vault
from backend.storage.engine import Engine, StorageBusy, StorageUnavailable, Transaction
from backend.vaults import store
from backend.vaults.beside import make_room, place_wraps, sizes_hold, slot_for
from backend.vaults.ruling import Bounds, HandIn, Known, Verdict, apply, frames_to_know, item_bytes, rule, seqs_to_know
from backend.vaults.signed import Checked
from backend.vaults.store import NewItem, Vault
from sync.log.reading import ReadItem
from sync.wire.exchange import VaultAsk
from sync.wire.ids import AccountId, DeviceId, ItemHash, VaultId
from sync.wire.item import ENTRY, Entry, Frame, Item

TRIES = 2  # of one push whose transaction another's was in the way of


class Push(NamedTuple):
    """What one device hands in for one vault. `items`, `lost`: read, signatures looked at; None for a malformed one."""

    device: DeviceId
    account: AccountId
    ask: VaultAsk
    items: tuple[Checked | None, ...]
    lost: tuple[Checked | None, ...]
    now_ms: int


class Change(NamedTuple):
    """An entry that changed who is in a vault. `cards`: those that it listed before or after this push."""

    vault: VaultId
    seq: int
    hash: ItemHash
    cards: frozenset[DeviceId]


class Outcome(NamedTuple):
    """What became of a push. `held`: seq to hash of the items of this push that stand in the log, for the answer.

    `dropped`: cards that the log no longer lists. `stored`: how many entries and frames are new in the log.
    """

    vault: Vault | None
    code: str | None
    acks: tuple[ItemHash, ...]
    held: dict[int, ItemHash]
    proof: Item | None
    dropped: tuple[DeviceId, ...] = ()
    stored: tuple[int, int] = (0, 0)
    changes: tuple[Change, ...] = ()


async def append_all(engine: Engine, pushes: Sequence[Push], bounds: Bounds) -> list[Outcome | Exception]:
    """Appends each push, in order, in as few commits as can be: one, or one each if the common one fails.

    Repeated only after a failure that has rolled everything back, or where what is stored already is known again
    (SYN-31): nothing is stored or counted twice.
    """
    for left in reversed(range(1 if len(pushes) > 1 else TRIES)):
        try:
            return list(await _append_together(engine, pushes, bounds))
        except StorageBusy as error:
            if len(pushes) == 1 and not left:
                return [error]
        except StorageUnavailable as error:
            return [error] * len(pushes)  # alone each would wait as long, and fail
        except Exception as error:
            if len(pushes) == 1:
                return [error]
    outcomes: list[Outcome | Exception] = []
    for push in pushes:
        outcomes += await append_all(engine, [push], bounds)
    return outcomes


async def _append_together(engine: Engine, pushes: Sequence[Push], bounds: Bounds) -> list[Outcome]:
    changed: dict[VaultId, Vault] = {}
    outcomes = []
    async with engine.transaction() as tx:
        loaded = await _lock_heads(tx, pushes)
        for push in pushes:
            vault_id = push.ask.vault
            outcome, touched = await _append_one(tx, loaded.get(vault_id), push, bounds)
            if outcome.vault is not None:
                loaded[vault_id] = outcome.vault
                if touched:
                    changed[vault_id] = outcome.vault
            outcomes.append(outcome)
        await store.write_heads(tx, changed.values())
        for push, outcome in zip(pushes, outcomes, strict=True):
            # Also for what stands beside the log: who lacks a key, and who has handed one over.
            if outcome.vault is not None and (any(outcome.stored) or push.ask.wraps or push.ask.vault in changed):
                tx.announce(of_vault(outcome.vault.number), push.device)
        # Accounts are locked first, all and in one order; then wishes are, in theirs (push/store.py).
        await _enter_changes(tx, pushes, outcomes)
        told = await _lay_down_removals(tx, pushes, outcomes)
        hands = [(loaded[vault].number, by) for vault, by in _appended(pushes, outcomes).items()]
        if hands:
            await wish_wakes(tx, hands, pushes[0].now_ms)
        if told:
            await wish_notices(tx, told, "removed", False, pushes[0].now_ms)
    return outcomes


def _appended(pushes: Sequence[Push], outcomes: Sequence[Outcome]) -> dict[VaultId, DeviceId]:
    """The vaults whose logs have grown, and by whose hand; by no device's, if by several."""
    hands: dict[VaultId, DeviceId] = {}
    for push, outcome in zip(pushes, outcomes, strict=True):
        if any(outcome.stored):
            vault = push.ask.vault
            hands[vault] = push.device if hands.get(vault, push.device) == push.device else DeviceId(b"")
    return hands


async def _lay_down_removals(
    tx: Transaction, pushes: Sequence[Push], outcomes: Sequence[Outcome]
) -> list[tuple[AccountId, DeviceId]]:
    """Lays down for whom a card was dropped that it was; gives whom to push. Their ledgers have been entered."""
    told = [
        (account, push)
        for push, outcome in zip(pushes, outcomes, strict=True)
        if outcome.dropped
        for account in await store.accounts_of(tx, outcome.dropped)
    ]
    for account, push in sorted(told, key=lambda pair: pair[0]):
        await lay_down(tx, account, "removed", push.device, push.now_ms)
    return [(account, push.device) for account, push in told]


async def _enter_changes(tx: Transaction, pushes: Sequence[Push], outcomes: Sequence[Outcome]) -> None:
    """Writes each change of who is in a vault into the ledgers of all accounts that it concerns."""
    entered = [
        (account, change, push)
        for push, outcome in zip(pushes, outcomes, strict=True)
        for change in outcome.changes
        for account in await store.accounts_of(tx, change.cards)
    ]
    for account, change, push in sorted(entered, key=lambda one: one[0]):
        happened = Happened("membership", change.vault, push.device, change.seq, change.hash)
        await append_ledger(tx, account, happened, push.now_ms)


async def _lock_heads(tx: Transaction, pushes: Sequence[Push]) -> dict[VaultId, Vault]:
    """The vaults of these pushes that there are. Locked in one order, so that no two groups wait in a circle."""
    loaded: dict[VaultId, Vault] = {}
    for vault_id in sorted({push.ask.vault for push in pushes}):
        vault = await store.lock_head(tx, vault_id)
        if vault is not None:
            loaded[vault_id] = vault
    for account in sorted({push.account for push in pushes if push.ask.vault not in loaded and push.items}):
        await store.lock_founder(tx, account)
    return loaded


async def _append_one(tx: Transaction, vault: Vault | None, push: Push, bounds: Bounds) -> tuple[Outcome, bool]:
    """Applies one push to a locked head; True if the head must be written."""
    ask, is_new = push.ask, vault is None
    if vault is None:
        code = await _may_found(tx, push, bounds)
        if code is not None:
            return Outcome(None, code, (), {}, None), False
        vault = store.new_vault(ask.vault)
    if not sizes_hold(ask.wraps, ask.keybox):
        return Outcome(None if is_new else vault, "shape", (), {}, None), False
    table_before = vault.state.table
    was_live = table_before.role(push.device) is not None
    hand = HandIn(push.device, ask.replay, ask.wraps, ask.keybox, push.now_ms)

    acks, held, new_items, refusal = await _rule_items(tx, vault, push, hand, bounds)
    if vault.state.seq == 0:
        return Outcome(None, refusal.code, (), {}, None), False
    if is_new:
        await store.make_head(tx, vault, push.account, push.now_ms)
    dropped: tuple[DeviceId, ...] = ()
    changes: tuple[Change, ...] = ()
    if new_items:
        await store.write_items(tx, vault, new_items)
        if vault.state.table is not table_before:
            before, after = table_before.live(), vault.state.table.live()
            dropped = await store.write_members(tx, vault.number, table_before, vault.state.table)
            cards = frozenset(before.keys() | after.keys())
            changes = _changes(ask.vault, new_items, cards)
            for device in after.keys() ^ before.keys():
                tx.announce(of_device(device), push.device)
    is_live = vault.state.table.role(push.device) is not None
    entries = sum(isinstance(new.read.body, Entry) for new in new_items)
    if (ask.wraps or ask.keybox) and (was_live or is_live or (ask.replay and new_items)):
        await _lay_beside(tx, vault, push, entries > 0)
    touched = bool(new_items)
    if is_live:
        touched |= _note_wish(vault, push)
    if (is_live and push.lost) or (vault.facts.lost and new_items):
        touched |= await _keep_lost(tx, vault, push, new_items)
    stored = (entries, len(new_items) - entries)
    return Outcome(vault, refusal.code, tuple(acks), held, refusal.proof, dropped, stored, changes), touched


def _changes(vault: VaultId, items: list[NewItem], cards: frozenset[DeviceId]) -> tuple[Change, ...]:
    return tuple(
        Change(vault, new.seq, new.read.hash, cards)
        for new in items
        if isinstance(new.read.body, Entry) and new.read.body.edits
    )


async def _may_found(tx: Transaction, push: Push, bounds: Bounds) -> str | None:
    """Why this push may not found a vault: `removed` is what a stranger hears of any vault."""
    first = push.items[0] if push.items else None
    if not push.items:
        return "removed"
    if first is None:
        return "shape"
    if first.read.item.kind != ENTRY or (first.read.author != push.device and not push.ask.replay):
        return "rights"
    if await store.count_vaults(tx, push.account) >= bounds.vaults_an_account_max:
        return "vault_limit"
    return None


async def _rule_items(
    tx: Transaction, vault: Vault, push: Push, hand: HandIn, bounds: Bounds
) -> tuple[list[ItemHash], dict[int, ItemHash], list[NewItem], Verdict]:
    """Rules on the items in order up to the first refusal, and takes what is good into the fold."""
    state = vault.state
    acks: list[ItemHash] = []
    held: dict[int, ItemHash] = {}
    new_items: list[NewItem] = []
    known = await _look_up(tx, vault, push)
    for checked in push.items:
        if checked is None:
            return acks, held, new_items, Verdict("shape")
        read = checked.read
        verdict = rule(state, vault.facts, vault.bytes, read, checked.verified, known, hand, bounds)
        if verdict.code is not None:
            return acks, held, new_items, verdict
        if verdict.seq is None:
            apply(state, vault.facts, read, verdict, hand)
            vault.bytes += item_bytes(read.item)
            known.log_hashes[state.seq] = state.log_hash
            ordinal = state.table.cards[read.author].ordinal
            new_items.append(NewItem(state.seq, read, state.log_hash, vault.bytes, ordinal))
            if isinstance(read.body, Frame):
                stored = store.StoredFrame(state.seq, read.hash, read.item)
                known.frames[read.author, read.body.header.fseq] = stored
            else:
                known.entries[read.hash] = state.seq
        acks.append(read.hash)
        held[verdict.seq or state.seq] = read.hash
    return acks, held, new_items, Verdict()


async def _look_up(tx: Transaction, vault: Vault, push: Push) -> Known:
    """Asks the store what the items of this push name; mostly nothing."""
    reads = [checked.read for checked in push.items if checked is not None]
    state, known = vault.state, Known({vault.state.seq: vault.state.log_hash}, {}, {})
    if push.ask.cursor <= state.seq:
        known.log_hashes[push.ask.cursor] = push.ask.log_hash  # compared with the log before the push was made
    if vault.number == 0:
        return known
    for seq in seqs_to_know(state, reads) - known.log_hashes.keys():
        known.log_hashes[seq] = (await store.standing_at(tx, vault, seq)).log_hash
    for device, fseq in frames_to_know(state, reads):
        known.frames[device, fseq] = await store.read_frame_at(tx, vault, device, fseq)
    for read in reads:
        if isinstance(read.body, Entry):
            stands_at = await store.seq_of_entry(tx, vault, read.hash)
            if stands_at is not None:
                known.entries[read.hash] = stands_at
    return known


def _giver(vault: Vault, device: DeviceId) -> bytes:
    """Whose slot a device lays things in: its person's, or its own if the log does not know it."""
    row = vault.state.table.cards.get(device)
    return row.person if row else device


async def _lay_beside(tx: Transaction, vault: Vault, push: Push, with_entry: bool) -> None:
    """Lays wraps and keybox of the head epoch; what came with the entry stays for ever."""
    epoch, ask = vault.state.epoch, push.ask
    if epoch is None:
        return
    giver = _giver(vault, push.device)
    if ask.wraps:
        taken = await store.wrap_slots(tx, vault.number, epoch.id)
        laid = place_wraps(ask.wraps, taken, vault.state.table.live(), epoch.id, giver, with_entry)
        await store.write_wraps(tx, vault.number, laid)
    if ask.keybox is not None and ask.keybox.epoch == epoch.id:
        slot = slot_for(await store.keybox_slots(tx, vault.number, epoch.id), giver, with_entry)
        if slot is not None:
            await store.write_keybox(tx, vault.number, ask.keybox, slot)


def _note_wish(vault: Vault, push: Push) -> bool:
    """A card that lacks the head's key asks the others for it, until it no longer says so."""
    wishes = vault.facts.wishes
    if push.ask.key_missing == (push.device in wishes):
        return False
    without = tuple(device for device in wishes if device != push.device)
    vault.facts.wishes = (*without, push.device) if push.ask.key_missing else without
    return True


async def _keep_lost(tx: Transaction, vault: Vault, push: Push, new_items: list[NewItem]) -> bool:
    """Keeps signed entries that a restore lost, for owners; lets go of those that stand in the log again."""
    held = await store.lost_slots(tx, vault.number)
    again = {new.read.hash for new in new_items} & {entry for entry, _ in held}
    held = [(entry, slot) for entry, slot in held if entry not in again]
    dropped = set(again)
    laid: list[tuple[ReadItem, bytes]] = []
    giver = _giver(vault, push.device)
    for checked in push.lost:
        if checked is None or not checked.verified or not isinstance(checked.read.body, Entry):
            continue
        read = checked.read
        if read.vault != vault.state.vault or any(entry == read.hash for entry, _ in held):
            continue
        if await store.seq_of_entry(tx, vault, read.hash) is not None:
            continue
        room = make_room(held, giver)
        if room is None:
            break
        if isinstance(room, bytes):
            dropped.add(ItemHash(room))
            held = [(entry, slot) for entry, slot in held if entry != room]
            laid = [(other, slot) for other, slot in laid if other.hash != room]
        held.append((read.hash, giver))
        laid.append((read, giver))
    if not dropped and not laid:
        return False
    await store.drop_lost(tx, vault.number, dropped)
    await store.write_lost(tx, vault.number, vault.state.seq, laid)
    vault.facts.lost = len(held)
    return True
