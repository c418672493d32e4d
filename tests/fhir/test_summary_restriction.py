"""Restriction without a trace: a summary of a vault that hides something is that of a vault in which it never was.

Spec: openapi/protocol/summary.md, "Restriction"; Regulation (EU) 2025/327 (EHDS), article 8.
"""

import pytest

from sync.fhir import editing
from sync.fhir.summary.assembling import content_bytes, summary_bytes
from sync.fhir.summary.giveaways import giveaways
from sync.fhir.summary.restriction import hidden_in, restrict_edit, restricted_categories
from sync.merge.change import VAULT_RECORD, RecordId, ordinal_of
from tests.fhir.import_phones import Phone, merged
from tests.fhir.summary_checks import (
    allergy,
    broken,
    file_of,
    hide,
    medicine,
    problem,
    resources,
    section,
    summary,
    words,
)
from tests.vectors.import_resources import bundle as bundle_of
from tests.vectors.import_resources import entry, patient

P, SECRET_ID = RecordId(b"p" * 32), RecordId(b"h" * 32)


def written(phone, *pairs):
    phone.write([editing.new(resource, id_) for id_, resource in pairs])


def a_vault(*more):
    """One's own records, among them what `more` says, written as if the others had been there alone."""
    phone = Phone()
    person = {"resourceType": "Patient", "name": [{"text": "Testa Testperson"}], "birthDate": "1990-01-01"}
    written(phone, (P, person), (RecordId(b"a" * 32), allergy("Latex")), (RecordId(b"m" * 32), medicine("Ramipril")))
    written(phone, *more)
    return phone


TELLING = {
    "an allergy": allergy("Secretin", criticality="high"),
    "a problem": problem("Secretitis", onsetDateTime="2020"),
    "a medicine": medicine("Secretol"),
    "a past problem": problem("Old secretitis", "resolved"),
    "a value": {"resourceType": "Observation", "status": "final", "code": {"text": "Secret titre"}},
    "a procedure": {"resourceType": "Procedure", "status": "completed", "code": {"text": "Secretectomy"}},
}


@pytest.mark.parametrize("resource", TELLING.values(), ids=TELLING)
def test_a_hidden_record_leaves_the_bytes_of_a_vault_in_which_it_never_was(resource):
    """MUST SUM-20."""
    never, hidden = a_vault(), a_vault((SECRET_ID, resource))
    assert summary_bytes(summary(hidden).bundle) != summary_bytes(summary(never).bundle)
    hide(hidden, SECRET_ID)
    assert summary_bytes(summary(hidden).bundle) == summary_bytes(summary(never).bundle)
    assert len(summary_bytes(summary(hidden).bundle)) == len(summary_bytes(summary(never).bundle))


@pytest.mark.parametrize(
    ("category", "resource"),
    [
        ("problems", TELLING["a problem"]),
        ("past_problems", TELLING["a past problem"]),
        ("results", TELLING["a value"]),
        ("procedures", TELLING["a procedure"]),
    ],
)
@pytest.mark.parametrize("eu", [False, True])
def test_a_hidden_category_leaves_the_bytes_of_a_vault_in_which_it_never_was(category, resource, eu):
    """MUST SUM-20; the section that must stand says what it says of any vault that knows nothing."""
    never, hidden = a_vault(), a_vault((SECRET_ID, resource))
    hide(hidden, category)
    assert summary_bytes(summary(hidden, eu=eu).bundle) == summary_bytes(summary(never, eu=eu).bundle)
    assert summary(hidden, eu=eu).left_out == summary(never, eu=eu).left_out


def test_a_change_of_what_is_hidden_changes_nothing():
    """MUST SUM-20: no refresh has a reason to be."""
    phone = a_vault((SECRET_ID, TELLING["a problem"]))
    hide(phone, "problems")
    before = content_bytes(summary(phone).bundle)
    phone.write([editing.set_element(phone.record(SECRET_ID), "onsetDateTime", "2021")])
    phone.write([editing.annotate(phone.record(SECRET_ID), "worse", b"n")])
    written(phone, (RecordId(b"i" * 32), problem("Another")))
    assert content_bytes(summary(phone).bundle) == before


def test_a_reference_to_what_is_hidden_is_gone_with_its_display():
    """MUST SUM-17, SUM-20: as one that leads nowhere, whatever the reason."""

    def made(*conditions):
        phone = Phone()
        reason = {"reference": "urn:uuid:c", "display": "Secretitis"}
        taken = medicine("Ramipril", subject={"reference": "urn:uuid:p"}, reasonReference=[reason])
        told = [entry(one, "urn:uuid:c") for one in conditions]
        source = {"type": "document", "identifier": {"system": "urn:test", "value": "1"}}
        phone.imports(bundle_of(entry(patient(id="p"), "urn:uuid:p"), entry(taken, "urn:uuid:t"), *told, **source))
        return phone

    never, hidden = made(), made(problem("Secretitis", subject={"reference": "urn:uuid:p"}))
    hide(hidden, "problems")
    assert b"Secretitis" not in summary_bytes(summary(hidden).bundle)
    assert summary_bytes(summary(hidden).bundle) == summary_bytes(summary(never).bundle)


def test_what_is_hidden_does_not_come_in_behind_another_entry():
    """MUST SUM-20: not as a member of a panel either."""
    phone = Phone()
    seen = {"resourceType": "Observation", "status": "final"}
    panel = seen | {"code": {"text": "Panel"}, "hasMember": [{"reference": "urn:uuid:o"}]}
    titre = seen | {"code": {"text": "Secret titre"}}
    phone.imports(
        bundle_of(entry(patient(id="p"), "urn:uuid:p"), entry(panel, "urn:uuid:q"), entry(titre, "urn:uuid:o"))
    )
    assert b"Secret titre" in summary_bytes(summary(phone).bundle)
    [id_] = [one.id for one in phone.records() if any(b"Secret" in text for text in one.births[0].body.values())]
    hide(phone, id_)
    assert b"Secret titre" not in summary_bytes(summary(phone).bundle)
    assert broken(summary(phone).bundle) == []


def test_a_disputed_record_is_hidden_with_all_its_versions():
    a, b = a_vault((SECRET_ID, TELLING["a problem"])), Phone(1)
    b.take(a.sent)
    a.write([editing.set_element(a.record(SECRET_ID), "clinicalStatus", {"coding": [{"code": "resolved"}]})])
    b.write([editing.set_element(b.record(SECRET_ID), "clinicalStatus", {"coding": [{"code": "remission"}]})])
    both = merged(a, b)
    hide(both, "past_problems")
    assert summary_bytes(summary(both).bundle) == summary_bytes(summary(a_vault()).bundle)


def test_what_is_shown_as_one_is_hidden_as_one():
    """MUST SUM-21: an equal copy that another file brings does not bring it back."""
    phone = a_vault((SECRET_ID, TELLING["a problem"]))
    hide(phone, SECRET_ID)
    phone.write([editing.new(TELLING["a problem"], RecordId(b"j" * 32))], ordinal=1)
    assert words(summary(phone), "problems") == []


def test_none_is_never_said_where_something_is_hidden():
    """MUST SUM-22."""
    none = {"coding": [{"system": "http://snomed.info/sct", "code": "716186003"}], "text": "No known allergy"}
    phone = Phone()
    written(phone, (P, {"resourceType": "Patient"}), (RecordId(b"n" * 32), allergy("", code=none)))
    assert section(summary(phone), "allergies").state == "none_known"
    written(phone, (SECRET_ID, allergy("Latex")))
    hide(phone, SECRET_ID)
    assert section(summary(phone), "allergies").state == "not_known"
    phone = Phone()
    phone.imports(file_of("2026-01-01", ("48765-2", "nilknown")))
    written(phone, (SECRET_ID, allergy("Latex")))
    hide(phone, SECRET_ID)
    assert section(summary(phone), "allergies").state == "not_known"
    assert resources(summary(phone).bundle, "AllergyIntolerance") == []


def test_a_restriction_ends_with_its_owners_word_and_until_then_two_words_hide():
    """MUST SUM-21."""
    a, b = a_vault((SECRET_ID, TELLING["a problem"])), Phone(1)
    hide(a, "problems")
    b.take(a.sent)
    hide(a, "problems", on=False)
    assert words(summary(a), "problems") == ["Secretitis, since 2020"]
    hide(a, "problems")
    b.write([restrict_edit(b.record(VAULT_RECORD), "problems", False)])
    both = merged(a, b)
    assert restricted_categories(both) == {"problems"}
    assert words(summary(both), "problems") == []


def test_what_is_hidden_is_not_in_the_list_of_what_was_left_out():
    phone = a_vault((SECRET_ID, medicine("Secretol", "entered-in-error")))
    assert [one.why for one in summary(phone).left_out] == ["entered-in-error"]
    hide(phone, SECRET_ID)
    assert summary(phone).left_out == ()


def test_who_hides_is_told_what_gives_it_away():
    """MUST SUM-23."""
    code = {"coding": [{"system": "http://snomed.info/sct", "code": "1"}], "text": "Secretitis"}
    phone = a_vault((SECRET_ID, problem("", code=code)))
    written(
        phone,
        (RecordId(b"1" * 32), medicine("Secretol", reasonCode=[{"coding": code["coding"]}])),
        (RecordId(b"2" * 32), medicine("Otherol", note=[{"text": "for the secretitis"}])),
    )
    hidden, _ = hidden_in(phone, ordinal_of)
    assert hidden == frozenset()
    told = {one.label: one.why for one in giveaways(phone, frozenset([SECRET_ID]), ordinal_of)}
    assert told == {"Secretol": "same-code", "Otherol": "mentions-it", "Ramipril": "may-tell"}


def test_a_summary_that_hides_is_still_a_whole_document():
    phone = a_vault((SECRET_ID, TELLING["a problem"]))
    for category in ("allergies", "problems", "medications"):
        hide(phone, category)
    assert broken(summary(phone).bundle) == []
