"""Staging edits: each gets the phone's next dot and waits, sealed, until the log brings it back. One local
transaction."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from sync.device.identity import Identity
from sync.device.phone import Phone
from sync.device.refused import Refused
from sync.device.store.rows import Rows
from sync.merge.change import Change, Dot, Edit, make_dot
from sync.vault.state import VaultState
from sync.wire.item import EDITOR
from sync.wire.limits import FRAME_BYTES_MAX, VALUE_BYTES_MAX

_ALWAYS_FITS_BYTES = (
    900_000  # bytes inside a frame: without compression it stays below FRAME_BYTES_MAX with its padding
)


def fits(edit: Edit) -> bool:
    """True if a frame can carry this edit alone: bounded values, and small enough once it is deflated."""
    values = [value for _, value in edit.sets if value is not None]
    if any(len(value) > VALUE_BYTES_MAX for value in values):
        return False
    size = sum(len(value) for value in values) + 9 * len(edit.preds)
    if size <= _ALWAYS_FITS_BYTES:
        return True
    return size <= 2 * VALUE_BYTES_MAX and len(zlib.compress(b"".join(values))) * 9 // 8 < FRAME_BYTES_MAX


async def stage(phone: Phone, rows: Rows, identity: Identity, number: int, edits: Sequence[Edit]) -> list[Dot]:
    """Gives each edit its dot and stores it. Nothing is stored when it raises.

    Also on a phone that was shut out: its edits wait, and are sealed only if it is let in again (MUST PPL-10).
    Raises: Refused(not_member, read_only, too_large)."""
    if not edits:
        return []
    state: VaultState = await rows.get_vault(number)
    row = state.log.table.cards.get(identity.device)
    if row is None:
        raise Refused("not_member")
    role = state.log.table.people[row.person].role
    if role < EDITOR:
        raise Refused("read_only")
    if not all(fits(edit) for edit in edits):
        raise Refused("too_large")
    changes = []
    for edit in edits:
        state.n += 1
        dot = make_dot(row.ordinal, state.n)
        preds = tuple(sorted(edit.preds))
        changes.append(Change(dot, edit.record, edit.birth, edit.lane, edit.via, preds, edit.sets, phone.now_ms()))
    await rows.put_pending(number, changes)
    await rows.put_vault(number, state)
    return [change.dot for change in changes]
