"""The register table: complete, without overlap, and no invariant of FHIR spans two registers."""

import pytest

from sync.fhir.invariants import _CHECKS, broken
from sync.fhir.table import ODD_KEY, detailed_types, invariants, is_type_name, registers_of, types

TIES = {
    "Observation": [("code", "value[x]", "dataAbsentReason", "component", "effective[x]", "interpretation")],
    "AllergyIntolerance": [("clinicalStatus", "verificationStatus")],
    "Condition": [("clinicalStatus", "verificationStatus", "abatement[x]", "category")],
    "MedicationStatement": [("status", "statusReason"), ("dosage", "effective[x]"), ("medication[x]",)],
    "Immunization": [("status", "statusReason", "vaccineCode", "occurrence[x]")],
    "Consent": [("policy", "policyRule"), ("scope", "patient")],
}


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
    assert set(detailed_types()) == {
        "Patient", "AllergyIntolerance", "Condition", "MedicationStatement", "MedicationRequest", "Medication",
        "Immunization", "Observation", "Procedure",
    }  # fmt: skip


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
    ],
)
def test_what_a_thing_is_and_whether_it_holds_is_marked(type_, name):
    assert registers_of(type_).register_of(name).critical


def test_a_dose_and_a_note_are_not_marked():
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
