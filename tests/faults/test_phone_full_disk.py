"""A phone whose disk is full, at every page and at every statement: a command is done or says `disk_full`, and its
store is as it was.

The limit is SQLite's own (`max_page_count`), page by page from the size that the store has; and each statement and
each commit fails in turn as SQLite fails when the log beside the file cannot grow. The server's disk: tests/storage.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.device.overview import status
from sync.device.phone import Phone
from sync.device.refused import Refused
from sync.device.store.engine import SqliteEngine
from sync.device.store.store import FILE_NAME, _refusal
from sync.device.syncing import sync
from tests.cli import bundles
from tests.cli.kit import DONE, REFUSED, Inside, store_hash
from tests.faults.linked_pair import (
    both_synced,
    import_a_newer_copy,
    import_summary,
    linked_pair,
    root,
    seen,
    set_a_dose,
)
from tests.faults.phone_killing import FullDisk, FusedEngine, copied, phone_on, sample, server_on

PLACES_MAX = 30
PAGES_MORE_MAX = 60  # more than any command here needs


@contextlib.contextmanager
def pages_at_most(count: int) -> Iterator[None]:
    """Every store opened meanwhile grows to so many pages and no further."""
    opened = SqliteEngine.open

    async def limited(path: Path) -> SqliteEngine:
        engine = await opened(path)
        await engine._connection.execute(f"PRAGMA max_page_count={count}")
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqliteEngine, "open", limited)
        yield


def pages_of(store: Path) -> int:
    with contextlib.closing(sqlite3.connect(store / FILE_NAME)) as database:
        return int(database.execute("PRAGMA page_count").fetchone()[0])


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server's data and two linked phones; each has something that the other has not read."""

    async def wrote(a: Phone, b: Phone) -> None:
        for _ in range(3):
            await set_a_dose(b)
        await import_summary(b, bundles.document([bundles.observation(n) for n in range(40)], identifier="s3"))
        await sync(b)
        await set_a_dose(a)

    return linked_pair(tmp_path_factory.mktemp("full"), wrote)


LONG_NOTE = "words " * 2_000
COMMANDS: dict[str, tuple[str, ...]] = {
    "annotate": ("annotate", "ramipril", LONG_NOTE),
    "set": ("set", "ramipril", "dosage", bundles.dumps(bundles.dosage("5", "mg", LONG_NOTE))),
    "new": ("new", "Immunization", bundles.dumps({**bundles.own_immunization(), "note": [{"text": LONG_NOTE}]})),
    "import": ("import", "FILE"),
    "vaults new": ("vaults", "new", "Second vault"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_with_a_disk_full_at_any_page_a_command_is_done_or_leaves_the_store_as_it_was(
    name: str, prepared: Path, tmp_path: Path
) -> None:
    many = bundles.document([bundles.observation(n) for n in range(60)], identifier="many")
    file = bundles.written(tmp_path, "many.json", many)
    arguments = [file if argument == "FILE" else argument for argument in COMMANDS[name]]
    phone = Inside(copied(prepared / "a", tmp_path / "a"))
    phone.run("list")  # a first look keeps its glances, beside what people wrote
    size, before = pages_of(phone.store), store_hash(phone.store)
    refused = 0
    for more in range(PAGES_MORE_MAX):
        with pages_at_most(size + more):
            done = phone.run(*arguments)
            if store_hash(phone.store) != before:
                break
            assert (done.code, done.json["code"]) == (REFUSED, "disk_full"), more
            assert done.json["next"]
            assert phone.run("list").code == DONE, "what is there is read all the same"
        refused += 1
    assert refused, "the disk was never full"
    assert store_hash(phone.store) != before
    if name != "vaults new":  # which goes on to the server, and has none here
        assert done.code in (DONE, 3), done
        [vault] = phone("vaults")
        assert vault["pending"] > 1


@pytest.mark.parametrize("step", [set_a_dose, import_a_newer_copy], ids=lambda step: step.__name__)
async def test_with_a_disk_full_at_any_statement_a_step_leaves_the_store_as_it_was(
    step: Callable[[Phone], Awaitable[Any]], prepared: Path, tmp_path: Path
) -> None:
    folder = copied(prepared / "a", tmp_path / "a")
    before = store_hash(folder)
    for place in range(1, PLACES_MAX):
        async with phone_on(folder, None) as phone:
            phone.store._engine = FusedEngine(phone.store._engine, FullDisk(place))
            try:
                await step(phone)
            except Refused as refused:
                assert refused.code == "disk_full"
            else:
                break
        assert store_hash(folder) == before, place
    assert place > 2
    assert store_hash(folder) != before


async def synced_full(folder: Path, app: Any, at: int, pages: int) -> bool:
    """A sync that meets a full disk at a place, or at a size; True if it did."""
    with pages_at_most(pages) if pages else contextlib.nullcontext():
        async with phone_on(folder, app) as phone:
            phone.store._engine = FusedEngine(phone.store._engine, FullDisk(at))
            try:
                await sync(phone)
            except Refused as refused:
                assert refused.code == "disk_full"
                return True
    return False


async def test_a_sync_that_meets_a_full_disk_loses_nothing_and_the_next_one_makes_it_whole(
    prepared: Path, tmp_path: Path
) -> None:
    server, a, b = (copied(prepared / name, tmp_path / f"whole-{name}") for name in ("server", "a", "b"))
    size = pages_of(a)
    async with server_on(server) as app, phone_on(a, app) as phone:
        fuse = FullDisk()
        phone.store._engine = FusedEngine(phone.store._engine, fuse)
        await sync(phone)
    await both_synced(server, a, b)
    wanted, needed = await seen(a), pages_of(a) - size
    assert needed > 2
    places = [(place, 0) for place in sample(fuse.count, 12)] + [(0, size + more) for more in sample(needed, 8)]
    met = 0
    for at, pages in places:
        server, a, b = (copied(prepared / name, tmp_path / name) for name in ("server", "a", "b"))
        before = await seen(a)
        async with server_on(server) as app:
            met += await synced_full(a, app, at, pages)
        now = await seen(a)  # some of what the other phone sent, perhaps; and all that was there
        assert {record[:32] for record in before.records} <= {record[:32] for record in now.records}
        await both_synced(server, a, b)
        assert await seen(a) == await seen(b) == wanted
        assert await root(a) == await root(b) is not None
        async with phone_on(a, None) as phone:
            told = await status(phone)
        assert (told["pending"], told["quarantined"], told["findings"], told["halted"]) == (0, 0, 0, [])
    assert met > len(places) // 2


def test_no_room_for_the_index_beside_the_log_is_a_full_disk_and_no_damage() -> None:
    """SQLite says so with an I/O error of its own when less than a few pages are free on the whole disk."""
    for code in (sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_FULL):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = code
        assert _refusal(error).code == "disk_full"
