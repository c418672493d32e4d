"""A seeded slice of the random worlds of shipped phones with copied stores and restored servers, and that they notice
when a rule is taken out; `make prove` runs thousands."""

from unittest.mock import patch

import pytest

from sync.device import rebasing
from sync.vault import rebase as rebase_module
from tests.simulation.shipped_bad_days import run_world

WORLDS = 16


@pytest.mark.parametrize("seed", range(WORLDS))
def test_no_edit_is_lost_or_doubled_when_stores_are_copied_and_servers_put_back(seed):
    run_world(seed)


def goes_wrong(seed):
    try:
        run_world(seed)
    except (AssertionError, LookupError, ArithmeticError):
        return True
    return False


def test_worlds_notice_a_rebase_that_looks_at_dots_and_not_at_what_they_say():
    before = rebase_module.rebase

    def by_dot(left, waiting, new, **rest):
        alike = {name: new.changes.get(name, change) for name, change in left.changes.items()}
        return before(
            left._replace(changes=alike), [c for c in waiting if (rest["mine"], c.n) not in new.changes], new, **rest
        )

    with patch.object(rebasing, "rebase", by_dot):
        assert any(goes_wrong(seed) for seed in range(8, 20))


def test_worlds_notice_a_rebase_that_sends_again_what_a_copy_has_sent():
    with patch.object(rebase_module, "_brought", lambda new: {}):
        assert any(goes_wrong(seed) for seed in range(94, 107))
