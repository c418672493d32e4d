"""An entry for which the day has no room: its wish is kept, and what its person writes goes on meanwhile."""

import asyncio
import random
from contextlib import ExitStack
from unittest.mock import patch

from sync.device.outbox import DAY_MS
from sync.device.syncing import sync
from sync.wire.item import EDITOR
from tests.simulation.shipped_family import CHEAP, ShippedFamily


async def reported(phone):
    """What a sync says of the one vault."""
    [vault] = (await sync(phone.phone)).vaults
    return vault.code


async def three_wishes_where_a_day_has_room_for_two():
    family = ShippedFamily(random.Random(1), (), small=False)
    mum, carer = await family.found("mum"), await family.new_phone("carer")
    await mum.let_in(carer, "carer", EDITOR)
    for _ in range(2):
        await mum.sync()
        await carer.sync()
    for _ in range(3):
        await carer.let_in(await family.new_phone("carer"), "carer", EDITOR)
    await carer.edit("x", "a", 1)
    told = await reported(carer)
    waiting = await carer.look()
    await carer.edit("x", "a", 2)
    again = await reported(carer)
    await mum.sync()
    read = await mum.look()
    family.now += DAY_MS
    next_day = await reported(carer)
    return told, waiting, again, read, next_day, await carer.look()


def test_what_waits_is_sent_though_a_wish_has_to_wait_for_another_day():
    """PHN-23."""
    with ExitStack() as stack:
        for name, value in (CHEAP | {"sync.wire.limits.ENTRIES_A_DAY_MAX": 2}).items():
            stack.enter_context(patch(name, value))
        told, waiting, again, read, next_day, after = asyncio.run(three_wishes_where_a_day_has_room_for_two())
    assert (told, again) == ("quota", "quota"), "it is said while the wish waits"
    assert (waiting.waiting, waiting.open) == (frozenset(), ("a wish waits",))
    assert read.values == {1, 2}
    assert len(read.live) == 5, "mum with her recovery card, the carer with the two phones there was room for"
    assert (next_day, after.open, len(after.live)) == (None, (), 6)
