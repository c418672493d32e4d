"""One suite on both engines: a test that awaits runs once on SQLite and once on PostgreSQL.

A folder takes part when its conftest.py imports `engine_kind` and `pytest_generate_tests` from here. What is about one
engine alone says so with `@on("sqlite")`, a file with `ENGINES`. `opened` gives the engine that the test is running on.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import inspect
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from backend.storage.engine import Engine
from backend.storage.migrate import migrate
from backend.storage.postgres import open_postgres
from backend.storage.sqlite import open_sqlite
from tests.storage import postgres_kit

ENGINES = ("sqlite", "postgres")
CONNECTIONS = 8
_running_on = ["sqlite"]
_databases: dict[Path, str] = {}  # of this test, by the folder that stands for one
_Test = TypeVar("_Test", bound=Callable[..., Any])


def on(*engines: str) -> Callable[[_Test], _Test]:
    """The engines that a test is about."""

    def mark(test: _Test) -> _Test:
        test.engines = engines  # type: ignore[attr-defined]
        return test

    return mark


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that awaits, on both; one that does not has no database."""
    engines = getattr(metafunc.function, "engines", getattr(metafunc.module, "ENGINES", ENGINES))
    if inspect.iscoroutinefunction(metafunc.function) and "engine_kind" in metafunc.fixturenames:
        metafunc.parametrize("engine_kind", engines, indirect=True)


@pytest.fixture(autouse=True)
def engine_kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine of this test."""
    _running_on.append(getattr(request, "param", "sqlite"))
    yield _running_on[-1]
    _running_on.pop()
    for folder in list(_databases):
        asyncio.run(postgres_kit.drop_database(_databases.pop(folder)))


@functools.cache
def _migrated_file() -> Path:
    """A migrated database, made once a process in a loop of its own."""
    folder = Path(tempfile.mkdtemp(prefix="carnet-migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

    async def make() -> None:
        engine = await open_sqlite(folder / "carnet.sqlite3")
        await migrate(engine, 1)
        await engine.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, make()).result()
    assert [file.name for file in folder.iterdir()] == ["carnet.sqlite3"], "all of it is in the one file"
    return folder / "carnet.sqlite3"


@asynccontextmanager
async def opened(folder: Path, *, pages_max: int | None = None, migrated: bool = True) -> AsyncIterator[Engine]:
    """The database of a folder, on the engine of this test; opened again, the same.

    `migrated`: a new one may hold the tables already.
    """
    if _running_on[-1] == "sqlite":
        folder.mkdir(exist_ok=True)
        file = folder / "carnet.sqlite3"
        if migrated and not file.exists():
            shutil.copyfile(_migrated_file(), file)
        engine: Engine = await open_sqlite(file, pages_max=pages_max)
        try:
            yield engine
        finally:
            await engine.close()
        return
    assert pages_max is None, "PostgreSQL has no such bound"
    if folder not in _databases:
        _databases[folder] = await postgres_kit.make_database(postgres_kit.template() if migrated else None)
    engine = await open_postgres(postgres_kit.url_of(_databases[folder]), CONNECTIONS)
    try:
        yield engine
    finally:
        await engine.close()


async def columns_of(engine: Engine, table: str) -> list[str]:
    """The names of a table's columns, in order."""
    if _running_on[-1] == "sqlite":
        return [row[1] for row in await engine.reading().fetch(f"PRAGMA table_info({table})")]
    rows = await engine.reading().fetch(
        "SELECT column_name::text FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position",
        table,
    )
    return [row[0] for row in rows]
