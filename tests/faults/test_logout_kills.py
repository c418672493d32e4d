"""A logout killed at every await: the store is a phone as before, which can log out again, or none at all, which can
begin anew; never something that does not open (openapi/protocol/phone.md, MUST PHN-21)."""

from __future__ import annotations

from pathlib import Path

from sync.device.founding import found
from sync.device.identity import get_identity
from sync.device.leaving import log_out
from sync.device.listing import list_rows
from sync.device.phone import Phone
from sync.device.records import create
from sync.device.syncing import sync
from tests.cli import bundles
from tests.cli.kit import cheap_lock
from tests.faults.phone_killing import ORIGIN, copied, count_steps, dies, phone_on, sample, server_on

PLACES_MAX = 16  # to die at, beside every one of the last


async def leaves(phone: Phone) -> None:
    await log_out(phone)


async def begins(phone: Phone) -> None:
    await found(phone, ORIGIN, "Testa Testperson", "phone A", "records of a test", subject=True)


async def test_a_logout_that_dies_leaves_a_whole_phone_or_none(tmp_path: Path) -> None:
    """PHN-21."""
    with cheap_lock():
        async with server_on(tmp_path / "before") as app, phone_on(tmp_path / "a", app, create=True) as a:
            await begins(a)
            await create(a, bundles.own_immunization() | {"resourceType": "Immunization"}, None)
            await sync(a)
        async with server_on(copied(tmp_path / "before", tmp_path / "server")) as app:
            steps = await count_steps(copied(tmp_path / "a", tmp_path / "whole"), app, leaves)
        seen = set()
        for place in {*sample(steps, PLACES_MAX), *range(steps - 16, steps + 1)}:
            store = copied(tmp_path / "a", tmp_path / f"at-{place}")
            async with server_on(copied(tmp_path / "before", tmp_path / "server")) as app:
                assert await dies(store, app, place, leaves)
                async with phone_on(store, app) as phone:
                    async with phone.store.transaction() as rows:
                        whole = await get_identity(rows) is not None
                        assert len(await rows.vaults()) == whole
                    seen.add(whole)
                    if whole:
                        assert len(await list_rows(phone, None)) == 1, place
                        await leaves(phone)
                async with phone_on(store, app) as phone:
                    await begins(phone)
        assert seen == {True, False}, "it died before and after the store was emptied"
