"""A synthetic family's years with two phones, hours to weeks apart, and what they are asked: through the real engine.

What the rates stand for: a diary kept on both phones, medicines that change every few weeks (sometimes typed on both
phones after one visit, alike or not), new versions of a hospital's document imported on one phone or on both, notes,
corrections, mistakes that are deleted, the same allergy or vaccination entered twice. All choices come from one seed.
Questions are those of the phone: `conflicts.find` for each record and the proposed duplicates, each counted once.

A figure of this is a figure of these rates: it shows a change of the engine, it does not foretell a family.
"""

import json
import random
from collections import Counter
from typing import NamedTuple

from sync.fhir import editing, resolving
from sync.fhir.conflicts import DELETED_WHILE_EDITED, DUPLICATE, SOURCE_CHANGED, VALUE
from sync.fhir.duplicates import DuplicatePair
from sync.fhir.editable import EditRefused
from sync.fhir.exact import loads_or_none
from sync.fhir.view import is_deleted, values
from sync.merge.change import RecordId
from tests.fhir.import_phones import Phone, url_id
from tests.vectors.import_resources import HOSPITAL, allergy, concept, document, vaccination

KINDS = (VALUE, SOURCE_CHANGED, DELETED_WHILE_EDITED, DUPLICATE)
DAY = 24
APART = ((3, 25), (12, 35), (36, 25), (7 * DAY, 12), (21 * DAY, 3))  # hours until the next meeting, and how often
DRUGS = ("Ramipril", "Metformin", "Simvastatin", "Levothyroxin", "Pantoprazol", "Bisoprolol")
DOSES = ("1-0-0", "1-0-1", "0-0-1", "half a tablet in the morning", "2-0-0")


class Told(NamedTuple):
    """What came of some years."""

    edits: int
    imports: int
    refused: int
    meetings: int
    asked: Counter
    open: int

    @property
    def per_thousand(self):
        return {kind: 1_000 * self.asked[kind] / self.edits for kind in KINDS}


class Family:
    """Two phones of one vault. `hour` counts from the beginning."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.phones = (Phone(0), Phone(1))
        self.taken = [0, 0]  # how many of each phone's changes the other has
        self.hour = self.made = self.edits = self.imports = self.refused = self.meetings = 0
        self.asked = Counter()
        self.known = set()
        self.medicines, self.hospital = [], {}
        self.version = 0
        self.new_version(0)
        for phone in self.phones:
            self.import_file(phone)

    def day(self, back=0):
        total = (self.hour - back) // DAY
        return f"{2024 + total // 336}-{total % 336 // 28 + 1:02}-{total % 28 + 1:02}"

    def pick(self, *given):
        return self.dice.choice(given)

    # What a person does

    def edit(self, phone, make):
        try:
            phone.write([make()])
        except EditRefused:
            self.refused += 1  # a question is open there, or the record went: the person sees why
        else:
            self.edits += 1

    def add(self, phone, resource):
        self.made += 1
        id_ = RecordId((b"own %d" % self.made).ljust(32, b"."))
        self.edit(phone, lambda: editing.new(loads_or_none(_json(resource)), id_))
        return id_

    def change(self, phone, id_, element, value):
        record = phone.record(id_)
        if record is not None:
            self.edit(phone, lambda: editing.set_element(record, element, loads_or_none(_json(value))))

    def some(self, phone, type_):
        """A record of a type that is there on this phone."""
        wanted = b'"' + type_.encode() + b'"'
        found = [r for r in phone.records() if wanted in values(r).get("resourceType", b"") and not is_deleted(r)]
        return self.dice.choice(sorted(found, key=lambda r: r.id)).id if found else None

    def diary(self, phone):
        value = {"value": self.dice.randint(60, 90), "unit": self.pick("kg", "/min")}
        code = concept("29463-7", self.pick("Body weight", "Pulse"), "http://loinc.org")
        at = f"{self.day()}T{self.dice.randint(6, 22):02}:{self.dice.randint(0, 59):02}:00Z"
        made = {"resourceType": "Observation", "status": "final", "code": code, "valueQuantity": value}
        return self.add(phone, made | {"effectiveDateTime": at})

    def medicine(self, phone):
        drug = {"text": self.pick(*DRUGS)}
        made = {"resourceType": "MedicationStatement", "status": "active", "medicationCodeableConcept": drug}
        self.add(phone, made | {"dosage": [{"text": self.pick(*DOSES)}], "effectivePeriod": {"start": self.day()}})

    def new_dose(self, phone):
        id_ = self.some(phone, "MedicationStatement")
        if id_ is not None:
            told = [{"text": self.pick(*DOSES)}]
            self.change(phone, id_, "dosage", told)
            if self.dice.random() < 0.3:  # both were at the doctor's, and both write it down
                other = self.phones[1 - phone.ordinal]
                self.change(other, id_, "dosage", told if self.dice.random() < 0.8 else [{"text": self.pick(*DOSES)}])

    def stop(self, phone):
        id_ = self.some(phone, "MedicationStatement")
        if id_ is not None:
            self.change(phone, id_, "status", self.pick("completed", "stopped", "active"))

    def note(self, phone):
        id_ = self.some(phone, self.pick("MedicationStatement", "Condition", "Observation", "AllergyIntolerance"))
        if id_ is not None:
            seed = f"{self.hour} {phone.ordinal} {self.edits}".encode()
            self.edit(phone, lambda: editing.annotate(phone.record(id_), f"note of hour {self.hour}", seed))

    def correct(self, phone):
        id_ = self.some(phone, "Observation")
        if id_ is not None:
            self.change(phone, id_, "valueQuantity", {"value": self.dice.randint(60, 90), "unit": "kg"})

    def delete(self, phone):
        id_ = self.some(phone, self.pick("Observation", "Observation", "MedicationStatement"))
        if id_ is not None:
            self.edit(phone, lambda: editing.delete(phone.record(id_)))

    def twice(self, phone):
        """Something both think of entering: an allergy, or a vaccination."""
        day = self.day()
        word = self.pick("Latex", "Peanut", "Pollen", "Nickel", "Wasp venom")
        for each in self.phones if self.dice.random() < 0.4 else (phone,):
            if self.dice.random() < 0.5:
                self.add(each, vaccination(day, vaccineCode={"text": f"Vaccine of {day}"}))
            else:
                self.add(each, allergy(self.pick("high", "high", "low"), code={"text": word}))

    def contact(self, phone):
        number = f"+00 {self.dice.randint(100, 999)}"
        self.change(
            phone, url_id("Patient", f"{HOSPITAL}/Patient/p"), "telecom", [{"system": "phone", "value": number}]
        )

    # What the hospital does

    def new_version(self, changes):
        self.version += 1
        if not self.hospital:
            for n, drug in enumerate(DRUGS[:4]):
                statement = {"resourceType": "MedicationStatement", "id": f"m{n}", "status": "active"}
                self.hospital[f"m{n}"] = statement | {
                    "medicationCodeableConcept": {"text": drug},
                    "dosage": [{"text": "1-0-0"}],
                }
            self.hospital["a"] = allergy(id="a")
            self.hospital["c"] = {"resourceType": "Condition", "id": "c", "code": concept("38341003", "Hypertension")}
        for _ in range(changes):
            one = self.hospital[f"m{self.dice.randrange(4)}"]
            if self.dice.random() < 0.7:
                one["dosage"] = [{"text": self.pick(*DOSES)}]
            else:
                one["status"] = self.pick("active", "completed")
        name = f"lab{self.version}"
        lab = {"resourceType": "Observation", "id": name, "status": "final", "code": concept("4548-4", "HbA1c")}
        at = f"{self.day()}T08:00:00Z"
        self.hospital[name] = lab | {"effectiveDateTime": at, "valueQuantity": {"value": 6, "unit": "%"}}
        self.file = _json(document(f"{self.day()}T{9 + self.version % 10:02}:00:00Z", *self.hospital.values()))

    def import_file(self, phone):
        phone.imports(self.file, same_person=True)
        self.imports += 1

    def visit(self, phone):
        self.new_version(self.pick(0, 0, 1, 1, 2))
        for each in self.phones if self.dice.random() < 0.3 else (phone,):
            self.import_file(each)

    # Time

    def until(self, hours):
        """What happens before the next meeting: rates are times in 1,000 days of one phone."""
        rates = (
            (self.diary, 600), (self.note, 90), (self.new_dose, 40), (self.correct, 40), (self.medicine, 12),
            (self.stop, 15), (self.delete, 25), (self.twice, 8), (self.contact, 6), (self.visit, 11),
        )  # fmt: skip
        acts = [act for act, _ in rates]
        expected = sum(rate for _, rate in rates) / 1_000 / DAY
        end = self.hour + hours
        while True:
            self.hour += max(1, round(self.dice.expovariate(2 * expected)))
            if self.hour >= end:
                self.hour = end
                return
            self.dice.choices(acts, [rate for _, rate in rates])[0](self.phones[self.dice.randrange(2)])

    def meet(self):
        self.meetings += 1
        news = [list(phone.sent[taken:]) for phone, taken in zip(self.phones, self.taken, strict=True)]
        for place, phone in enumerate(self.phones):
            phone.take(news[1 - place])
        self.taken = [len(phone.sent) for phone in self.phones]
        for question in self.phones[0].questions():
            self.ask(question)

    def ask(self, question):
        pair = isinstance(question, DuplicatePair)
        name = (question.a, question.b) if pair else question.id
        if name not in self.known:
            self.known.add(name)
            self.asked[DUPLICATE if pair else question.kind] += 1
        if self.dice.random() < 0.7:
            phone = self.phones[self.dice.randrange(2)]
            if pair:
                record = phone.record(question.a)
                merge = self.dice.random() < 0.7
                answer = resolving.merge(record, question.b) if merge else resolving.not_same(record, question.b)
                phone.write([answer])
            else:
                choice = self.dice.randint(1, len(question.values))
                phone.write([resolving.resolve_take(phone.record(question.record), question, choice)])


def years(seed, days=2 * 336):
    """Some years of one family, and what it was asked."""
    family = Family(seed)
    while family.hour < days * DAY:
        hours, weights = zip(*APART, strict=True)
        family.until(family.dice.choices(hours, weights)[0])
        family.meet()
    family.meet()
    family.meet()
    left = len(family.phones[0].questions())
    return Told(family.edits, family.imports, family.refused, family.meetings, family.asked, left), family


def _json(value):
    return json.dumps(value, sort_keys=True).encode()
