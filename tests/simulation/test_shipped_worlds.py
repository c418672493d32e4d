"""A seeded slice of the random worlds of shipped phones; `make prove` runs thousands."""

import pytest

from tests.simulation.shipped_worlds import run_world

WORLDS = 48


@pytest.mark.parametrize("seed", range(WORLDS))
def test_no_edit_is_lost_all_phones_converge_and_none_is_stuck(seed):
    run_world(seed)
