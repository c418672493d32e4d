"""Making another recovery code, killed at every await: the store opens, and the code that it shows is the one that will
do (openapi/protocol/recovery.md, MUST REC-2, REC-14, REC-15)."""

from __future__ import annotations

from pathlib import Path

from sync.device.aftermath import sync_and_see_to
from sync.device.founding import found
from sync.device.phone import Phone
from sync.device.recovering import read_code
from sync.device.rehearsing import rehearse
from sync.device.renewing import new_code, shown_again
from tests.cli.kit import cheap_lock
from tests.faults.phone_killing import ORIGIN, copied, count_steps, dies, phone_on, sample, server_on

PLACES_MAX = 14  # to die at


async def again(phone: Phone) -> None:
    await new_code(phone)
    await sync_and_see_to(phone)


async def test_a_code_made_by_a_command_that_died_is_shown_afterwards_and_good(tmp_path: Path) -> None:
    with cheap_lock():
        async with server_on(tmp_path / "before") as app, phone_on(tmp_path / "a", app, create=True) as a:
            await found(a, ORIGIN, "Testa Testperson", "phone A", "records of a test", subject=True)
            await sync_and_see_to(a)
            old = await shown_again(a)
        async with server_on(copied(tmp_path / "before", tmp_path / "server")) as app:
            steps = await count_steps(copied(tmp_path / "a", tmp_path / "whole"), app, again)
        seen = set()
        for place in sample(steps, PLACES_MAX):
            store = copied(tmp_path / "a", tmp_path / f"at-{place}")
            async with server_on(copied(tmp_path / "before", tmp_path / "server")) as app:
                assert await dies(store, app, place, again)
                async with phone_on(store, app) as phone:
                    code = await shown_again(phone)
                    seen.add(code == old)
                    await sync_and_see_to(phone)
                    assert await rehearse(phone, read_code(code)) == [], place
        assert seen == {True, False}, "it died before and after the new code was kept"
