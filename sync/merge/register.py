"""A register: the smallest unit of a record that changes alone, and the one law by which it changes.

What it is: what stands on one register of one lane, and what stands there after one more change. What it is not: it
knows no record, no birth, no lane and no FHIR; it looks at no clock (`at` is carried along for display) and at no
value, so equal values never collapse here: a writer who saw one of two equal siblings has not seen the other.

Invariants: siblings ascend by dot and each dot stands once; a sibling leaves only if the new change names its dot, or
is a later word of the same author that does not carry an older view; of one device at most SIBLINGS_A_DEVICE_MAX stand.
Spec: openapi/protocol/merge.md, "Applying a change".
"""

from __future__ import annotations

import msgspec

from sync.merge.change import ORDINAL_MASK, Dot, Via
from sync.wire.limits import SIBLINGS_A_DEVICE_MAX


class Sibling(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One value standing on a register.

    `value`: canonical JSON text, or None for ABSENT. `seen`: every pred of its change, ascending; part of the state,
    because a deletion is judged by what its author had seen. `at`: milliseconds since 1970 UTC, for display only.
    """

    dot: Dot
    value: bytes | None
    seen: tuple[Dot, ...]
    via: Via | None
    at: int


Siblings = tuple[Sibling, ...]  # what stands on one register of one lane, ascending by dot


def written(standing: Siblings, new: Sibling, carries: bool) -> Siblings:
    """What stands on a register after `new` has been written to it.

    `carries`: the change was adopted, rebased or brought from another vault; its view is older than what its carrier
    wrote, so that it drops nothing but its preds.
    """
    dot, seen = new.dot, new.seen
    author = dot & ORDINAL_MASK
    if carries:
        kept = [old for old in standing if old.dot not in seen]
    else:
        kept = [old for old in standing if old.dot not in seen and old.dot & ORDINAL_MASK != author]
    if not kept:
        return (new,)
    kept.append(new)
    kept.sort(key=_dot_of)
    if carries:
        own = [old.dot for old in kept if old.dot & ORDINAL_MASK == author]
        if len(own) > SIBLINGS_A_DEVICE_MAX:
            gone = own[:-SIBLINGS_A_DEVICE_MAX]
            kept = [old for old in kept if old.dot not in gone]
    return tuple(kept)


def already_written(standing: Siblings, dot: Dot) -> bool:
    """True if what stands proves that `dot` was applied: it stands, or a later one of its author does.

    False proves nothing: a sibling that somebody has dropped leaves no trace here. A replica's vector knows.
    """
    author = dot & ORDINAL_MASK
    return any(old.dot >= dot and old.dot & ORDINAL_MASK == author for old in standing)


def _dot_of(sibling: Sibling) -> int:
    return sibling.dot
