"""The peers, each modelled twice: as nested maps, and as one map a record whose elements are atomic values.

The second gives what is wanted here (no value that nobody wrote), so that it is the one to beat; both are measured.
pycrdt (Yrs), loro and automerge are installed for the benchmark alone. automerge has no way to take changes from bytes
one by one: it merges whole documents. None of the three says which edits met: a peer finds no conflict.
"""

from __future__ import annotations

import json
from typing import Any

from infra.bench.workload import Edit, Workload


class Pycrdt:
    """Yrs: maps in maps, or maps of plain values."""

    name = "pycrdt"

    def __init__(self, *, nested: bool) -> None:
        import pycrdt

        self._lib, self.nested = pycrdt, nested

    def _value(self, value: Any) -> Any:
        return self._lib.Map(value) if self.nested and isinstance(value, dict) else value

    def build(self, work: Workload) -> bytes:
        doc = self._lib.Doc()
        records = doc.get("records", type=self._lib.Map)
        with doc.transaction():
            for number, born in enumerate(work.records):
                records[f"record-{number}"] = self._lib.Map({k: self._value(v) for k, v in born.items()})
        return bytes(doc.get_update())

    def load(self, snapshot: bytes) -> Any:
        doc = self._lib.Doc()
        doc.apply_update(snapshot)
        return doc, doc.get("records", type=self._lib.Map)

    def everything(self, replica: Any) -> Any:
        return replica[1].to_py()

    def edit(self, replica: Any, edits: list[Edit]) -> None:
        doc, records = replica
        for number, element, leaf, value in edits:
            with doc.transaction():
                record = records[f"record-{number}"]
                if leaf is not None and self.nested:
                    record[element][leaf] = value[leaf]
                else:
                    record[element] = value

    def mark(self, replica: Any) -> Any:
        return replica[0].get_state()

    def singles(self, replica: Any, edits: list[Edit]) -> list[bytes]:
        made: list[bytes] = []
        subscription = replica[0].observe(lambda event: made.append(bytes(event.update)))
        self.edit(replica, edits)
        replica[0].unobserve(subscription)
        return made

    def batch(self, replica: Any, since: Any) -> list[bytes]:
        return [bytes(replica[0].get_update(since))]

    def apply(self, replica: Any, updates: list[bytes]) -> None:
        for update in updates:
            replica[0].apply_update(update)

    def views(self, replica: Any, numbers: list[int]) -> list[Any]:
        return [replica[1][f"record-{number}"].to_py() for number in numbers]

    def snapshot(self, replica: Any) -> bytes:
        return bytes(replica[0].get_update())


class Loro:
    """loro: map containers in map containers, or map containers of plain values."""

    name = "loro"

    def __init__(self, *, nested: bool) -> None:
        import loro

        self._lib, self.nested = loro, nested

    def build(self, work: Workload) -> bytes:
        doc = self._lib.LoroDoc()
        records = doc.get_map("records")
        for number, born in enumerate(work.records):
            record = records.insert_container(f"record-{number}", self._lib.LoroMap())
            for element, value in born.items():
                if self.nested and isinstance(value, dict):
                    inner = record.insert_container(element, self._lib.LoroMap())
                    for leaf, part in value.items():
                        inner.insert(leaf, part)
                else:
                    record.insert(element, value)
        doc.commit()
        return bytes(doc.export(self._lib.ExportMode.Snapshot()))

    def load(self, snapshot: bytes) -> Any:
        doc = self._lib.LoroDoc()
        doc.import_(snapshot)
        return doc, doc.get_map("records")

    def everything(self, replica: Any) -> Any:
        return replica[1].get_deep_value()

    def edit(self, replica: Any, edits: list[Edit]) -> None:
        doc, records = replica
        for number, element, leaf, value in edits:
            record = records.get(f"record-{number}").container
            if leaf is not None and self.nested:
                record.get(element).container.insert(leaf, value[leaf])
            else:
                record.insert(element, value)
            doc.commit()

    def mark(self, replica: Any) -> Any:
        return replica[0].oplog_vv

    def singles(self, replica: Any, edits: list[Edit]) -> list[bytes]:
        made: list[bytes] = []

        def keep(update: bytes) -> bool:
            made.append(bytes(update))
            return True

        subscription = replica[0].subscribe_local_update(keep)
        self.edit(replica, edits)
        subscription.unsubscribe()
        return made

    def batch(self, replica: Any, since: Any) -> list[bytes]:
        return [bytes(replica[0].export(self._lib.ExportMode.Updates(since)))]

    def apply(self, replica: Any, updates: list[bytes]) -> None:
        for update in updates:
            replica[0].import_(update)

    def views(self, replica: Any, numbers: list[int]) -> list[Any]:
        return [replica[1].get(f"record-{number}").container.get_deep_value() for number in numbers]

    def snapshot(self, replica: Any) -> bytes:
        return bytes(replica[0].export(self._lib.ExportMode.Snapshot()))


class Automerge:
    """automerge: map objects in map objects, or map objects of texts (it has no plain value that is an object)."""

    name = "automerge"

    def __init__(self, *, nested: bool) -> None:
        import automerge.core

        self._lib, self.nested = automerge.core, nested

    def _put(self, tx: Any, record: Any, element: str, value: Any) -> None:
        kinds = self._lib.ScalarType
        if isinstance(value, dict) and not self.nested:
            value = json.dumps(value)
        if isinstance(value, dict):
            inner = tx.put_object(record, element, self._lib.ObjType.Map)
            for leaf, part in value.items():
                self._put(tx, inner, leaf, part)
        else:
            tx.put(record, element, kinds.Int if isinstance(value, int) else kinds.Str, value)

    def build(self, work: Workload) -> bytes:
        doc = self._lib.Document()
        with doc.transaction() as tx:
            records = tx.put_object(self._lib.ROOT, "records", self._lib.ObjType.Map)
            for number, born in enumerate(work.records):
                record = tx.put_object(records, f"record-{number}", self._lib.ObjType.Map)
                for element, value in born.items():
                    self._put(tx, record, element, value)
        return bytes(doc.save())

    def load(self, snapshot: bytes) -> Any:
        doc = self._lib.Document.load(snapshot)
        return doc, doc.get(self._lib.ROOT, "records")[1]

    def everything(self, replica: Any) -> Any:
        return self._lib.extract(replica[0], replica[1])

    def edit(self, replica: Any, edits: list[Edit]) -> None:
        doc, records = replica
        for number, element, leaf, value in edits:
            record = doc.get(records, f"record-{number}")[1]
            with doc.transaction() as tx:
                if leaf is not None and self.nested:
                    self._put(tx, doc.get(record, element)[1], leaf, value[leaf])
                else:
                    self._put(tx, record, element, value)

    def mark(self, replica: Any) -> Any:
        return replica[0].get_heads()

    def singles(self, replica: Any, edits: list[Edit]) -> list[bytes] | None:
        return None

    def batch(self, replica: Any, since: Any) -> list[bytes]:
        return [bytes(replica[0].save())]

    def apply(self, replica: Any, updates: list[bytes]) -> None:
        for update in updates:
            replica[0].merge(self._lib.Document.load(update))

    def views(self, replica: Any, numbers: list[int]) -> list[Any]:
        doc, records = replica
        return [self._lib.extract(doc, doc.get(records, f"record-{number}")[1]) for number in numbers]

    def snapshot(self, replica: Any) -> bytes:
        return bytes(replica[0].save())


PEERS = (Pycrdt, Loro, Automerge)
