"""What a person can do to a record, and what is refused where it is made (FHI-22 to FHI-28)."""

import json

import pytest

from sync.fhir import editing
from sync.fhir.editing import EditRefused
from sync.fhir.exact import canonical, loads
from sync.fhir.registers import join, split
from sync.fhir.view import DISPUTE, NOTE, is_deleted, remarks, resource_plain
from sync.merge.change import GONE, LIFE, PERSON, SOURCE, VAULT_RECORD
from sync.merge.record import Record
from tests.fhir.fhir_family import RECORD, Family, fhir, preds_of_all, set_to

RAMIPRIL = """{"resourceType":"MedicationStatement","status":"active","subject":{"reference":"Patient/p"},
 "medicationCodeableConcept":{"text":"Ramipril"},"identifier":[{"value":"1"},{"value":"2"}],
 "effectivePeriod":{"start":"2019"},"dosage":[{"text":"5 mg, mornings","doseAndRate":[{"doseQuantity":
 {"value":5.40,"unit":"mg"}}]}],"note":[{"text":"with water"}]}"""
ALLERGY = """{"resourceType":"AllergyIntolerance","patient":{"reference":"Patient/p"},"code":{"text":"Penicillin"},
 "clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
 "code":"active"}]},"category":["medication"]}"""
IN_ERROR = """{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
 "code":"entered-in-error"}]}"""
SEED = b"seed"


def imported(text=RAMIPRIL):
    family = Family()
    family.imported("A", text)
    return family


def refusal(made):
    with pytest.raises(EditRefused) as refused:
        made()
    assert refused.value.detail
    assert refused.value.next
    return refused.value.code


def test_a_record_of_ones_own_is_born_whole():
    edit = editing.new(fhir(RAMIPRIL), RECORD)
    assert (edit.birth, edit.lane, edit.preds, edit.via) == (True, PERSON, (), None)
    assert canonical(join(dict(edit.sets))) == canonical(loads(RAMIPRIL))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("bad_value", "[]"),
        ("bad_value", "{}"),
        ("bad_value", '{"resourceType":"condition"}'),
        ("bad_value", '{"resourceType":"Condition","subject":{}}'),
        ("bad_value", '{"resourceType":"Condition","note":{"text":"x"}}'),
        ("bad_value", '{"resourceType":"Condition","onsetString":"x","onsetDateTime":"2024"}'),
        ("bad_value", '{"resourceType":"Patient","active":"true"}'),
        ("bad_value", '{"resourceType":"Patient","birthDate":1970}'),
        ("bad_value", '{"resourceType":"Patient","deceasedBoolean":"x"}'),
        ("bad_value", '{"resourceType":"Patient","multipleBirthInteger":true}'),
        ("bad_value", '{"resourceType":"Patient","name":[null]}'),
        ("bad_value", '{"resourceType":"Patient","id":5}'),
        ("unknown_element", '{"resourceType":"Condition","onset":"x"}'),
        ("unknown_element", '{"resourceType":"Condition","favouriteColour":"x"}'),
        ("invariant", '{"resourceType":"AllergyIntolerance","code":{"text":"x"}}'),
    ],
)
def test_what_cannot_be_a_resource_is_not_made(code, text):
    assert refusal(lambda: editing.new(fhir(text), RECORD)) == code


def test_numbers_that_lost_their_text_are_refused():
    resource = {"resourceType": "Observation", "status": "final", "valueQuantity": {"value": 5.4}}
    assert refusal(lambda: editing.new(resource, RECORD)) == "bad_value"
    assert refusal(lambda: editing.set_element(imported().record, "dosage", [{"maxDosePerPeriod": {"x": 1.5}}])) == (
        "bad_value"
    )


def test_a_type_that_r4_does_not_know_can_be_made():
    assert editing.new({"resourceType": "FromALaterVersion", "anything": [{"a": "b"}]}, RECORD).birth


def test_an_edit_names_every_dot_on_both_lanes_of_what_it_sets_and_nothing_else():
    family = imported()
    family.apply("B", editing.set_element(family.record, "status", "completed"))
    edit = editing.set_element(family.record, "status", "stopped")
    assert set(edit.preds) == preds_of_all(family.record, ["status"])
    assert edit.lane == PERSON
    assert [key for key, _ in edit.sets] == ["status"]
    other = editing.set_element(family.record, "dateAsserted", "2024")
    assert set(other.preds) == preds_of_all(family.record, ["dateAsserted"])


def test_one_element_of_a_tied_group_writes_the_whole_register():
    family = imported()
    edit = editing.set_element(family.record, "effectiveDateTime", "2024-03")
    [(key, text)] = edit.sets
    assert key == "dosage"
    assert loads(text) == {"effectiveDateTime": "2024-03", "dosage": fhir(RAMIPRIL)["dosage"]}
    family.apply("B", edit)
    assert b"5.40" in canonical(family.shown())
    assert family.record.siblings("dosage", SOURCE)[0].value != text


def test_a_choice_is_named_by_its_datatype_or_by_the_one_that_stands():
    family = imported()
    family.apply("B", editing.set_element(family.record, "effective[x]", fhir('{"start":"2020"}')))
    assert family.shown()["effectivePeriod"] == {"start": "2020"}
    family.apply(
        "B", editing.set_element(family.record, "medication[x]", fhir('{"medicationReference":{"reference":"#m"}}'))
    )
    assert "medicationCodeableConcept" not in family.shown()
    assert refusal(lambda: editing.set_element(family.record, "effective[x]", "2020")) == "bad_value"


def test_two_elements_that_need_each_other_are_written_as_one_register():
    family = imported(ALLERGY)
    alone = fhir(IN_ERROR)
    assert refusal(lambda: editing.set_element(family.record, "verificationStatus", alone)) == "invariant"
    assert refusal(lambda: editing.unset(family.record, "clinicalStatus")) == "invariant"
    family.apply("A", editing.set_element(family.record, "verificationStatus", {"verificationStatus": alone}))
    assert "clinicalStatus" not in family.shown()


def test_a_quantity_with_a_code_is_no_register_though_the_register_has_a_code():
    family = imported('{"resourceType":"Observation","status":"final","code":{"text":"weight"}}')
    quantity = '{"value":5.40,"code":"kg","system":"http://unitsofmeasure.org"}'
    family.apply("A", editing.set_element(family.record, "valueQuantity", fhir(quantity)))
    assert canonical(family.shown()["valueQuantity"]) == canonical(fhir(quantity))
    assert family.shown()["code"] == {"text": "weight"}


def test_setting_a_primitive_drops_what_its_sibling_said_of_the_old_one():
    family = imported('{"resourceType":"Patient","birthDate":"1970","_birthDate":{"id":"x"},"active":true}')
    family.apply("A", editing.set_element(family.record, "_birthDate", {"id": "y"}))
    assert family.shown()["birthDate"] == "1970"
    assert family.shown()["_birthDate"] == {"id": "y"}
    family.apply("A", editing.set_element(family.record, "birthDate", "1971"))
    assert "_birthDate" not in family.shown()


def test_an_element_is_removed_and_is_not_removed_twice():
    family = imported()
    family.apply("A", editing.unset(family.record, "effectivePeriod"))
    assert "effectivePeriod" not in family.shown()
    assert "dosage" in family.shown()
    family.apply("A", editing.unset(family.record, "dosage"))
    family.apply("A", editing.unset(family.record, "identifier"))
    assert not {"dosage", "identifier"} & set(family.shown())
    for element in ("dosage", "identifier", "effective[x]"):
        assert refusal(lambda element=element: editing.unset(family.record, element)) == "nothing_there"


def test_what_r4_does_not_know_is_kept_and_can_be_changed_but_not_invented():
    family = imported('{"resourceType":"Condition","subject":{"reference":"x"},"fromALaterVersion":{"a":1.0}}')
    assert refusal(lambda: editing.set_element(family.record, "invented", "x")) == "unknown_element"
    assert refusal(lambda: editing.set_element(family.record, "a/b", "x")) == "unknown_element"
    family.apply("A", editing.set_element(family.record, "fromALaterVersion", fhir('{"a":2.0}')))
    assert canonical(family.shown()["fromALaterVersion"]) == b'{"a":2.0}'


def test_which_resource_it_is_cannot_be_edited():
    for element in ("resourceType", "id"):
        made = lambda element=element: editing.set_element(imported().record, element, "x")  # noqa: E731
        assert refusal(made) == "not_editable"


def test_a_repetition_is_added_changed_and_removed_by_what_add_answered():
    family = imported()
    edit, token = editing.add(family.record, "note", fhir('{"text":"own"}'), SEED)
    family.apply("B", edit)
    assert [note["text"] for note in family.shown()["note"]] == ["with water", "own"]
    family.apply("B", editing.change_repetition(family.record, "note", token[:8], fhir('{"text":"other"}')))
    assert family.shown()["note"][1] == {"text": "other"}
    family.apply("B", editing.remove_repetition(family.record, "note", token))
    family.apply("B", editing.remove_repetition(family.record, "note", "1"))
    assert "note" not in family.shown()
    assert refusal(lambda: editing.remove_repetition(family.record, "note", "1")) == "no_such_repetition"
    edit, again = editing.add(family.record, "note", fhir('{"text":"own"}'), b"another seed")
    assert again != token


def test_two_additions_apart_are_two_repetitions_without_a_question():
    family = imported()
    family.apart(
        ("B", lambda record: editing.add(record, "identifier", {"value": "3"}, b"B1")[0]),
        ("C", lambda record: editing.add(record, "identifier", {"value": "3"}, b"C1")[0]),
    )
    assert [identifier["value"] for identifier in family.shown()["identifier"]] == ["1", "2", "3", "3"]
    assert family.question() is None


def test_in_a_list_that_is_one_register_repetitions_go_by_place():
    family = imported()
    edit, place = editing.add(family.record, "dosage", fhir('{"text":"2.5 mg, evenings"}'), SEED)
    assert place == "2"
    family.apply("B", edit)
    family.apply("B", editing.change_repetition(family.record, "dosage", "1", fhir('{"text":"10 mg"}')))
    assert [dosage["text"] for dosage in family.shown()["dosage"]] == ["10 mg", "2.5 mg, evenings"]
    family.apply("B", editing.remove_repetition(family.record, "dosage", "1"))
    assert [dosage["text"] for dosage in family.shown()["dosage"]] == ["2.5 mg, evenings"]
    assert family.shown()["effectivePeriod"] == {"start": "2019"}
    assert refusal(lambda: editing.change_repetition(family.record, "dosage", "3", {"text": "x"})) == (
        "no_such_repetition"
    )


def test_what_does_not_repeat_has_no_repetitions():
    for made in (
        lambda: editing.add(imported().record, "status", "x", SEED),
        lambda: editing.remove_repetition(imported().record, "subject", "1"),
        lambda: editing.change_repetition(imported().record, "effectivePeriod", "1", {"start": "2024"}),
    ):
        assert refusal(made) == "not_repeating"
    assert refusal(lambda: editing.add(imported().record, "note", "text", SEED)) == "bad_value"


def test_an_ambiguous_name_of_a_repetition_is_refused():
    """FHI-28."""
    family = imported()
    tokens = []
    for place in range(70):
        edit, token = editing.add(family.record, "note", {"text": "own"}, bytes([place]))
        family.apply("B", edit)
        tokens.append(token)
    first = next(
        token[0] for token in tokens if sum(token[0] == other[0] for other in tokens) > 1 and token[0].isalpha()
    )
    assert refusal(lambda: editing.remove_repetition(family.record, "note", first)) == "no_such_repetition"


def test_a_whole_list_replaces_the_repetitions_and_keeps_those_that_stay():
    """FHI-27."""
    family = imported()
    edit = editing.set_element(family.record, "identifier", [{"value": "1"}, {"value": "9"}])
    assert sorted(None if text is None else loads(text)["value"] for _, text in edit.sets if text) == ["9"]
    family.apply("B", edit)
    assert [item["value"] for item in family.shown()["identifier"]] == ["1", "9"]
    family.apply(
        "B", editing.set_element(family.record, "identifier", [{"value": "9"}, {"value": "1"}, {"value": "1"}])
    )
    assert [item["value"] for item in family.shown()["identifier"]] == ["9", "1", "1"]
    family.apply("B", editing.change_repetition(family.record, "identifier", "2", {"value": "2"}))
    family.apply("B", editing.set_element(family.record, "identifier", [{"value": "2"}, {"value": "1"}]))
    assert [item["value"] for item in family.shown()["identifier"]] == ["2", "1"]
    assert refusal(lambda: editing.set_element(family.record, "identifier", [])) == "bad_value"


def test_a_list_that_brings_back_what_was_changed_has_both():
    """FHI-27."""
    family = imported()
    family.apply("B", editing.change_repetition(family.record, "identifier", "1", {"value": "x"}))
    family.apply("B", editing.set_element(family.record, "identifier", [{"value": n} for n in ("x", "2", "1")]))
    assert [item["value"] for item in family.shown()["identifier"]] == ["x", "2", "1"]


def test_a_removed_repetition_stays_removed_when_a_newer_copy_has_it_at_another_place():
    """FHI-17."""
    family = imported()
    family.apply("B", editing.remove_repetition(family.record, "identifier", "1"))
    text = RAMIPRIL.replace('[{"value":"1"},{"value":"2"}]', '[{"value":"0"},{"value":"2"},{"value":"1"}]')
    family.newer_copy("A", text)
    assert [item["value"] for item in family.shown()["identifier"]] == ["0", "2"]


def test_a_malformed_list_is_set_whole_and_its_items_are_edited_by_place():
    family = imported('{"resourceType":"Patient","identifier":[{"value":"1"},null]}')
    edit, place = editing.add(family.record, "identifier", {"value": "2"}, SEED)
    assert place == "3"
    family.apply("B", edit)
    family.apply("B", editing.set_element(family.record, "identifier", [{"value": "3"}]))
    assert family.shown()["identifier"] == [{"value": "3"}]


def test_an_invariant_that_an_import_broke_blocks_no_other_edit():
    broken = '{"resourceType":"AllergyIntolerance","patient":{"reference":"x"},"code":{"text":"x"}}'
    family = imported(broken)
    family.apply("A", editing.set_element(family.record, "code", {"text": "y"}))
    family.apply("A", editing.set_element(family.record, "verificationStatus", {"text": "unsure"}))


@pytest.mark.parametrize(
    ("key", "resource", "element", "value"),
    [
        ("con-4", {"resourceType": "Condition", "code": {"text": "x"}}, "abatementDateTime", "2024"),
        ("obs-6", {"resourceType": "Observation", "valueString": "x"}, "dataAbsentReason", {"text": "x"}),
        ("pat-1", {"resourceType": "Patient"}, "contact", [{"gender": "female"}]),
        ("per-1", {"resourceType": "Patient"}, "name", [{"text": "x", "period": {"start": "2024", "end": "2023"}}]),
        ("ext-1", {"resourceType": "Patient"}, "extension", [{"url": "x"}]),
        ("cpt-2", {"resourceType": "Patient"}, "telecom", [{"value": "x"}]),
    ],
)
def test_an_edit_that_breaks_an_invariant_is_refused_and_names_it(key, resource, element, value):
    family = imported(json.dumps(resource))
    with pytest.raises(EditRefused, match=key) as refused:
        editing.set_element(family.record, element, value)
    assert refused.value.code == "invariant"


def test_an_added_repetition_is_held_to_invariants_too():
    family = imported('{"resourceType":"Patient","active":true}')
    assert refusal(lambda: editing.add(family.record, "contact", {"gender": "male"}, SEED)) == "invariant"


def test_a_register_in_conflict_is_not_edited_over_and_others_are():
    """FHI-26."""
    family = imported()
    family.apart(("B", set_to("status", '"completed"')), ("C", set_to("status", '"stopped"')))
    for made in (
        lambda: editing.set_element(family.record, "status", "active"),
        lambda: editing.unset(family.record, "status"),
        lambda: editing.set_element(family.record, "statusReason", [{"text": "x"}]),
    ):
        assert refusal(made) == "conflict_open"
    family.apply("B", editing.set_element(family.record, "dateAsserted", "2024"))


def test_a_repetition_in_conflict_is_not_edited_over():
    family = imported()
    family.apart(
        ("B", lambda record: editing.change_repetition(record, "note", "1", {"text": "b"})),
        ("C", lambda record: editing.remove_repetition(record, "note", "1")),
    )
    assert refusal(lambda: editing.change_repetition(family.record, "note", "1", {"text": "c"})) == "conflict_open"
    assert refusal(lambda: editing.set_element(family.record, "note", [{"text": "c"}])) == "conflict_open"
    assert family.shown()["note"] == [{"text": "b"}]


def test_a_deleted_record_takes_no_edit_until_it_is_restored_whole():
    """FHI-26."""
    family = imported()
    before = family.shown()
    assert refusal(lambda: editing.restore(family.record)) == "not_deleted"
    edit = editing.delete(family.record)
    assert edit.sets == ((LIFE, GONE),)
    assert set(edit.preds) == set(family.record.live_dots())
    family.apply("B", edit)
    assert is_deleted(family.record)
    for made in (
        lambda: editing.set_element(family.record, "status", "active"),
        lambda: editing.add(family.record, "note", {"text": "x"}, SEED),
        lambda: editing.annotate(family.record, "x", SEED),
        lambda: editing.delete(family.record),
    ):
        assert refusal(made) == "record_deleted"
    family.apply("C", editing.restore(family.record))
    assert not is_deleted(family.record)
    assert family.shown() == before


def test_a_record_that_is_not_there_and_the_vaults_own_are_not_edited():
    for record in (Record(RECORD), Record(VAULT_RECORD)):
        assert refusal(lambda record=record: editing.set_element(record, "status", "x")) == "record_unknown"


def test_annotations_append_and_disputes_stand_beside_what_the_source_says():
    """FHI-22."""
    family = imported()
    before = family.shown()
    family.apart(
        ("B", lambda record: editing.annotate(record, "feels dizzy", b"B1")),
        ("C", lambda record: editing.annotate(record, "feels well", b"C1")),
        ("C", lambda record: editing.dispute(record, "never took this", b"C2")),
    )
    assert [remark.text for remark in remarks(family.record, NOTE)] == ["feels dizzy", "feels well"]
    assert [remark.text for remark in remarks(family.record, DISPUTE)] == ["never took this"]
    assert family.shown() == before == resource_plain(family.record)
    assert family.question() is None
    assert refusal(lambda: editing.annotate(family.record, "  ", SEED)) == "bad_value"


def test_edits_of_different_registers_by_two_people_are_both_there():
    family = imported()
    family.apart(("B", set_to("status", '"completed"')), ("C", set_to("dosage", '[{"text":"10 mg"}]')))
    assert family.shown()["status"] == "completed"
    assert family.shown()["dosage"] == [{"text": "10 mg"}]
    assert family.question() is None


def test_what_was_not_edited_is_shown_exactly_as_it_came():
    """FHI-20."""
    family = imported()
    family.apply("B", editing.set_element(family.record, "status", "completed"))
    parts = split(family.shown())
    assert {key: text for key, text in split(fhir(RAMIPRIL)).items() if parts.get(key) != text} == {
        "status": b'{"status":"active"}'
    }
