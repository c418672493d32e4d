"""How often a family is asked: the golden cases never, some months of one family no more than was measured."""

import pytest

from sync.fhir.exact import canonical
from sync.fhir.exporting import collection
from tests.property.family_years import KINDS, years
from tests.property.golden_quiet import GOLDEN, law_quiet

MONTHS = 84  # days
ASKED = 7  # of seed 1, in these days; fewer is to be written down here


@pytest.mark.parametrize("name", GOLDEN)
def test_nobody_is_asked(name):
    """FHI-29 to FHI-34, IMP-23, IMP-24."""
    law_quiet(name)


def test_some_months_of_a_family_ask_what_they_asked_when_it_was_measured():
    told, family = years(1, MONTHS)
    assert told.edits >= 100
    assert set(told.asked) <= set(KINDS)
    assert sum(told.asked.values()) <= ASKED
    one, other = (canonical(collection(phone)) for phone in family.phones)
    assert one == other, "two phones that met show different things"
