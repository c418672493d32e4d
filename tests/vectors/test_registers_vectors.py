"""The FHIR floor against openapi/vectors/registers/*.json, and those files against the function that wrote them."""

import json
from itertools import chain

import pytest

from sync.fhir.editing import EditRefused
from sync.fhir.exact import ExactJsonError, canonical, loads
from sync.fhir.invariants import broken
from sync.fhir.quiet import same
from sync.fhir.registers import join, resplit, split
from sync.fhir.table import registers_of
from tests.vectors import generate_registers

# What a person expects of each case, so that the generator cannot make its own mistakes the law.
REFUSED = {
    "sixty-five levels": "too_deep", "bytes that are not UTF-8": "not_utf8", "a surrogate in UTF-8": "not_utf8",
    "a lone surrogate in an escape": "lone_surrogate", "two members of one name": "duplicate_key",
    "NaN": "not_a_number", "a second value": "trailing", "a leading zero": "not_json",
    "a raw tab in a text": "not_json", "nothing": "not_json", "a choice with no datatype": "bad_value",
    "removing what is not there": "nothing_there", "adding to what does not repeat": "not_repeating",
    "removing a repetition that is not there": "no_such_repetition",
    "an element that R4 does not have": "unknown_element", "which resource it is": "not_editable",
    "an object where a text belongs": "bad_value", "a status that needs another": "invariant",
    "an activity with reference and detail": "invariant", "an activity made ambiguous": "invariant",
    "items below an item and below its answers": "invariant", "taking both policies away": "invariant",
}  # fmt: skip
MEAN_THE_SAME = {"another display", "another zone", "white space in free text"}
BROKEN = [
    ["ait-1"],
    ["dom-6"],
    ["con-4"],
    ["obs-6"],
    ["pat-1"],
    ["ext-1", "per-1"],
    ["qty-3"],
    ["ppc-1"],
    ["cpl-3", "cpl-3"],
    ["qrs-1"],
    ["dom-3"],
    ["tim-5", "tim-9"],
    ["sqty-1"],
    ["ppc-3"],
]


def cases(name):
    text = (generate_registers.FOLDER / f"{name}.json").read_bytes()
    return [pytest.param(case, id=case["name"]) for case in json.loads(text)["cases"]]


def registers(pairs):
    return {key: text.encode() for key, text in pairs if text is not None}


def told(made):
    return [[key, None if text is None else text.decode()] for key, text in sorted(made.items())]


def test_the_files_are_what_the_generator_gives():
    made = generate_registers.files()
    assert {path.stem for path in generate_registers.FOLDER.glob("*.json")} == set(made)
    for name, listed in made.items():
        assert (generate_registers.FOLDER / f"{name}.json").read_text() == generate_registers.text_of(listed)


@pytest.mark.parametrize("case", cases("table"))
def test_a_published_key_covers_what_it_always_covered(case):
    """FHI-12."""
    table = registers_of(case["name"])
    for key, elements in case["ties"].items():
        assert {table.register_of(element).key for element in elements} == {key}
        assert list(table.register_of(key).elements) == elements
    others = {key for register in table.registers() for key in register.elements} - set(chain(*case["ties"].values()))
    assert {table.register_of(element).elements for element in others} == {(element,) for element in others}
    assert {register.key for register in table.registers() if register.repeating} == set(case["sets"])


@pytest.mark.parametrize("case", cases("json"))
def test_exact_json(case):
    data = bytes.fromhex(case["text"])
    assert case.get("refused") == REFUSED.get(case["name"])
    if "refused" in case:
        with pytest.raises(ExactJsonError) as refused:
            loads(data)
        assert refused.value.code == case["refused"]
    else:
        assert canonical(loads(data)).decode() == case["canonical"]


@pytest.mark.parametrize("case", cases("split"))
def test_splitting_and_joining(case):
    resource = loads(case["resource"])
    assert told(split(resource)) == case["registers"]
    assert canonical(join(registers(case["registers"]))) == canonical(resource)


@pytest.mark.parametrize("case", cases("resplit"))
def test_newer_copies(case):
    copy = loads(case["copy"])
    assert told(resplit(copy, registers(case["held"]))) == case["registers"]
    assert join(registers(case["registers"])) == copy


@pytest.mark.parametrize("case", cases("same"))
def test_sameness(case):
    one, other = (None if text is None else text.encode() for text in (case["one"], case["other"]))
    assert same(one, other) is same(other, one) is case["same"] is (case["name"] in MEAN_THE_SAME)


@pytest.mark.parametrize("case", cases("edits"))
def test_edits(case):
    record = generate_registers.imported(case["resource"])
    assert case.get("refused") == REFUSED.get(case["name"])
    if "refused" in case:
        with pytest.raises(EditRefused) as refused:
            generate_registers.apply_edit(record, case["edit"])
        assert refused.value.code == case["refused"]
    else:
        assert told(dict(generate_registers.apply_edit(record, case["edit"]).sets)) == case["sets"]


@pytest.mark.parametrize(("case", "keys"), list(zip([c.values[0] for c in cases("broken")], BROKEN, strict=True)))
def test_broken_invariants(case, keys):
    assert sorted(key for key, _ in broken(loads(case["resource"]))) == case["broken"] == keys
