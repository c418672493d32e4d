"""Our engine in the same terms as the peers': the shipped records, frames' insides and views, nothing written for this.

Sealing and signatures are left out, as the peers have none; what a phone pays with them is in its own section. A
snapshot is the parts of every record as a phone's store holds them, without their seal.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

from infra.bench.workload import Edit, Workload
from sync.fhir.view import members
from sync.merge.change import PERSON, Change, Dot, RecordId, make_dot
from sync.merge.record import Record
from sync.merge.view import disputed_keys, edit_preds
from sync.vault.content import decode_inside, encode_inside, resolve
from sync.vault.outgoing import cut
from sync.wire.ids import DeviceId

AT = 1_790_000_000_000  # milliseconds since 1970 UTC
AUTHOR, LEFT, RIGHT = DEVICES = [DeviceId(hashlib.sha256(name).digest()) for name in (b"author", b"left", b"right")]
ORDINALS = {device: ordinal for ordinal, device in enumerate(DEVICES)}
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[bytes, bytes, bytes]]).decode
_read_json = msgspec.json.Decoder().decode


def record_id(number: int) -> RecordId:
    """The id of a record of the workload."""
    return RecordId(hashlib.sha256(b"record %d" % number).digest())


class Replica:
    """Records, which dot is whose birth, and how far each device has been read."""

    def __init__(self, rows: list[tuple[bytes, bytes, bytes]]) -> None:
        self.records = {RecordId(id_): Record.from_parts(RecordId(id_), births, over) for id_, births, over in rows}
        self.births = {record.births[0].dot: id_ for id_, record in self.records.items()}
        self.vector: dict[DeviceId, int] = {AUTHOR: len(rows)}
        self.sent: list[Change] = []


class Ours:
    """The shipped engine. `device`: which of the two phones an adapter edits as."""

    name, nested = "carnet", False

    def __init__(self, device: DeviceId = LEFT) -> None:
        self.ordinals = ORDINALS
        self._device = device

    def build(self, work: Workload) -> bytes:
        rows = []
        for number, born in enumerate(work.records):
            record = Record(record_id(number))
            sets = tuple((element, json.dumps(value).encode()) for element, value in born.items())
            record.apply(Change(make_dot(0, number + 1), record.id, True, PERSON, None, (), sets, AT))
            rows.append((record.id, record.encode_births(), record.encode_overlay()))
        return _encode(rows)

    def load(self, snapshot: bytes) -> Replica:
        return Replica(_decode(snapshot))

    def everything(self, replica: Replica) -> list[dict[str, Any]]:
        return [_view(record) for record in replica.records.values()]

    def edit(self, replica: Replica, edits: list[Edit]) -> None:
        me, last = self.ordinals[self._device], replica.vector.get(self._device, 0)
        for number, element, _, value in edits:
            last += 1
            record = replica.records[record_id(number)]
            sets = ((element, json.dumps(value).encode()),)
            preds = edit_preds(record, element, PERSON)
            change = Change(make_dot(me, last), record.id, False, PERSON, None, preds, sets, AT + last)
            record.apply(change)
            replica.sent.append(change)
        replica.vector[self._device] = last

    def mark(self, replica: Replica) -> int:
        return len(replica.sent)

    def _frame(self, replica: Replica, changes: list[Change]) -> bytes:
        births: dict[RecordId, Dot] = {c.record: replica.records[c.record].births[0].dot for c in changes}
        return encode_inside(changes, self.ordinals[self._device], DEVICES, births)

    def singles(self, replica: Replica, edits: list[Edit]) -> list[bytes]:
        since = self.mark(replica)
        self.edit(replica, edits)
        return [self._frame(replica, [change]) for change in replica.sent[since:]]

    def batch(self, replica: Replica, since: int) -> list[bytes]:
        return [self._frame(replica, changes) for changes in cut(replica.sent[since:])]

    def apply(self, replica: Replica, updates: list[bytes]) -> None:
        other = RIGHT if self._device == LEFT else LEFT
        vector, records = replica.vector, replica.records
        for update in updates:
            content = decode_inside(update, other)
            changes = resolve(content, vector.get(other, 0), self.ordinals, vector, replica.births.get, lambda _: True)
            for change in changes:
                records[change.record].apply(change)
            vector[other] = changes[-1].dot >> 10

    def views(self, replica: Replica, numbers: list[int]) -> list[dict[str, Any]]:
        return [_view(replica.records[record_id(number)]) for number in numbers]

    def snapshot(self, replica: Replica) -> bytes:
        return _encode([(r.id, r.encode_births(), r.encode_overlay()) for r in replica.records.values()])

    def conflicts(self, replica: Replica, records: int) -> set[tuple[int, str]]:
        """(record, element) that people's values dispute."""
        every = ((number, replica.records[record_id(number)]) for number in range(records))
        return {(number, key) for number, record in every for key in disputed_keys(record)}


def _view(record: Record) -> dict[str, Any]:
    return members(record, _read_json)
