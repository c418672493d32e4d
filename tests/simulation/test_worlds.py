"""A seeded slice of the random worlds, and that they notice when a rule is taken out; `make prove` runs thousands."""

import collections

import pytest

from tests.simulation.worlds import MIXES, RULES, attempt, worlds_to_notice

WORLDS = 150
WORLDS_TO_NOTICE_MAX = 400


def test_random_worlds_lose_nothing_converge_and_come_to_rest():
    happened = collections.Counter()
    for seed in range(WORLDS):
        stat, wrong = attempt(seed)
        assert wrong is None, f"python -m tests.simulation.worlds one {seed}: {wrong}"
        happened.update(stat)
    for what in ("rotations", "phones let in", "others' phones dropped", "restores that lost items", "set aside"):
        assert happened[what] > 5, f"the worlds no longer meet this: {what}"


def test_the_same_seed_is_the_same_world():
    assert attempt(len(MIXES) + 1) == attempt(len(MIXES) + 1)


@pytest.mark.parametrize("rule", RULES)
def test_random_worlds_notice_the_absence_of_the_rule(rule):
    assert worlds_to_notice(rule, WORLDS_TO_NOTICE_MAX) is not None
