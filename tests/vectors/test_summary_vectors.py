"""Summaries against openapi/vectors/summary/*.json, and those files against the function that wrote them."""

import json

import pytest

from tests.vectors import generate_summary

FOLDER = generate_summary.FOLDER
CASES = json.loads((FOLDER / "summaries.json").read_bytes())["cases"]


def case_named(name):
    return next(case for case in CASES if case["name"] == name)


def test_the_committed_files_are_what_the_generator_writes():
    made = generate_summary.files()
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")} == made


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_a_vault_has_the_summary_of_its_case(case):
    assert generate_summary.summarized(case["input"]) == case["output"]


def test_what_is_hidden_leaves_the_document_of_a_vault_without_it():
    """MUST SUM-20, in the vectors themselves."""
    never = case_named("a vault with one allergy")["output"]
    assert case_named("the same with a hidden problem")["output"] == never
    assert case_named("the same with a hidden section")["output"] == never


def test_the_states_of_the_cases_are_those_a_person_expects():
    """The outcomes that matter, told once more by hand."""
    told = {
        "an empty vault": ["not_known", "not_known", "not_known"],
        "a file that says none known, not asked and not known": ["none_known", "not_asked", "not_known"],
        "a file that says withheld": ["not_known", "not_known", "not_known"],
        "a record that says no known allergy": ["none_known", "not_known", "not_known"],
        "a record that says no known allergy, beside one": ["entries", "not_known", "not_known"],
        "a record that says that nothing is known": ["not_known", "not_known", "not_known"],
        "no known allergy, and a hidden one": ["not_known", "not_known", "not_known"],
    }
    for name, states in told.items():
        assert [one["state"] for one in case_named(name)["output"]["sections"]][:3] == states, name
    doses = case_named("two doses of one medicine")["output"]["sections"][2]["entries"]
    assert [one["disputed"] for one in doses] == ["value", "value"]
