"""What is shown of a record, and what a writer has to name: readings of a state that change nothing.

What it is: the person lane over the source lane, equal values as one, and the dots that an edit or a deletion names.
What it is not: FHIR. Values are compared as bytes; that two texts mean the same (another display of the same code, the
same instant in another zone) is found on top of this. No value of a person's is picked in silence: where they differ
the register is `disputed`.

Spec: openapi/protocol/merge.md, "Views" and "What a writer names".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sync.merge.change import LIFE, PERSON, SOURCE, Dot
from sync.merge.record import Record
from sync.merge.register import Sibling, Siblings

Newer = Callable[[Sibling], Any]  # a sort key: of two copies of a source the one with the higher key is shown


class Shown(NamedTuple):
    """One register as it is shown and exported.

    `value`: canonical JSON text, or None for ABSENT. `lane`: where it comes from. `siblings`: all that stands there,
    ascending by dot. `disputed`: people's values differ, and `value`, the lowest dot's, is one of several.
    """

    value: bytes | None
    lane: int
    siblings: Siblings
    disputed: bool


def shown(record: Record, key: str, newer: Newer | None = None) -> Shown | None:
    """What is shown of one register, or None where nothing stands; `newer` orders copies of a source.

    A person's ABSENT hides the source's value. Copies that `newer` does not tell apart are ordered by dot.
    """
    standing = record.siblings(key, PERSON)
    if standing:
        disputed = any(sibling.value != standing[0].value for sibling in standing)
        return Shown(standing[0].value, PERSON, standing, disputed)
    standing = record.siblings(key, SOURCE)
    if not standing:
        return None
    if newer is None or len(standing) == 1:
        newest = standing[-1]
    else:
        newest = max(standing, key=lambda sibling: (newer(sibling), sibling.dot))
    return Shown(newest.value, SOURCE, standing, False)


def disputed_keys(record: Record) -> tuple[str, ...]:
    """The registers, `@…` ones included but for `@life`, on which people's values differ; sorted."""
    views = {key: shown(record, key) for key in sorted(record.keys() - {LIFE})}
    return tuple(key for key, view in views.items() if view is not None and view.disputed)


def edit_preds(record: Record, key: str, lane: int) -> tuple[Dot, ...]:
    """The dots that an edit of this register names: what stands on it in the lane, ascending.

    A person's edit names the source's dots too. It drops none of them; it says which copy that person had seen.
    """
    standing = record.siblings(key, lane)
    if lane == PERSON:
        standing += record.siblings(key, SOURCE)
    if len(standing) == 1:
        return (standing[0].dot,)
    return tuple(sorted({sibling.dot for sibling in standing}))


def delete_preds(record: Record) -> tuple[Dot, ...]:
    """The dots that a deletion names: every live one of the record, and what stands on `@life`."""
    return tuple(sorted({*record.live_dots(), *(sibling.dot for sibling in record.siblings(LIFE, PERSON))}))
