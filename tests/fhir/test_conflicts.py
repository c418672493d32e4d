"""What people who wrote apart are asked, what nobody is asked, and how a question is settled (FHI-29, 30, 34 to 36)."""

import json

import pytest

from sync.fhir import editing, resolving
from sync.fhir.conflicts import DELETED_WHILE_EDITED, VALUE
from sync.fhir.exact import canonical
from sync.fhir.quiet import differ, same
from sync.fhir.view import SIBLINGS_URL, resource
from sync.merge.change import PERSON, Via
from tests.fhir.fhir_family import Family, fhir, set_to
from tests.fhir.medicine import dose, imported, refusal, set_dose, told, two_doses

CODE = """{"resourceType":"Condition","code":{"coding":[{"system":"http://snomed.info/sct","code":"38341003",
 "display":"%s"}]},"note":[{"text":"%s"}],"recordedDate":"%s"}"""


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
