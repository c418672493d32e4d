"""What must hold of the engine in any world of merge_worlds.py: the laws that the property tests and the mutations use.

Each check raises AssertionError. The class of the record is an argument, so that a wrong one can be put in on purpose.
"""

import itertools

from msgspec.structs import astuple

from sync.merge import snapshot
from sync.merge.record import Record
from tests.property import naive_merge as naive
from tests.property.merge_worlds import RECORD, causal_order

LANES = (0, 1)


class Vector(dict):
    """The last number applied of each device: all that a replica needs to know a change that comes again."""

    def take(self, dot):
        """False if the change was applied before; then it is skipped."""
        if naive.number(dot) <= self.get(naive.device(dot), 0):
            return False
        self[naive.device(dot)] = naive.number(dot)
        return True


def built(changes, record_class=Record):
    """A record from changes, in the order given, as a replica builds it: what the vector holds is skipped."""
    record, vector = record_class(RECORD), Vector()
    for change in changes:
        if vector.take(change.dot):
            assert record.apply(change), "a new change was taken for an old one"
    return record


def equals_the_rival(record, changes):
    """Every register of both lanes, also one nobody named; the life; the live dots; the canonical bytes."""
    for key in (*naive.named(changes), "nobody named this"):
        for lane in LANES:
            ours = [astuple(sibling) for sibling in record.siblings(key, lane)]
            assert ours == naive.standing(changes, key, lane), (key, lane)
    assert list(record.live_dots()) == naive.live(changes)
    assert record.life().value == naive.life(changes)
    assert list(record.unseen_by_deletion()) == naive.unseen(changes)
    assert snapshot.canonical_record(record) == naive.canonical(RECORD, changes)


def nothing_is_lost(record, world):
    """A value leaves its register only if a change that wrote there named it, or its own author wrote there later."""
    changes = {change.dot: change for change in world.changes}
    for dot, lane, key, value in world.intended:
        if any(sibling.dot == dot and sibling.value == value for sibling in record.siblings(key, lane)):
            continue
        writers = [change for change in changes.values() if naive.writes(change, key, lane)]
        assert any(naive.drops(other, changes[dot]) for other in writers if other.dot != dot), (key, value)


def nothing_is_blended(record, changes):
    """What stands under a dot is exactly what the change with this dot wrote there."""
    of = {change.dot: change for change in changes}
    for key, lane in itertools.product(record.keys(), LANES):
        for sibling in record.siblings(key, lane):
            change = of[sibling.dot]
            assert sibling.value == dict(change.sets).get(key)
            assert (sibling.seen, sibling.via, sibling.at) == (change.preds, change.via, change.at)


def survives_the_disk(record, record_class=Record):
    """Encoded and read again, whole or in its two parts, the record is the same and takes the next change alike."""
    whole = record_class.decode(RECORD, record.encode())
    parts = record_class.from_parts(RECORD, record.encode_births(), record.encode_overlay())
    state = snapshot.canonical_record(record)
    assert snapshot.canonical_record(whole) == snapshot.canonical_record(parts) == state
    assert whole.encode() == record.encode()
    assert (parts.births, whole.keys()) == (record.births, record.keys())


def check_world(world, record_class=Record, orders=2):
    """All of the above, over several causal orders with repetitions, and half-way through."""
    below, changes = world.below, world.changes
    record = built(changes, record_class)
    equals_the_rival(record, changes)
    nothing_is_lost(record, world)
    nothing_is_blended(record, changes)
    survives_the_disk(record, record_class)
    state = snapshot.canonical_record(record)
    for _ in range(orders):
        order = causal_order(changes, below)
        cut = below(len(order) + 1)
        half = built(order[:cut], record_class)
        equals_the_rival(half, order[:cut])
        before = snapshot.canonical_record(half)
        on_top = half.overlaid(order[cut:])
        assert snapshot.canonical_record(half) == before, "laying changes over a record changed it"
        assert snapshot.canonical_record(on_top) == state, "another order, another state"
        resumed, vector = record_class.decode(RECORD, half.encode()), Vector()
        for change in order[:cut]:
            vector.take(change.dot)
        repeated = order[below(cut + 1) :] + order[: below(len(order) + 1)]
        for change in repeated:
            if vector.take(change.dot):
                resumed.apply(change)
                again = snapshot.canonical_record(resumed)
                assert not resumed.apply(change), "the same change was applied twice in a row"
                assert snapshot.canonical_record(resumed) == again
        assert snapshot.canonical_record(resumed) == state, "repetition, another state"
