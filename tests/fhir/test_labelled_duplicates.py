"""The figures of the labelled set as they are committed: fewer is to be written down, more is a step back (IMP-24)."""

from tests.fhir.labelled_set import pairs
from tests.fhir.report_duplicates import report

# Class and name. Most of what is missed needs a terminology, which a phone does not have.
FALSE_OFFERS = {
    "problem, SNOMED and ICD: one ICD code, two SNOMED codes",
    "nothing known: no medicine, in words",
}
MISSES = {
    "medicine, brand and ingredient: the brand by its own number alone",
    "medicine, brand and ingredient: the brand in words, the ingredient in words",
    "medicine, brand and ingredient: two systems without words",
    "medicine, brand and ingredient: words with the strength",
    "problem, one code: recorded on two days",
    "problem, SNOMED and ICD: no words in common",
    "problem, SNOMED and ICD: other words for one thing",
    "problem, SNOMED and ICD: German words here, a code there",
    "allergy: the substance and the allergy to it",
    "laboratory, one day: one value in two units, the day alone",
}


def test_the_set_is_large_and_each_pair_has_a_name_of_its_own():
    names = [f"{pair.kind}: {pair.name}" for pair in pairs()]
    assert len(names) == len(set(names)) >= 120
    assert sum(pair.one for pair in pairs()) >= 50
    assert sum(not pair.one for pair in pairs()) >= 50


def test_false_offers_and_misses_are_those_that_are_known():
    """IMP-23, IMP-24."""
    rows = report()
    assert {f"{kind}: {name}" for kind, row in rows.items() for name in row.false} == FALSE_OFFERS
    assert {f"{kind}: {name}" for kind, row in rows.items() for name in row.missed} == MISSES
