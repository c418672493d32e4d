"""The entries of a summary: resources closed in themselves, with what they lean on, and their lines for people.

What it is: which record gets which address in one document, and each entry as it stands there. What it is not: the
choice of entries (selection.py) or the document around them (assembling.py).

Invariants: an entry's own words are those of its version; what is taken in behind it is taken in once.
Spec: openapi/protocol/summary.md, "Ids and references" and "Disputed".
"""

from __future__ import annotations

from typing import Any

from sync.fhir.exact import Number
from sync.fhir.labels import label, status_word
from sync.fhir.partial_dates import rank
from sync.fhir.persons import vault_persons
from sync.fhir.registers import Resource
from sync.fhir.sources import newer_in, newest_file
from sync.fhir.summary.assertions import (
    DISPUTED_URL,
    TAGS,
    Speakers,
    extensions,
    facts_of,
    instant,
    is_old,
    security,
)
from sync.fhir.summary.closing import SUPPORTING, SUPPORTING_OF, closed, entry_id, supports, uuid_of
from sync.fhir.summary.narrative import Line
from sync.fhir.summary.sections import MEDICINES
from sync.fhir.summary.selection import Chosen, Selection, reason_against
from sync.fhir.view import DISPUTE, NOTE, remarks, resource, resource_plain
from sync.merge.change import RecordId
from sync.merge.record import Record

_HAVE_NOTE = frozenset(
    (
        *("AllergyIntolerance", "Condition", "MedicationStatement", "MedicationRequest", "MedicationDispense"),
        *("MedicationAdministration", "Immunization", "Procedure", "Observation", "DeviceUseStatement", "CarePlan"),
        *("ClinicalImpression", "Goal", "ServiceRequest", "RiskAssessment"),
    )
)
_DATED = frozenset(("AllergyIntolerance", "Condition", *MEDICINES))
_OF_PATIENT = {
    **dict.fromkeys(("AllergyIntolerance", "Immunization"), "patient"),
    **dict.fromkeys(("Condition", "MedicationStatement", "MedicationRequest", "Procedure"), "subject"),
}


def entry_of(url: str, resource: Resource) -> Resource:
    """A Bundle entry."""
    return {"fullUrl": url, "resource": resource}


class Document:
    """One document in the making. `follow` takes in what its entries lean on."""

    def __init__(self, selection: Selection, secret: bytes, speakers: Speakers, at: str) -> None:
        self._view, self._index = selection.view, selection.references
        self._newer = newer_in(selection.view)
        self._secret, self._speakers, self._at = secret, speakers, at
        self._persons = frozenset(vault_persons(selection.view))
        self._patient = self._best_patient()
        own = uuid_of(secret, b"patient") if self._patient is None else entry_id(secret, self._patient.id, 0)
        self.patient_url = "urn:uuid:" + own
        self._urls: dict[RecordId, str] = {}
        for found in selection.entries.values():
            for one in found:
                self._urls.update((record.id, self._url(one.id, 0)) for record in one.records)
        self._wanted: list[Record] = []
        self._made: list[Resource] = []

    def patient(self) -> Resource:
        """The Patient as it stands in the document."""
        if self._patient is None:
            return {"resourceType": "Patient", "id": self.patient_url.removeprefix("urn:uuid:")}
        return self._closed(self._patient.id, resource(self._patient, self._newer), self.patient_url)

    def entry(self, chosen: Chosen, number: int) -> tuple[str, Resource, Line]:
        """One version of a record: its fullUrl, the resource, and its line."""
        version, of = chosen.versions[number], len(chosen.versions)
        url = self._url(chosen.id, number)
        facts = facts_of(self._view, chosen.records, version, self._speakers)
        made = self._closed(chosen.id, version.resource, url)
        kind = str(made["resourceType"])
        if kind in _OF_PATIENT:
            made[_OF_PATIENT[kind]] = {"reference": self.patient_url}
        alike = [self._urls[other] for other in chosen.alike if other in self._urls]
        disputes = self._disputes(chosen, version.kind, number, alike)
        _append(made, "extension", [*extensions(facts), *disputes])
        meta = made.setdefault("meta", {})
        _append(meta, "security", security(facts))
        _append(meta, "tag", [{"system": TAGS, "code": "disputed"}] if disputes else [])
        if not meta:
            del made["meta"]
        notes = self._notes(chosen)
        if kind in _HAVE_NOTE:
            told = [note for note, _ in notes]
            if version.kind is not None:
                told.append({"text": f"Disputed: version {number + 1} of {of}. No version of it is settled."})
            _append(made, "note", told)
        line = Line(
            chosen.id.hex(),
            kind,
            label(version.resource, lambda reference: self._shown(chosen.id, reference)),
            status_word(version.resource),
            chosen.active,
            version.kind or ("duplicate" if alike else None),
            (number + 1, of),
            facts,
            tuple(words for _, words in notes),
            kind in _DATED and is_old(facts, self._at),
            url,
        )
        return url, made, line

    def follow(self) -> None:
        """Takes in what the entries lean on, and what that leans on, in the order in which it is named."""
        for record in self._wanted:  # it grows meanwhile
            url = self._urls[record.id]
            self._made.append(entry_of(url, self._closed(record.id, resource(record, self._newer), url)))

    def holds(self, id_: RecordId) -> bool:
        """True if a record stands in the document, in a section or behind an entry."""
        return id_ in self._urls

    def supporting(self) -> list[Resource]:
        """The entries that were taken in."""
        return self._made

    def _url(self, id_: RecordId, number: int) -> str:
        return "urn:uuid:" + entry_id(self._secret, id_, number)

    def _closed(self, id_: RecordId, shown: Resource, url: str) -> Resource:
        for reference in supports(shown):
            self._take_in(id_, reference, SUPPORTING_OF.get(str(shown.get("resourceType")), frozenset()))
        return closed(shown, url.removeprefix("urn:uuid:"), self.patient_url, lambda ref: self._lead(id_, ref))

    def _lead(self, id_: RecordId, reference: Any) -> str | None:
        target = self._index.resolve(id_, reference)
        if target in self._persons:
            return self.patient_url
        return None if target is None else self._urls.get(target)

    def _take_in(self, id_: RecordId, reference: Any, also: frozenset[str]) -> None:
        target = self._index.resolve(id_, reference)
        record = (
            None if target is None or target in self._urls or target in self._persons else self._view.record(target)
        )
        if record is not None and not record.unknown:
            shown = resource_plain(record, self._newer)
            if shown.get("resourceType") in SUPPORTING | also and reason_against(shown) is None:
                self._urls[record.id] = self._url(record.id, 0)
                self._wanted.append(record)

    def _shown(self, id_: RecordId, reference: Any) -> Resource | None:
        target = self._index.resolve(id_, reference)
        record = None if target is None else self._view.record(target)
        return None if record is None else resource_plain(record, self._newer)

    def _best_patient(self) -> Record | None:
        """Of the vault's persons the one that somebody wrote on, then that of the newest file. None is mixed."""
        records = [record for id_ in sorted(self._persons) if (record := self._view.record(id_)) is not None]

        def worth(record: Record) -> tuple[Any, ...]:
            file = newest_file(self._view, record)
            return (file is None or not record.untouched, rank(None if file is None else file[1]), record.id)

        return max(records, key=worth, default=None)

    def _disputes(self, chosen: Chosen, kind: str | None, number: int, alike: list[str]) -> list[Resource]:
        found = []
        if kind is not None:
            parts: list[Resource] = [{"url": "kind", "valueCode": kind}]
            parts.append({"url": "group", "valueString": uuid_of(self._secret, b"group", chosen.id)})
            parts.append({"url": "number", "valuePositiveInt": Number(str(number + 1))})
            parts.append({"url": "of", "valuePositiveInt": Number(str(len(chosen.versions)))})
            deleters = (self._speakers(dot).name for dot in chosen.versions[number].deleted_by)
            parts += [{"url": "deletedBy", "valueString": name} for name in dict.fromkeys(deleters)]
            found.append({"url": DISPUTED_URL, "extension": parts})
        for url in alike:
            parts = [{"url": "kind", "valueCode": "duplicate"}, {"url": "other", "valueReference": {"reference": url}}]
            found.append({"url": DISPUTED_URL, "extension": parts})
        return found

    def _notes(self, chosen: Chosen) -> list[tuple[Resource, str]]:
        """What members wrote beside an entry: as an Annotation, and in words."""
        found = []
        for record in chosen.records:
            for prefix, verb in ((NOTE, "notes"), (DISPUTE, "says it is wrong")):
                for remark in remarks(record, prefix):
                    # Of one that came in with a file, that file says who wrote it and when.
                    said_by = remark.author or "somebody"
                    name = said_by if remark.from_file else self._speakers(remark.sibling.dot).name
                    words = f"{name} {verb}: {remark.text}"
                    time = remark.at if remark.from_file else instant(remark.sibling.at)
                    note = {"authorString": name, "text": remark.text if prefix == NOTE else words}
                    found.append(({**note, "time": time} if time else note, words))
        return found


def _append(made: Resource, name: str, more: list[Resource]) -> None:
    standing = made.get(name)
    joined = [*standing, *more] if isinstance(standing, list) else more
    if joined:
        made[name] = joined
