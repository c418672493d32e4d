"""What a person is asked, what nobody is asked, and how a question is settled (FHI-20, FHI-21, FHI-29 to FHI-37)."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.fhir import conflicts, editing, resolving
from sync.fhir.conflicts import DELETED_WHILE_EDITED, DUPLICATE, SOURCE_CHANGED, VALUE
from sync.fhir.editing import EditRefused
from sync.fhir.exact import canonical, loads
from sync.fhir.quiet import differ, same
from sync.fhir.registers import split
from sync.fhir.table import detailed_types, registers_of
from sync.fhir.view import SIBLINGS_URL, is_deleted, merged_into, narrative_is_stale, not_same_as, resource
from sync.merge.change import PERSON, SOURCE, Edit, RecordId, Via
from sync.merge.view import delete_preds
from tests.fhir.fhir_family import FILE, Family, fhir, newer_copy, set_to

RAMIPRIL = """{"resourceType":"MedicationStatement","status":"active","medicationCodeableConcept":{"text":"Ramipril"},
 "dosage":[{"text":"5 mg"}],"identifier":[{"value":"1"}],"note":[{"text":"with water"}],
 "text":{"status":"generated","div":"<div>5 mg</div>"}}"""
CODE = """{"resourceType":"Condition","code":{"coding":[{"system":"http://snomed.info/sct","code":"38341003",
 "display":"%s"}]},"note":[{"text":"%s"}],"recordedDate":"%s"}"""


def imported(text=RAMIPRIL):
    family = Family()
    family.imported("A", text)
    return family


def told(question):
    return [value.value for value in question.values]


def dose(text):
    return {"dosage": [{"text": text}]}


def set_dose(text):
    return set_to("dosage", json.dumps([{"text": text}]))


def refusal(made):
    with pytest.raises(EditRefused) as refused:
        made()
    return refused.value.code


# value


def two_doses():
    family = imported()
    dots = family.apart(("B", set_dose("10 mg")), ("C", set_dose("2.5 mg")))
    return family, dots


def test_two_doses_are_one_question_with_both_and_nothing_between():
    """FHI-30."""
    family, dots = two_doses()
    question = family.question()
    assert (question.kind, question.element, question.registers) == (VALUE, "dosage", ("dosage",))
    assert told(question) == [dose("10 mg"), dose("2.5 mg")]
    assert [value.dots for value in question.values] == [(dots[0],), (dots[1],)]
    assert {value.lane for value in question.values} == {PERSON}


def test_a_record_in_conflict_shows_the_lowest_dots_value_and_lists_every_sibling():
    """FHI-20."""
    family, _ = two_doses()
    made = resource(family.record)
    assert made["dosage"] == [{"text": "10 mg"}]
    [extension] = made["extension"]
    assert extension["url"] == SIBLINGS_URL
    assert [json.loads(part["extension"][0]["valueString"]) for part in extension["extension"][1:]] == [
        dose("10 mg"),
        dose("2.5 mg"),
    ]


def test_taking_one_settles_the_question_for_everybody_and_names_what_it_settled():
    """FHI-36."""
    family, dots = two_doses()
    question = family.question()
    edit = resolving.resolve_take(family.record, question, 2)
    assert set(edit.preds) >= set(dots)
    family.apply("D", edit)
    assert family.question() is None
    assert family.shown()["dosage"] == [{"text": "2.5 mg"}]
    assert "extension" not in resource(family.record)


def test_a_value_of_ones_own_settles_it_too_and_keeps_its_digits():
    family, _ = two_doses()
    own = fhir('{"dosage":[{"doseAndRate":[{"doseQuantity":{"value":7.50,"unit":"mg"}}]}],"effectiveDateTime":"2024"}')
    family.apply("D", resolving.resolve_value(family.record, family.question(), own))
    assert family.question() is None
    assert b"7.50" in canonical(family.shown())
    assert family.shown()["effectiveDateTime"] == "2024"


def test_what_is_taken_must_be_one_of_those_shown():
    family, _ = two_doses()
    question = family.question()
    assert refusal(lambda: resolving.resolve_take(family.record, question, 0)) == "no_such_value"
    assert refusal(lambda: resolving.resolve_take(family.record, question, 3)) == "no_such_value"
    assert refusal(lambda: resolving.keep(family.record, question)) == "no_such_value"
    assert refusal(lambda: resolving.delete(family.record, question)) == "no_such_value"
    for code, value in (
        ("unknown_element", {"status": "active"}),
        ("bad_value", {"dosage": {"text": "x"}}),
        ("bad_value", "10 mg"),
        ("bad_value", {"dosage": [{"x": 1.5}]}),
    ):
        made = lambda value=value: resolving.resolve_value(family.record, question, value)  # noqa: E731
        assert refusal(made) == code


def test_an_answer_to_an_old_question_is_refused():
    """FHI-36."""
    family, _ = two_doses()
    question = family.question()
    other = Family()
    other.record, other.n = family.record, family.n
    late = set_dose("20 mg")(imported().record)
    family.apply("D", late)
    assert family.question().id != question.id
    for made in (
        lambda: resolving.resolve_take(family.record, question, 1),
        lambda: resolving.resolve_value(family.record, question, dose("1 mg")),
    ):
        assert refusal(made) == "conflict_stale"


def test_a_question_keeps_its_id_while_other_registers_change():
    """FHI-34."""
    family, _ = two_doses()
    before = family.question().id
    family.apply("D", editing.set_element(family.record, "dateAsserted", "2024"))
    family.apply("D", editing.annotate(family.record, "x", b"seed"))
    assert family.question().id == before


def test_a_later_edit_by_one_who_saw_both_is_not_asked_about():
    family, _ = two_doses()
    family.apply("D", resolving.resolve_value(family.record, family.question(), dose("1 mg")))
    family.apply("B", set_dose("2 mg")(family.record))
    assert family.question() is None


def test_equal_words_are_one_value_with_both_dots_beside_a_third():
    family = imported()
    family.apart(("B", set_dose("10 mg")), ("C", set_dose("10 mg")), ("D", set_dose("2 mg")))
    question = family.question()
    assert told(question) == [dose("10 mg"), dose("2 mg")]
    assert [len(value.dots) for value in question.values] == [2, 1]


def test_removing_an_element_beside_changing_it_is_asked_and_hides_nothing():
    """FHI-20."""
    family = imported()
    family.apart(("B", lambda record: editing.unset(record, "dosage")), ("C", set_dose("10 mg")))
    assert family.question().kind == VALUE
    assert told(family.question()) == [{}, dose("10 mg")]
    assert family.shown()["dosage"] == [{"text": "10 mg"}]
    family.apply("B", resolving.resolve_take(family.record, family.question(), 1))
    assert "dosage" not in family.shown()


def test_several_registers_are_one_question_and_each_side_is_an_answer():
    """FHI-34, FHI-35."""
    family = imported()
    family.apart(
        ("B", set_dose("10 mg")), ("B", set_to("status", '"stopped"')), ("C", set_dose("2 mg")),
        ("C", set_to("status", '"completed"')),
    )  # fmt: skip
    question = family.question()
    assert question.registers == ("dosage", "status")
    assert told(question) == [{**dose("10 mg"), "status": "stopped"}, {**dose("2 mg"), "status": "completed"}]
    family.apply("D", resolving.resolve_take(family.record, question, 2))
    assert family.question() is None
    assert family.shown()["status"] == "completed"
    assert family.shown()["dosage"] == [{"text": "2 mg"}]


def test_of_three_people_each_word_is_in_some_answer():
    """FHI-35."""
    family = imported()
    family.apart(
        ("B", set_dose("10 mg")), ("C", set_dose("2 mg")), ("D", set_dose("3 mg")),
        ("B", set_to("status", '"stopped"')), ("D", set_to("status", '"completed"')),
    )  # fmt: skip
    answers = told(family.question())
    assert {answer["dosage"][0]["text"] for answer in answers} == {"10 mg", "2 mg", "3 mg"}
    assert {answer["status"] for answer in answers} == {"stopped", "completed"}


def test_a_repetition_removed_while_somebody_changed_it_is_there_and_asked_about():
    """FHI-30."""
    for choice, left in ((resolving.keep, [{"text": "b"}]), (resolving.delete, None)):
        family = imported()
        family.apart(
            ("C", lambda record: editing.remove_repetition(record, "note", "1")),
            ("B", lambda record: editing.change_repetition(record, "note", "1", {"text": "b"})),
        )
        question = family.question()
        assert (question.kind, question.element) == (DELETED_WHILE_EDITED, "note")
        assert sorted(map(str, told(question))) == sorted(map(str, [{}, {"note": [{"text": "b"}]}]))
        assert family.shown()["note"] == [{"text": "b"}]
        family.apply("D", choice(family.record, question))
        assert family.question() is None
        assert family.shown().get("note") == left


def test_a_repetition_is_settled_with_a_value_of_ones_own():
    family = imported()
    family.apart(
        ("B", lambda record: editing.change_repetition(record, "note", "1", {"text": "b"})),
        ("C", lambda record: editing.change_repetition(record, "note", "1", {"text": "c"})),
    )
    question = family.question()
    assert question.kind == VALUE
    many = {"note": [{"text": "x"}, {"text": "y"}]}
    assert refusal(lambda: resolving.resolve_value(family.record, question, many)) == "bad_value"
    family.apply("B", resolving.resolve_value(family.record, question, {"note": [{"text": "both"}]}))
    assert family.shown()["note"] == [{"text": "both"}]


def at_two_places(first, second):
    """A contained resource that two copies have at two places, changed by one who had each copy alone."""
    copies = (
        '{"resourceType":"MedicationStatement","contained":[{"resourceType":"Medication","id":"m"}]}',
        (
            '{"resourceType":"MedicationStatement","contained":[{"resourceType":"Substance","id":"s"},'
            '{"resourceType":"Medication","id":"m"}]}'
        ),
    )
    edits = []
    for phone, copy, place, status in (("A", copies[0], "1", first), ("B", copies[1], "2", second)):
        alone = Family()
        alone.imported(phone, copy)
        edits.append(editing.change_repetition(alone.record, "contained", place, {"id": "m", "status": status}))
    family = Family()
    family.imported("A", copies[0])
    family.imported("B", copies[1])
    family.apply("C", edits[0])
    family.apply("D", edits[1])
    return family


def test_one_repetition_at_two_places_changed_by_two_is_asked_about():
    family = at_two_places("inactive", "entered-in-error")
    question = family.question(importer=lambda _: "one")
    assert question.kind == VALUE
    assert len(question.registers) == 2
    assert {value.value["contained"][0]["status"] for value in question.values} == {"inactive", "entered-in-error"}
    family.apply("E", resolving.resolve_take(family.record, question, 2))
    assert family.question(importer=lambda _: "one") is None
    assert {"id": "m", "status": "entered-in-error"} in family.shown()["contained"]


def test_an_edit_of_one_repetition_at_two_places_writes_both():
    """FHI-17."""
    family = at_two_places("inactive", "inactive")
    place = str(1 + [item["id"] for item in family.shown()["contained"]].index("m"))
    family.apply("E", editing.change_repetition(family.record, "contained", place, {"id": "m", "status": "active"}))
    assert family.question(importer=lambda _: "one") is None
    assert [item for item in family.shown()["contained"] if item["id"] == "m"] == [{"id": "m", "status": "active"}]


def test_a_second_word_of_one_author_is_an_answer_of_its_own():
    """An adopted change stands beside its carrier's own word."""
    family = imported()
    adopted = Via("frame", b"f" * 32)
    family.apart(("B", set_dose("10 mg")), ("C", set_dose("2 mg")))
    family.apply("B", set_dose("3 mg")(imported().record)._replace(via=adopted))
    family.apart(("B", set_to("status", '"stopped"')), ("C", set_to("status", '"completed"')))
    answers = told(family.question())
    assert {answer["dosage"][0]["text"] for answer in answers} == {"10 mg", "2 mg", "3 mg"}


# what nobody is asked


@pytest.mark.parametrize(
    ("element", "one", "other"),
    [
        ("code", '{"coding":[{"system":"s","code":"c","display":"x"}]}', '{"coding":[{"system":"s","code":"c"}]}'),
        ("recordedDate", '"2024-03-01T10:00:00+01:00"', '"2024-03-01T09:00:00Z"'),
        ("code", '{"text":"high  blood\\npressure "}', '{"text":"high blood pressure"}'),
    ],
)
def test_what_means_the_same_is_no_question(element, one, other):
    family = imported('{"resourceType":"Condition","code":{"text":"first"},"subject":{"reference":"x"}}')
    family.apart(("B", set_to(element, one)), ("C", set_to(element, other)))
    assert family.question() is None
    family.apply("D", set_to(element, one)(family.record))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"value":5.40}', '{"value":5.4}'),
        ('{"code":"c"}', '{"code":"d"}'),
        ('{"system":"s","code":"c","display":"x"}', '{"system":"t","code":"c","display":"x"}'),
        ('{"value":5,"unit":"mg","system":"u","code":"mg"}', '{"value":50,"unit":"mg","system":"u","code":"mg"}'),
        ('{"value":"a b"}', '{"value":"a  b"}'),
        ('{"text":"no pain"}', '{"text":"nopain"}'),
        ('{"x":"2024-03-01T10:00:00Z"}', '{"x":"2024-03-01T10:00:01Z"}'),
        ('{"x":"2024-03-01"}', '{"x":"2024-03"}'),
        ('{"x":["a","b"]}', '{"x":["b","a"]}'),
        ('{"text":"A"}', '{"text":"a"}'),
    ],
)
def test_what_could_mean_another_thing_is_a_question(one, other):
    assert not same(one.encode(), other.encode())


def test_a_value_and_its_absence_are_never_the_same():
    assert differ([None, b"null"])
    assert not differ([None, None])
    assert not same(b"{", b"[")


# source_changed

NEWER = RAMIPRIL.replace("5 mg", "10 mg")


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


# deleted_while_edited


def test_a_record_deleted_while_somebody_edited_it_is_there_whole_and_asked_about():
    """FHI-32."""
    family = imported()
    family.apart(("B", editing.delete), ("C", set_dose("10 mg")))
    question = family.question()
    assert (question.kind, question.element) == (DELETED_WHILE_EDITED, "@life")
    assert told(question) == [{}, dose("10 mg")]
    assert family.shown()["dosage"] == [{"text": "10 mg"}]
    assert not is_deleted(family.record)


@pytest.mark.parametrize(("choice", "gone"), [(resolving.keep, False), (resolving.delete, True)])
def test_it_is_kept_or_deleted_with_all_that_was_not_seen(choice, gone):
    family = imported()
    family.apart(("B", editing.delete), ("C", set_dose("10 mg")))
    edit = choice(family.record, family.question())
    assert edit.preds == delete_preds(family.record)
    family.apply("D", edit)
    assert family.question() is None
    assert is_deleted(family.record) is gone


def test_an_answer_to_an_old_question_about_a_deletion_is_refused():
    """FHI-36."""
    family = imported()
    family.apart(("B", editing.delete), ("C", set_dose("10 mg")))
    question = family.question()
    family.apply("D", editing.annotate(family.record, "x", b"D"))
    assert refusal(lambda: resolving.delete(family.record, question)) == "conflict_stale"
    assert refusal(lambda: resolving.keep(family.record, question)) == "conflict_stale"


def test_taking_the_first_is_the_deletion_and_another_keeps_the_record():
    for n, gone in ((1, True), (2, False)):
        family = imported()
        family.apart(("B", editing.delete), ("C", set_dose("10 mg")))
        family.apply("D", resolving.resolve_take(family.record, family.question(), n))
        assert is_deleted(family.record) is gone


def test_a_restoration_beside_a_second_deletion_is_asked_about():
    family = imported()
    family.apply("B", editing.delete(family.record))
    family.apart(
        ("B", editing.restore),
        ("C", lambda r: Edit(r.id, False, PERSON, None, delete_preds(r), (("@life", b'"gone"'),))),
    )
    question = family.question()
    assert question.kind == DELETED_WHILE_EDITED
    assert told(question)[1]["status"] == "active"


def test_an_equal_copy_of_a_deleted_record_changes_nothing_and_a_changed_one_is_asked_about():
    """FHI-32."""
    for text, gone in ((RAMIPRIL, True), (NEWER, False)):
        family = imported()
        family.apart(
            ("B", editing.delete),
            (
                "C",
                lambda record, text=text: Edit(
                    record.id, True, SOURCE, FILE, (), tuple(sorted(split(fhir(text)).items()))
                ),
            ),
        )
        assert is_deleted(family.record) is gone
        assert (family.question() is None) is gone


def test_a_newer_copy_of_a_deleted_record_is_asked_about():
    family = imported()
    family.apply("B", editing.delete(family.record))
    family.apply("A", newer_copy(family.record, NEWER))
    assert told(family.question())[1]["dosage"] == [{"text": "10 mg"}]


def test_an_annotation_that_the_deletion_had_not_seen_is_shown():
    family = imported()
    family.apart(("B", editing.delete), ("C", lambda record: editing.annotate(record, "helps", b"C")))
    assert told(family.question()) == [{}, {"note": [{"text": "helps"}]}]


# duplicate


def pair():
    one, two = Family(RecordId(b"1" * 32)), Family(RecordId(b"2" * 32))
    one.imported("A", RAMIPRIL)
    two.born("B", RAMIPRIL)
    return one, two


def asked(one, two):
    question = conflicts.duplicate(one.record, two.record)
    assert question == conflicts.duplicate(two.record, one.record)
    return [] if question is None else [question]


def test_two_records_that_may_be_one_are_asked_about_once():
    """FHI-33."""
    one, two = pair()
    [question] = asked(one, two)
    assert (question.kind, question.record, question.other) == (DUPLICATE, one.record.id, two.record.id)
    assert [value["id"] for value in told(question)] == [one.record.id.hex(), two.record.id.hex()]
    assert refusal(lambda: resolving.resolve_take(one.record, question, 1)) == "no_such_value"
    assert refusal(lambda: resolving.resolve_value(one.record, question, {})) == "no_such_value"
    assert refusal(lambda: resolving.keep(one.record, question)) == "no_such_value"


def test_once_said_that_they_are_not_the_same_nobody_is_asked_again():
    """FHI-22, FHI-33."""
    for first, second in (pair(), reversed(pair())):
        first.apply("C", resolving.not_same(first.record, second.record.id))
        assert not_same_as(first.record) == {second.record.id}
        assert asked(first, second) == []


def test_one_merged_into_the_other_is_gone_and_leads_there():
    """FHI-22, FHI-33, FHI-37."""
    one, two = pair()
    assert refusal(lambda: resolving.merge(one.record, one.record.id)) == "bad_value"
    two.apply("C", resolving.merge(two.record, one.record.id))
    assert is_deleted(two.record)
    assert merged_into(two.record) == one.record.id
    assert asked(one, two) == []


# every pair of concurrent operations on every register of the detailed types


def pieces(type_):
    table = registers_of(type_)
    for register in table.registers():
        if register.key not in ("resourceType", "id", "meta", "contained", "extension", "modifierExtension", "text"):
            yield register


def made_of(table, element, word):
    """Some value of an element that holds `word`, so that each author's words can be told."""
    name = table.names_of(element)[-1]
    simple = {"code": "x", "boolean": True, "integer": 1}
    datatype = table.datatype_of(element)
    if element.endswith("[x]"):
        name = next((n for n in table.names_of(element) if n.endswith(("String", "CodeableConcept", "DateTime"))), name)
        value = "2024" if name.endswith("DateTime") else word if name.endswith("String") else {"text": word}
    elif datatype in simple or datatype in ("dateTime", "date", "instant", "uri", "canonical", "string"):
        value = simple.get(datatype, word) if datatype in ("boolean", "integer") else word
    else:
        value = {"text": word}
    return {name: [value] if table.repeats(element) else value}


CASES = [(type_, register) for type_ in detailed_types() for register in pieces(type_)]


@pytest.mark.parametrize(("type_", "register"), CASES, ids=lambda part: part if isinstance(part, str) else part.key)
def test_two_words_on_one_register_are_both_asked_and_on_two_registers_are_both_there(type_, register):
    table = registers_of(type_)
    key = register.key if not register.repeating else f"{register.key}/0.{'A' * 22}"

    def word(text):
        if register.repeating:
            return canonical({"text": text})
        made = {}
        for element in register.elements:
            made.update(made_of(table, element, text))
        return canonical(made)

    def edit(value):
        return lambda record: Edit(record.id, False, PERSON, None, tuple(record.live_dots()), ((key, value),))

    words = [word("old"), word("one"), word("two"), None]
    for first in words[1:]:
        for second in words[1:]:
            family = Family()
            start = {"resourceType": canonical({"resourceType": type_}), key: words[0]}
            family.apply("A", Edit(family.record.id, True, SOURCE, FILE, (), tuple(sorted(start.items()))))
            family.apart(("B", edit(first)), ("C", edit(second)))
            question = family.question()
            if first == second:
                assert question is None
                continue
            assert question.kind in (VALUE, DELETED_WHILE_EDITED)
            answers = {dict(answer)[key] for answer in question.answers}
            assert answers == {first, second}
            shown = resource(family.record)
            assert SIBLINGS_URL in json.dumps(json.loads(canonical(shown)))
            for n, answer in enumerate(question.answers, 1):
                settled = Family()
                settled.record, settled.n = family.record.overlaid(()), dict(family.n)
                settled.apply("D", resolving.resolve_take(settled.record, question, n))
                assert settled.question() is None
                assert settled.record.siblings(key, PERSON)[0].value == dict(answer)[key]


WORDS = st.sampled_from(["1 mg", "2 mg", "3 mg", None])
ELEMENTS = st.sampled_from(["dosage", "status", "dateAsserted", "note"])


@given(st.lists(st.tuples(st.sampled_from("BCD"), ELEMENTS, WORDS), min_size=1, max_size=6), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_whatever_was_written_apart_is_in_some_answer_and_one_answer_settles_all(writes, choice):
    """FHI-35, FHI-36."""
    family = imported()

    def write(element, word):
        def make(record):
            if word is None:
                return editing.unset(record, element) if element in family.shown() else set_to(element, '"x"')(record)
            if element == "note":
                return editing.change_repetition(record, "note", "1", {"text": word})
            value = [{"text": word}] if element == "dosage" else word
            return editing.set_element(record, element, value)

        return make

    start = family.record
    edits = []
    for phone, element, word in writes:
        if not (word is None and element == "dateAsserted"):
            edits.append((phone, write(element, word)(start)))
    for phone, edit in edits:
        family.apply(phone, edit)
    question = family.question()
    if question is None:
        return
    for key in question.registers:
        standing = {sibling.value for sibling in family.record.siblings(key, PERSON)}
        assert standing <= {dict(answer)[key] for answer in question.answers}
    n = (choice - 1) % len(question.values) + 1
    family.apply("E", resolving.resolve_take(family.record, question, n))
    assert family.question() is None
    shown = family.shown()
    assert all(shown.get(name) == value for name, value in question.values[n - 1].value.items())


# narrative


def test_a_generated_narrative_is_written_anew_once_a_register_has_changed():
    """FHI-21."""
    family = imported()
    assert not narrative_is_stale(family.record)
    assert resource(family.record)["text"]["div"] == "<div>5 mg</div>"
    family.apply("B", set_dose("<b>10 mg & more</b>")(family.record))
    made = resource(family.record)["text"]
    assert made["status"] == "generated"
    assert "&lt;b&gt;10 mg &amp; more" in made["div"]
    assert "5 mg" not in made["div"].replace("10 mg", "")
    assert loads(family.record.siblings("text", SOURCE)[0].value)["text"]["div"] == "<div>5 mg</div>"


def test_a_narrative_is_not_stale_when_nothing_changed_in_meaning_and_current_when_a_person_wrote_it():
    """FHI-21."""
    family = imported()
    family.apply("B", set_dose("5 mg")(family.record))
    assert not narrative_is_stale(family.record)
    family.apply("B", set_dose("7 mg")(family.record))
    own = '{"status":"generated","div":"<div>7 mg</div>"}'
    family.apply("C", set_to("text", own)(family.record))
    assert not narrative_is_stale(family.record)
    family.apply("B", set_dose("8 mg")(family.record))
    assert narrative_is_stale(family.record)


def test_an_additional_narrative_stays():
    family = imported(RAMIPRIL.replace("generated", "additional"))
    family.apply("B", set_dose("10 mg")(family.record))
    assert resource(family.record)["text"]["div"] == "<div>5 mg</div>"
