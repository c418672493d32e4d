"""A phone that has heard of its own removal does not bring itself back by a card that it had before."""

import asyncio
import random
from contextlib import ExitStack
from unittest.mock import patch

from sync.wire.item import EDITOR, OWNER
from tests.simulation.shipped_family import CHEAP, ShippedFamily


async def synced(*phones, times=1):
    for _ in range(times):
        for phone in phones:
            await phone.sync()


async def removed_between_two_restores():
    """Dad's store is copied, and the copy takes a new card, which mum removes. A restore loses that, and the copy hears
    of it by way of the carer; another restore then loses the new card's entry, too.

    Gives the copy's new card, and what the nurse's phone and the copy look like after all.
    """
    family = ShippedFamily(random.Random(1), (), small=False)
    mum = await family.found("mum")
    dad, carer, late = [await family.new_phone(person) for person in ("dad", "carer", "nurse")]
    for phone, role in ((dad, OWNER), (carer, EDITOR), (late, EDITOR)):
        await mum.let_in(phone, phone.person, role)
        await synced(mum, phone, times=2)
    await synced(mum, dad, carer, late)
    before_the_card = await family.server.backup()
    copy = await dad.clone()
    await dad.edit("x", "a", 1)
    await copy.edit("x", "b", 2)
    await synced(dad, copy, mum, carer)
    new = copy.device.hex()
    assert new != dad.device.hex()
    with_the_card = await family.server.backup()
    await mum.drop(new)
    await synced(mum, carer)
    await family.server.restore(with_the_card)
    await dad.edit("x", "a", 3)
    await synced(dad, carer, copy)
    await family.server.restore(before_the_card)
    await late.edit("y", "a", 4)
    await synced(late, copy)
    await synced(late)
    return new, await late.look(), await copy.look()


def test_a_removal_that_was_heard_of_holds_also_where_the_log_has_never_met_the_card():
    """BAD-33."""
    with ExitStack() as stack:
        for name, value in CHEAP.items():
            stack.enter_context(patch(name, value))
        new, late, copy = asyncio.run(removed_between_two_restores())
    assert copy.removed
    assert "rollback" in copy.open, "it has heard of its removal"
    assert new not in late.live | late.dropped, "it is not let in to be dropped again"
