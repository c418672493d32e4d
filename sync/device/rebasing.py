"""Rebase on the phone: the server's log is read anew beside the old one, then takes its place in one transaction.

While it is read, under a local number of its own that nothing shows, the person goes on with what she has; whatever
ends the sync on the way, the next one goes on from there. A card that turns out to be used twice (a copied store, an
image put back) is replaced meanwhile: a new card is enrolled in the account and added to every vault, by the old card;
then this phone is that card. The old one is never dropped by itself, and kept for some days (aftermath.py). Spec:
openapi/protocol/bad-days.md, "Rebase"; what becomes of each change is decided in sync.vault.rebase.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from sync.device.access import enrol, enrolment_signature
from sync.device.identity import (
    ForkedCard,
    Identity,
    get_forked,
    get_identity,
    get_next_identity,
    new_identity,
    put_forked,
    put_identity,
    put_next_identity,
)
from sync.device.names import device_key, name_edit
from sync.device.outbox import NEWER_VERSION
from sync.device.phone import Phone
from sync.device.reading import read_record
from sync.device.staging import stage
from sync.device.store.rows import Rows
from sync.device.transport import Answered, Transport
from sync.log.reading import ReadItem
from sync.log.state import LogState
from sync.merge.change import VAULT_RECORD, Change, Dot, RecordId, make_dot, number_of
from sync.vault.adopt import Name, by_record_id, named, stage_again
from sync.vault.intents import AddCard
from sync.vault.rebase import Past, Rebased, kept_names, past_of, rebase
from sync.vault.replay import Finding, Quarantined, open_items
from sync.vault.rollback import has_spoken, lose, prevs, settle
from sync.vault.state import VaultState
from sync.wire.ids import DeviceId, ItemHash
from sync.wire.item import EDITOR, OWNER, Entry, item_hash

FORKED = {"device_forked", "cloned"}  # the card is used twice
REBASES = FORKED | {"diverged"}  # the log is another


async def advance(phone: Phone, transport: Transport, identity: Identity, numbers: Iterable[int]) -> Identity:
    """One step of every rebase under way, between two round trips; gives who this phone is from now on.

    Raises: Unreachable.
    """
    async with phone.store.transaction() as rows:
        rebuilds = await rows.rebuilds()
        for number in numbers:
            await _begin_or_drop(rows, number, rebuilds.get(number))
        rebuilds = await rows.rebuilds()
        if not rebuilds:
            return identity
        reasons = {(await rows.get_vault(target)).rebuilding for target in rebuilds.values()}
        current = await get_identity(rows)
        if current is None or current.device != identity.device:
            return identity  # who asks is a recovery card
        new = await get_next_identity(rows)
        if new is None and reasons & FORKED:
            seeds = phone.draw(32), phone.draw(32)
            names = current.device_name, current.person_name
            new = new_identity(current.server, *names, *seeds, key_type=current.key_type)
            await put_next_identity(rows, new)
    if new is not None and not await _is_enrolled(transport, current, new):
        return identity
    async with phone.store.transaction() as rows:
        if new is not None and await _ask_in(rows, current, new):
            return await _switch(phone, rows, current, new)
        for number, target in (await rows.rebuilds()).items():
            state = await rows.get_vault(target)
            if state.at_head and not state.key_missing and state.rebuilding not in FORKED:
                await _take_place(rows, number, target, current.device, current.device)
    return identity


async def _begin_or_drop(rows: Rows, number: int, target: int | None) -> None:
    """Starts to read a log anew, and again if that one has changed meanwhile; a card that was removed reads nothing."""
    old = await rows.get_vault(number)
    why = old.halted
    if target is not None:
        state = await rows.get_vault(target)
        if not state.removed and state.halted not in REBASES:
            return
        await rows.drop_vault(target)
        await rows.drop_rebuild(target)
        why = state.rebuilding
        if state.removed:
            old.removed, old.halted = True, None
            await rows.put_vault(number, old)
            return
    if why not in REBASES:
        return
    target = await rows.next_vault()
    fresh = VaultState(LogState.empty(old.vault), old.person, old.keyring, n=old.n, rebuilding=why)
    fresh.dropped_ever = set(old.dropped_ever)
    await rows.put_vault(target, fresh)
    await rows.put_rebuild(target, number)


async def _is_enrolled(transport: Transport, current: Identity, new: Identity) -> bool:
    """Puts the new card into the account, signed for by the old one; doing it twice changes nothing."""
    assert current.account is not None, "a phone without an account does not sync"
    signature = enrolment_signature(current.keys, new.device, current.account)
    try:
        await enrol(transport, current.account, current.device, signature, new.keys)
    except Answered:
        return False  # the account has no place, or the old card none in it: nothing is lost, the next sync asks again
    return True


async def _ask_in(rows: Rows, current: Identity, new: Identity) -> bool:
    """Wishes the new card into every vault; True once it stands in all that this phone is still in."""
    everywhere = True
    rebuilds = await rows.rebuilds()
    for number in await rows.vaults():
        target = rebuilds.get(number, number)
        state = await rows.get_vault(target)
        if state.removed or state.halted == NEWER_VERSION:
            continue
        row = state.log.table.live().get(current.device)
        if row is None and state.at_head:
            continue
        flying = await rows.get_flying(target)
        if new.device in state.log.table.live() and state.at_head and not state.key_missing and not flying:
            continue
        everywhere = False
        if row is not None and new.device not in state.log.table.cards:
            person = state.log.table.people[row.person]
            wish = AddCard(new.card, row.person, person.role, person.until)
            if wish not in state.intents:
                state.intents = [wish, *state.intents]
                await rows.put_vault(target, state)
    return everywhere


async def _switch(phone: Phone, rows: Rows, current: Identity, new: Identity) -> Identity:
    """This phone is the new card from now on, in every vault at once."""
    rebuilds = await rows.rebuilds()
    after = msgspec.structs.replace(
        current, card=new.card, key_type=new.key_type, signing_seed=new.signing_seed, kem_seed=new.kem_seed
    )
    await put_identity(rows, after)
    before = msgspec.structs.replace(current, recovery_kept=None)
    await put_forked(rows, [ForkedCard(before, phone.now_ms()), *await get_forked(rows)])
    await put_next_identity(rows, None)
    for number in await rows.vaults():
        state = await rows.get_vault(rebuilds.get(number, number))
        if new.device not in state.log.table.live():
            continue
        if number in rebuilds:
            await _take_place(rows, number, rebuilds[number], current.device, new.device)
        else:
            await _write_under(rows, number, state, current.device, new.device)
        record = await read_record(rows, number, VAULT_RECORD)
        if (state.log.table.role(new.device) or 0) >= EDITOR:
            name = {device_key(new.device): after.device_name}
            await stage(phone, rows, after, number, [name_edit(record, name)])
    return after


async def _write_under(rows: Rows, number: int, state: VaultState, old: DeviceId, new: DeviceId) -> None:
    """What waits in a vault whose log stays: the same under the new card."""
    pending = await rows.get_pending(number)
    ordinals = state.ordinals

    def here(name: Name) -> Dot | None:
        held = 0 < name.n <= state.vector.get(name.device, 0)
        return make_dot(ordinals[name.device], name.n) if held else None

    waiting = [named(change, state.devices) for change in pending]
    made = stage_again(old, waiting, ordinals[new], state.n, here)
    await rows.drop_pending(number, [number_of(change.dot) for change in pending])
    await rows.put_pending(number, made)
    state.n += len(made)
    state.acked, state.refusal = set(), None
    await rows.put_vault(number, state)


class _Log(NamedTuple):
    """A log as this phone holds it: its state, its past, the hashes of all its frames."""

    state: VaultState
    past: Past
    hashes: set[bytes]
    entries: list[tuple[ReadItem, str | None]]
    frames: list[ReadItem]

    def births(self, name: Name) -> RecordId | None:
        """The record that a change of this log is a birth of."""
        change = self.past.changes.get(name)
        return RecordId(change.record) if change and change.birth and isinstance(change.record, bytes) else None


async def _read(rows: Rows, number: int) -> _Log:
    state = await rows.get_vault(number)
    items = await rows.get_items(number, 0)
    opened = open_items([item for _, item, _ in items], state)
    verdicts = [verdict for _, _, verdict in items]
    reads = [(one.read, verdict) for one, verdict in zip(opened, verdicts, strict=True) if one.read]
    entries = [(read, verdict) for read, verdict in reads if isinstance(read.body, Entry)]
    hashes = {bytes(read.hash) for read, _ in reads}
    frames = [read for read, _ in reads if not isinstance(read.body, Entry)]
    return _Log(state, past_of(zip(opened, verdicts, strict=True)), hashes, entries, frames)


async def _take_place(rows: Rows, number: int, target: int, mine: DeviceId, writer: DeviceId) -> None:
    """The log that was read anew takes the place of the old one, with what it lacks in the outbox or offered."""
    old, new = await _read(rows, number), await _read(rows, target)
    waiting = [named(change, old.state.devices) for change in await rows.get_pending(number)]
    numbers = [name.n for name in {**old.past.changes, **new.past.changes} if name.device == writer]
    last = max([old.state.n, new.state.n, *numbers, *(change.n for change in waiting)])
    done = rebase(old.past, waiting, new.past, mine=mine, writer=writer, devices=new.state.devices, last_n=last)
    kept = await _kept(rows, number, old, new, mine, done)
    findings, flying = await rows.get_findings(number), await rows.get_flying(number)
    intents = [intent for intent in old.state.intents if intent not in new.state.intents]
    await rows.drop_vault(number)
    await rows.move_vault(target, number)
    await rows.drop_rebuild(target)
    state = new.state
    own, refused = _allowed(state, writer, done.own)
    state.n = max([last, *(number_of(change.dot) for change in done.own)])
    state.rebuilding, state.halted, state.refusal, state.acked = None, None, None, set()
    state.intents, state.unproved, state.heard = [*state.intents, *intents], old.state.unproved, old.state.heard
    state.replayed_day = old.state.replayed_day
    state.dropped_ever |= old.state.dropped_ever
    own_frames = {read.hash for read in old.frames if read.author == mine}
    state.left_frames = old.state.left_frames | own_frames | {item_hash(one.item.signed) for one in flying}
    rolled_back = _lose_entries(state, old, new)
    state.at_head = state.at_head and not state.lost  # one more request, which hands in what the server lost
    await rows.put_vault(number, state)
    await rows.put_pending(number, own)
    if refused:
        kept.append(Quarantined(0, writer, "rights", len(refused), tuple(refused)))
    there = {row.frame for row in kept if row.frame}
    await rows.put_quarantined(number, [*kept, *_offered(done, there)])
    await rows.put_findings(number, [*(finding for _, unread, finding in findings if unread), *rolled_back])


def _lose_entries(state: VaultState, old: _Log, new: _Log) -> list[Finding]:
    """Entries that were good in the old log and are not in the new one hold the phone back until owners have spoken."""
    state.known_lost |= old.state.known_lost
    state.lost, state.owners_before = dict(old.state.lost), old.state.owners_before
    state.epoch_top = max(state.epoch_top, old.state.epoch_top)
    lost = [read for read, verdict in old.entries if verdict is None and read.hash not in new.hashes]
    lose(state, lost)
    state.lost = {hash_: item for hash_, item in state.lost.items() if hash_ not in new.hashes}
    if not state.lost:
        return []
    if state.owners_before is None:
        table = old.state.log.table
        state.owners_before = {device for device in table.live() if table.role(device) == OWNER}
    state.spoken = has_spoken(state, new.entries, prevs(state))
    settle(state)
    return [Finding("rolled_back", state.log.seq, lost[-1].item)] if lost else []


def _allowed(state: VaultState, writer: DeviceId, own: list[Change]) -> tuple[list[Change], list[Change]]:
    """What may be sent, and names of people that this person may not write any more: they would void its frame."""
    if state.log.table.role(writer) == OWNER:
        return own, []
    names = [c for c in own if c.record == VAULT_RECORD and any(not k.startswith("device/") for k, _ in c.sets)]
    return [change for change in own if change not in names], names


def _offered(done: Rebased, there: set[ItemHash]) -> list[Quarantined]:
    return [
        Quarantined(0, offer.author, "rebased", len(offer.changes), frame=offer.frame, carried=offer.changes)
        for offer in done.offers
        if offer.frame not in there
    ]


async def _kept(rows: Rows, number: int, old: _Log, new: _Log, mine: DeviceId, done: Rebased) -> list[Quarantined]:
    """What was kept beside the old log and is not in the new one, in names that hold outside of a log."""
    kept = []
    for _, row in await rows.get_quarantined(number):
        carried = row.carried
        if row.frame is not None and (row.frame in new.hashes or row.frame in new.state.adopted):
            continue
        if row.changes:
            carried = tuple(named(change, old.state.devices) for change in row.changes)
        elif row.seq and not carried:
            [(_, item, _)] = await rows.get_items(number, row.seq - 1, 1)
            [opened] = open_items([item], old.state)
            carried = tuple(
                by_record_id(row.device, opened.content.named() if opened.content else [], old.births) or ()
            )
        if carried:
            device = row.device if row.frame else mine
            carried = kept_names(device, carried, done.renamed, done.here)
            kept.append(Quarantined(0, device, row.why, len(carried), frame=row.frame, carried=carried))
    return kept
