"""Golden cases: what two people may do apart without anybody being asked. Each ends with two phones that met.

GOLDEN: the name of the case, and a function from two phones that share one vault to nothing.
"""

import json

from sync.fhir import conflicts, editing, exporting, resolving
from sync.fhir.exact import loads_or_none
from sync.merge.change import RecordId
from tests.fhir.import_phones import Phone, as_bytes, url_id
from tests.fhir.test_exporting import renamed
from tests.vectors.import_resources import HOSPITAL, allergy, concept, document, vaccination

MINE = RecordId(b"my own entry".ljust(32, b"."))
DRUG = {"resourceType": "MedicationStatement", "id": "m", "status": "active", "dosage": [{"text": "1-0-0"}]}
DRUG |= {"medicationCodeableConcept": concept("386872004", "Ramipril"), "note": [{"text": "one"}, {"text": "two"}]}
THEIRS = url_id("MedicationStatement", f"{HOSPITAL}/MedicationStatement/m")


class Home:
    """Phones `a` and `b`, which begin with one record of their own and one of a hospital."""

    def __init__(self):
        self.a, self.b = Phone(0), Phone(1)
        self.taken = [0, 0]
        self.a.imports(document("2024-01-01", DRUG))
        self.add(self.a, DRUG | {"medicationCodeableConcept": {"text": "Metformin"}}, MINE)
        self.meet()

    def meet(self):
        news = [phone.sent[taken:] for phone, taken in zip((self.a, self.b), self.taken, strict=True)]
        self.a.take(news[1])
        self.b.take(news[0])
        self.taken = [len(self.a.sent), len(self.b.sent)]

    def add(self, phone, resource, id_):
        phone.write([editing.new(told(resource), RecordId(id_.ljust(32, b".")))])

    def set(self, phone, element, value, id_=MINE):
        phone.write([editing.set_element(phone.record(id_), element, told(value))])

    def each(self, element, ours, theirs, id_=MINE):
        self.set(self.a, element, ours, id_)
        self.set(self.b, element, theirs, id_)


def told(value):
    return loads_or_none(json.dumps(value).encode())


def both_set_one_value(home):
    home.each("dosage", [{"text": "2-0-0"}], [{"text": "2-0-0"}])


def both_move_a_status_to_the_same_end(home):
    home.each("status", "completed", "completed")


def one_moves_a_status_on_twice(home):
    home.set(home.a, "status", "on-hold")
    home.meet()
    home.set(home.b, "status", "active")
    home.set(home.b, "status", "completed")


def one_changes_the_dose_another_the_category(home):
    home.set(home.a, "dosage", [{"text": "2-0-0"}])
    home.set(home.b, "category", {"text": "at home"})


def one_code_with_two_displays(home):
    home.each("category", concept("1", "at home"), concept("1", "zu Hause"))


def one_instant_in_two_zones(home):
    home.each("dateAsserted", "2024-03-01T10:00:00+01:00", "2024-03-01T09:00:00Z")


def white_space_in_a_text(home):
    home.each("dosage", [{"text": "2 - 0 - 0"}], [{"text": " 2 -  0 - 0 "}])


def two_allergies_of_two_people(home):
    home.add(home.a, allergy(code={"text": "Latex"}), b"a")
    home.add(home.b, allergy(code={"text": "Peanut"}), b"b")


def one_vaccination_entered_twice(home):
    home.add(home.a, vaccination(), b"a")
    home.add(home.b, vaccination(), b"b")


def two_diary_entries_of_one_day(home):
    for phone, at in ((home.a, "2024-03-01T07:00:00Z"), (home.b, "2024-03-01T19:00:00Z")):
        weight = {"resourceType": "Observation", "status": "final", "code": concept("1", "Weight")}
        home.add(phone, weight | {"effectiveDateTime": at, "valueString": at}, at.encode())


def each_adds_a_repetition(home):
    for phone in (home.a, home.b):
        seed = b"seed %d" % phone.ordinal
        phone.write([editing.add(phone.record(MINE), "note", told({"text": "the same"}), seed)[0]])


def both_remove_one_repetition(home):
    for phone in (home.a, home.b):
        phone.write([editing.remove_repetition(phone.record(MINE), "note", "1")])


def one_changes_a_repetition_another_its_neighbour(home):
    for phone, place in ((home.a, "1"), (home.b, "2")):
        phone.write([editing.change_repetition(phone.record(MINE), "note", place, told({"text": f"new {place}"}))])


def each_annotates(home):
    for phone in (home.a, home.b):
        phone.write([editing.annotate(phone.record(MINE), "felt well", b"seed %d" % phone.ordinal)])


def both_delete(home):
    for phone in (home.a, home.b):
        phone.write([editing.delete(phone.record(MINE))])


def deleted_and_edited_by_one_who_knew(home):
    home.set(home.a, "status", "completed")
    home.meet()
    home.b.write([editing.delete(home.b.record(MINE))])


def the_same_file_twice(home):
    home.b.imports(document("2024-01-01", DRUG))


def the_same_newer_file_on_both(home):
    for phone in (home.a, home.b):
        phone.imports(document("2024-06-01", DRUG | {"dosage": [{"text": "2-0-0"}]}))


def exported_and_imported_with_fresh_names(home):
    home.b.imports(renamed(exporting.collection(home.b)), same_person=True)


def a_deleted_record_comes_again_unchanged(home):
    home.a.write([editing.delete(home.a.record(THEIRS))])
    home.b.imports(document("2024-02-01", DRUG))


def a_newer_copy_with_another_dose_that_nobody_touched(home):
    home.a.imports(document("2024-02-01", DRUG | {"dosage": [{"text": "2-0-0"}]}))


def a_newer_copy_says_what_a_person_wrote(home):
    home.set(home.b, "dosage", [{"text": "2-0-0"}], THEIRS)
    home.a.imports(document("2024-02-01", DRUG | {"dosage": [{"text": "2-0-0"}]}))


def a_newer_copy_of_what_a_person_changed_says_the_same_as_before(home):
    home.set(home.b, "dosage", [{"text": "2-0-0"}], THEIRS)
    home.a.imports(document("2024-02-01", DRUG | {"category": {"text": "new"}}))


def a_question_that_was_answered(home):
    home.each("dosage", [{"text": "2-0-0"}], [{"text": "3-0-0"}])
    home.meet()
    question = conflicts.find(home.a.record(MINE))
    home.a.write([resolving.resolve_take(home.a.record(MINE), question, 2)])


def answered_alike_on_both(home):
    home.each("dosage", [{"text": "2-0-0"}], [{"text": "3-0-0"}])
    home.meet()
    for phone in (home.a, home.b):
        question = conflicts.find(phone.record(MINE))
        phone.write([resolving.resolve_take(phone.record(MINE), question, 2)])


GOLDEN = {
    act.__name__.replace("_", " "): act
    for act in (
        both_set_one_value, both_move_a_status_to_the_same_end, one_moves_a_status_on_twice,
        one_changes_the_dose_another_the_category, one_code_with_two_displays, one_instant_in_two_zones,
        white_space_in_a_text, two_allergies_of_two_people, one_vaccination_entered_twice,
        two_diary_entries_of_one_day, each_adds_a_repetition, both_remove_one_repetition,
        one_changes_a_repetition_another_its_neighbour, each_annotates, both_delete,
        deleted_and_edited_by_one_who_knew, the_same_file_twice, the_same_newer_file_on_both,
        exported_and_imported_with_fresh_names, a_deleted_record_comes_again_unchanged,
        a_newer_copy_with_another_dose_that_nobody_touched, a_newer_copy_says_what_a_person_wrote,
        a_newer_copy_of_what_a_person_changed_says_the_same_as_before, a_question_that_was_answered,
        answered_alike_on_both,
    )
}  # fmt: skip


def law_quiet(name):
    """Nobody is asked, on either phone, and both hold the same."""
    home = Home()
    assert home.a.questions() == []
    GOLDEN[name](home)
    home.meet()
    for phone in (home.a, home.b):
        assert phone.questions() == [], name
    assert as_bytes(exporting.collection(home.a)) == as_bytes(exporting.collection(home.b))
