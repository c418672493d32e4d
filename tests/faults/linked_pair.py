"""Two phones linked over a server in this process, what each shows, and what a person does on one.

The state that the tests of kills and of full disks begin from; each puts in what the other phone has not read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

from sync.device.files import import_files
from sync.device.founding import found
from sync.device.linking import approve, show_code, wait_to_be_let_in
from sync.device.overview import root_of
from sync.device.phone import Phone
from sync.device.reading import read_vault
from sync.device.records import write
from sync.device.syncing import sync
from sync.fhir import editing, exact
from sync.fhir.view import resource
from tests.cli import bundles
from tests.cli.kit import cheap_lock
from tests.faults.phone_killing import ORIGIN, phone_on, server_on


class Seen(NamedTuple):
    """What a phone shows and what it still has to send."""

    records: tuple[bytes, ...]
    waiting: int


async def seen(folder: Path) -> Seen:
    """The phone's state, read again from the file."""
    async with phone_on(folder, None) as phone, phone.store.transaction() as rows:
        vault = await read_vault(rows, 1)
        shown = sorted(record.id + exact.canonical(resource(record)) for record in vault.records())
        return Seen(tuple(shown), await rows.count_pending(1))


async def root(folder: Path) -> str | None:
    async with phone_on(folder, None) as phone, phone.store.transaction() as rows:
        return root_of(await read_vault(rows, 1))


def dose(text: str) -> Any:
    return lambda record, seed, newer: editing.set_element(
        record, "dosage", bundles.dosage("5", "mg", text), newer=newer
    )


async def import_summary(phone: Phone, summary: Any) -> None:
    files = [("summary.json", bundles.dumps(summary).encode())]
    await import_files(phone, files, None, source="Example Hospital", same_person=False)


async def set_a_dose(phone: Phone) -> None:
    await write(phone, "Ramipril", dose("by A"), None)


async def import_a_newer_copy(phone: Phone) -> None:
    await import_summary(phone, bundles.newer_summary())


async def both_synced(server: Path, a: Path, b: Path) -> None:
    async with server_on(server) as app:
        async with phone_on(a, app) as phone_a, phone_on(b, app) as phone_b:
            for phone in (phone_a, phone_b, phone_a, phone_b):
                report = await sync(phone)
                assert [vault.code for vault in report.vaults] == [None]


def linked_pair(folder: Path, then: Callable[[Phone, Phone], Awaitable[None]]) -> Path:
    """A folder with a server's data and two linked phones: A has imported a summary, both are at the head, and then
    each does something."""

    async def prepare() -> None:
        async with server_on(folder / "server") as app:
            async with phone_on(folder / "a", app, create=True) as a, phone_on(folder / "b", app, create=True) as b:
                await found(a, ORIGIN, "Testa Testperson", "phone A", "records of a test", subject=True)
                await import_summary(a, bundles.summary())
                await sync(a)
                code = await show_code(b, ORIGIN, "phone B")
                await approve(a, code)
                await wait_to_be_let_in(b)
                await sync(a)
                await then(a, b)

    with cheap_lock():
        asyncio.run(prepare())
    return folder
