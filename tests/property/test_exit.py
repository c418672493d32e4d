"""The exit brings over what stands: random records, before and after, say the same and ask the same."""

import random

import pytest

from sync.merge.change import LANES, PERSON
from sync.merge.record import Record
from sync.vault.exit import carried_over
from sync.wire.ids import VaultId
from tests.property.merge_checks import built
from tests.property.merge_worlds import make_world

LEFT = VaultId(b"v" * 32)
WORLDS = 100


def brought_over(record):
    """The record as the new log makes it; every change comes after what it names."""
    new = Record(record.id)
    changes = carried_over([record], LEFT, 0, 7)
    numbers = [change.dot >> 10 for change in changes]
    assert numbers == list(range(8, 8 + len(changes)))
    for change in changes:
        assert all(pred < change.dot for pred in change.preds)
        assert new.apply(change)
    return new


def values(record, lane):
    """What stands on every register of a lane, however often, and when it was written."""
    keys = sorted(record.keys())
    said = {key: sorted((s.at, s.value or b"") for s in record.siblings(key, lane)) for key in keys}
    return {key: stands for key, stands in said.items() if stands}


@pytest.mark.parametrize("block", range(8))
def test_what_stands_is_brought_over_as_it_stands(block):
    for seed in range(block * WORLDS, (block + 1) * WORLDS):
        world = make_world(random.Random(seed).randrange)
        record = built(world.changes)
        new = brought_over(record)
        for lane in LANES:
            assert values(new, lane) == values(record, lane), seed
        assert new.life() == record.life(), seed
        assert values(brought_over(new), PERSON) == values(record, PERSON), f"{seed}, once more"
