"""The patient summary as a document: what an IPS must be, what stands where, what is never invented.

Spec: openapi/protocol/summary.md. The real examples are read where CARNET_EXAMPLES names them.
"""

import pytest

from sync.fhir import editing
from sync.fhir.exact import Number
from sync.fhir.summary.assembling import content_bytes, summary_bytes
from sync.fhir.summary.sections import DEFAULT, MEDICINES, SECTIONS
from sync.fhir.view import is_deleted, resource_plain
from sync.merge.change import RecordId
from tests.fhir.import_phones import EXAMPLES, Phone, all_files
from tests.fhir.summary_checks import (
    allergy,
    broken,
    composed,
    file_of,
    medicine,
    parts,
    problem,
    resources,
    section,
    summary,
    words,
)
from tests.vectors.import_resources import bundle as bundle_of
from tests.vectors.import_resources import entry, patient

FILES = [pytest.param(data, id=name) for name, data in all_files().items()]
ABSENT = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"


def own(*written):
    """A phone with these records, each written by its person."""
    phone = Phone()
    phone.write([editing.new(resource, RecordId(bytes([place]) * 32)) for place, resource in enumerate(written, 1)])
    return phone


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("eu", [False, True])
def test_a_summary_of_any_file_is_an_ips_document(file, eu):
    """MUST SUM-1, SUM-2, SUM-16, SUM-17."""
    phone = Phone()
    phone.imports(file, same_person=True)
    assert broken(summary(phone, eu=eu).bundle) == []


@pytest.mark.parametrize("file", FILES)
def test_nothing_critical_is_lost_between_file_and_summary(file):
    """MUST SUM-6: each allergy, problem and medicine stands in a section, or is listed with the reason."""
    phone = Phone()
    phone.imports(file, same_person=True)
    made = summary(phone)
    there = {line.record for told in made.sections for line in told.lines} | {one.id.hex() for one in made.left_out}
    critical = ("AllergyIntolerance", "Condition", *MEDICINES)
    for record in phone.records():
        if resource_plain(record).get("resourceType") in critical and not is_deleted(record):
            assert record.id.hex() in there


@pytest.mark.parametrize("file", FILES)
def test_every_critical_entry_says_who_when_and_has_a_provenance(file):
    """MUST SUM-12, SUM-13."""
    phone = Phone()
    phone.imports(file, same_person=True)
    made = summary(phone)
    targets = {one["target"][0]["reference"] for one in resources(made.bundle, "Provenance")}
    for told in made.sections:
        if told.section.required and told.lines:
            urls = {one["reference"] for one in composed(made.bundle, told.section.code)["entry"]}
            assert urls <= targets
            assert all(line.facts.said for line in told.lines)


def test_the_same_vault_and_time_give_the_same_bytes_on_every_phone():
    """MUST SUM-3; and nothing but the moment differs at another time."""
    made = []
    for order in (1, -1):
        phone = Phone()
        phone.write([editing.new(allergy("Latex"), RecordId(b"a" * 32))])
        phone.write([editing.new(problem("Asthma"), RecordId(b"b" * 32))])
        phone.by_id = dict(list(phone.by_id.items())[::order])
        made.append(phone)
    a, b = (summary(phone).bundle for phone in made)
    assert summary_bytes(a) == summary_bytes(b)
    later = summary(made[0], at="2029-01-01T00:00:00Z").bundle
    assert content_bytes(later) == content_bytes(a)
    assert later["identifier"] != a["identifier"]


def test_none_known_not_known_and_not_asked_stay_three_things_from_the_file_to_the_summary():
    """MUST SUM-8."""
    phone = Phone()
    phone.imports(file_of("2026-01-01", ("48765-2", "nilknown"), ("11450-4", "notasked"), ("10160-0", "unavailable")))
    made = summary(phone)
    assert [section(made, name).state for name in ("allergies", "problems", "medications")] == [
        "none_known",
        "not_asked",
        "not_known",
    ]
    reasons = [composed(made.bundle, code)["emptyReason"]["coding"][0]["code"] for code in ("48765-2", "11450-4")]
    assert reasons == ["nilknown", "notasked"]
    assert section(made, "allergies").empty == "None known (said on 1 Jan 2026)"
    told = {composed(made.bundle, code)["text"]["div"] for code in ("48765-2", "11450-4", "10160-0")}
    assert len(told) == 3


def test_an_empty_vault_never_says_none():
    """MUST SUM-7."""
    made = summary(Phone(), person="Testa Testperson")
    assert {told.state for told in made.sections} == {"not_known"}
    assert broken(made.bundle) == []
    assert made.patient["name"] == [{"text": "Testa Testperson"}]
    assert made.patient["_birthDate"]["extension"][0]["valueCode"] == "unknown"


def test_withheld_is_handed_on_as_not_known():
    """MUST SUM-8: that something is hidden is not told, whoever hid it."""
    phone = Phone()
    phone.imports(file_of("2026-01-01", ("48765-2", "withheld")))
    assert composed(summary(phone).bundle, "48765-2")["emptyReason"]["coding"][0]["code"] == "unavailable"


def test_the_newest_file_that_has_the_section_says_whether_there_is_nothing():
    phone = Phone()
    phone.imports(file_of("2024-01-01", ("48765-2", "nilknown")))
    phone.imports(file_of("2025-01-01", ("48765-2", "notasked")))
    phone.imports(file_of("2026-01-01", ("11450-4", "nilknown")))
    assert section(summary(phone), "allergies").state == "not_asked"


def test_an_older_none_does_not_come_back_when_a_newer_file_had_something():
    """MUST SUM-8."""
    phone = Phone()
    phone.imports(file_of("2024-01-01", ("10160-0", "nilknown")))
    phone.imports(file_of("2025-01-01", ("10160-0", [medicine("Errorin", "entered-in-error")])))
    assert section(summary(phone), "medications").state == "not_known"


def test_a_paper_that_stands_in_two_sections_is_one_entry():
    """MUST SUM-1."""
    phone = Phone()
    paper = {"resourceType": "DocumentReference", "status": "current", "description": "A paper"}
    file = file_of("2026-01-01", ("42348-3", [paper]), ("81338-6", []))
    sections = file["entry"][0]["resource"]["section"]
    sections[1]["entry"] = sections[0]["entry"]
    phone.imports(file)
    made = summary(phone)
    assert words(made, "advance_directives") == words(made, "patient_story")
    assert len(resources(made.bundle, "DocumentReference")) == 1
    assert broken(made.bundle) == []


def test_no_known_allergy_stands_as_the_source_coded_it_and_falls_away_beside_a_real_one():
    """MUST SUM-9."""
    none = {"coding": [{"system": "http://snomed.info/sct", "code": "716186003"}], "text": "No known allergy"}
    phone = own(allergy("", code=none))
    made = summary(phone)
    assert section(made, "allergies").state == "none_known"
    [kept] = resources(made.bundle, "AllergyIntolerance")
    assert kept["code"] == none
    phone.write([editing.new(allergy("Latex"), RecordId(b"z" * 32))])
    made = summary(phone)
    assert words(made, "allergies") == ["Latex"]
    assert [one.why for one in made.left_out] == ["contradicted"]


def test_no_information_about_allergies_is_not_known():
    code = {"coding": [{"system": ABSENT, "code": "no-allergy-info"}]}
    made = summary(own(allergy("", code=code)))
    assert section(made, "allergies").state == "not_known"
    assert [one.why for one in made.left_out] == ["nothing-said"]


def test_severe_allergies_come_first_and_what_is_over_last():
    """MUST SUM-5."""
    over = {"coding": [{"code": "resolved"}]}
    phone = own(
        allergy("Aaa"),
        allergy("Zzz", criticality="high"),
        allergy("Yyy", reaction=[{"manifestation": [{"text": "Shock"}], "severity": "severe"}]),
        allergy("Abc", clinicalStatus=over, criticality="high"),
    )
    assert [one.split(":")[0] for one in words(summary(phone), "allergies")] == [
        "Yyy",
        "Zzz (could be serious)",
        "Aaa",
        "Abc (could be serious)",
    ]


def test_problems_that_are_over_are_past_problems_and_a_stopped_medicine_says_so():
    phone = own(problem("Asthma"), problem("Measles", "resolved"), medicine("Oldin", "stopped"), medicine("Newin"))
    made = summary(phone)
    assert words(made, "problems") == ["Asthma"]
    assert words(made, "past_problems") == ["Measles"]
    assert [(line.words, line.status, line.active) for line in section(made, "medications").lines] == [
        ("Newin", "active", True),
        ("Oldin", "stopped", False),
    ]


def test_refuted_and_mistaken_entries_are_left_out_and_listed():
    """MUST SUM-6."""
    refuted = {"coding": [{"code": "refuted"}]}
    phone = own(problem("Gout", verificationStatus=refuted), medicine("Errorin", "entered-in-error"))
    made = summary(phone)
    assert [section(made, name).state for name in ("problems", "medications")] == ["not_known", "not_known"]
    assert sorted(one.why for one in made.left_out) == ["entered-in-error", "refuted"]


def test_of_measured_values_the_latest_of_a_kind_stands():
    code = {"coding": [{"system": "http://loinc.org", "code": "29463-7", "display": "Body weight"}]}
    weights = [
        {"resourceType": "Observation", "status": "final", "code": code, "effectiveDateTime": f"202{year}-01-01"}
        | {
            "category": [{"coding": [{"code": "vital-signs"}]}],
            "valueQuantity": {"value": Number(f"7{year}.0"), "unit": "kg"},
        }
        for year in (4, 6, 5)
    ]
    made = summary(own(*weights))
    assert words(made, "vital_signs") == ["Body weight: 76.0 kg, 1 Jan 2026"]
    assert [one.why for one in made.left_out] == ["older-value", "older-value"]


def test_markup_in_a_record_is_text_in_the_narrative():
    """MUST SUM-15."""
    made = summary(own(allergy("<script>alert(1)</script> & \u0000more")))
    div = composed(made.bundle, "48765-2")["text"]["div"]
    assert "&lt;script&gt;" in div
    assert "<script" not in div
    assert broken(made.bundle) == []


def test_the_sources_narrative_is_never_handed_on():
    text = {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>Also epilepsy</div>"}
    assert b"epilepsy" not in summary_bytes(summary(own(allergy("Latex", text=text))).bundle)


def test_what_an_entry_leans_on_comes_with_it_and_what_is_not_there_loses_its_address():
    """MUST SUM-17."""
    phone = Phone()
    drug = {"resourceType": "Medication", "code": {"text": "Ramipril 5 mg"}}
    taken = {"resourceType": "MedicationStatement", "status": "active", "subject": {"reference": "urn:uuid:p"}}
    taken |= {"medicationReference": {"reference": "urn:uuid:m"}, "reasonReference": [{"reference": "urn:uuid:gone"}]}
    taken |= {"informationSource": {"reference": "Practitioner/9", "display": "Dr. Test"}}
    entries = [entry(patient(id="p"), "urn:uuid:p"), entry(taken, "urn:uuid:t"), entry(drug, "urn:uuid:m")]
    phone.imports(bundle_of(*entries))
    made = summary(phone)
    assert words(made, "medications") == ["Ramipril 5 mg"]
    [statement] = resources(made.bundle, "MedicationStatement")
    assert "reasonReference" not in statement
    assert statement["informationSource"] == {"display": "Dr. Test"}
    assert statement["medicationReference"]["reference"] in {one["fullUrl"] for one in made.bundle["entry"]}
    assert broken(made.bundle) == []


def test_ids_say_nothing_of_the_record_and_are_the_same_in_the_next_summary():
    """MUST SUM-16."""
    phone = own(allergy("Latex"))
    [before] = resources(summary(phone).bundle, "AllergyIntolerance")
    assert (b"\x01" * 4).hex() not in before["id"]
    record = phone.record(RecordId(b"\x01" * 32))
    phone.write([editing.set_element(record, "criticality", "high")])
    [after] = resources(summary(phone).bundle, "AllergyIntolerance")
    assert after["id"] == before["id"]


def test_sections_can_be_chosen_but_the_required_ones_stay():
    phone = own(
        allergy("Latex"), problem("Measles", "resolved"), {"resourceType": "Procedure", "code": {"text": "X-ray"}}
    )
    made = summary(phone, sections=("procedures",))
    assert [told.section.name for told in made.sections] == ["allergies", "problems", "medications", "procedures"]


def test_the_european_summary_always_has_procedures_and_devices():
    """MUST SUM-2."""
    names = [told.section.name for told in summary(Phone(), eu=True).sections]
    assert names == ["allergies", "problems", "medications", "devices", "procedures"]


def test_every_default_place_is_a_section():
    assert set(DEFAULT.values()) <= {one.name for one in SECTIONS}


def test_four_hundred_and_twenty_entries_are_one_document():
    """MUST SUM-1: each stands in it; how long it takes is told by `make prove`, not here."""
    kinds = (allergy, problem, medicine)
    made = summary(own_many([kinds[n % 3](f"Entry {n:03}") for n in range(420)]))
    assert sum(len(told.lines) for told in made.sections) == 420
    assert broken(made.bundle) == []


def own_many(written):
    phone = Phone()
    phone.write([editing.new(one, RecordId(place.to_bytes(32, "big"))) for place, one in enumerate(written, 1)])
    return phone


def test_all_sixteen_sections_stand_where_the_example_has_them():
    """MUST SUM-2, SUM-4: of a file of the project's own, and of the example where it is there."""
    seen = {"resourceType": "Observation", "status": "final", "code": {"text": "Something seen"}}
    paper = {"resourceType": "DocumentReference", "status": "current", "description": "A paper"}
    resources_of = {"allergies": allergy("Latex"), "problems": problem("Asthma"), "medications": medicine("Ramipril")}
    resources_of |= {"past_problems": problem("Measles", "resolved"), "advance_directives": paper}
    resources_of |= {"patient_story": paper | {"description": "A story"}}
    for kind in ("Immunization", "Flag", "DeviceUseStatement", "Procedure", "CarePlan"):
        resources_of[DEFAULT[kind]] = {"resourceType": kind, "code": {"text": kind}}
    told = [(one.code, [resources_of.get(one.name, seen)]) for one in SECTIONS if not one.eu_only]
    files = [file_of("2026-01-01", *told)]
    if EXAMPLES is not None:
        files.append(all_files()["all-sections.json"])
    for file in files:
        phone = Phone()
        phone.imports(file, same_person=True)
        made = summary(phone)
        assert {one.section.name for one in made.sections} == {one.name for one in SECTIONS if not one.eu_only}
        assert all(one.lines for one in made.sections)


def test_who_says_so_tells_patient_carer_and_file_apart():
    """MUST SUM-12, SUM-14."""
    phone = own(allergy("Latex"))
    phone.write([editing.new(allergy("Pollen"), RecordId(b"c" * 32))], ordinal=1)
    phone.imports(file_of("2026-01-01", ("48765-2", [allergy("Nuts")])), source_name="Example Hospital")
    made = summary(phone)
    told = {line.words: line.facts.said[0] for line in section(made, "allergies").lines}
    assert {name: (said.who, said.name) for name, said in told.items()} == {
        "Latex": ("patient", "Testa Testperson"),
        "Pollen": ("carer", "Carer 1"),
        "Nuts": ("file", "Example Hospital"),
    }
    tags = {
        one["code"]["text"]: [code["code"] for code in one.get("meta", {}).get("security", ())]
        for one in resources(made.bundle, "AllergyIntolerance")
    }
    assert tags == {"Latex": ["PATAST"], "Pollen": ["PACQAST"], "Nuts": []}
    for one in resources(made.bundle, "AllergyIntolerance"):
        [who] = [ext for ext in one["extension"] if ext["url"].endswith("/said-by")]
        assert parts(who)["name"] == told[one["code"]["text"]].name
