"""One encoding for each value of the wire: round trips both ways, and everything else refused (log.md, frames.md)."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.wire.ids import DeviceId
from tests.property.laws_codec import law_frame_inside, law_one_form, law_round_trip, structs, values_of
from tests.property.merge_worlds import make_world
from tests.property.naive_merge import device

some = settings(
    max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
STRUCTS = structs()
DEVICES = [DeviceId(bytes([n]) * 32) for n in range(5)]


def draws(data):
    return lambda n: data.draw(st.integers(0, n - 1)) if n > 1 else 0


def test_the_laws_look_at_every_struct_of_the_wire():
    assert len(STRUCTS) >= 35


@pytest.mark.parametrize("name", sorted(STRUCTS))
def test_what_is_written_is_read_again_and_nothing_else_is(name):
    type_ = STRUCTS[name]

    @some
    @given(values_of(type_), st.data())
    def holds(value, data):
        law_round_trip(type_, value)
        law_one_form(type_, value, draws(data))

    holds()


@some
@given(st.data())
def test_the_changes_of_one_device_come_out_of_its_frame_as_they_went_in(data):
    world = make_world(draws(data))
    for ordinal in range(len(world.seen)):
        law_frame_inside([change for change in world.changes if device(change.dot) == ordinal], ordinal, DEVICES)
