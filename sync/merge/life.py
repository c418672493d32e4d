"""Whether a record is there, deleted, or was deleted by someone who had not seen all that stands in it.

What it is: the judgement over the siblings of `@life` and the live dots of the record. What it is not: it drops
nothing. A deletion leaves every register as it was, so that a record comes back whole.

Invariants: nothing that the deleting person had not seen is hidden; two deletions count together; a restoration is a
sibling like any other. Spec: openapi/protocol/merge.md, "Deleting".
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from sync.merge.change import GONE, Dot
from sync.merge.register import Siblings


class Life(Enum):
    """HERE: shown. GONE: deleted, not shown. GONE_WHILE_EDITED: shown whole, and a person is asked."""

    HERE = "here"
    GONE = "gone"
    GONE_WHILE_EDITED = "gone_while_edited"


def judge_life(standing: Siblings, live: Sequence[Dot]) -> Life:
    """The life of a record from what stands on `@life` and every dot that stands elsewhere in it."""
    deletions = sum(sibling.value == GONE for sibling in standing)
    if not deletions:
        return Life.HERE
    if deletions == len(standing) and not unseen(standing, live):
        return Life.GONE
    return Life.GONE_WHILE_EDITED


def unseen(standing: Siblings, live: Sequence[Dot]) -> tuple[Dot, ...]:
    """The live dots that no standing deletion had seen, in the order given; none if nothing was deleted.

    A deletion has seen its preds and itself: one change may delete a record and say what it was merged into.
    """
    seen: set[Dot] = set()
    deleted = False
    for sibling in standing:
        if sibling.value == GONE:
            deleted = True
            seen.update(sibling.seen)
            seen.add(sibling.dot)
    return tuple(dot for dot in live if dot not in seen) if deleted else ()
