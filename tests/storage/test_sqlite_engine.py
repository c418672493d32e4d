"""SQLite behind the port: durability settings, failures, the dialect. What both engines do: test_engine_contract.py."""

from __future__ import annotations

import ast
import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from backend.storage.dialect import sqlite_text
from backend.storage.engine import StorageFull, StorageUnavailable
from backend.storage.migrate import migrate
from backend.storage.sqlite import SqliteEngine, open_sqlite, storage_error

ENGINES = ("sqlite",)
BACKEND = Path(__file__).parents[2] / "backend"
ACCOUNT = "INSERT INTO accounts (account, made_at) VALUES ($1, $2)"
COUNT = "SELECT count(*) FROM accounts"


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[SqliteEngine]:
    opened = await open_sqlite(tmp_path / "db")
    await migrate(opened, 1)
    yield opened
    await opened.close()


async def test_commits_are_synced_and_readers_do_not_wait(engine):
    async with engine.transaction() as tx:
        assert (await tx.fetch("PRAGMA journal_mode"))[0][0] == "wal"
        assert (await tx.fetch("PRAGMA synchronous"))[0][0] == 2
        await tx.execute(ACCOUNT, b"a", 1)
        assert (await engine.reading().fetch(COUNT))[0][0] == 0
    assert (await engine.reading().fetch(COUNT))[0][0] == 1


async def test_a_reader_cannot_write(engine):
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await engine.reading().fetch(ACCOUNT, b"a", 1)


async def test_a_lock_of_another_process_holds_up_the_writer_and_nobody_else(engine, tmp_path: Path):
    other = sqlite3.connect(tmp_path / "db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def write() -> None:
        async with engine.transaction() as tx:
            await tx.execute(ACCOUNT, b"a", 1)

    writing = asyncio.create_task(write())
    for _ in range(20):
        await asyncio.sleep(0.001)  # the loop goes on, and readers read
        assert (await engine.reading().fetch(COUNT))[0][0] == 0
    assert not writing.done()
    other.execute("COMMIT")
    await writing
    assert (await engine.reading().fetch(COUNT))[0][0] == 1
    other.close()


async def test_a_full_disk_is_named_and_the_transaction_is_gone(tmp_path: Path):
    opened = await open_sqlite(tmp_path / "db", pages_max=160)
    await migrate(opened, 1)
    with pytest.raises(StorageFull):
        async with opened.transaction() as tx:
            for number in range(100):
                await tx.execute(ACCOUNT, bytes([number]) * 4_000, 1)
    assert (await opened.reading().fetch(COUNT))[0][0] == 0
    async with opened.transaction() as tx:
        await tx.execute(ACCOUNT, b"small", 1)
    await opened.close()


async def test_a_folder_that_is_none_is_unavailable(tmp_path: Path):
    with pytest.raises(StorageUnavailable):
        await open_sqlite(tmp_path / "nowhere" / "db")


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path):
    (tmp_path / "db").write_bytes(b"not a database" * 1_000)
    with pytest.raises(StorageUnavailable):
        await open_sqlite(tmp_path / "db")


def test_our_own_mistakes_stay_what_they_are():
    error = sqlite3.IntegrityError("UNIQUE constraint failed")
    assert storage_error(error) is error


def test_no_sql_and_no_driver_outside_storage_and_stores():
    for path in BACKEND.rglob("*.py"):
        relative = path.relative_to(BACKEND).as_posix()
        text = path.read_text("utf-8")
        if not relative.startswith("storage/"):
            assert not re.search(r"import (sqlite3|aiosqlite|asyncpg)", text), relative
        if not relative.startswith("storage/") and path.name != "store.py":
            tree = ast.parse(text)
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    assert not node.value.startswith(("SELECT ", "INSERT ", "UPDATE ", "DELETE FROM")), relative


@pytest.mark.parametrize(
    ("written", "run"),
    [
        ("SELECT a FROM b WHERE c = $1 AND d > $12", "SELECT a FROM b WHERE c = ?1 AND d > ?12"),
        ("SELECT a FROM b FOR UPDATE", "SELECT a FROM b"),
        (
            "DELETE FROM b WHERE a IN (SELECT a FROM b FOR UPDATE SKIP LOCKED)",
            "DELETE FROM b WHERE a IN (SELECT a FROM b)",
        ),
        ("SELECT pg_advisory_xact_lock($1)", "SELECT ?1"),
        ("SELECT a FROM b v WHERE c = $1 FOR UPDATE OF v", "SELECT a FROM b v WHERE c = ?1"),
        ("CREATE TABLE a (n BIGINT PRIMARY KEY)", "CREATE TABLE a (n INTEGER PRIMARY KEY)"),
        (
            "CREATE TABLE a (n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
            "CREATE TABLE a (n INTEGER PRIMARY KEY AUTOINCREMENT)",
        ),
    ],
)
def test_the_dialect(written, run):
    assert sqlite_text(written) == run


async def test_a_log_lies_in_its_own_order_and_needs_no_second_index(engine):
    plan = await engine.reading().fetch(
        "EXPLAIN QUERY PLAN SELECT kind, signed, signature FROM items WHERE place > 1 AND place <= 9 ORDER BY place"
    )
    assert "USING INTEGER PRIMARY KEY" in plan[0][3]
