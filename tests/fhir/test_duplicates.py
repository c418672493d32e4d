"""openapi/protocol/import.md, "Duplicates": answers, notes, and references that keep two things apart."""

from sync.fhir import duplicates, editing, resolving
from sync.fhir.registers import split
from sync.merge.change import PERSON, Edit, RecordId
from tests.fhir.import_phones import Phone, merged
from tests.vectors.import_resources import allergy, bundle, concept, entry, patient, vaccination

A, B, C = (RecordId(letter.encode() * 32) for letter in "abc")


def own(id_, resource):
    return Edit(id_, True, PERSON, None, (), tuple(split(resource).items()))


def apart(*resources):
    """Records A, B, … each entered on a phone of its own, then met."""
    phones = [Phone(n) for n in range(len(resources))]
    for phone, id_, resource in zip(phones, (A, B, C), resources, strict=False):
        phone.write([own(id_, resource)])
    return merged(*phones)


def asked(phone):
    return [(pair.a, pair.b) for pair in duplicates.propose(phone)]


def test_two_people_who_enter_one_vaccination_are_not_asked():
    """IMP-23."""
    phone = apart(vaccination(), vaccination())
    assert duplicates.same(phone) == ((A, B),)
    assert phone.questions() == []


def test_two_criticalities_of_one_allergy_are_one_question():
    """IMP-24."""
    phone = apart(allergy("high"), allergy("low"))
    (pair,) = duplicates.propose(phone)
    assert (pair.a, pair.b, pair.why) == (A, B, "the same code")
    assert len(phone.questions()) == 1


def test_what_one_file_or_one_phone_holds_twice_is_not_asked_about():
    """IMP-24."""
    phone = Phone()
    phone.imports(bundle(entry(allergy("high")), entry(allergy("low"))))
    assert asked(phone) == []
    phone = Phone()
    phone.write([own(A, allergy("high")), own(B, allergy("low"))])
    assert asked(phone) == []


def test_a_pair_that_a_person_said_is_not_the_same_is_not_asked_about_again():
    phone = apart(allergy("high"), allergy("low"))
    phone.write([resolving.not_same(phone.record(A), B)])
    assert asked(phone) == []


def test_equal_records_that_a_person_said_are_not_the_same_are_shown_apart():
    phone = apart(vaccination(), vaccination())
    phone.write([resolving.not_same(phone.record(B), A)])
    assert duplicates.same(phone) == ()
    assert asked(phone) == []


def test_a_record_that_was_merged_away_is_not_asked_about():
    phone = apart(allergy("high"), allergy("low"))
    phone.write([resolving.merge(phone.record(A), B)])
    assert asked(phone) == []


def test_a_group_shown_as_one_is_asked_about_once():
    """IMP-24."""
    phone = apart(allergy("high"), allergy("high"), allergy("low"))
    assert duplicates.same(phone) == ((A, B),)
    assert asked(phone) == [(A, C)]


def test_a_note_on_one_of_two_equal_records_is_never_hidden_behind_the_other():
    """IMP-23."""
    phone = apart(vaccination(), vaccination())
    phone.write([editing.annotate(phone.record(B), "felt ill for a day", b"n" * 32)])
    assert duplicates.same(phone) == ()
    assert asked(phone) == []


def test_an_open_question_is_never_hidden_behind_an_equal_record():
    """IMP-23."""
    one, other = Phone(0), Phone(1)
    one.write(
        [
            own(A, allergy("high")),
        ]
    )
    other.write([own(B, allergy("high"))])
    merged(one, other)
    one.write([editing.set_element(one.record(B), "criticality", "low")])
    other.write([editing.set_element(other.record(B), "criticality", "unable-to-assess")])
    both = merged(one, other)
    both.write([editing.set_element(both.record(A), "criticality", "low")])
    assert duplicates.same(both) == ()


def test_an_edit_that_makes_a_difference_parts_what_was_shown_as_one():
    phone = apart(vaccination(), vaccination())
    phone.write([editing.set_element(phone.record(B), "lotNumber", "L2")])
    assert duplicates.same(phone) == ()
    assert asked(phone) == [(A, B)]


def test_records_about_the_vaults_person_are_equal_though_two_files_describe_the_person_differently():
    """IMP-23: the Patients are accepted as one subject; everything else about them differs."""
    phone = Phone()
    for n, more in enumerate(({}, {"maritalStatus": concept("M", "married")})):
        about = vaccination(patient={"reference": f"urn:uuid:{n}"})
        phone.imports(bundle(entry(patient(**more), f"urn:uuid:{n}"), entry(about), identifier={"value": str(n)}))
    assert [len(group) for group in duplicates.same(phone)] == [2]
    assert asked(phone) == []


def test_a_target_that_differs_in_one_word_keeps_what_points_to_it_apart():
    """IMP-23, IMP-24."""
    phone = Phone()
    for n, form in enumerate(("tablet", "syrup")):
        drug = {"resourceType": "Medication", "code": concept("1", "Drug"), "form": {"text": form}}
        taken = {"resourceType": "MedicationStatement", "medicationReference": {"reference": f"urn:uuid:{n}"}}
        phone.imports(bundle(entry(drug, f"urn:uuid:{n}"), entry(taken), identifier={"value": str(n)}))
    assert duplicates.same(phone) == ()
    assert len(asked(phone)) == 1


def test_two_measured_values_of_one_day_are_two_unless_it_is_the_very_same_time():
    """IMP-24."""

    def measured(value, at):
        return {
            "resourceType": "Observation",
            "code": concept("1", "Pulse"),
            "effectiveDateTime": at,
            "valueString": value,
        }

    assert asked(apart(measured("60", "2024-03-12"), measured("61", "2024-03-12T10:00:00Z"))) == []
    assert len(asked(apart(measured("60", "2024-03-12"), measured("60", "2024-03-12T10:00:00Z")))) == 1
    assert len(asked(apart(measured("60", "2024-03-12T10:00:00Z"), measured("61", "2024-03-12T12:00:00+02:00")))) == 1


def test_a_prescription_renewed_every_month_is_no_duplicate():
    """IMP-24."""

    def ordered(month):
        return {
            "resourceType": "MedicationRequest",
            "medicationCodeableConcept": concept("1", "Drug"),
            "authoredOn": month,
        }

    assert asked(apart(ordered("2024-01"), ordered("2024-02"), ordered("2024-03"))) == []
