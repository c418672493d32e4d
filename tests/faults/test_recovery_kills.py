"""A recovery killed at every await: the same command on the same store goes on, and in the end all is as if it had not
been (openapi/protocol/recovery.md, MUST REC-9)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from crypto.secret.secret import Secret
from sync.device.access import access_token
from sync.device.files import import_files
from sync.device.founding import found
from sync.device.overview import members
from sync.device.phone import Phone
from sync.device.reading import read_vault
from sync.device.recovering import OwnPhone, card_identity, code_was_shown, read_code, recover
from sync.device.refused import Refused
from sync.device.rehearsing import rehearse
from sync.device.syncing import sync
from sync.device.transport import Answered
from sync.wire.ids import DeviceId
from tests.cli import bundles
from tests.cli.kit import cheap_lock
from tests.faults.phone_killing import ORIGIN, Fuse, KillHere, copied, phone_on, sample, server_on

PLACES_MAX = 16  # to die at


class Prepared(NamedTuple):
    """A server's data, and the code of a person whose only phone is gone."""

    server: Path
    code: Secret


def prepare(folder: Path) -> Prepared:
    async def founded() -> str:
        async with server_on(folder / "server") as app, phone_on(folder / "a", app, create=True) as a:
            made = await found(a, ORIGIN, "Testa Testperson", "phone A", "records of a test", subject=True)
            files = [("summary.json", bundles.dumps(bundles.summary()).encode())]
            await import_files(a, files, None, source="Example Hospital", same_person=False)
            await sync(a)
            return made.recovery_code

    with cheap_lock():
        return Prepared(folder / "server", read_code(asyncio.run(founded())))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(tmp_path_factory.mktemp("recovery-kills"))


def all_lost(phones: Sequence[OwnPhone]) -> Sequence[DeviceId]:
    return [one.device for one in phones]


async def run(phone: Phone, code: Secret) -> str:
    """The whole of the command; gives the code that it shows."""
    made = await recover(phone, ORIGIN, "phone N", code, all_lost)
    await code_was_shown(phone)
    return made.recovery_code


async def everything(phone: Phone) -> dict[str, Any]:
    """What must not depend on where it died."""
    async with phone.store.transaction() as rows:
        vault = await read_vault(rows, 1)
    [person] = await members(phone, 1)
    devices = [device["name"] for device in person["devices"]]
    who = (person["name"], person["role"], person["subject"])
    return {"who": who, "devices": devices, "records": len(list(vault.records())), "seq": vault.state.log.seq}


async def test_a_recovery_that_is_killed_anywhere_is_finished_by_running_it_again(
    prepared: Prepared, tmp_path: Path
) -> None:
    """REC-9."""
    with cheap_lock():
        whole = Fuse()
        async with server_on(copied(prepared.server, tmp_path / "server")) as app:
            async with phone_on(tmp_path / "whole", app, whole, create=True) as phone:
                await run(phone, prepared.code)
                wanted = await everything(phone)
        assert wanted["who"] == ("Testa Testperson", "owner", True)
        assert wanted["devices"] == ["phone N"]
        assert wanted["records"] > 3
        died = 0
        for place in sample(whole.count, PLACES_MAX):
            async with server_on(copied(prepared.server, tmp_path / "server")) as app:
                folder = tmp_path / f"at-{place}"
                with contextlib.suppress(KillHere):
                    async with phone_on(folder, app, Fuse(place), create=True) as phone:
                        await run(phone, prepared.code)
                    continue
                died += 1
                async with phone_on(folder, app) as phone:
                    try:
                        fresh = await run(phone, prepared.code)
                    except Refused as refused:
                        assert refused.code == "store_exists", place  # it had been shown already
                        fresh = None
                    assert await everything(phone) == wanted, place
                    if fresh is not None:
                        assert await rehearse(phone, read_code(fresh)) == []
                    with pytest.raises(Answered, match="revoked"):
                        await access_token(
                            phone, phone.connect(ORIGIN), card_identity(ORIGIN, prepared.code), renew=True
                        )
        assert died > PLACES_MAX // 2
