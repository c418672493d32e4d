"""openapi/protocol/import.md, "Labels" (IMP-28): one line a record, in a citizen's words."""

import pytest

from sync.fhir import labels
from sync.fhir.exact import loads
from tests.vectors.import_resources import allergy, concept, patient, vaccination

DRUG = {"resourceType": "MedicationStatement", "medicationCodeableConcept": concept("386872004", "Ramipril")}
ONSET_AND_END = ("onsetDateTime", "abatementDateTime")


def taking(dosage, **more):
    return DRUG | {"dosage": loads(dosage)} | more


def measured(text):
    return {"resourceType": "Observation", "code": {"text": "HbA1c"}, "effectiveDateTime": "2024-02-11"} | loads(text)


@pytest.mark.parametrize(
    ("resource", "line"),
    [
        (
            taking(
                '[{"doseAndRate":[{"doseQuantity":{"value":5,"unit":"mg"}}],"timing":{"repeat":{"when":["MORN"]}}}]',
                effectivePeriod={"start": "2019-03-01"},
            ),
            "Ramipril 5 mg, mornings, since 1 Mar 2019",
        ),
        (
            taking('[{"text":"5 mg, mornings"}]', effectivePeriod={"start": "2019"}),
            "Ramipril 5 mg, mornings, since 2019",
        ),
        (taking('[{"text":"one in the morning"}]'), "Ramipril, one in the morning"),
        (taking('[{"asNeededBoolean":true}]'), "Ramipril, when needed"),
        (
            taking('[{"timing":{"repeat":{"frequency":2,"period":1,"periodUnit":"d"}}},{}]'),
            "Ramipril, twice every day, and more as described",
        ),
        (taking('[{"timing":{"repeat":{"frequency":1,"period":2,"periodUnit":"wk"}}}]'), "Ramipril, every 2 weeks"),
        (
            taking('[{"text":"5 mg"}]') | {"medicationCodeableConcept": {"text": "Ramipril 5 mg tablet"}},
            "Ramipril 5 mg tablet",
        ),
        (taking("[]", effectivePeriod={"start": "2019", "end": "2021-05"}), "Ramipril, 2019 to May 2021"),
        ({"resourceType": "MedicationStatement"}, "A medicine without a name"),
        (allergy(reaction=[{"manifestation": [{"text": "Hives"}]}]), "Latex: Hives (could be serious)"),
        (allergy("low"), "Latex"),
        (
            allergy(
                code=concept("no-known-allergies", "", "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips")
            )
            | {"criticality": "low"},
            "No known allergies",
        ),
        (
            {"resourceType": "Condition", "code": {"text": "Gout"}, "onsetDateTime": "2018-06"},
            "Gout, since Jun 2018",
        ),
        (
            {
                "resourceType": "Condition",
                "code": {"text": "Flu"},
                "onsetDateTime": "2018",
                "abatementDateTime": "2018",
            },
            "Flu, 2018",
        ),
        (vaccination(), "Tetanus, 2 May 2024"),
        (measured('{"valueQuantity":{"value":5.40,"unit":"%"}}'), "HbA1c: 5.40 %, 11 Feb 2024"),
        (measured('{"valueQuantity":{"value":3,"comparator":"<","unit":"mg"}}'), "HbA1c: < 3 mg, 11 Feb 2024"),
        (measured('{"valueBoolean":false}'), "HbA1c: no, 11 Feb 2024"),
        (measured('{"dataAbsentReason":{"text":"x"}}'), "HbA1c: no value, 11 Feb 2024"),
        (
            measured('{"component":[{"code":{"text":"Systolic"},"valueQuantity":{"value":120,"unit":"mmHg"}}]}'),
            "HbA1c: Systolic 120 mmHg, 11 Feb 2024",
        ),
        (patient(), "Testa Testperson, born 1 Jan 1970"),
        ({"resourceType": "Organization", "name": "Example Clinic"}, "Example Clinic"),
        ({"resourceType": "Procedure", "code": {"text": "Hip"}, "performedPeriod": {"end": "2001"}}, "Hip, until 2001"),
        ({"resourceType": "Medication", "ingredient": [{"itemCodeableConcept": {"text": "Iron"}}]}, "Iron"),
        ({"resourceType": "Horoscope"}, "Horoscope"),
        ({}, "Record"),
    ],
)
def test_a_record_is_said_in_one_line(resource, line):
    assert labels.label(resource) == line


@pytest.mark.parametrize(
    ("resource", "word"),
    [
        (allergy(), "active"),
        (allergy(verificationStatus={"coding": [{"code": "refuted"}]}), "ruled out"),
        (allergy(verificationStatus={"coding": [{"code": "unconfirmed"}]}), "active, not confirmed"),
        (vaccination(), None),
        (vaccination(status="not-done"), "not given"),
        (vaccination(status="entered-in-error"), "entered in error"),
        (DRUG | {"status": "completed"}, "finished"),
        (DRUG | {"status": "on-hold"}, "paused"),
        ({"resourceType": "Observation", "status": "final"}, None),
        ({"resourceType": "Observation", "status": "some-new-word"}, "some new word"),
        ({"resourceType": "Device"}, None),
    ],
)
def test_what_does_not_hold_never_reads_as_if_it_did(resource, word):
    assert labels.status_word(resource) == word


def test_a_medicine_named_by_reference_is_named_by_what_it_leads_to():
    taken = {
        "resourceType": "MedicationStatement",
        "medicationReference": {"reference": "Medication/1", "display": "it"},
    }
    medication = {"resourceType": "Medication", "code": {"text": "Ramipril"}}
    assert (
        labels.label(taken, lambda reference: medication if reference["reference"] == "Medication/1" else None)
        == "Ramipril"
    )
    assert labels.label(taken, lambda _: None) == "it"
    assert labels.label(taken) == "it"


def test_a_medicine_inside_the_record_is_found_without_a_vault():
    inside = {"resourceType": "Medication", "id": "m", "code": {"text": "Ramipril"}}
    taken = {"resourceType": "MedicationStatement", "medicationReference": {"reference": "#m"}, "contained": [inside]}
    assert labels.label(taken) == "Ramipril"


def test_types_have_headings_in_words():
    assert labels.type_word("AllergyIntolerance") == "Allergies"
    assert labels.type_word("VisionPrescription") == "Vision prescription"


def test_what_stands_behind_other_records_is_not_for_people():
    assert labels.is_for_people("Condition")
    assert not labels.is_for_people("Bundle")
    assert not labels.is_for_people("Organization")
