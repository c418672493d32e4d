"""One state, one view and one question, byte for byte, however the changes came (MRG-2, MRG-3, MRG-9, FHI-34)."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.property.laws_convergence import law_convergence, law_crowded
from tests.property.merge_worlds import make_world

slice_of_worlds = settings(
    max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def draws(data):
    return lambda n: data.draw(st.integers(0, n - 1)) if n > 1 else 0


@slice_of_worlds
@given(st.data())
def test_any_order_any_batches_and_repetitions_give_one_state_one_view_and_one_question(data):
    law_convergence(make_world(draws(data)))


@slice_of_worlds
@given(st.data())
def test_beyond_sixteen_siblings_of_a_device_the_order_of_the_log_decides_in_any_batches(data):
    law_crowded(draws(data))
