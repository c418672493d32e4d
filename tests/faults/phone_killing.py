"""A phone that dies, or whose disk is full, at the k-th thing it awaits: a statement, a commit, a request, a piece of
an answer.

The server runs in the same process over its own copied database, so that hundreds of deaths take seconds; a folder that
`on_postgres` has made names a database of PostgreSQL, and a copy of the folder a copy of that. A death is a
BaseException that nothing may catch: the open transaction is gone, as it is when a process ends, and everything that
the phone held in memory is thrown away.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from backend.main import App, start
from backend.settings import Settings
from sync.device.phone import Phone
from sync.device.store.engine import SqliteEngine
from sync.device.store.lock import Unlocking
from sync.device.store.store import FILE_NAME, Store
from sync.device.transport import HttpTransport
from tests.cli.kit import PASSPHRASE
from tests.storage import postgres_kit

_DATABASE = "database"  # a server's folder holds the name of its PostgreSQL database in this file, if it has one

ORIGIN = "http://127.0.0.1:1"  # nobody listens there: every request goes to the application in this process


class KillHere(BaseException):
    """The phone's process ends here."""


class Fuse:
    """Counts what is awaited; burns at the k-th (never for 0).

    `counted`: which steps count, of request, begin, read, write, commit and committed; all of them without it.
    """

    def __init__(self, at: int = 0, counted: frozenset[str] | None = None) -> None:
        self.at, self.count, self._counted = at, 0, counted

    def step(self, what: str = "request") -> None:
        """One more thing that may go wrong."""
        if self._counted is not None and what not in self._counted:
            return
        self.count += 1
        if self.count == self.at:
            self.burn()

    def burn(self) -> None:
        """What happens then."""
        raise KillHere


class FullDisk(Fuse):
    """The disk is full at the k-th write or commit, and has room again afterwards."""

    def __init__(self, at: int = 0) -> None:
        super().__init__(at, frozenset(("write", "commit")))

    def burn(self) -> None:
        full = sqlite3.OperationalError("database or disk is full")
        full.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise full


class FusedEngine:
    """The phone's database with a fuse before each transaction, statement and commit, and right after a commit."""

    def __init__(self, engine: Any, fuse: Fuse) -> None:
        self._engine, self._fuse = engine, fuse

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        self._fuse.step("begin")
        async with self._engine.transaction() as tx:
            yield _FusedTransaction(tx, self._fuse)
            self._fuse.step("commit")
        self._fuse.step("committed")

    async def close(self) -> None:
        await self._engine.close()


class _FusedTransaction:
    def __init__(self, tx: Any, fuse: Fuse) -> None:
        self._tx, self._fuse = tx, fuse

    async def fetch(self, statement: str, *args: Any) -> Any:
        self._fuse.step("read")
        return await self._tx.fetch(statement, *args)

    async def execute(self, statement: str, *args: Any) -> None:
        self._fuse.step("write")
        await self._tx.execute(statement, *args)

    async def execute_many(self, statement: str, rows: Any) -> None:
        self._fuse.step("write")
        await self._tx.execute_many(statement, rows)


class _MortalTransport(HttpTransport):
    """Requests to the application in this process; mortal before a request, after it, and between two pieces."""

    def __init__(self, app: App, fuse: Fuse) -> None:
        super().__init__(ORIGIN)
        self._client = httpx.AsyncClient(base_url=ORIGIN, transport=httpx.ASGITransport(app.asgi))
        self._fuse = fuse

    async def call(
        self, method: str, path: str, body: bytes | None = None, token: str | None = None, **more: Any
    ) -> bytes:
        self._fuse.step()
        answer = await super().call(method, path, body, token, **more)
        self._fuse.step()
        return answer

    @contextlib.asynccontextmanager
    async def stream(self, path: str, body: bytes, token: str) -> AsyncIterator[AsyncIterator[bytes]]:
        self._fuse.step()
        async with super().stream(path, body, token) as pieces:
            yield self._small(pieces)

    async def _small(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """An answer in small pieces, so that a phone takes it in with many awaits in between."""
        async for piece in pieces:
            for place in range(0, len(piece), 700):
                self._fuse.step()
                yield piece[place : place + 700]
        self._fuse.step()


@contextlib.asynccontextmanager
async def server_on(data: Path) -> AsyncIterator[App]:
    """The server's application over a folder."""
    database = postgres_kit.url_of((data / _DATABASE).read_text()) if (data / _DATABASE).exists() else ""
    app = await start(Settings(data=str(data), database=database, address_per_minute_max=1_000_000), ORIGIN)
    try:
        yield app
    finally:
        await app.close()


@contextlib.asynccontextmanager
async def phone_on(
    folder: Path, app: App | None, fuse: Fuse | None = None, *, create: bool = False
) -> AsyncIterator[Phone]:
    """A phone over a store folder that dies when the fuse burns."""
    burning = fuse or Fuse()
    folder.mkdir(parents=True, exist_ok=True)
    assert create or (folder / FILE_NAME).exists()
    engine = await SqliteEngine.open(folder / FILE_NAME)
    store = await Store.on(engine, Unlocking(lambda: PASSPHRASE, None))
    store._engine = FusedEngine(engine, burning)  # the phone is unlocked; from here on it is mortal

    def connect(_: str) -> HttpTransport:
        assert app is not None, "this phone has no network"
        return _MortalTransport(app, burning)

    try:
        yield Phone(store, connect, lambda: time.time_ns() // 1_000_000, os.urandom)
    finally:
        await store.close()


def copied(source: Path, target: Path) -> Path:
    """A folder as it is on the disk, copied; with its database in PostgreSQL, if it has one."""
    gone = target / _DATABASE
    if gone.exists():
        _elsewhere(postgres_kit.drop_database, gone.read_text())
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    if (source / _DATABASE).exists():
        on_postgres(target, (source / _DATABASE).read_text())
    return target


def on_postgres(folder: Path, template: str | None = None) -> Path:
    """A server's folder over a database of its own in PostgreSQL: empty, or a copy of another."""
    folder.mkdir(parents=True, exist_ok=True)
    name = _elsewhere(postgres_kit.make_database, template or postgres_kit.template())
    (folder / _DATABASE).write_text(name)
    if os.environ.get("CARNET_TEST_POSTGRES"):  # else the whole cluster goes with this process
        atexit.register(_elsewhere, postgres_kit.drop_database, name)
    return folder


def _elsewhere(work: Callable[[str], Awaitable[Any]], name: str) -> Any:
    """Awaits something in a loop of its own, where a loop runs already."""

    async def run() -> Any:
        return await work(name)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()


async def dies(folder: Path, app: App | None, at: int, work: Callable[[Phone], Awaitable[Any]]) -> bool:
    """Runs something on a phone that dies at a place; True if it got there before it was done."""
    fuse = Fuse(at)
    try:
        async with phone_on(folder, app, fuse) as phone:
            await work(phone)
    except KillHere:
        return True
    return False


async def count_steps(folder: Path, app: App | None, work: Callable[[Phone], Awaitable[Any]]) -> int:
    """How many places there are to die at."""
    fuse = Fuse()
    async with phone_on(folder, app, fuse) as phone:
        await work(phone)
    return fuse.count


def sample(steps: int, most: int) -> list[int]:
    """Every place, or so many of them spread evenly, the first and the last always among them.

    CARNET_KILL_PLACES=all: every one, as `make prove` has it.
    """
    if steps <= most or os.environ.get("CARNET_KILL_PLACES") == "all":
        return list(range(1, steps + 1))
    return sorted({1 + round(place * (steps - 1) / (most - 1)) for place in range(most)})
