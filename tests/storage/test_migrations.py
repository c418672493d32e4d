"""Migrations: numbered, forward only, whole or nothing, and never over a newer version."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from backend.storage.engine import StorageTooNew
from backend.storage.migrate import Migration, all_migrations, migrate, schema_version, split_statements
from tests.storage.both_engines import columns_of, opened

TABLES = sorted({name for m in all_migrations() for s in m.statements for name in re.findall(r"CREATE TABLE (\w+)", s)})


def test_the_files_are_numbered_from_one_without_a_gap():
    assert [m.number for m in all_migrations()] == list(range(1, len(all_migrations()) + 1))


async def test_a_new_database_gets_them_all_and_a_second_run_none(tmp_path: Path):
    async with opened(tmp_path, migrated=False) as engine:
        assert await migrate(engine, 1) == [m.name for m in all_migrations()]
        assert await migrate(engine, 2) == []
        assert await schema_version(engine.reading()) == all_migrations()[-1].number


@pytest.mark.parametrize("known", range(1, len(all_migrations()) + 1))
async def test_a_database_of_each_version_becomes_the_same_as_a_new_one(tmp_path: Path, known: int):
    """Also with rows in it: what a version wrote is there in the next."""
    async with opened(tmp_path / "new", migrated=False) as new, opened(tmp_path / "old", migrated=False) as old:
        await migrate(new, 1)
        await migrate(old, 1, all_migrations()[:known])
        async with old.transaction() as tx:
            await tx.execute("INSERT INTO accounts (account, made_at) VALUES ($1, $2)", b"a", 1)
        assert await migrate(old, 2) == [m.name for m in all_migrations()[known:]]
        for table in TABLES:
            assert await columns_of(old, table) == await columns_of(new, table) != []
        assert await old.reading().fetch("SELECT account, last_notice FROM accounts") == [(b"a", 0)]


async def test_two_processes_that_start_at_once_migrate_once(tmp_path: Path):
    """Each has connections of its own; one waits for the other, then finds it done."""
    async with opened(tmp_path, migrated=False) as one, opened(tmp_path, migrated=False) as other:
        applied = await asyncio.gather(*(migrate(engine, 1) for engine in (one, other, one, other)))
        assert sorted(name for names in applied for name in names) == [m.name for m in all_migrations()]
        assert await one.reading().fetch("SELECT count(*) FROM schema_version") == [(len(all_migrations()),)]


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path):
    newer = [*all_migrations(), Migration(99, "0099_future.sql", ("CREATE TABLE future (x BIGINT)",))]
    async with opened(tmp_path, migrated=False) as engine:
        await migrate(engine, 1, newer)
        with pytest.raises(StorageTooNew, match=f"of version 99, this software knows {all_migrations()[-1].number}"):
            await migrate(engine, 2)


async def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path):
    last = all_migrations()[-1].number
    broken = Migration(last + 1, "9999_broken.sql", ("CREATE TABLE half (x BIGINT)", "CREATE TABLE items (x BIGINT)"))
    async with opened(tmp_path, migrated=False) as engine:
        with pytest.raises(Exception, match="already exists"):
            await migrate(engine, 1, [*all_migrations(), broken])
        assert await schema_version(engine.reading()) == last
        assert await columns_of(engine, "half") == []


def test_statements_are_split_at_the_end_of_a_line():
    text = "-- a comment; with a semicolon\nCREATE TABLE a (x BIGINT);\n\nCREATE TABLE b (\n  y BIGINT\n);\n"
    assert split_statements(text) == ("CREATE TABLE a (x BIGINT)", "CREATE TABLE b (\n  y BIGINT\n)")
