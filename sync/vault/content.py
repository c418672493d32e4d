"""What is inside a frame: one device's changes as columns, with a table of the devices they name.

    inside = [devices, records, keys, vias, n, at, record, flags, via, preds, sets]

`devices` lists every device named but the author, who is number 0; a dot on the wire is (device number, n), because
frames are also adopted, rebased and carried by file. `records` holds 32-byte ids, or the birth dot of a record that the
log (or an earlier change here) already holds. `n` and `at` are first values and then differences. Spec:
openapi/protocol/frames.md, "Inside".

It knows no key and no log: resolving dots and records against a log is `resolve`. A frame may hold thousands of
changes and a phone reads them all while somebody waits, so that both ways work on whole columns where they can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, TypeVar

import msgspec

from sync.merge.change import ORDINAL_BITS, ORDINAL_MASK, VAULT_RECORD, Change, Dot, RecordId, Via
from sync.wire import limits
from sync.wire.codec import Exact, Malformed, encode
from sync.wire.ids import DeviceId

_LANE, _BIRTH = 1, 2  # bits of a flag
_VIA_KINDS = ("import", "frame", "vault", "dot")  # their numbers on the wire, from 0
_ID_BYTES = 32
_PAIR = 2  # preds and sets are pairs in a row
_SMALL = limits.KEY_BYTES_MAX // 4  # bytes of which no text, and letters of which no key, can exceed a limit
T = TypeVar("T")


class ContentVoid(Exception):
    """A frame's inside that every holder of the key finds void alike; `reason` is a word of errors.VOID_REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_Place = Annotated[int, msgspec.Meta(ge=0)]


class Inside(msgspec.Struct, frozen=True, array_like=True):
    """The columns, as they are encoded; see the module for what each holds."""

    devices: list[bytes]
    records: list[bytes | tuple[int, int]]
    keys: list[str]
    vias: list[list[bytes | int]]
    n: list[int]
    at: list[int]
    record: list[_Place]
    flags: list[Annotated[int, msgspec.Meta(ge=0, le=_LANE | _BIRTH)]]
    via: list[_Place]
    preds: list[list[int]]
    sets: list[list[int | bytes | None]]


_inside = Exact(Inside)


class _Numbering:
    """Gives each distinct value a place in a table, in order of first use."""

    def __init__(self, first: int = 0) -> None:
        self.values: list = []
        self.places: dict = {}
        self._first = first

    def place(self, key: object, value: object) -> int:
        found = self.places.get(key)
        if found is None:
            found = self.places[key] = len(self.values) + self._first
            self.values.append(value)
        return found


def encode_inside(
    changes: Sequence[Change], author: int, devices: Sequence[DeviceId], births: Mapping[RecordId, Dot]
) -> bytes:
    """The inside of a frame of the author with this ordinal.

    `devices`: device ids by ordinal. `births`: a birth dot of each record that the log already holds and a change
    names.
    """
    table, records, keys, vias = _Numbering(1), _Numbering(), _Numbering(), _Numbering(1)
    known = dict(births)
    device_places, record_places, key_places = {author: 0}, records.places, keys.places

    def device_place(ordinal: int) -> int:
        place = device_places.get(ordinal)
        if place is None:
            place = device_places[ordinal] = table.place(devices[ordinal], devices[ordinal])
        return place

    def via_row(via: Via) -> list[bytes | int]:
        kind = _VIA_KINDS.index(via.kind)
        if via.kind != "dot":
            return [kind, via.ref]
        return [kind, 0 if via.ref == devices[author] else table.place(via.ref, via.ref), via.n]

    n, at, record, flags, vias_used, preds, sets = [], [], [], [], [], [], []
    last_n = last_at = 0
    for change in changes:
        number, when, id_, via = change.dot >> ORDINAL_BITS, change.at, change.record, change.via
        n.append(number - last_n)
        at.append(when - last_at)
        last_n, last_at = number, when
        # By its id if this frame is where it is born, by a birth's dot if the log holds one.
        birth = None if change.birth else known.get(id_)
        name = id_ if birth is None else birth
        place = record_places.get(name)
        if place is None and birth is not None:
            place = records.place(birth, [device_place(birth & ORDINAL_MASK), birth >> ORDINAL_BITS])
        record.append(records.place(id_, id_) if place is None else place)
        if change.birth:
            known.setdefault(id_, change.dot)
        flags.append(change.lane * _LANE | change.birth * _BIRTH)
        vias_used.append(0 if via is None else vias.place(via, via_row(via)))
        seen = []
        for dot in change.preds:
            seen.append(device_place(dot & ORDINAL_MASK))
            seen.append(dot >> ORDINAL_BITS)
        preds.append(seen)
        said = []
        for key, value in change.sets:
            place = key_places.get(key)
            said.append(keys.place(key, key) if place is None else place)
            said.append(value)
        sets.append(said)
    return encode(
        Inside(table.values, records.values, keys.values, vias.values, n, at, record, flags, vias_used, preds, sets)
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


class Content:
    """What a frame says, as its columns; `len` is the number of its changes. `devices`: ids by place, the author first.

    That the columns fit together is found by reading them all: `named` and `resolve` do, and raise.
    """

    __slots__ = ("devices", "inside", "vias")

    def __init__(self, inside: Inside, author: DeviceId) -> None:
        """Raises: ValueError for what names nothing."""
        self.inside = inside
        self.devices = [author, *map(DeviceId, inside.devices)]
        if author in inside.devices:
            raise ValueError("the author is number 0 and no other")
        for name in (*inside.devices, *inside.records):
            if len(name) != _ID_BYTES and type(name) is bytes:
                raise ValueError("an id of another length")
            if type(name) is tuple and not 0 <= name[0] < len(self.devices):
                raise ValueError("not a place in a table")
        self.vias = [None, *[_via(row, self.devices) for row in inside.vias]] if inside.vias else [None]

    def __len__(self) -> int:
        return len(self.inside.n)

    def named(self) -> list[WireChange]:
        """The changes one by one, in the terms of the frame: for who carries them to another log.

        Raises: ContentVoid with reason decode or limits.
        """
        inside, devices = self.inside, self.devices
        try:
            records = [ref if isinstance(ref, bytes) else (DeviceId(devices[ref[0]]), ref[1]) for ref in inside.records]
            rows = []
            n = at = 0
            for more_n, more_at, record, flags, via, dots, sets in zip(*_columns(inside), strict=True):
                n, at = n + more_n, at + more_at
                preds = tuple([(_at(devices, device), seen) for device, seen in _pairs(dots)])
                lane, birth = flags & _LANE, bool(flags & _BIRTH)
                rows.append(
                    WireChange(n, records[record], birth, lane, self.vias[via], preds, _said(sets, inside.keys), at)
                )
        except (IndexError, TypeError, ValueError) as error:
            raise ContentVoid("decode") from error
        large = any(
            len(row.preds) > limits.PREDS_A_CHANGE_MAX
            or any(
                len(key.encode()) > limits.KEY_BYTES_MAX or len(value or b"") > limits.VALUE_BYTES_MAX
                for key, value in row.sets
            )
            for row in rows
        )
        if large or len(rows) > limits.CHANGES_A_FRAME_MAX:
            raise ContentVoid("limits")
        return rows


def decode_inside(data: bytes, author: DeviceId) -> Content:
    """What a frame says. Raises: ContentVoid with reason decode or limits."""
    try:
        content = Content(_inside.read(data), author)
    except (Malformed, IndexError, TypeError, ValueError) as error:
        raise ContentVoid("decode") from error
    # Nothing in a frame is larger than the frame: what each change would be asked is asked once of most.
    if len(data) > _SMALL and (
        len(data) > limits.VALUE_BYTES_MAX
        or len(content) > limits.CHANGES_A_FRAME_MAX
        or any(len(key) > _SMALL for key in content.inside.keys)
    ):
        content.named()
    return content


def _columns(inside: Inside) -> tuple[list, ...]:
    return inside.n, inside.at, inside.record, inside.flags, inside.via, inside.preds, inside.sets


def _pairs(row: list[T]) -> Iterable[tuple[T, T]]:
    """What stands two by two in a row. Raises: ValueError for half a pair, while it is read."""
    return zip(row[::2], row[1::2], strict=True)


def _said(row: list[int | bytes | None], keys: list[str]) -> tuple[tuple[str, bytes | None], ...]:
    """The registers of one change and their values. Raises: IndexError, TypeError, ValueError."""
    pairs = tuple([(_at(keys, key), _value(value)) for key, value in _pairs(row)])
    if len(pairs) > 1 and len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a register set twice")
    return pairs


def _value(value: int | bytes | None) -> bytes | None:
    if isinstance(value, int):
        raise TypeError("a value that is no text")
    return value


def _at(values: Sequence[T], index: object) -> T:
    if type(index) is not int or index < 0:
        raise ValueError("not a place in a table")
    return values[index]


def _via(row: list, devices: list[DeviceId]) -> Via:
    kind = _at(_VIA_KINDS, row[0])
    if kind == "dot" and len(row) == 3 and type(row[2]) is int:
        return Via("dot", _at(devices, row[1]), row[2])
    if kind != "dot" and len(row) == 2 and isinstance(row[1], bytes) and len(row[1]) == _ID_BYTES:
        return Via(kind, row[1])
    raise ValueError("not a via")


def resolve(
    content: Content,
    last_n: int,
    ordinals: Mapping[DeviceId, int],
    vector: Mapping[DeviceId, int],
    born: Callable[[Dot], RecordId | None],
    may_write_vault: Callable[[Sequence[str]], bool],
) -> list[Change]:
    """The changes of a frame in terms of this log, judged one by one: dots, rights on @vault, preds.

    `last_n`: the author's number in the vector. `born`: the record that a dot is a birth of, as the log holds it.
    `may_write_vault`: whether the author may set these registers of `@vault`. Raises: ContentVoid.
    """
    try:
        return _resolved(content, last_n, ordinals, vector, born, may_write_vault)
    except (ContentVoid, IndexError, TypeError, ValueError):
        content.named()  # what does not fit together, or is too large, is the reason before any other
        raise


def _resolved(
    content: Content,
    last_n: int,
    ordinals: Mapping[DeviceId, int],
    vector: Mapping[DeviceId, int],
    born: Callable[[Dot], RecordId | None],
    may_write_vault: Callable[[Sequence[str]], bool],
) -> list[Change]:
    inside, devices, vias = content.inside, content.devices, content.vias
    keys, refs = inside.keys, inside.records
    me = ordinals[devices[0]]
    # By place in the frame's table: a dot is good up to this number. Skipped and void numbers are no fault.
    held = [vector.get(device, 0) if device in ordinals else 0 for device in devices]
    numbered = [ordinals.get(device, 0) for device in devices]
    births_here: dict[int, RecordId] = {}
    known: list[RecordId | None] = [None] * len(refs)
    resolved: list[Change] = []
    n, at, last = 0, 0, last_n
    for more_n, more_at, place, flags, via, dots, sets in zip(*_columns(inside), strict=True):
        n += more_n
        at += more_at
        if n <= last:
            raise ContentVoid("dots")
        last = n
        held[0] = n - 1
        record = known[place]
        if record is None:
            ref = refs[place]
            if type(ref) is bytes:
                record = RecordId(ref)
            else:
                device, seen = ref
                if not 0 < seen <= held[device]:
                    raise ContentVoid("preds")
                dot = seen << ORDINAL_BITS | numbered[device]
                record = births_here.get(dot) or born(dot)
                if record is None:
                    raise ContentVoid("preds")
            known[place] = record
        # Mostly a change names one dot and sets one register: no list is made for it.
        if len(sets) == _PAIR:
            key, value = sets
            if type(value) is int or key < 0:
                raise TypeError("not a register and its value")
            said: tuple[tuple[str, bytes | None], ...] = ((keys[key], value),)
        else:
            said = _said(sets, keys)
        if record == VAULT_RECORD and not may_write_vault([key for key, _ in said]):
            raise ContentVoid("rights")
        if len(dots) == _PAIR:
            device, seen = dots
            if not 0 < seen <= held[device] or device < 0:
                raise ContentVoid("preds")
            preds: tuple[Dot, ...] = (seen << ORDINAL_BITS | numbered[device],)
        else:
            named = {(device, seen) for device, seen in _pairs(dots)}
            if len(dots) > _PAIR * limits.PREDS_A_CHANGE_MAX or any(
                device < 0 or not 0 < seen <= held[device] for device, seen in named
            ):
                raise ContentVoid("preds")
            preds = tuple(sorted({seen << ORDINAL_BITS | numbered[device] for device, seen in named}))
        dot = n << ORDINAL_BITS | me
        birth = flags >= _BIRTH
        if birth:
            births_here[dot] = record
        resolved.append(Change(dot, record, birth, flags & _LANE, vias[via], preds, said, at))
    return resolved
