"""What a person said when asked whether an entry still holds: `@review/<person>` of the record.

What it is: the register, its reading, and the edit that writes it. What it is not: a change of what the record says.

Invariants: one register a person, so that nobody's word replaces another's; the newest word of each is read.
Spec: openapi/protocol/summary.md, "Confirming".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sync.fhir.exact import canonical, loads_or_none
from sync.fhir.partial_dates import parse, rank
from sync.merge.change import PERSON, Edit
from sync.merge.record import Record
from sync.merge.register import Sibling
from sync.merge.view import edit_preds

REVIEW = "@review/"
STILL_TRUE, STOPPED, UNSURE = "still-true", "stopped", "unsure"
ANSWERS = (STILL_TRUE, STOPPED, UNSURE)


class Review(NamedTuple):
    """One word. `on`: RFC 3339. `sibling`: whose it is."""

    answer: str
    on: str
    sibling: Sibling


def review_edit(record: Record, person: str, answer: str, on: str) -> Edit:
    """The edit by which a person (an id in hex) confirms, stops or doubts an entry at a time (RFC 3339)."""
    key = REVIEW + person
    value = canonical({"answer": answer, "on": on})
    return Edit(record.id, False, PERSON, None, edit_preds(record, key, PERSON), ((key, value),))


def last_review(records: Iterable[Record]) -> Review | None:
    """The newest word on records that are shown as one; None if nobody was asked."""
    found = [review for record in records for review in _reviews(record)]
    return max(found, key=lambda one: (rank(one.on), one.sibling.dot), default=None)


def _reviews(record: Record) -> list[Review]:
    found = []
    for key in sorted(key for key in record.keys() if key.startswith(REVIEW)):
        for sibling in record.siblings(key, PERSON):
            value = None if sibling.value is None else loads_or_none(sibling.value)
            if isinstance(value, dict) and value.get("answer") in ANSWERS and parse(value.get("on")) is not None:
                found.append(Review(value["answer"], value["on"], sibling))
    return found
