"""After a restore: what was revoked since is revoked again, what was made since is made again (SHR-6)."""

from __future__ import annotations

from pathlib import Path

from sync.device.aftermath import sync_and_see_to
from sync.device.founding import found
from sync.device.sharing import Wish, create, revoke
from tests.cli.kit import cheap_lock
from tests.faults.phone_killing import ORIGIN, copied, phone_on, server_on
from tests.faults.test_share_kills import opened


async def test_a_restored_server_has_each_share_again_as_the_vault_says(tmp_path: Path) -> None:
    live, backup = tmp_path / "server", tmp_path / "backup"
    with cheap_lock():
        async with server_on(live) as app, phone_on(tmp_path / "phone", app, create=True) as phone:
            await found(phone, ORIGIN, "Testa Testperson", "phone A", "records of a test", subject=True)
            await sync_and_see_to(phone)
            before = (await create(phone, Wish(label="before"))).held
            await sync_and_see_to(phone)
        copied(live, backup)
        async with server_on(live) as app, phone_on(tmp_path / "phone", app) as phone:
            await revoke(phone, "before")
            after = (await create(phone, Wish(label="after"))).held
            await sync_and_see_to(phone)
            assert await opened(app, before) is None
            assert await opened(app, after) is not None
        async with server_on(backup) as app, phone_on(tmp_path / "phone", app) as phone:
            assert await opened(app, before) is not None, "the backup is older than the revoking"
            await sync_and_see_to(phone)
            assert await opened(app, before) is None
            assert await opened(app, after) is not None
