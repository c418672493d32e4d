"""A seeded slice of the random worlds, and that they notice when a rule is taken out; `make prove` runs thousands."""

import asyncio
import collections
import random

import pytest

from tests.simulation.model_family import ModelFamily
from tests.simulation.model_rules import OWNER, Rules
from tests.simulation.worlds import MIXES, RULES, attempt, worlds_to_notice

WORLDS = 208  # eight of each mix
WORLDS_TO_NOTICE_MAX = 400
HAPPEN = (
    "rotations",
    "phones let in",
    "others' phones dropped",
    "left by themselves",
    "restores that lost items",
    "set aside",
    "stores copied",
    "codes used",
    "adopted",
    "declined",
    "days gone by",
    "told",
)


def test_random_worlds_lose_nothing_converge_and_come_to_rest():
    happened = collections.Counter()
    for seed in range(WORLDS):
        stat, wrong = attempt(seed)
        assert wrong is None, f"python -m tests.simulation.worlds one {seed}: {wrong}"
        happened.update(stat)
    for what in HAPPEN:
        assert happened[what] > 5, f"the worlds no longer meet this: {what}"


def test_the_same_seed_is_the_same_world():
    assert attempt(len(MIXES) + 1) == attempt(len(MIXES) + 1)


@pytest.mark.parametrize("rule", RULES)
def test_random_worlds_notice_the_absence_of_the_rule(rule):
    assert worlds_to_notice(rule, WORLDS_TO_NOTICE_MAX) is not None


FULL_BOX = "a keybox is laid only by who holds every key"


@pytest.mark.parametrize("without", [None, FULL_BOX])
def test_phones_that_lack_old_keys_do_not_push_the_full_keybox_out(without):
    """Random worlds meet this once in thousands: the boxes of one person's phones share a place beside the log."""

    async def all_keys_found():
        family = ModelFamily(random.Random(1), (), False, Rules(without))
        first = await family.found("mum")
        await first.rotate()
        for _ in range(3):
            await first.sync()
        head = family.model.fold.epoch.id
        family.model.boxes[head] = {"with the entry": (head, ("noise",))}
        others = [await family.new_phone("mum") for _ in range(2)]
        for phone in others:
            await first.let_in(phone, "mum", OWNER)
            await first.sync()
        for _ in range(10):
            for phone in (*others, *others, first):
                await phone.sync()
        return not any(phone.key_missing for phone in others)

    assert asyncio.run(all_keys_found()) == (without is None)
