"""A phone that dies at any await while it makes, replaces or revokes a share: the next sync mends it, and the server
has each share of the vault once, revoked or open as the vault says, and none besides (SHR-5, SHR-6)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from backend.main import App
from crypto.secret import jwe
from sync.device.aftermath import sync_and_see_to
from sync.device.founding import found
from sync.device.phone import Phone
from sync.device.records import create as new_record
from sync.device.sharing import Held, Wish, create, link_of, revoke, shares
from sync.vault.share import read_link
from tests.cli.kit import cheap_lock
from tests.faults.phone_killing import ORIGIN, copied, count_steps, dies, phone_on, sample, server_on
from tests.fhir.summary_checks import allergy

PLACES_MAX = 8  # to die at; all of them in `make prove`


async def prepared(folder: Path) -> None:
    """A phone with one share that follows its vault, and a change that waits; server and phone in a folder."""
    async with server_on(folder / "server") as app, phone_on(folder / "phone", app, create=True) as phone:
        await found(phone, ORIGIN, "Testa Testperson", "phone A", "records of a test", subject=True)
        await sync_and_see_to(phone)
        await create(phone, Wish(label="follows", long_term=True))
        await sync_and_see_to(phone)
        await new_record(phone, allergy("Latex"), None)


async def opened(app: App, held: Held) -> Any:
    """What a share hands out, None where it opens nothing."""
    link = read_link(link_of(held))
    asked = {"recipient": "Dr. Test"} | ({"passcode": held.word.passcode} if held.word.passcode else {})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app.asgi)) as client:
        answer = await client.post(link.url, json=asked)
        if answer.status_code != 200:
            return None
        [file] = answer.json()["files"]
        text = file["embedded"] if "embedded" in file else (await client.get(file["location"])).text
    return json.loads(jwe.open_(link.key, text, 1_000_000).plaintext)


def rows_of(data: Path) -> list[bytes]:
    """The handles that a server knows."""
    file = data / "carnet.sqlite3"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return sorted(row[0] for row in database.execute("SELECT share FROM shares"))


async def killed_everywhere(
    folder: Path, work: Callable[[Phone], Awaitable[Any]], check: Callable[[App, list[Held]], Awaitable[Any]]
) -> set[Any]:
    """Does `work`, dies at each sampled place, syncs once, and checks; what the checks saw."""
    seen = set()
    with cheap_lock():
        await prepared(folder)
        async with server_on(copied(folder / "server", folder / "once")) as app:
            steps = await count_steps(copied(folder / "phone", folder / "whole"), app, work)
        for place in sample(steps, PLACES_MAX):
            store, data = copied(folder / "phone", folder / "at"), copied(folder / "server", folder / "data")
            async with server_on(data) as app:
                assert await dies(store, app, place, work)
                async with phone_on(store, app) as phone:
                    assert (await sync_and_see_to(phone)).shares == [], place
                    found = [share.held for share in await shares(phone, None)]
                    seen.add(await check(app, found))
            assert rows_of(data) == sorted(held.share for held in found), place
    return seen


async def test_a_share_that_was_being_made_is_whole_or_was_never_made(tmp_path: Path) -> None:
    """SHR-5, SHR-6, SHR-8."""

    async def makes(phone: Phone) -> None:
        await create(phone, Wish(label="made", passcode="123456"))

    async def check(app: App, found: list[Held]) -> int:
        for held in found:
            assert "Latex" in str(await opened(app, held))
        return len(found)

    assert await killed_everywhere(tmp_path, makes, check) == {1, 2}


async def test_a_share_that_was_being_laid_anew_has_the_new_summary_after_the_next_sync(tmp_path: Path) -> None:
    """SHR-6."""

    async def syncs(phone: Phone) -> None:
        await sync_and_see_to(phone)

    async def check(app: App, found: list[Held]) -> int:
        [held] = found
        assert "Latex" in str(await opened(app, held))
        return len(found)

    assert await killed_everywhere(tmp_path, syncs, check) == {1}


async def test_a_share_that_was_being_revoked_is_open_or_revoked_in_the_vault_and_on_the_server_alike(
    tmp_path: Path,
) -> None:
    """SHR-5, SHR-6."""

    async def revokes(phone: Phone) -> None:
        await revoke(phone, "follows")

    async def check(app: App, found: list[Held]) -> bool:
        [held] = found
        assert (await opened(app, held) is None) == held.word.revoked
        return held.word.revoked

    assert await killed_everywhere(tmp_path, revokes, check) == {True, False}
