"""A log that a phone has left, and that another one brings back in parts: its own frames there are no clone's."""

import asyncio
import random
from contextlib import ExitStack
from unittest.mock import patch

import pytest

from sync.wire.item import OWNER
from tests.simulation.shipped import ShippedPhone
from tests.simulation.shipped_family import CHEAP, ShippedFamily


async def synced(*phones):
    for phone in phones:
        await phone.sync()


async def brought_back_in_parts(requests):
    """Gives how the phones look; `stayed` hands two frames of `left` in, one before that reads the log again, in a sync
    that breaks off after so many requests."""
    family = ShippedFamily(random.Random(1), (), small=True)
    left = await family.found("mum")
    stayed, other = await family.new_phone("mum"), await family.new_phone("mum")
    for phone in (stayed, other):
        await left.let_in(phone, "mum", OWNER)
        await synced(left, phone)
    await synced(left, stayed, other)
    backup = await family.server.backup()
    for value in (1, 2):
        await left.edit("x", "a", value)
        await synced(left)
    await synced(stayed)
    await family.server.restore(backup)
    await other.edit("x", "b", 3)
    await synced(other, left)
    await family.server.restore(backup)
    stayed.fates = ["unsent", "whole", "whole"]
    await ShippedPhone.sync(stayed)
    left.fates = ["unsent", *["whole"] * requests]
    await ShippedPhone.sync(left)
    await synced(stayed, left)
    for _ in range(4):
        await synced(left, stayed, other)
    return [await phone.look() for phone in (left, stayed, other)]


@pytest.mark.parametrize("requests", range(1, 6))
def test_own_frames_of_a_log_that_was_left_cost_no_card_and_stand_once(requests):
    """MUST BAD-23."""
    with ExitStack() as stack:
        for name, value in (CHEAP | {"sync.device.outbox.SEND_ITEMS_MAX": 1}).items():
            stack.enter_context(patch(name, value))
        looks = asyncio.run(brought_back_in_parts(requests))
    assert {look.state_root for look in looks} == {looks[0].state_root}
    assert set(looks[0].findings) == {"diverged"}
    assert looks[0].values == {1, 2, 3}
    values = [sets for _, (_, sets) in looks[0].dots if any(key == "a" for key, _ in sets)]
    assert len(values) == 2
