"""What is inside a frame: one device's changes as columns, with a table of the devices they name.

    inside = [devices, records, keys, vias, n, at, record, flags, via, preds, sets]

`devices` lists every device named but the author, who is number 0; a dot on the wire is (device number, n), because
frames are also adopted, rebased and carried by file. `records` holds 32-byte ids, or the birth dot of a record that the
log (or an earlier change here) already holds. `n` and `at` are first values and then differences. Spec:
openapi/protocol/frames.md, "Inside".

It knows no key and no log: resolving dots and records against a log is `resolve`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from sync.merge.change import Change, Dot, RecordId, Via, make_dot, number_of, ordinal_of
from sync.wire import limits
from sync.wire.codec import Exact, Malformed, encode
from sync.wire.ids import DeviceId

_LANE, _BIRTH = 1, 2  # bits of a flag
_VIA_KINDS = ("import", "frame", "vault", "dot")  # their numbers on the wire, from 0
_ID_BYTES = 32
T = TypeVar("T")


class ContentVoid(Exception):
    """A frame's inside that every holder of the key finds void alike; `reason` is a word of errors.VOID_REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Inside(msgspec.Struct, frozen=True, array_like=True):
    """The columns, as they are encoded; see the module for what each holds."""

    devices: list[bytes]
    records: list[bytes | list[int]]
    keys: list[str]
    vias: list[list[bytes | int]]
    n: list[int]
    at: list[int]
    record: list[int]
    flags: list[int]
    via: list[int]
    preds: list[list[int]]
    sets: list[list[int | bytes | None]]


_inside = Exact(Inside)


class _Numbering:
    """Gives each distinct value a number in order of first use."""

    def __init__(self, first: int = 0) -> None:
        self.values: list = []
        self._first = first
        self._numbers: dict = {}

    def number(self, key: object, value: object) -> int:
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.values) + self._first
            self.values.append(value)
        return found


def encode_inside(
    changes: Sequence[Change], author: int, devices: Sequence[DeviceId], births: Mapping[RecordId, Dot]
) -> bytes:
    """The inside of a frame of the author with this ordinal.

    `devices`: device ids by ordinal. `births`: a birth dot of each record that the log already holds and a change
    names.
    """
    table, records, keys, vias = _Numbering(1), _Numbering(), _Numbering(), _Numbering()
    known = dict(births)

    def number_of_device(ordinal: int) -> int:
        return 0 if ordinal == author else table.number(ordinal, devices[ordinal])

    def number_of_id(device: bytes) -> int:
        return 0 if device == devices[author] else table.number(device, device)

    n, at, record, flags, via, preds, sets = [], [], [], [], [], [], []
    last_n = last_at = 0
    for change in changes:
        number = number_of(change.dot)
        n.append(number - last_n)
        at.append(change.at - last_at)
        last_n, last_at = number, change.at
        birth = known.get(change.record)
        if birth is None or change.birth:
            record.append(records.number(change.record, change.record))
        else:
            place = [number_of_device(ordinal_of(birth)), number_of(birth)]
            record.append(records.number(birth, place))
        if change.birth:
            known.setdefault(change.record, change.dot)
        flags.append(change.lane * _LANE | change.birth * _BIRTH)
        if change.via is None:
            via.append(0)
        else:
            kind, ref, old = change.via
            wire_kind = _VIA_KINDS.index(kind)
            row: list = [wire_kind, ref] if kind != "dot" else [wire_kind, number_of_id(ref), old]
            via.append(vias.number(change.via, row) + 1)
        preds.append([part for dot in change.preds for part in (number_of_device(ordinal_of(dot)), number_of(dot))])
        sets.append([part for key, value in change.sets for part in (keys.number(key, key), value)])
    return encode(
        Inside(table.values, records.values, keys.values, vias.values, n, at, record, flags, via, preds, sets)
    )


class WireChange(msgspec.Struct, frozen=True, gc=False):
    """A change as a frame names things: dots as (device id, n), the record by id or by a birth dot."""

    n: int
    record: bytes | tuple[DeviceId, int]
    birth: bool
    lane: int
    via: Via | None
    preds: tuple[tuple[DeviceId, int], ...]
    sets: tuple[tuple[str, bytes | None], ...]
    at: int


def decode_inside(data: bytes, author: DeviceId) -> list[WireChange]:
    """The changes of a frame. Raises: ContentVoid with reason decode or limits."""
    try:
        inside: Inside = _inside.read(data)
        changes = _rows(inside, author)
    except (Malformed, IndexError, TypeError, ValueError) as error:
        raise ContentVoid("decode") from error
    if len(changes) > limits.CHANGES_A_FRAME_MAX:
        raise ContentVoid("limits")
    too_long = {key for key in inside.keys if len(key.encode()) > limits.KEY_BYTES_MAX}
    # Nothing in a frame is larger than the frame: what each change would be asked is asked once of most.
    if too_long or len(data) > min(limits.PREDS_A_CHANGE_MAX, limits.VALUE_BYTES_MAX):
        for change in changes:
            if len(change.preds) > limits.PREDS_A_CHANGE_MAX or any(
                key in too_long or (value is not None and len(value) > limits.VALUE_BYTES_MAX)
                for key, value in change.sets
            ):
                raise ContentVoid("limits")
    return changes


def _rows(inside: Inside, author: DeviceId) -> list[WireChange]:
    """Columns to rows. Raises: IndexError, TypeError, ValueError for what does not fit together."""
    columns = (inside.n, inside.at, inside.record, inside.flags, inside.via, inside.preds, inside.sets)
    if len({len(column) for column in columns}) != 1:
        raise ValueError("columns of different length")
    devices = [author, *(DeviceId(device) for device in inside.devices)]
    if any(len(device) != _ID_BYTES for device in devices):
        raise ValueError("a device id of another length")
    records = [_record_ref(ref, devices) for ref in inside.records]
    vias = [None, *(_via(row, devices) for row in inside.vias)]
    keys, rows, n, at = inside.keys, [], 0, 0
    for more_n, more_at, record, flags, via, dots, sets in zip(
        inside.n, inside.at, inside.record, inside.flags, inside.via, inside.preds, inside.sets, strict=True
    ):
        n, at = n + more_n, at + more_at
        if not 0 <= flags <= (_LANE | _BIRTH) or len(dots) % 2 or len(sets) % 2 or record < 0 or via < 0:
            raise ValueError("a column out of range")
        # Mostly a change names one dot and sets one register: no list is made for it.
        if len(dots) == 2:
            preds: tuple[tuple[DeviceId, int], ...] = ((_at(devices, dots[0]), dots[1]),)
        else:
            preds = tuple([(_at(devices, device), seen) for device, seen in zip(dots[::2], dots[1::2], strict=True)])
        if len(sets) == 2:
            pairs: tuple[tuple[str, bytes | None], ...] = ((_at(keys, sets[0]), _value(sets[1])),)
        else:
            pairs = tuple([(_at(keys, key), _value(value)) for key, value in zip(sets[::2], sets[1::2], strict=True)])
        if len(pairs) > 1 and len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("a register set twice")
        rows.append(WireChange(n, records[record], bool(flags & _BIRTH), flags & _LANE, vias[via], preds, pairs, at))
    return rows


def _at(values: list[T], index: object) -> T:
    if type(index) is not int or index < 0:
        raise ValueError("not a place in a table")
    return values[index]


def _value(value: object) -> bytes | None:
    if value is not None and not isinstance(value, bytes):
        raise ValueError("a value that is no text")
    return value


def _record_ref(ref: bytes | list[int], devices: list[DeviceId]) -> bytes | tuple[DeviceId, int]:
    if isinstance(ref, bytes):
        if len(ref) != _ID_BYTES:
            raise ValueError("a record id of another length")
        return ref
    device, n = ref
    return _at(devices, device), n


def _via(row: list, devices: list[DeviceId]) -> Via:
    kind = _at(list(_VIA_KINDS), row[0])
    if kind == "dot" and len(row) == 3 and type(row[2]) is int:
        return Via("dot", _at(devices, row[1]), row[2])
    if kind != "dot" and len(row) == 2 and isinstance(row[1], bytes) and len(row[1]) == _ID_BYTES:
        return Via(kind, row[1])
    raise ValueError("not a via")


def resolve(
    changes: Sequence[WireChange],
    author: DeviceId,
    last_n: int,
    ordinals: Mapping[DeviceId, int],
    vector: Mapping[DeviceId, int],
    born: Callable[[Dot], RecordId | None],
    may_write: Callable[[RecordId, Sequence[str]], bool],
) -> list[Change]:
    """The changes of a frame in terms of this log, judged one by one: dots, rights on @vault, preds.

    `last_n`: the author's number in the vector. `born`: the record that a dot is a birth of, as the log holds it.
    `may_write`: whether the author may set these registers of this record. Raises: ContentVoid.
    """
    resolved: list[Change] = []
    births_here: dict[Dot, RecordId] = {}
    last = last_n
    me = ordinals[author]

    def dot_of(device: DeviceId, n: int, below: int) -> Dot:
        """A dot that the log holds by now. A number that was skipped, or is void, names nothing and is no fault."""
        good = 0 < n < below if device == author else 0 < n <= vector.get(device, 0)
        if not good or device not in ordinals:
            raise ContentVoid("preds")
        return make_dot(ordinals[device], n)

    for change in changes:
        if change.n <= last:
            raise ContentVoid("dots")
        last = change.n
        dot = make_dot(me, change.n)
        birth = dot  # of a record that is named by its id nothing else is known
        if isinstance(change.record, bytes):
            record = RecordId(change.record)
        else:
            birth = dot_of(*change.record, change.n)
            found = births_here.get(birth) or born(birth)
            if found is None:
                raise ContentVoid("preds")
            record = found
        if not may_write(record, [key for key, _ in change.sets]):
            raise ContentVoid("rights")
        if len(change.preds) == 1:
            seen = change.preds[0]
            # Mostly what was edited stands as it was born, and both names are one.
            preds: tuple[Dot, ...] = (birth,) if seen == change.record else (dot_of(*seen, change.n),)
        else:
            preds = tuple(sorted({dot_of(device, n, change.n) for device, n in change.preds}))
        if change.birth:
            births_here[dot] = record
        resolved.append(Change(dot, record, change.birth, change.lane, change.via, preds, change.sets, change.at))
    return resolved
