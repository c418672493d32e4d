"""Migrations: numbered, forward only, whole or nothing, and never over a newer version."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.storage.engine import StorageTooNew
from backend.storage.migrate import Migration, all_migrations, migrate, schema_version, split_statements
from backend.storage.sqlite import open_sqlite


async def test_the_files_are_numbered_from_one_without_a_gap():
    assert [m.number for m in all_migrations()] == list(range(1, len(all_migrations()) + 1))


async def test_a_new_database_gets_them_all_and_a_second_run_none(tmp_path: Path):
    engine = await open_sqlite(tmp_path / "db")
    assert await migrate(engine, 1) == [m.name for m in all_migrations()]
    assert await migrate(engine, 2) == []
    assert await schema_version(engine.reading()) == all_migrations()[-1].number
    await engine.close()


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path):
    engine = await open_sqlite(tmp_path / "db")
    newer = [*all_migrations(), Migration(99, "0099_future.sql", ("CREATE TABLE future (x BIGINT)",))]
    await migrate(engine, 1, newer)
    with pytest.raises(StorageTooNew, match=f"of version 99, this software knows {all_migrations()[-1].number}"):
        await migrate(engine, 2)
    await engine.close()


async def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path):
    engine = await open_sqlite(tmp_path / "db")
    last = all_migrations()[-1].number
    broken = Migration(last + 1, "9999_broken.sql", ("CREATE TABLE half (x BIGINT)", "CREATE TABLE items (x BIGINT)"))
    with pytest.raises(Exception, match="already exists"):
        await migrate(engine, 1, [*all_migrations(), broken])
    assert await schema_version(engine.reading()) == last
    assert await engine.reading().fetch("SELECT name FROM sqlite_master WHERE name = 'half'") == []
    await engine.close()


def test_statements_are_split_at_the_end_of_a_line():
    text = "-- a comment; with a semicolon\nCREATE TABLE a (x BIGINT);\n\nCREATE TABLE b (\n  y BIGINT\n);\n"
    assert split_statements(text) == ("CREATE TABLE a (x BIGINT)", "CREATE TABLE b (\n  y BIGINT\n)")
