"""The vault that every engine is measured on: records of sixteen leaves, and two phones that edit offline.

What it is: plain data made from a seed, and the list of elements on which the two phones disagree. What it is not: any
engine's form; each adapter turns it into its own. Four of a record's eight elements are objects of three leaves, so
that an engine modelled as nested maps and one with atomic elements hold different things.
"""

from __future__ import annotations

import random
from typing import Any, NamedTuple

ELEMENTS = 8
LEAVES_OF_AN_OBJECT = 3


class Edit(NamedTuple):
    """One offline edit: `element` of record number `record` becomes `value`.

    `leaf`: the one leaf of an object that differs from what its author saw; None for an element that is no object.
    """

    record: int
    element: str
    leaf: str | None
    value: Any


class Workload(NamedTuple):
    """`records`: element to value, in order. `left`, `right`: what two phones wrote apart, each from the same start.

    `conflicts`: (record, element) that both wrote and left with different values: what an engine must not decide.
    """

    records: list[dict[str, Any]]
    left: list[Edit]
    right: list[Edit]
    conflicts: frozenset[tuple[int, str]]


def make_workload(records: int, edits: int, seed: int = 1) -> Workload:
    """A vault of `records` records and `edits` edits on each of two phones, spread over all of it."""
    source = random.Random(seed)
    born = [_record(source, number) for number in range(records)]
    left = [_edit(source, born, "left") for _ in range(edits)]
    right = [_edit(source, born, "right") for _ in range(edits)]
    ends_left = {(edit.record, edit.element): edit.value for edit in left}
    ends_right = {(edit.record, edit.element): edit.value for edit in right}
    both = ends_left.keys() & ends_right.keys()
    return Workload(born, left, right, frozenset(place for place in both if ends_left[place] != ends_right[place]))


def text(source: random.Random, letters: int) -> str:
    """So many letters of no language."""
    return "".join(source.choices("abcdefghijklmnopqrstuvwxyz ", k=letters))


def _record(source: random.Random, number: int) -> dict[str, Any]:
    values: dict[str, Any] = {"resourceType": "Observation", "id": f"record-{number}"}
    values |= {f"plain{place}": text(source, 12) for place in range(ELEMENTS // 2 - 2)}
    for place in range(ELEMENTS // 2):
        values[f"object{place}"] = {
            "value": source.randrange(100_000),
            "unit": text(source, 4),
            "text": text(source, 16),
        }
    return values


def _edit(source: random.Random, born: list[dict[str, Any]], who: str) -> Edit:
    record = source.randrange(len(born))
    place = source.randrange(2, ELEMENTS)
    value = f"{who} {text(source, 10)}"
    if place < ELEMENTS // 2:
        return Edit(record, f"plain{place - 2}", None, value)
    element = f"object{place - ELEMENTS // 2}"
    return Edit(record, element, "text", born[record][element] | {"text": value})
