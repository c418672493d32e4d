"""The laws of a rebase, over random pairs of logs: nothing is lost or doubled, doing it again gives nothing, and
no pred comes to name what its author had not seen. Spec: openapi/protocol/bad-days.md, MUST BAD-1, BAD-2, BAD-21."""

import random

import pytest

from sync.merge.change import PERSON, make_dot, number_of, ordinal_of
from sync.vault.adopt import Name, named
from sync.vault.content import WireChange
from sync.vault.rebase import Past, rebase
from sync.wire.ids import DeviceId, ItemHash

MINE, OTHER, NEW = (DeviceId(bytes([number]) * 32) for number in (1, 2, 3))
DEVICES = [MINE, OTHER, NEW]
SEEDS = range(300)


def changes_of(rng, device, first, count, known):
    """A device's changes, each naming some of what is known."""
    out = []
    for n in range(first, first + count):
        preds = tuple(sorted(rng.sample(sorted(known), min(len(known), rng.randrange(3)))))
        sets = ((rng.choice("ab"), str(rng.randrange(6)).encode()),)
        change = WireChange(n, bytes([rng.randrange(3)]) * 32, False, PERSON, None, preds, sets, 0)
        known[Name(device, n)] = change
        out.append(change)
    return out


def world(seed):
    """A common beginning; then two logs that went on apart, with numbers that may be the same; and what waits."""
    rng = random.Random(seed)
    common = {}
    for device in (MINE, OTHER):
        changes_of(rng, device, 1, rng.randrange(4), common)
    left, new = dict(common), dict(common)
    for device in (MINE, OTHER):
        start = 1 + max((name.n for name in common if name.device == device), default=0)
        changes_of(rng, device, start, rng.randrange(4), left)
        for name in [name for name in left if name.device == device and name not in common]:
            if rng.random() < 0.3:
                new[name] = left[name]
        if not any(name.device == device and name not in common for name in new):
            changes_of(rng, device, start, rng.randrange(3), new)
    start = 1 + max([name.n for name in left if name.device == MINE], default=0)
    waiting = changes_of(rng, MINE, start, rng.randrange(3), dict(left))
    others = tuple(name for name in left if name.device == OTHER and name not in common)
    frames = {ItemHash(b"f" * 32): (OTHER, others)}
    writer = rng.choice([MINE, NEW])
    last = max(
        [change.n for change in waiting] + [name.n for name in {**left, **new} if name.device == MINE], default=0
    )
    return Past(left, frames), waiting, Past(new, {}), writer, last


def rebased(left, waiting, new, writer, last):
    return rebase(left, waiting, new, mine=MINE, writer=writer, devices=DEVICES, last_n=last)


def mine_of(left, waiting):
    own = {name: change for name, change in left.changes.items() if name.device == MINE}
    return own | {Name(MINE, change.n): change for change in waiting}


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_or_doubled_and_no_number_is_given_twice(seed):
    left, waiting, new, writer, last = world(seed)
    done = rebased(left, waiting, new, writer, last)
    lacking = [(n, c) for n, c in mine_of(left, waiting).items() if new.changes.get(n) != c]
    assert [(c.via.ref, c.via.n, c.record, c.sets) for c in done.own] == [
        (n.device, n.n, c.record, c.sets) for n, c in lacking
    ]
    numbers = [number_of(change.dot) for change in done.own]
    assert numbers == list(range(last + 1, last + 1 + len(numbers)))
    assert {ordinal_of(change.dot) for change in done.own} <= {DEVICES.index(writer)}
    offered = [change for offer in done.offers for change in offer.changes]
    values = {(change.record, change.sets) for change in new.changes.values()}
    for name in left.frames[ItemHash(b"f" * 32)][1]:
        change = left.changes[name]
        there = (change.record, change.sets) in values
        assert there or any((c.n, c.sets) == (name.n, change.sets) for c in offered), "another's change is gone"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_second_rebase_onto_what_the_first_one_sent_gives_nothing(seed):
    left, waiting, new, writer, last = world(seed)
    done = rebased(left, waiting, new, writer, last)
    sent = {Name(writer, number_of(c.dot)): named(c, DEVICES) for c in done.own}
    after = Past(new.changes | sent, {})
    assert rebased(left, waiting, after, writer, last + len(sent)).own == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pred_names_what_its_author_had_seen_or_is_left_out(seed):
    left, waiting, new, writer, last = world(seed)
    done = rebased(left, waiting, new, writer, last)
    elsewhere = left.changes | mine_of(left, waiting)
    became = {make_dot(DEVICES.index(name.device), name.n): old for old, name in done.renamed.items()}
    for change in done.own:
        old = elsewhere[Name(DeviceId(change.via.ref), change.via.n)]
        for dot in change.preds:
            name = Name(DEVICES[ordinal_of(dot)], number_of(dot))
            if dot in became:
                assert became[dot] in {Name(*pred) for pred in old.preds}
            else:
                assert name in {Name(*pred) for pred in old.preds}
                assert new.changes[name] == elsewhere[name]
