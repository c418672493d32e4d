"""A record as everything that is said of it: one version, or each side of an open question.

What it is: conflicts.py's question turned into whole resources, one an answer. What it is not: an answer.

Invariants: each value that stands is in a version; no version holds a value that nobody wrote; a record that somebody
deleted while another changed it is there, and says so. Spec: openapi/protocol/summary.md, "Disputed".
"""

from __future__ import annotations

from typing import NamedTuple

from sync.fhir import conflicts
from sync.fhir.conflicts import DELETED_WHILE_EDITED, Importer
from sync.fhir.registers import Resource, join
from sync.fhir.view import resource_plain, values
from sync.merge.change import HERE, LIFE, PERSON, Change, Dot, make_dot
from sync.merge.record import Record
from sync.merge.view import Newer, delete_preds

_NOBODY = make_dot(1_023, 1 << 40)  # a dot that no device has: the copy in which it stands is read and thrown away


class Version(NamedTuple):
    """One side. `dots`, `lane`: whose word it is, none if it is nobody's in particular. `deleted_by`: the dots that
    delete the record, of which this is what others say."""

    resource: Resource
    dots: tuple[Dot, ...] = ()
    lane: int | None = None
    kind: str | None = None
    deleted_by: tuple[Dot, ...] = ()


def versions(record: Record, newer: Newer, importer: Importer) -> list[Version]:
    """Every version of a record that is there, in the order of the question's answers."""
    asked = None if record.untouched else conflicts.find(record, newer, importer)
    if asked is None:
        return [Version(resource_plain(record, newer))]
    if asked.registers == (LIFE,):
        gone = asked.values[0].dots
        here = Change(_NOBODY, record.id, False, PERSON, None, delete_preds(record), ((LIFE, HERE),), 0)
        return [
            one._replace(kind=one.kind or DELETED_WHILE_EDITED, deleted_by=gone)
            for one in versions(record.overlaid([here]), newer, importer)
        ]
    shown = values(record, newer)
    found = []
    for answer, value in zip(asked.answers, asked.values, strict=True):
        told = {key: text for key, text in {**shown, **dict(answer)}.items() if text is not None}
        found.append(Version(join(told), value.dots, value.lane, asked.kind))
    return found
