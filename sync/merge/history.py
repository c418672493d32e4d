"""How a record came to be what it is: each change with what it replaced and what it left standing beside it.

What it is: a reading of the changes of one record in the log's order, for people who ask who wrote what. What it is
not: state. Nothing is decided by it, and a phone that has only a checkpoint has no history before it.

Spec: openapi/protocol/merge.md, "History".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sync.merge.change import LIFE, Change, RecordId
from sync.merge.record import Record
from sync.merge.register import Siblings


class Step(NamedTuple):
    """One change on one register: the value it wrote, what it dropped there, what other values stand beside it."""

    change: Change
    key: str
    value: bytes | None
    replaced: Siblings
    beside: Siblings


def history(id: RecordId, changes: Iterable[Change]) -> Iterator[Step]:
    """The steps of one record, oldest first; `changes` are those of this record in the log's order, each once.

    A birth gives one step for each register it names or on which it replaced something.
    """
    record = Record(id)
    for change in changes:
        named = dict(change.sets)
        keys = sorted((named.keys() | record.keys()) - {LIFE}) if change.birth else list(named)
        before = {key: record.siblings(key, change.lane) for key in keys}
        if not record.apply(change):
            continue
        for key in keys:
            after = record.siblings(key, change.lane)
            standing = {sibling.dot for sibling in after}
            replaced = tuple(sibling for sibling in before[key] if sibling.dot not in standing)
            beside = tuple(sibling for sibling in after if sibling.dot != change.dot)
            if key in named or any(sibling.value is not None for sibling in replaced):
                yield Step(change, key, named.get(key), replaced, beside)
