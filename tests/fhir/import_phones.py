"""A tiny vault for import tests: records by id, and edits that become changes of a phone with an ordinal."""

import os
from pathlib import Path

from sync.fhir import bundle, conflicts, duplicates, exact, importing, sources
from sync.merge.change import Change, make_dot
from sync.merge.record import Record
from tests.vectors.import_resources import bundle as made_bundle
from tests.vectors.import_resources import document, entry, patient

EXAMPLES = os.environ.get("CARNET_EXAMPLES")


class Phone:
    """One phone's vault. What it writes is applied at once and waits in `sent` for others to take."""

    def __init__(self, ordinal=0):
        self.ordinal = ordinal
        self.by_id = {}
        self.sent = []
        self.n = {}

    def record(self, id_):
        return self.by_id.get(id_)

    def records(self):
        return self.by_id.values()

    def write(self, edits, ordinal=None):
        ordinal = self.ordinal if ordinal is None else ordinal
        for edit in edits:
            self.n[ordinal] = self.n.get(ordinal, 0) + 1
            change = Change(make_dot(ordinal, self.n[ordinal]), *edit, 1_000 * self.n[ordinal])
            self.sent.append(change)
            self.take([change])

    def take(self, changes):
        for change in changes:
            self.by_id.setdefault(change.record, Record(change.record)).apply(change)

    def imports(self, file, **options):
        """Import a file (bytes, or a value) and write what the plan says; answers the plan."""
        plan = importing.plan(bundle.parse(as_bytes(file)), self, **options)
        self.write(plan.edits)
        return plan

    def questions(self):
        """Open questions of single records, then proposed pairs."""
        newer = sources.newer_in(self)
        asked = [conflicts.find(record, newer) for record in self.records()]
        return [one for one in asked if one is not None] + duplicates.propose(self)


def merged(*phones):
    """Phones that met: each has what the others wrote; the first is answered."""
    sent = [list(phone.sent) for phone in phones]
    for phone in phones:
        for other, changes in zip(phones, sent, strict=True):
            if other is not phone:
                phone.take(changes)
    return phones[0]


def as_bytes(value):
    return value if isinstance(value, bytes) else exact.canonical(value)


def url_id(type_, url):
    """The record id of an entry with an absolute fullUrl."""
    return importing.record_id([type_, "url", url, 0])


def all_files():
    """Files by name: small synthetic ones, and the real examples if they are there."""
    found = dict(synthetic_files())
    if EXAMPLES is not None:
        found.update((path.name, path.read_bytes()) for path in sorted((Path(EXAMPLES) / "ips").glob("*.json")))
    return found


def synthetic_files():
    value = exact.loads('{"value":5.40,"unit":"%"}')
    observation = {"resourceType": "Observation", "id": "o", "status": "final", "valueQuantity": value}
    observation["text"] = {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>5,40 %</div>"}
    broken = {"resourceType": "Condition", "subject": {"reference": "Patient/9"}, "code": None, "onsetAge": []}
    drug = {"resourceType": "Medication", "id": "d", "code": {"text": "Ramipril 5 mg"}}
    taken = {"resourceType": "MedicationStatement", "medicationReference": {"reference": "Medication/d"}}
    yield "document.json", document("2024-03-12T10:00:00+01:00", observation)
    yield (
        "urns.json",
        made_bundle(entry(patient(id="p"), "urn:uuid:1"), entry(taken, "urn:uuid:2"), entry(drug, "urn:uuid:3")),
    )
    yield (
        "broken.json",
        made_bundle(entry(patient(), ""), entry(broken), {"request": {"method": "GET"}}, "what", type="batch"),
    )
    found = [
        entry(observation, search={"mode": "match", "score": exact.Number("1.00")}),
        entry({"resourceType": "OperationOutcome"}),
    ]
    yield (
        "search.json",
        made_bundle(*found, type="searchset", total=exact.Number("1"), link=[{"relation": "self", "url": "x"}]),
    )
    yield "alone.json", observation
    yield "without entries.json", {"resourceType": "Bundle", "type": "collection"}
    yield "twice the same.json", made_bundle(*[entry(observation)] * 3)
