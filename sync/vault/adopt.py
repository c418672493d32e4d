"""Changes that this log does not hold, made anew under a card of one's own: grace frames, and one's own set aside.

An adopted change is a new change: its own dot, `via` naming what it came from, record id and repetition keys as they
were, oldest first. Its view is older than its carrier's, so it drops nothing but its preds (sync.merge.register). What
it is not: a judge of who may adopt, or a store. Pure. Spec: openapi/protocol/bad-days.md, "Carried
changes", and merge.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from sync.merge.change import Change, Dot, RecordId, Via, make_dot, number_of, ordinal_of
from sync.vault.content import WireChange
from sync.wire.ids import DeviceId, ItemHash


class Name(NamedTuple):
    """A change as it is named outside of any one log."""

    device: DeviceId
    n: int


class Carried(NamedTuple):
    """The new changes, and the new dot of each one that was carried over, by its old name."""

    changes: list[Change]
    renamed: dict[Name, Dot]


def named(change: Change, devices: Sequence[DeviceId]) -> WireChange:
    """A change as a frame would name it, its record by id. `devices`: ids by ordinal in the log of its dots."""
    preds = sorted((devices[ordinal_of(dot)], number_of(dot)) for dot in change.preds)
    return WireChange(
        number_of(change.dot),
        change.record,
        change.birth,
        change.lane,
        change.via,
        tuple(preds),
        change.sets,
        change.at,
    )


def by_record_id(
    author: DeviceId, changes: Iterable[WireChange], born: Callable[[Name], RecordId | None]
) -> list[WireChange] | None:
    """A frame's changes with every record named by id and preds in one order; None if a record is not known.

    `born`: the record that a change before this frame is a birth of.
    """
    births: dict[Name, RecordId] = {}
    out = []
    for change in changes:
        if isinstance(change.record, bytes):
            record = RecordId(change.record)
        else:
            birth = Name(*change.record)
            found = births.get(birth) or born(birth)
            if found is None:
                return None
            record = found
        if change.birth:
            births[Name(author, change.n)] = record
        out.append(msgspec.structs.replace(change, record=record, preds=tuple(sorted(set(change.preds)))))
    return out


def carry(
    changes: Iterable[tuple[DeviceId, WireChange]],
    ordinal: int,
    after: int,
    here: Callable[[Name], Dot | None],
    via: Callable[[DeviceId, WireChange], Via],
) -> Carried:
    """Changes, oldest first and with their records named by id, as new ones of the device with this ordinal.

    `after`: the last number that this device gave, never given again. `here`: the dot of a name if the log holds it
    with the same content. A pred that was carried over is the new dot; one that is neither is left out, so that what it
    named stays as a sibling: nothing true is dropped.
    """
    made: list[Change] = []
    renamed: dict[Name, Dot] = {}
    for device, change in changes:
        assert isinstance(change.record, bytes), "records are named by id here"
        after += 1
        dot = make_dot(ordinal, after)
        preds = {renamed.get(name) or here(name) for name in (Name(*pred) for pred in change.preds)}
        made.append(
            Change(
                dot,
                RecordId(change.record),
                change.birth,
                change.lane,
                via(device, change),
                tuple(sorted(pred for pred in preds if pred is not None)),
                change.sets,
                change.at,
            )
        )
        renamed[Name(device, change.n)] = dot
    return Carried(made, renamed)


def adopt(
    frame: ItemHash,
    author: DeviceId,
    changes: Sequence[WireChange],
    ordinal: int,
    after: int,
    here: Callable[[Name], Dot | None],
) -> list[Change]:
    """A void frame's changes (records by id) as new ones whose `via` names the frame."""
    return carry(((author, change) for change in changes), ordinal, after, here, lambda *_: Via("frame", frame)).changes


def stage_again(
    device: DeviceId, changes: Sequence[WireChange], ordinal: int, after: int, here: Callable[[Name], Dot | None]
) -> list[Change]:
    """One's own changes that were set aside (records by id) as new ones; `via` is the old dot, or what it was."""
    return carry(((device, change) for change in changes), ordinal, after, here, old_dot).changes


def old_dot(device: DeviceId, change: WireChange) -> Via:
    """What a rebased change carries: what it was. One that it carries already stays."""
    return change.via or Via("dot", device, change.n)
