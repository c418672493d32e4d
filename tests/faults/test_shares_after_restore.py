"""After a restore: what was revoked since is revoked again, what was made since is made again (SHR-6)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sync.device.aftermath import sync_and_see_to
from sync.device.founding import found
from sync.device.phone import Phone
from sync.device.share_register import get_laid, put_laid
from sync.device.sharing import Change, Wish, change, create, revoke
from sync.wire.share import ShareId
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


async def test_a_server_that_lost_shares_behind_a_log_that_others_mended_has_them_again_the_next_day(
    tmp_path: Path,
) -> None:
    """SHR-6, INB-16: this phone sees nothing amiss in the log; once a day it says again what stands."""
    data = tmp_path / "server"
    with cheap_lock():
        async with server_on(data) as app, phone_on(tmp_path / "phone", app, create=True) as phone:
            await found(phone, ORIGIN, "Testa Testperson", "phone A", "records of a test", subject=True)
            await sync_and_see_to(phone)
            names = ("lost", "paused", "over", "shut")
            lost, paused, over, shut = [(await create(phone, Wish(label=name))).held for name in names]
            await change(phone, "paused", Change(paused=True))
            await change(phone, "shut", Change(inbox_off=True))
            await revoke(phone, "over")
            await sync_and_see_to(phone)
        with closing(sqlite3.connect(data / "carnet.sqlite3")) as database, database:
            database.execute("DELETE FROM share_files WHERE share = ?", (lost.share,))
            database.execute("DELETE FROM shares WHERE share = ?", (lost.share,))
            database.execute("UPDATE shares SET paused = FALSE, revoked_at = NULL, inbox = TRUE")
        async with server_on(data) as app, phone_on(tmp_path / "phone", app) as phone:
            await sync_and_see_to(phone)
            assert await opened(app, paused) is not None, "the same day nothing is asked"
            await a_day_ago(phone)
            assert (await sync_and_see_to(phone)).shares == []
            assert await opened(app, lost) is not None
            assert await opened(app, paused) is None
        with closing(sqlite3.connect(data / "carnet.sqlite3")) as database:
            [(revoked_at,)] = database.execute("SELECT revoked_at FROM shares WHERE share = ?", (over.share,))
            assert revoked_at is not None
            [(takes_notes,)] = database.execute("SELECT inbox FROM shares WHERE share = ?", (shut.share,))
            assert not takes_notes


async def a_day_ago(phone: Phone) -> None:
    """As if what this phone told last had been told a day before."""
    async with phone.store.transaction() as rows:
        for share, laid in (await get_laid(rows)).items():
            laid.told_at -= 86_400_000
            await put_laid(rows, ShareId(share), laid)
