"""The merge engine against its naive rival over random worlds of one record (openapi/protocol/merge.md)."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.merge.snapshot import digests, state_root
from tests.property.merge_checks import built, check_world
from tests.property.merge_worlds import causal_order, make_world

slice_of_worlds = settings(
    max_examples=70, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def draws(data):
    return lambda n: data.draw(st.integers(0, n - 1)) if n > 1 else 0


@slice_of_worlds
@given(st.data())
def test_any_causal_order_with_repetitions_gives_what_the_rival_says_and_loses_and_blends_nothing(data):
    check_world(make_world(draws(data)))


@slice_of_worlds
@given(st.data())
def test_two_replicas_that_applied_the_same_changes_in_other_orders_have_one_state_root(data):
    world = make_world(draws(data), steps=10)
    here, there = built(world.changes), built(causal_order(world.changes, world.below))
    assert state_root(b"k" * 32, digests([here])) == state_root(b"k" * 32, digests([there]))
