"""A few phones that share one record, and a source that imports into it: edits become changes with dots."""

from sync.fhir import conflicts, editing
from sync.fhir.exact import loads
from sync.fhir.registers import join, resplit, split
from sync.fhir.view import values
from sync.merge.change import PERSON, SOURCE, Change, Edit, RecordId, Via, make_dot
from sync.merge.record import Record

RECORD = RecordId(b"synthetic record".ljust(32, b"."))
FILE = Via("import", b"e" * 32)


def fhir(text):
    return loads(text)


class Family:
    """Phones A, B, C … of one log. Each change is applied at once; `apart` makes edits of the same state."""

    def __init__(self, record_id=RECORD):
        self.record = Record(record_id)
        self.n = {}

    def change(self, phone, edit):
        self.n[phone] = self.n.get(phone, 0) + 1
        dot = make_dot(ord(phone) - ord("A"), self.n[phone])
        return Change(dot, edit.record, edit.birth, edit.lane, edit.via, edit.preds, edit.sets, 1_000 * dot)

    def apply(self, phone, edit):
        change = self.change(phone, edit)
        assert self.record.apply(change)
        return change.dot

    def apart(self, *made):
        """Edits that were made without knowledge of each other: pairs of phone and a function of the record."""
        edits = [(phone, make(self.record)) for phone, make in made]
        return [self.apply(phone, edit) for phone, edit in edits]

    def born(self, phone, text):
        """A record that a person typed in."""
        return self.apply(phone, editing.new(fhir(text), self.record.id))

    def imported(self, phone, text):
        """A source's first copy."""
        sets = tuple(sorted(split(fhir(text)).items()))
        return self.apply(phone, Edit(self.record.id, True, SOURCE, FILE, (), sets))

    def newer_copy(self, phone, text):
        """A source's later copy, as a phone imports it that holds the earlier one: only what differs is written."""
        return self.apply(phone, newer_copy(self.record, text))

    def question(self, **options):
        return conflicts.find(self.record, **options)

    def shown(self):
        return join(values(self.record))


def newer_copy(record, text):
    held = {}
    for key in sorted(record.keys()):
        for sibling in record.siblings(key, SOURCE):
            if sibling.value is not None:
                held[key] = sibling.value
    new = resplit(fhir(text), held)
    sets = {key: new.get(key) for key in {*held, *new} if new.get(key) != held.get(key)}
    preds = {sibling.dot for key in sets for sibling in record.siblings(key, SOURCE)}
    return Edit(record.id, False, SOURCE, FILE, tuple(sorted(preds)), tuple(sorted(sets.items())))


def set_to(element, text):
    return lambda record: editing.set_element(record, element, fhir(text))


def preds_of_all(record, keys):
    return {s.dot for key in keys for lane in (SOURCE, PERSON) for s in record.siblings(key, lane)}
