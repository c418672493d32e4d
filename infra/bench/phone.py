"""The phone's rows: the shipped command as a process, and the same steps inside one, on a vault that was imported.

A person with two phones: the first has imported a hospital's document, the second edits one register of every record
while it is offline. Sealing is the second's, taking in the first's, each on a copy of its store, commit included.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

from infra.bench.report import Row, at_most, plain
from sync.device import intake, listing, outbox
from sync.device.identity import get_identity
from sync.device.opened import read_records
from sync.device.phone import Phone
from sync.device.records import write
from sync.device.staging import stage
from sync.fhir.editing import set_element
from sync.merge.change import PERSON, Edit, RecordId
from sync.merge.record import Record
from sync.merge.view import Newer, edit_preds
from sync.wire.item import Item
from tests.cli import bundles, generated
from tests.cli.kit import Cold, Inside, Server, link_phone

_NUMBER = 1  # the local number of the one vault


def rows(records: int, runs: int) -> list[Row]:
    """Every row for a vault of so many records."""
    section = f"phone, {records:,} records"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _bytecode_kept(folder / "bytecode"):
            server = Server(folder / "server").start()
            try:
                return _rows(section, folder, server, records, runs)
            finally:
                server.kill()


@contextlib.contextmanager
def _bytecode_kept(folder: Path) -> Iterator[None]:
    """An installed command has its bytecode at hand, whatever the environment of this run says."""
    before = dict(os.environ)
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):  # else it lies beside the sources
        os.environ["PYTHONPYCACHEPREFIX"] = str(folder)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _rows(section: str, folder: Path, server: Server, records: int, runs: int) -> list[Row]:
    first = Cold(folder / "first")
    made = ("--no-keyring", "init", "--server", server.url, "--name", "Testa Testperson", "--device", "phone A")
    first(*made, "--vault", "records of a test")
    file = bundles.written(folder, "many.json", generated.many(records))
    imported = _seconds(lambda: first("import", file))
    first("sync")
    second = link_phone(folder / "second", first.inside(), server.url)
    second("sync")
    id_ = first("list", "Observation")[0]["id"]
    phone = first.inside()
    told = asyncio.run(_inside(folder, phone, second, RecordId(bytes.fromhex(id_)), runs))

    def median(*arguments: str) -> float:
        return statistics.median(_seconds(lambda: first(*arguments)) for _ in range(max(1, runs)))

    edited = ("set", id_, "issued", '"2030-01-01T08:00:00Z"')
    return [
        plain(section, "import of one document, from the start of the command", "s", imported),
        plain(section, "open the store: Argon2id, keys, tables", "ms CPU", told["open"]),
        at_most(section, "list, from the start of the command", "s", median("list"), 1),
        plain(section, "the same, as lines for people", "s CPU", _cpu_seconds(lambda: first.run("list", json=False))),
        plain(section, "list, in an open store", "ms CPU", told["list"]),
        plain(section, "the first list after every record has changed", "ms CPU", told["list_anew"]),
        plain(section, "show one record, from the start of the command", "s", median("show", id_)),
        plain(section, "show one record, in an open store", "ms CPU", told["show"]),
        plain(
            section,
            "one edit, from the start of the command",
            "s",
            median(*edited),
        ),
        at_most(section, "one edit with its commit, in an open store", "ms", told["edit"], 20),
        plain(section, f"seal {records:,} changes, commit included", "ms CPU", told["seal"]),
        at_most(section, f"take {told['changes']:,.0f} remote changes, commit included", "s CPU", told["take"], 0.2),
    ]


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _cpu_seconds(act: Callable[[], object]) -> float:
    """Processor time of the commands that it runs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    act()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


async def _inside(folder: Path, first: Inside, second: Inside, id_: RecordId, runs: int) -> dict[str, float]:
    told: dict[str, float] = {}

    async def opened() -> None:
        async with first.phone():
            pass

    told["open"] = await _cpu_ms(opened, runs)
    async with first.phone() as phone:
        told["list"] = await _cpu_ms(lambda: listing.list_rows(phone, None), runs)
        told["show"] = await _cpu_ms(lambda: listing.show_record(phone, id_.hex(), None, history=False), runs)
        taken = []
        for number in range(runs * 3):
            value = f"2030-01-01T08:00:{number:02}Z"
            began = time.perf_counter()
            await write(phone, id_.hex(), partial(_issued, value), None)
            taken.append((time.perf_counter() - began) * 1000)
        told["edit"] = statistics.median(taken)
    anew = _copied(folder, first, "listing anew")
    with sqlite3.connect(anew.store / "carnet.db") as database:
        database.execute("DELETE FROM glance")
    async with anew.phone() as phone:
        began = time.process_time()
        await listing.list_rows(phone, None)
        told["list_anew"] = (time.process_time() - began) * 1000
    async with second.phone() as phone:
        told["changes"] = await _edit_all(phone)
    seals, takes, items = [], [], []
    for run in range(runs):
        copied = _copied(folder, second, f"sealing {run}")
        async with copied.phone() as phone:
            began = time.process_time()
            items = await _sealed(phone)
            seals.append((time.process_time() - began) * 1000)
        copied = _copied(folder, first, f"taking {run}")
        async with copied.phone() as phone:
            began = time.process_time()
            await _taken(phone, items)
            takes.append(time.process_time() - began)
    return told | {"seal": statistics.median(seals), "take": statistics.median(takes)}


def _issued(value: str, record: Record, _seed: bytes, newer: Newer | None) -> Edit:
    return set_element(record, "issued", value, newer=newer)


async def _cpu_ms(act: Callable[[], Awaitable[object]], runs: int) -> float:
    taken = []
    for _ in range(runs + 1):
        began = time.process_time()
        await act()
        taken.append((time.process_time() - began) * 1000)
    return statistics.median(taken[1:])


def _copied(folder: Path, phone: Inside, name: str) -> Inside:
    shutil.copytree(phone.store, folder / name)
    return Inside(folder / name, phone.passphrase)


async def _edit_all(phone: Phone) -> int:
    """One short edit of every record, waiting to be sent."""
    async with phone.store.transaction() as rows:
        identity = await get_identity(rows)
        assert identity is not None
        edits = []
        for id_, record in (await read_records(rows, _NUMBER))[1].items():
            if record.births and b"Observation" in record.births[0].body.get("resourceType", b""):
                preds = edit_preds(record, "issued", PERSON)
                edits.append(Edit(id_, False, PERSON, None, preds, (("issued", b'"2030-01-01T08:00:00Z"'),)))
        await stage(phone, rows, identity, _NUMBER, edits)
    return len(edits)


async def _sealed(phone: Phone) -> list[Item]:
    """What the phone makes of its waiting changes before it sends them."""
    async with phone.store.transaction() as rows:
        identity = await get_identity(rows)
        assert identity is not None
        await outbox.prepare(phone, rows, identity, _NUMBER)
        return [frame.item for frame in await rows.get_flying(_NUMBER)]


async def _taken(phone: Phone, items: list[Item]) -> None:
    """What the phone does with another's items, as they come in one answer."""
    async with phone.store.transaction() as rows:
        identity = await get_identity(rows)
        assert identity is not None
        state = await rows.get_vault(_NUMBER)
        asked = outbox.Asked(_NUMBER, state.vault, state.log.seq, {}, None)
        stopped = await intake.take(phone, rows, identity, asked, items, state)
        assert stopped is None, stopped
        assert state.log.seq == asked.cursor + len(items)
