"""The register table: complete, without overlap, and no invariant of FHIR spans two registers."""

import pytest

from sync.fhir.invariants import _CHECKS, broken
from sync.fhir.table import ODD_KEY, _files, detailed_types, invariants, is_type_name, registers_of, types

TIES = {
    "Observation": [("code", "value[x]", "dataAbsentReason", "component", "effective[x]", "interpretation")],
    "AllergyIntolerance": [("clinicalStatus", "verificationStatus")],
    "Condition": [("clinicalStatus", "verificationStatus", "abatement[x]", "category")],
    "MedicationStatement": [("status", "statusReason"), ("dosage", "effective[x]"), ("medication[x]",)],
    "Immunization": [("status", "statusReason", "vaccineCode", "occurrence[x]")],
    "Device": [
        (
            *("type", "deviceName", "udiCarrier", "distinctIdentifier", "definition", "manufacturer", "modelNumber"),
            *("partNumber", "serialNumber", "lotNumber", "manufactureDate", "expirationDate"),
        ),
        ("status", "statusReason"),
    ],
    "DeviceUseStatement": [("device", "bodySite"), ("timing[x]",), ("status",)],
    "DocumentReference": [("content", "masterIdentifier", "docStatus", "authenticator"), ("status",)],
    "DiagnosticReport": [("code", "effective[x]", "conclusion", "conclusionCode", "presentedForm"), ("status",)],
    "CarePlan": [("status",), ("intent",), ("activity",)],
    "Consent": [("status", "policy", "policyRule", "provision", "verification"), ("scope", "category", "patient")],
    "QuestionnaireResponse": [("item", "questionnaire", "authored"), ("status",)],
    "Communication": [("payload", "topic", "sender", "recipient", "sent"), ("status", "statusReason")],
    "Provenance": [
        (
            *("target", "occurred[x]", "recorded", "policy", "location", "reason", "activity", "agent", "entity"),
            "signature",
        )
    ],
    "RelatedPerson": [("relationship", "patient", "active", "period")],
}

# The invariants of R4 4.0.1 that stand on the resource itself or on an element inside it; those of datatypes are `*`.
INVARIANTS = {
    "Patient": {"pat-1"}, "AllergyIntolerance": {"ait-1", "ait-2"},
    "Condition": {"con-1", "con-2", "con-3", "con-4", "con-5"},
    "MedicationStatement": set(), "MedicationRequest": set(), "Medication": set(), "Immunization": {"imm-1"},
    "Observation": {"obs-3", "obs-6", "obs-7"}, "Procedure": set(), "Device": set(), "DeviceUseStatement": set(),
    "DocumentReference": set(), "DiagnosticReport": set(), "CarePlan": {"cpl-3"},
    "Consent": {"ppc-1", "ppc-2", "ppc-3", "ppc-4", "ppc-5"}, "QuestionnaireResponse": {"qrs-1"},
    "Communication": set(), "Provenance": set(), "RelatedPerson": set(),
}  # fmt: skip

# Elements of the detailed types that R4 asks for at least once and lets repeat.
NEVER_EMPTY = [
    ("DocumentReference", "content"),
    ("Consent", "category"),
    ("Provenance", "target"),
    ("Provenance", "agent"),
]


@pytest.mark.parametrize("type_", types())
def test_every_element_belongs_to_exactly_one_register(type_):
    table = registers_of(type_)
    elements = [element for register in table.registers() for element in register.elements]
    assert len(elements) == len(set(elements))
    assert len({register.key for register in table.registers()}) == len(table.registers())
    for register in table.registers():
        assert register.key == register.elements[0]
        for element in register.elements:
            for name in table.names_of(element):
                assert table.register_of(name) is table.register_of("_" + name) is register
                assert table.element_of(name) == element
        assert not (register.repeating and len(register.elements) > 1)
        assert not register.repeating or table.repeats(register.key)


@pytest.mark.parametrize("invariant", invariants(), ids=lambda invariant: invariant.key)
def test_no_invariant_spans_two_registers(invariant):
    """FHI-9."""
    if invariant.type == "*":
        assert not invariant.elements or not invariant.refused
        return
    table = registers_of(invariant.type)
    assert invariant.elements
    assert all(table.element_of(element) == element for element in invariant.elements)
    registers = {table.register_of(element) for element in invariant.elements}
    assert len(registers) == 1
    assert not registers.pop().repeating or len(invariant.elements) == 1


def test_the_invariants_that_the_design_names_are_known():
    known = {invariant.key for invariant in invariants()}
    assert known >= {"ait-1", "ait-2", "con-3", "con-4", "con-5", "obs-6", "obs-7", "imm-1", "cpl-3", "qrs-1", "pat-1"}
    assert known >= {"per-1", "qty-3", "ext-1"}
    assert known >= {f"ppc-{n}" for n in range(1, 6)} | {f"dom-{n}" for n in range(2, 7)}
    assert len(known) == len(invariants())
    assert {invariant.key for invariant in invariants() if invariant.checked} == set(_CHECKS)
    assert {i.key for i in invariants() if not i.refused} == {"dom-2", "dom-3", "dom-4", "dom-5", "dom-6", "ref-1"}


@pytest.mark.parametrize(("type_", "ties"), TIES.items())
def test_what_belongs_together_is_one_register(type_, ties):
    for tie in ties:
        assert registers_of(type_).register_of(tie[0]).elements == tie


def test_the_issue_types_have_files_of_their_own():
    assert set(detailed_types()) == set(INVARIANTS)


@pytest.mark.parametrize(("type_", "keys"), INVARIANTS.items())
def test_every_invariant_of_a_detailed_type_is_known_and_checked(type_, keys):
    assert {i.key for i in invariants() if i.type == type_} == keys
    assert all(i.checked and i.refused for i in invariants() if i.type == type_)


@pytest.mark.parametrize("type_", detailed_types())
def test_a_file_says_nothing_that_has_no_effect(type_):
    table = registers_of(type_)
    detail = _files().details[type_]
    keys = {register.key for register in table.registers()}
    assert list(detail.sets) == sorted(set(detail.sets))
    assert all(table.register_of(element).repeating for element in detail.sets)
    assert {"contained", "extension"} <= set(detail.sets)
    assert set(detail.critical) <= keys
    assert all(table.element_of(element) == element for tie in detail.ties for element in tie)
    assert all(len(tie) > 1 for tie in detail.ties)
    assert type_ not in _files().default.ties


@pytest.mark.parametrize(("type_", "element"), NEVER_EMPTY)
def test_what_must_be_there_once_is_no_set_of_repetitions(type_, element):
    """FHI-38: of two, each of two people could remove one, and none would be left."""
    assert registers_of(type_).repeats(element)
    assert not registers_of(type_).register_of(element).repeating


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        ("AllergyIntolerance", "code"),
        ("AllergyIntolerance", "verificationStatus"),
        ("Condition", "code"),
        ("Condition", "abatementAge"),
        ("MedicationStatement", "medicationReference"),
        ("MedicationStatement", "status"),
        ("MedicationRequest", "medicationCodeableConcept"),
        ("Immunization", "vaccineCode"),
        ("Observation", "valueQuantity"),
        ("Observation", "status"),
        ("Procedure", "code"),
        ("Medication", "ingredient"),
        ("Device", "type"),
        ("Device", "udiCarrier"),
        ("Device", "status"),
        ("DeviceUseStatement", "device"),
        ("DeviceUseStatement", "status"),
        ("DocumentReference", "content"),
        ("DocumentReference", "docStatus"),
        ("DocumentReference", "status"),
        ("DocumentReference", "type"),
        ("DiagnosticReport", "code"),
        ("DiagnosticReport", "conclusion"),
        ("DiagnosticReport", "status"),
        ("CarePlan", "category"),
        ("CarePlan", "intent"),
        ("CarePlan", "status"),
        ("Consent", "provision"),
        ("Consent", "status"),
        ("Consent", "scope"),
        ("Consent", "category"),
        ("QuestionnaireResponse", "item"),
        ("QuestionnaireResponse", "status"),
        ("Communication", "payload"),
        ("Communication", "status"),
        ("Provenance", "target"),
        ("Provenance", "signature"),
        ("RelatedPerson", "relationship"),
        ("RelatedPerson", "active"),
    ],
)
def test_what_a_thing_is_and_whether_it_holds_is_marked(type_, name):
    assert registers_of(type_).register_of(name).critical


def test_a_dose_and_a_note_are_not_marked():
    assert not registers_of("CarePlan").register_of("activity").critical
    assert not registers_of("DiagnosticReport").register_of("result").critical
    assert not registers_of("MedicationStatement").register_of("dosage").critical
    assert not registers_of("Condition").register_of("note").critical


def test_names_that_no_element_can_have_go_to_one_register():
    for name in ("", "_", "a/b", "@life", "onset[y]", "a" * 65, "é", "a b", "_@x"):
        assert registers_of("Condition").register_of(name).key == ODD_KEY


def test_what_is_no_type_has_the_default_table():
    for type_ in (None, 5, {}, "condition", "", "A" * 80, "Fremdtyp"):
        table = registers_of(type_)
        assert not table.known
        assert table.register_of("identifier").repeating
        assert table.register_of("valueQuantity").key == "value[x]"
        assert table.repeats("anything") is None
    assert is_type_name("Fremdtyp")
    assert not is_type_name("fremd")
    assert not is_type_name(None)


def test_a_cache_of_foreign_names_has_an_end():
    table = registers_of("Basic")
    for place in range(1_500):
        assert table.register_of(f"foreign{place}").key == f"foreign{place}"
    assert len(table._by_name) <= 1_000


def test_invariants_are_found_in_anything():
    for odd in ({}, {"resourceType": 5}, {"resourceType": "Condition", "category": "x", "clinicalStatus": [1]}):
        assert isinstance(broken(odd), list)
