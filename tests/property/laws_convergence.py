"""Convergence: the same changes, in any causal order, repeated, in batches of any size, give the same bytes everywhere.

Beyond merge_checks.py, which compares one record with the naive rival: here what is built on a state is compared too,
the view, the question with its id and answers, the root; and where only the log's order counts (more than sixteen
siblings of one device), that order alone in other batches.
"""

from sync.fhir import conflicts
from sync.fhir.view import standings
from sync.merge.change import Change, Via, make_dot
from sync.merge.record import Record
from sync.merge.snapshot import canonical_record, digests, state_root
from sync.merge.view import disputed_keys, shown
from tests.property.merge_checks import Vector
from tests.property.merge_worlds import RECORD, causal_order


def in_batches(changes, below, record_class=Record):
    """A replica that takes its changes in batches, goes to disk between them, and is told some of them again."""
    record, vector, place = record_class(RECORD), Vector(), 0
    while place < len(changes):
        size = 1 + below(5)
        batch = [*changes[max(0, place - below(4)) : place], *changes[place : place + size]]
        new = [change for change in batch if vector.take(change.dot)]
        record = record_class.decode(RECORD, record.overlaid(new).encode())
        place += size
    return record


def said(record):
    """All that anybody can see of a state, as one value."""
    views = {key: shown(record, key) for key in sorted(record.keys()) if key != "@life"}
    root = state_root(b"k" * 32, digests([record]))
    question = conflicts.find(record)
    return canonical_record(record), root, record.life(), views, disputed_keys(record), standings(record), question


def law_convergence(world, record_class=Record, orders=3):
    """Any causal order, repetitions, any batches: one state, one view, one question."""
    expected = said(in_batches(world.changes, world.below, record_class))
    for _ in range(orders):
        order = causal_order(world.changes, world.below)
        assert said(in_batches(order, world.below, record_class)) == expected, "another order, another state"


def law_crowded(below, record_class=Record):
    """More than sixteen carried siblings: the log's order, in any batches, leaves the sixteen highest of the device."""
    count = 17 + below(10)
    carried = [
        Change(make_dot(0, n), RECORD, False, 1, Via("frame", b"f" * 32), (), (("dosage", b"%d" % n),), n)
        for n in range(1, count + 1)
    ]
    other = Change(make_dot(1, 1), RECORD, False, 1, None, (), (("dosage", b"0"),), 0)
    place = below(count)
    log = [*carried[:place], other, *carried[place:]]
    replicas = [in_batches(log, below, record_class) for _ in range(3)]
    assert len({canonical_record(record) for record in replicas}) == 1, "one log, two states"
    standing = [sibling.dot for sibling in replicas[0].siblings("dosage", 1)]
    assert standing == sorted([other.dot, *(change.dot for change in carried[-16:])]), "not the sixteen highest"
