"""What is asked when a newer copy of a source says something else than a person, or than another copy (FHI-31)."""

import pytest

from sync.fhir import editing, resolving
from sync.fhir.conflicts import SOURCE_CHANGED
from sync.fhir.exact import canonical
from sync.fhir.view import resource
from sync.merge.change import PERSON, SOURCE, Edit
from tests.fhir.fhir_family import set_to
from tests.fhir.medicine import NEWER, RAMIPRIL, dose, imported, set_dose, told


def test_a_newer_copy_that_differs_from_what_the_person_had_seen_is_asked_about_once():
    """FHI-31."""
    family = imported()
    family.apply("B", set_dose("2.5 mg")(family.record))
    assert family.question() is None
    family.newer_copy("A", NEWER)
    question = family.question()
    assert (question.kind, question.element) == (SOURCE_CHANGED, "dosage")
    assert told(question) == [dose("2.5 mg"), dose("10 mg")]
    assert [value.lane for value in question.values] == [PERSON, SOURCE]
    assert family.shown()["dosage"] == [{"text": "2.5 mg"}]
    family.apply("C", resolving.keep(family.record, question))
    assert family.question() is None
    assert family.shown()["dosage"] == [{"text": "2.5 mg"}]
    family.newer_copy("A", RAMIPRIL.replace("5 mg", "20 mg"))
    assert told(family.question()) == [dose("2.5 mg"), dose("20 mg")]


def test_taking_the_sources_value_settles_it():
    family = imported()
    family.apply("B", set_dose("2.5 mg")(family.record))
    family.newer_copy("A", NEWER)
    family.apply("B", resolving.resolve_take(family.record, family.question(), 2))
    assert family.question() is None
    assert family.shown()["dosage"] == [{"text": "10 mg"}]


def test_a_later_edit_that_has_seen_the_newer_copy_settles_it():
    family = imported()
    family.apply("B", set_dose("2.5 mg")(family.record))
    family.newer_copy("A", NEWER)
    family.apply("B", set_dose("3 mg")(family.record))
    assert family.question() is None


def test_a_newer_copy_that_says_what_the_person_said_is_not_asked_about():
    family = imported()
    family.apply("B", set_dose("10 mg")(family.record))
    family.newer_copy("A", NEWER)
    assert family.question() is None


def test_the_same_file_on_two_phones_asks_nothing_of_an_edited_record():
    family = imported()
    family.apply("B", set_dose("2.5 mg")(family.record))
    family.imported("C", RAMIPRIL)
    assert family.question() is None
    assert family.shown()["dosage"] == [{"text": "2.5 mg"}]


def test_a_persons_value_that_had_seen_no_copy_is_asked_about():
    family = imported()
    [key] = [key for key, _ in set_dose("2.5 mg")(family.record).sets]
    value = canonical(dose("2.5 mg"))
    family.apply("B", Edit(family.record.id, False, PERSON, None, (), ((key, value),)))
    assert told(family.question()) == [dose("2.5 mg"), dose("5 mg")]


@pytest.mark.parametrize(
    ("register", "text"),
    [
        ("status", RAMIPRIL.replace("active", "entered-in-error")),
        ("medication[x]", RAMIPRIL.replace("Ramipril", "Enalapril")),
    ],
)
def test_a_newer_copy_that_changes_what_a_thing_is_or_whether_it_holds_is_asked_about(register, text):
    """FHI-31."""
    family = imported()
    family.newer_copy("A", text)
    question = family.question()
    assert (question.kind, question.registers) == (SOURCE_CHANGED, (register,))
    assert len(question.values) == 2
    family.apply("B", resolving.keep(family.record, question))
    assert family.question() is None


def test_a_newer_copy_of_a_dose_nobody_edited_is_taken_without_a_question():
    family = imported()
    family.newer_copy("A", NEWER)
    assert family.question() is None
    assert family.shown()["dosage"] == [{"text": "10 mg"}]


def test_a_newer_copy_from_another_importer_is_asked_about():
    """FHI-31."""
    family = imported()
    family.newer_copy("B", NEWER)
    assert told(family.question()) == [dose("5 mg"), dose("10 mg")]
    assert family.question(importer=lambda _: "one person with two phones") is None


def test_two_versions_imported_apart_show_the_newer_and_ask():
    family = imported()
    family.imported("B", NEWER)

    def newest(sibling):
        return sibling.dot != family.record.births[-1].dot

    assert told(family.question()) == [dose("5 mg"), dose("10 mg")]
    assert told(family.question(newer=newest)) == [dose("10 mg"), dose("5 mg")]
    assert resource(family.record, newest)["dosage"] == [{"text": "5 mg"}]
    family.apply("C", resolving.resolve_take(family.record, family.question(newer=newest), 2))
    assert family.question(newer=newest) is None


def test_facts_about_the_copy_are_never_asked_about():
    """FHI-31."""
    family = imported('{"resourceType":"Basic","meta":{"versionId":"1"},"code":{"text":"x"}}')
    family.apply("B", set_to("meta", '{"tag":[{"code":"x"}]}')(family.record))
    family.newer_copy("A", '{"resourceType":"Basic","meta":{"versionId":"2"},"code":{"text":"x"}}')
    assert family.question() is None


def test_a_repetition_that_the_source_dropped_though_a_person_changed_it_is_asked_about():
    family = imported()
    family.apply("B", editing.change_repetition(family.record, "note", "1", {"text": "own"}))
    family.newer_copy("A", RAMIPRIL.replace("with water", "with milk"))
    question = family.question()
    assert told(question) == [{"note": [{"text": "own"}]}, {}]
    assert sorted(note["text"] for note in family.shown()["note"]) == ["own", "with milk"]


def test_a_repetition_that_only_moved_asks_nothing():
    family = imported(RAMIPRIL.replace('[{"value":"1"}]', '[{"value":"1"},{"value":"2"}]'))
    family.apply("B", editing.change_repetition(family.record, "identifier", "2", {"value": "own"}))
    family.newer_copy("A", RAMIPRIL.replace('[{"value":"1"}]', '[{"value":"2"},{"value":"1"}]'))
    assert family.question() is None
    assert sorted(item["value"] for item in family.shown()["identifier"]) == ["1", "own"]
