"""What is kept outside the state and what a person does with it: take it over, or put it away. No server.

Taken over are grace frames (by owners), changes that another log held and this one lacks, and one's own that were set
aside. To decline a grace frame is a change that every owner reads; to decline anything else is said on this phone
alone. Spec: openapi/protocol/bad-days.md, "Grace"; the changes themselves are made in sync.vault.adopt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from sync.device.identity import Identity
from sync.device.phone import Phone
from sync.device.reading import identity_of
from sync.device.refused import Refused
from sync.device.staging import stage
from sync.device.store.rows import Rows
from sync.merge.change import LIFE, PERSON, VAULT_RECORD, Change, Dot, Edit, RecordId, Via, make_dot, number_of
from sync.vault.adopt import Name, adopt, by_record_id, carry, named, old_dot, stage_again
from sync.vault.content import WireChange
from sync.vault.replay import Outcome, Quarantined, names_needed, open_items
from sync.vault.state import VaultState
from sync.wire.ids import DeviceId
from sync.wire.item import EDITOR, OWNER


class _Kept(NamedTuple):
    id: int
    number: int
    row: Quarantined
    state: VaultState


def is_grace(state: VaultState, row: Quarantined) -> bool:
    """True for a void frame of somebody who had lost the right to write: what owners decide about."""
    return bool(row.seq) and row.why == "rights" and row.device in state.log.lost_rights


async def adopt_kept(phone: Phone, wanted: str) -> None:
    """Makes what is kept under this number anew, as changes of this phone. Raises: Refused."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        kept = await _find(rows, wanted)
        row, state = kept.row, kept.state
        role = state.log.table.role(identity.device)
        if role is None or (role < OWNER and is_grace(state, row)):
            raise Refused("not_member")
        if role < EDITOR:
            raise Refused("read_only")
        changes = await _changes(rows, kept)
        if not changes:
            raise Refused("not_adoptable")
        ordinal = state.log.table.cards[identity.device].ordinal
        here = await _here(rows, kept, identity)
        if row.frame is not None and row.device != identity.device:
            made = adopt(row.frame, row.device, changes, ordinal, state.n, here)
        else:
            made = stage_again(row.device, changes, ordinal, state.n, here)
        await _put(rows, kept, made)


async def decline_kept(phone: Phone, wanted: str) -> None:
    """Puts what is kept under this number away. Raises: Refused."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        kept = await _find(rows, wanted)
        if is_grace(kept.state, kept.row) and kept.state.log.table.role(identity.device) == OWNER:
            assert kept.row.frame is not None, "a frame of the log has a hash"
            no = Edit(VAULT_RECORD, False, PERSON, Via("frame", kept.row.frame), (), ())
            await stage(phone, rows, identity, kept.number, [no])
        await rows.drop_quarantined(kept.id)


async def own_set_aside(rows: Rows, number: int, identity: Identity) -> list[Change]:
    """One's own changes that were set aside, beside what stands in its place: what only this phone has to tell.

    Not deletions of what the log holds: they have nothing to tell, and would hide what stands.
    """
    state = await rows.get_vault(number)
    kept = [_Kept(id_, number, row, state) for id_, row in await rows.get_quarantined(number) if row.frame is None]
    told = [(one.row.device, change) for one in kept for change in await _changes(rows, one)]
    held = await rows.get_records(number, {RecordId(c.record) for _, c in told if isinstance(c.record, bytes)})
    told = [(device, c) for device, c in told if c.record not in held or all(key != LIFE for key, _ in c.sets)]
    if not told:
        return []
    return carry(told, state.log.table.cards[identity.device].ordinal, state.n, lambda _: None, old_dot).changes


async def settle_quarantine(rows: Rows, number: int, state: VaultState, outcome: Outcome) -> None:
    """What the log has brought is not offered any more: adopted or declined frames, and changes whose author brought
    them herself."""
    if not state.adopted and not outcome.brought:
        return
    for id_, row in await rows.get_quarantined(number):
        said = outcome.brought
        left = tuple(
            c for c in row.carried if all(said.get(name) != (c.record, c.sets) for name in _names_of(row.device, c))
        )
        if row.frame in state.adopted or (row.carried and not left):
            await rows.drop_quarantined(id_)
        elif len(left) < len(row.carried):
            await rows.drop_quarantined(id_)
            await rows.put_quarantined(number, [msgspec.structs.replace(row, carried=left, count=len(left))])


def _names_of(author: DeviceId, change: WireChange) -> list[tuple[DeviceId, int]]:
    """What a change is called, and what it was called before its author carried it: a clone may bring that one."""
    was = [(DeviceId(change.via.ref), change.via.n)] if change.via is not None and change.via.kind == "dot" else []
    return [(author, change.n), *was]


async def _find(rows: Rows, wanted: str) -> _Kept:
    for number in await rows.vaults():
        for id_, row in await rows.get_quarantined(number):
            if str(id_) == wanted:
                return _Kept(id_, number, row, await rows.get_vault(number))
    raise Refused("no_such_quarantine")


async def _changes(rows: Rows, kept: _Kept) -> list[WireChange]:
    """What can be taken over of it, records by id; names of people and devices are nobody's but the owners' to give."""
    row, state = kept.row, kept.state
    if row.carried:
        found = list(row.carried)
    elif row.changes:
        found = [named(change, state.devices) for change in row.changes]
    elif is_grace(state, row):
        found = await _in_frame(rows, kept)
    else:
        found = []
    return [change for change in found if change.record != VAULT_RECORD or not row.frame]


async def _in_frame(rows: Rows, kept: _Kept) -> list[WireChange]:
    [(_, item, _)] = await rows.get_items(kept.number, kept.row.seq - 1, 1)
    opened = open_items([item], kept.state)
    _, dots = names_needed(opened, kept.state)
    births, _ = await rows.get_births(kept.number, dots)
    ordinals = kept.state.ordinals

    found = by_record_id(
        kept.row.device,
        opened[0].content.named() if opened[0].content else [],
        lambda name: births.get(make_dot(ordinals[name.device], name.n)) if name.device in ordinals else None,
    )
    return found or []


async def _here(rows: Rows, kept: _Kept, identity: Identity) -> Callable[[Name], Dot | None]:
    """Which names this log holds, one's own waiting changes with it."""
    state = kept.state
    ordinals = state.ordinals
    waiting = {number_of(change.dot) for change in await rows.get_pending(kept.number)}

    def here(name: Name) -> Dot | None:
        held = 0 < name.n <= state.vector.get(name.device, 0)
        if name.device in ordinals and (held or (name.device == identity.device and name.n in waiting)):
            return make_dot(ordinals[name.device], name.n)
        return None

    return here


async def _put(rows: Rows, kept: _Kept, made: list[Change]) -> None:
    """Stores new changes and what they came to, in the caller's transaction."""
    kept.state.n = number_of(made[-1].dot)
    await rows.put_pending(kept.number, made)
    await rows.put_vault(kept.number, kept.state)
    await rows.drop_quarantined(kept.id)
