"""What a phone that listens is told, and what it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.events.hub import SYNC
from backend.storage.announcing import NOBODY, of_account, of_device
from sync.wire.item import EDITOR
from tests.api.family_kit import add, enter, removed
from tests.api.phone_kit import make_frame
from tests.live.listening import live


async def test_an_edit_of_another_phone_is_hinted_and_ones_own_is_not(tmp_path: Path):
    """EVT-1, EVT-3: to every listening device of the vault but the one that wrote."""
    async with live(tmp_path) as running:
        mum, dad = await running.registered("mum"), await running.registered("dad")
        book = await mum.found()
        await enter(mum, book, add(dad.card, dad.person, EDITOR))
        async with running.listening(mum) as at_mum, running.listening(dad) as at_dad:
            assert (await at_mum.words(1), await at_dad.words(1)) == (["sync"], ["sync"])
            await mum.push(book, make_frame(book, mum.card))
            assert (await at_dad.next()).word == "sync"
            assert await at_mum.quiet()


async def test_a_stranger_of_the_vault_is_not_told(tmp_path: Path):
    """EVT-1: also one that was in the vault, from the entry on that dropped it."""
    async with live(tmp_path) as running:
        mum, other = await running.registered("mum"), await running.registered("other")
        book = await mum.found()
        async with running.listening(other) as at_other:
            assert await at_other.words(1) == ["sync"]
            await mum.push(book, make_frame(book, mum.card))
            assert await at_other.quiet()


async def test_a_phone_that_is_let_into_a_vault_is_told_and_then_hears_of_it(tmp_path: Path):
    """EVT-1: the stream follows the vaults that list its device, without being opened anew."""
    async with live(tmp_path) as running:
        mum, dad = await running.registered("mum"), await running.registered("dad")
        book = await mum.found()
        async with running.listening(dad) as at_dad:
            assert await at_dad.words(1) == ["sync"]
            await enter(mum, book, add(dad.card, dad.person, EDITOR))
            assert await at_dad.words(1) == ["sync"]
            await mum.push(book, make_frame(book, mum.card))
            assert await at_dad.words(1) == ["sync"]
            await removed(mum, book, dad.card.id)
            assert await at_dad.words(2) == ["sync", "notices"]
            await mum.push(book, make_frame(book, mum.card))
            assert await at_dad.quiet()


async def test_what_an_account_is_to_be_told_is_hinted_to_its_other_phones(tmp_path: Path):
    """EVT-2: `notices`, to every device of the account but the one that caused it."""
    async with live(tmp_path) as running:
        mum = await running.registered("mum")
        tablet = await running.second(mum, "tablet")
        async with running.listening(mum) as at_mum, running.listening(tablet) as at_tablet:
            assert (await at_mum.words(1), await at_tablet.words(1)) == (["sync"], ["sync"])
            await running.second(mum, "a third phone")
            assert await at_tablet.words(1) == ["notices"]
            assert await at_mum.quiet()


async def test_a_notice_that_waits_is_hinted_when_a_phone_begins_to_listen(tmp_path: Path):
    """EVT-2."""
    async with live(tmp_path) as running:
        mum = await running.registered("mum")
        tablet = await running.second(mum, "tablet")
        await running.second(mum, "a third phone")
        async with running.listening(tablet) as at_tablet:
            assert await at_tablet.words(2) == ["sync", "notices"]


async def test_hints_that_come_faster_than_they_are_read_are_one(tmp_path: Path):
    """EVT-4: what waits for a reader does not grow with what happens."""
    async with live(tmp_path) as running:
        mum, dad = await running.registered("mum"), await running.registered("dad")
        book = await mum.found()
        await enter(mum, book, add(dad.card, dad.person, EDITOR))
        async with running.listening(dad) as at_dad:
            assert await at_dad.words(1) == ["sync"]
            [stream] = running.hub._by_device.values()
            for _ in range(1_000):
                stream.hint(SYNC)
            assert await at_dad.words(1) == ["sync"]
            assert await at_dad.quiet()


async def test_a_transaction_that_is_rolled_back_hints_nobody(tmp_path: Path):
    """EVT-1: nothing is said of what was never committed."""
    async with live(tmp_path) as running:
        mum = await running.registered("mum")
        async with running.listening(mum) as at_mum:
            assert await at_mum.words(1) == ["sync"]
            with pytest.raises(ZeroDivisionError):
                async with running.server.engine.transaction() as tx:
                    tx.announce(of_device(mum.card.id), NOBODY)
                    raise ZeroDivisionError
            async with running.server.engine.transaction() as tx:
                tx.announce(of_device(b"another"), NOBODY)
            assert await at_mum.quiet()


async def test_what_one_group_of_two_devices_did_both_are_told_of(tmp_path: Path):
    """EVT-3: each must hear of the other's."""
    async with live(tmp_path) as running:
        mum = await running.registered("mum")
        tablet = await running.second(mum, "tablet")
        async with running.listening(mum) as at_mum, running.listening(tablet) as at_tablet:
            assert (await at_mum.words(1), await at_tablet.words(1)) == (["sync"], ["sync"])
            async with running.server.engine.transaction() as tx:
                for phone in (mum, tablet):
                    tx.announce(of_account(mum.account), phone.card.id)
            assert (await at_mum.words(1), await at_tablet.words(1)) == (["notices"], ["notices"])
