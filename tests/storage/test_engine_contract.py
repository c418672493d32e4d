"""What every engine promises behind the port, on SQLite and on PostgreSQL, and every statement of every room."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from backend.storage.dialect import sqlite_text
from backend.storage.engine import Engine
from backend.storage.migrate import migrate
from backend.storage.names import hold_name
from backend.vaults import store
from tests.storage.both_engines import opened

BACKEND = Path(__file__).parents[2] / "backend"
VERBS = {"SELECT", "INSERT", "UPDATE", "DELETE", "CREATE"}
ACCOUNT = "INSERT INTO accounts (account, made_at) VALUES ($1, $2)"
COUNT = "SELECT count(*) FROM accounts"
MEMBERS = "SELECT device, vault, live FROM members ORDER BY device, vault"


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with opened(tmp_path) as running:
        await migrate(running, 1)
        yield running


async def test_a_transaction_that_ends_is_there_and_readers_do_not_wait_for_it(engine):
    async with engine.transaction() as tx:
        await tx.execute(ACCOUNT, b"a", 1)
        assert (await tx.fetch(COUNT))[0][0] == 1
        assert (await engine.reading().fetch(COUNT))[0][0] == 0
    assert (await engine.reading().fetch(COUNT))[0][0] == 1
    assert engine.commits > 0


async def test_a_transaction_that_raises_leaves_nothing(engine):
    with pytest.raises(RuntimeError):
        async with engine.transaction() as tx:
            await tx.execute(ACCOUNT, b"a", 1)
            raise RuntimeError
    assert (await engine.reading().fetch(COUNT))[0][0] == 0


async def test_a_statement_that_fails_leaves_nothing_of_its_transaction(engine):
    with pytest.raises(Exception, match=r"(?i)unique"):
        async with engine.transaction() as tx:
            await tx.execute(ACCOUNT, b"a", 1)
            await tx.execute(ACCOUNT, b"a", 2)
    assert (await engine.reading().fetch(COUNT))[0][0] == 0


async def test_a_cancelled_transaction_leaves_nothing_and_the_next_one_works(engine):
    begun = asyncio.Event()

    async def slow() -> None:
        async with engine.transaction() as tx:
            await tx.execute(ACCOUNT, b"a", 1)
            begun.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(slow())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with engine.transaction() as tx:
        await tx.execute_many(ACCOUNT, [(bytes([n]), 1) for n in range(40)])
    assert (await engine.reading().scan(COUNT))[0][0] == 40


async def test_transactions_that_hold_one_name_take_turns(engine):
    async def add(number: int) -> None:
        async with engine.transaction() as tx:
            await hold_name(tx, b"the name")
            before = (await tx.fetch(COUNT))[0][0]
            await asyncio.sleep(0.002)
            await tx.execute(ACCOUNT, bytes([number]), before)

    await asyncio.gather(*(add(n) for n in range(7)))
    rows = await engine.reading().fetch("SELECT made_at FROM accounts ORDER BY made_at")
    assert [row[0] for row in rows] == list(range(7))


async def test_rows_are_tuples_of_plain_values_and_come_back_as_they_went_in(engine):
    item = (7 << 32 | 1, 1, 2**53 - 1, 7 << 10, None, b"\0\xff" * 16, b"", b"s", bytes(300_000))
    async with engine.transaction() as tx:
        await tx.execute(store.ITEM_WRITE, *item)
    columns = "place, kind, bytes, writer, fseq, entry_hash, log_hash, signature, signed"
    rows = await engine.reading().scan(f"SELECT {columns} FROM items")
    assert rows == [item]
    assert [type(value) for value in rows[0]] == [type(value) for value in item]


async def test_many_rows_at_once_are_as_one_after_the_other(engine):
    """Also with a null among them; where a row comes twice, the last one wins."""
    items = [(n, 1, n, 0, None if n % 2 else n, None, b"L", b"", bytes([n])) for n in range(1, 200)]
    async with engine.transaction() as tx:
        await tx.execute_many(store.ITEM_WRITE, items)
        await tx.execute_many(
            store.MEMBER_WRITE, [(b"d", 1, True, True), (b"e", 1, True, True), (b"d", 1, False, False)]
        )
        await tx.execute_many(store.MEMBER_WRITE, [])
    assert [row[0] for row in await engine.reading().scan("SELECT place FROM items ORDER BY place")] == list(
        range(1, 200)
    )
    assert (await engine.reading().fetch("SELECT fseq FROM items WHERE place IN (1, 2) ORDER BY place")) == [
        (None,),
        (2,),
    ]
    assert await engine.reading().fetch(MEMBERS) == [(b"d", 1, False), (b"e", 1, True)]


def statements() -> list[tuple[str, str]]:
    """Every statement constant of the back end, found in its source."""
    found = []
    for path in sorted(BACKEND.rglob("*.py")):
        module = path.relative_to(BACKEND.parent).with_suffix("").as_posix().replace("/", ".")
        names = [
            node.targets[0].id
            for node in ast.parse(path.read_text("utf-8")).body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper()
        ]
        if names and ("store" in path.name or path.name in ("migrate.py", "dialect.py")):
            loaded = __import__(module, fromlist=["x"])
            found += [
                (f"{module}.{name}", getattr(loaded, name))
                for name in names
                if isinstance(getattr(loaded, name), str) and getattr(loaded, name).split(" ")[0] in VERBS
            ]
    return found


async def test_every_statement_is_prepared(engine, engine_kind):
    """SQLite: EXPLAIN compiles it against the real tables without running it. PostgreSQL: PREPARE, types and all."""
    found = statements()
    assert len(found) > 60
    for name, statement in found:
        count = max([int(number) for number in re.findall(r"\$(\d+)", statement)], default=0)
        try:
            async with engine.transaction() as tx:
                if engine_kind == "sqlite":
                    await tx.fetch("EXPLAIN " + sqlite_text(statement), *[None] * count)
                elif not statement.startswith("CREATE"):  # PostgreSQL prepares no definition
                    prepared = await tx.raw.prepare(statement)
                    assert len(prepared.get_parameters()) == count
        except Exception as error:
            raise AssertionError(f"{name}: {error}") from error


async def test_every_row_lock_and_every_held_name_is_plain_to_both(engine, engine_kind):
    """What the dialect leaves out for SQLite is there for PostgreSQL: it is no text that neither understands."""
    locks = [statement for _, statement in statements() if "FOR UPDATE" in statement or "pg_advisory" in statement]
    assert len(locks) >= 6
    for statement in locks:
        assert "FOR UPDATE" not in sqlite_text(statement)
        assert "pg_" not in sqlite_text(statement)
