"""What is asked of whole records: deleted while somebody edited it, or perhaps the same as another (FHI-32, 33, 37)."""

import pytest

from sync.fhir import conflicts, editing, resolving
from sync.fhir.conflicts import DELETED_WHILE_EDITED, DUPLICATE
from sync.fhir.registers import split
from sync.fhir.view import is_deleted, merged_into, not_same_as
from sync.merge.change import PERSON, SOURCE, Edit, RecordId
from sync.merge.view import delete_preds
from tests.fhir.fhir_family import FILE, Family, fhir, newer_copy
from tests.fhir.medicine import NEWER, RAMIPRIL, dose, imported, refusal, set_dose, told


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
