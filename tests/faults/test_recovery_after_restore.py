"""A server restored to before a recovery: the phone that holds the used code brings its entry there again, and no other
code than the new one is left (openapi/protocol/recovery.md, MUST REC-12)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sync.device.aftermath import KEPT_DAYS, sync_and_see_to
from sync.device.founding import found
from sync.device.linking import approve, show_code, wait_to_be_let_in
from sync.device.overview import members
from sync.device.phone import Phone
from sync.device.reading import identity_of
from sync.device.records import create
from sync.device.recovering import OwnPhone, card_identity, code_was_shown, read_code, recover
from sync.device.refused import Refused
from sync.device.renewing import new_code
from sync.device.syncing import sync
from sync.wire.card import RECOVERY
from sync.wire.ids import DeviceId
from tests.cli import bundles
from tests.cli.kit import cheap_lock
from tests.faults.phone_killing import ORIGIN, copied, phone_on, server_on


def first_phone_lost(phones: Sequence[OwnPhone]) -> Sequence[DeviceId]:
    return [one.device for one in phones if one.name == "phone A"]


async def prepare(folder: Path) -> str:
    """Two phones of one person, a copy of the server, then a recovery on a third; gives the new code."""
    async with (
        server_on(folder / "server") as app,
        phone_on(folder / "a", app, create=True) as a,
        phone_on(folder / "b", app, create=True) as b,
    ):
        made = await found(a, ORIGIN, "Testa Testperson", "phone A", "records of a test", subject=True)
        await create(a, bundles.own_immunization(), None)
        await sync(a)
        await approve(a, await show_code(b, ORIGIN, "phone B"))
        await wait_to_be_let_in(b)
        await sync(a)
    copied(folder / "server", folder / "backup")
    async with server_on(folder / "server") as app, phone_on(folder / "n", app, create=True) as new:
        said = await recover(new, ORIGIN, "phone N", read_code(made.recovery_code), first_phone_lost)
        await code_was_shown(new)
    return said.recovery_code


async def names(phone: Phone) -> list[str]:
    [person] = await members(phone, 1)
    return sorted(device["name"] for device in person["devices"])


async def test_a_restored_server_gets_phone_and_entry_again(tmp_path: Path) -> None:
    """REC-12."""
    with cheap_lock():
        await prepare(tmp_path)
        async with server_on(tmp_path / "backup") as app:
            async with phone_on(tmp_path / "n", app) as new, phone_on(tmp_path / "b", app) as b:
                report = await sync_and_see_to(new)
                assert [vault.code for vault in report.vaults] == [None]
                await sync(b)
                assert await names(b) == await names(new) == ["phone B", "phone N"]


async def test_where_others_have_written_meanwhile_the_old_card_signs_its_entry_again(tmp_path: Path) -> None:
    """REC-12."""
    with cheap_lock():
        await prepare(tmp_path)
        async with server_on(tmp_path / "backup") as app:
            async with phone_on(tmp_path / "b", app) as b:
                await create(b, bundles.own_allergy("low"), None)
                await sync(b)
            async with phone_on(tmp_path / "n", app) as new, phone_on(tmp_path / "b", app) as b:
                await sync_and_see_to(new)
                await sync(b)
                report = await sync_and_see_to(new)
                assert [vault.code for vault in report.vaults] == [None]
                assert await names(b) == await names(new) == ["phone B", "phone N"]
                async with new.store.transaction() as rows:
                    me = (await identity_of(rows)).device
                async with b.store.transaction() as rows:
                    table = (await rows.get_vault(1)).log.table
                assert me in table.live()
                assert len(table.live()) == 3  # phone B, phone N, the new recovery card


async def test_after_some_days_the_used_code_is_kept_no_longer(tmp_path: Path) -> None:
    """REC-12."""
    with cheap_lock():
        await prepare(tmp_path)
        late: Any = (KEPT_DAYS + 1) * 86_400_000
        async with server_on(tmp_path / "server") as app, phone_on(tmp_path / "n", app) as new:
            await sync_and_see_to(new._replace(now_ms=lambda: new.now_ms() + late))
        async with server_on(tmp_path / "backup") as app, phone_on(tmp_path / "n", app) as new:
            with pytest.raises(Refused, match="account_gone"):
                await sync_and_see_to(new)


async def test_a_code_made_since_is_the_only_one_after_a_restore(tmp_path: Path) -> None:
    """REC-17: else a restored server would list a code that nobody has any more, and not the one on paper."""
    with cheap_lock():
        await prepare(tmp_path)
        async with server_on(tmp_path / "server") as app, phone_on(tmp_path / "n", app) as new:
            code = await new_code(new)
            await sync_and_see_to(new)
            await sync_and_see_to(new)
        async with server_on(tmp_path / "backup") as app:
            async with phone_on(tmp_path / "b", app) as b:
                await create(b, bundles.own_allergy("low"), None)
                await sync(b)
        async with server_on(tmp_path / "backup") as app, phone_on(tmp_path / "n", app) as new:
            await sync_and_see_to(new)
            async with new.store.transaction() as rows:
                table = (await rows.get_vault(1)).log.table
            sheets = [device for device, row in table.live().items() if row.kind == RECOVERY]
            assert sheets == [card_identity(ORIGIN, read_code(code)).device]
