"""Every element of the detailed types, every pair of concurrent deeds: nothing lost, blended or decided in silence.

The quick run; `python -m tests.property.prove_laws` does all of it. Laws: openapi/protocol/merge.md and fhir.md.
"""

import pytest

from sync.fhir.table import detailed_types, registers_of
from tests.property.laws_no_blend import law_no_blend
from tests.property.table_values import resource_of

TYPES = detailed_types()


@pytest.mark.parametrize("type_", TYPES)
def test_two_deeds_apart_leave_both_whole_and_a_question_or_nothing_to_ask(type_):
    """MRG-3, MRG-5, MRG-16, FHI-9, FHI-24, FHI-30 to FHI-32, FHI-35, FHI-36."""
    pairs = law_no_blend(type_, whole=False)
    assert pairs >= 40 * len(registers_of(type_).registers())


@pytest.mark.parametrize("type_", TYPES)
def test_the_law_looks_at_every_element_that_the_table_names(type_):
    table = registers_of(type_)
    for register in table.registers():
        made = resource_of(type_, register.elements)
        there = {table.element_of(name) for name in made}
        assert set(register.elements) - there <= {"dataAbsentReason"}  # a deed of its own sets it, for a value stands
