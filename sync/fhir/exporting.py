"""Exporting: everything as one FHIR collection, and one imported document given back.

What it is: Bundles made of what a vault shows. What it is not: a summary (it leaves nothing out and adds no words) or a
writer of files. Numbers stay exact; the caller writes them with exact.pretty.

Invariants: what was not edited comes out exactly as it came in; a document comes back equal as canonical JSON, whatever
was edited or deleted since; a reference in a collection leads to the record it leads to in the vault: it is rewritten
only where, as written, it would lead elsewhere. Spec: openapi/protocol/import.md, "Export".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from sync.fhir import envelope, exact, remarks
from sync.fhir.envelope import Envelope, VaultView
from sync.fhir.partial_dates import rank
from sync.fhir.references import Index, Scope, references_in, urn_of
from sync.fhir.registers import Resource, join
from sync.fhir.remarks import SaidBy
from sync.fhir.sources import newer_in
from sync.fhir.view import is_deleted, resource
from sync.merge.change import VAULT_RECORD, RecordId
from sync.merge.record import Record

UNSENT_URL = "https://carnet.example/fhir/StructureDefinition/unsent"
_VERSION = re.compile(r"/_history/[^/]+\Z")


class ExportRefused(Exception):
    """Nothing can be given. `code`: no_such_document, or document_incomplete with the places in `where`."""

    def __init__(self, code: str, where: tuple[str, ...] = ()) -> None:
        super().__init__(f"{code}: {', '.join(where)}" if where else code)
        self.code = code
        self.where = where


def collection(
    view: VaultView,
    timestamp: str | None = None,
    *,
    said_by: SaidBy = lambda _: (None, None),
    unsent: Mapping[RecordId, Collection[str]] = MappingProxyType({}),
) -> Resource:
    """Everything that is there as one Bundle of type collection, files in the order of their dates, then one's own;
    people's remarks on a record follow the last record.

    A record in conflict has the lowest dot's value and the siblings extension. `timestamp`: RFC 3339, if wanted.
    `said_by`: who wrote a remark, and when. `unsent`: by record, the registers that nobody else has yet; their entries
    say so.
    """
    index, newer = Index(view), newer_in(view)
    urls: dict[RecordId, str] = {}
    made: dict[RecordId, Resource] = {}
    scope: Scope[RecordId] = Scope()
    taken: set[str] = set()
    for record in _in_order(view):
        shown = resource(record, newer)
        url = next((own for _, own in index.places(record.id) if own), None)
        if url is None or url in taken:
            url = urn_of(record.id)
        taken.add(url)
        urls[record.id], made[record.id] = url, shown
        id_ = shown.get("id")
        scope.add(record.id, url, str(shown.get("resourceType")), id_ if isinstance(id_, str) else None)
    for id_, shown in made.items():
        for _, reference in references_in(shown):
            text = reference["reference"]
            target = index.resolve(id_, reference)
            if target in urls and scope.find(_VERSION.sub("", text), urls[id_]) != target:
                reference["reference"] = urls[target]
    bundle: Resource = {"resourceType": "Bundle", "type": "collection"}
    if timestamp is not None:
        bundle["timestamp"] = timestamp
    if made:
        bundle["entry"] = [_entry(urls[id_], shown, unsent.get(id_)) for id_, shown in made.items()]
    for id_, shown in made.items():
        held = view.record(id_)
        for remark, url, said in remarks.entries_of(held, urls[id_], shown, said_by) if held is not None else ():
            bundle["entry"].append(_entry(url, said, () if remark.key in unsent.get(id_, ()) else None))
    return bundle


def records_in(bundle: Resource) -> int:
    """How many entries of a collection are records, and not people's remarks on one."""
    return sum(not remarks.is_remark(entry["resource"]) for entry in bundle.get("entry", ()))


def _entry(url: str, shown: Resource, unsent: Collection[str] | None) -> Resource:
    """An entry; of one that holds something unsent, with the extension that names the elements."""
    entry: Resource = {"fullUrl": url, "resource": shown}
    if unsent is not None:
        elements = sorted({key.split("/")[0] for key in unsent if not key.startswith("@")})
        told = [{"url": "element", "valueString": element} for element in elements]
        entry["extension"] = [{"url": UNSENT_URL, **({"extension": told} if told else {"valueBoolean": True})}]
    return entry


def document(view: VaultView, id: RecordId, *, partial: bool = False) -> Resource:
    """An imported file as it was, equal as canonical JSON; `id` is its envelope's record id.

    `partial`: give it without what was too large to keep. Raises: ExportRefused.
    """
    record = view.record(id)
    one = None if record is None else envelope.read(record)
    if record is None or one is None:
        raise ExportRefused("no_such_document")
    entries: dict[int, Any] = {}
    missing = [f"entry {index + 1}" for index in one.facts.lost]
    for index, raw in envelope.kept(record).items():
        entries[index] = exact.loads(raw)
    others: list[Envelope] | None = None
    for line in one.lines:
        held = view.record(RecordId(bytes.fromhex(line.record)))
        body = next((b for b in envelope.copies_of(record, line.index) if envelope.digest_of(b) == line.digest), None)
        if body is None and held is not None:
            body = envelope.copy_in_record(held, line.digest)
        if body is None:
            others = envelope.envelopes(view) if others is None else others
            body = _copy_elsewhere(others, line.record, line.digest)
        if body is None:
            missing.append(f"entry {line.index + 1} ({line.type})")
            continue
        entry: Resource = {} if line.full_url is None else {"fullUrl": line.full_url}
        entries[line.index] = {**entry, "resource": exact.loads(body), **exact.loads(bytes(line.extras))}
    if len(entries) + len(one.facts.lost) < one.facts.entries and not missing:
        missing.append("some entries have not arrived yet")
    if missing and not partial:
        raise ExportRefused("document_incomplete", tuple(missing))
    if one.facts.lone:
        if 0 not in entries:
            raise ExportRefused("document_incomplete", tuple(missing))
        return dict(entries[0]["resource"])
    told = {key: found[-1] for key in record.keys() if (found := envelope.values_of(record, key))}
    bundle = join(told)
    if one.facts.entries >= 0:
        bundle["entry"] = [entries[index] for index in sorted(entries)]
    return bundle


def _copy_elsewhere(others: list[Envelope], record: str, digest: str) -> bytes | None:
    """A copy of a record that another file's envelope keeps: equal copies are kept once."""
    for other in others:
        for line in other.lines:
            if line.record == record and line.digest == digest:
                for body in envelope.copies_of(other.record, line.index):
                    if envelope.digest_of(body) == digest:
                        return body
    return None


def _in_order(view: VaultView) -> list[Record]:
    """Records that are there: those of files in the files' order, the oldest file first, then the others by id."""
    found: dict[RecordId, Record] = {}
    for one in sorted(envelope.envelopes(view), key=lambda one: (rank(one.facts.date), one.id)):
        for line in one.lines:
            record = view.record(RecordId(bytes.fromhex(line.record)))
            if record is not None:
                found[record.id] = record
    for record in sorted(view.records(), key=lambda record: record.id):
        found.setdefault(record.id, record)
    return [
        record
        for record in found.values()
        if record.id != VAULT_RECORD
        and not record.unknown
        and not envelope.is_envelope(record)
        and not is_deleted(record)
    ]
