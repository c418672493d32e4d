"""SQLite behind the port: WAL, `synchronous=FULL`, one connection that writes and others that read.

A commit is on the disk when it returns (WAL with FULL syncs the log at each commit). Readers see the last commit and
wait for nobody. A process that finds the database locked by another waits for up to BUSY_MS. Not here: any statement
of a room. Spec: sqlite.org/wal.html, sqlite.org/pragma.html.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite

from backend.storage.announcing import Announced, Listener, add
from backend.storage.dialect import sqlite_text
from backend.storage.engine import Row, StorageFull, StorageUnavailable

BUSY_MS = 5_000  # milliseconds to wait for another process's transaction
BUSY_STEP_SECONDS = 0.002  # seconds between two looks whether it has ended
CACHE_KIB = 4_096  # KiB of pages a connection keeps; bounds memory
NEAR_CACHE_KIB = 512  # of the one that reads few rows: the upper pages of an index
WAL_PAGES = 2_000  # pages after which a commit moves the log into the database: some 8 MB
_FULL = 13  # SQLITE_FULL, primary result code
_BUSY = {5, 6}  # BUSY, LOCKED
_RETRYABLE = {5, 6, 10, 14, 26}  # BUSY, LOCKED, IOERR, CANTOPEN, NOTADB


def storage_error(error: sqlite3.Error) -> Exception:
    """What a driver's error means to a room; an error that is our own bug stays what it is."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == _FULL:
        return StorageFull("no room left")
    if code in _RETRYABLE:
        return StorageUnavailable("the database cannot be used now")
    return error


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY


class _Connection:
    """One connection and its thread: what takes long runs there whole, in one hop."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self.raw = connection

    async def scan(self, statement: str, *args: Any) -> Sequence[Row]:
        try:
            return await self.raw.execute_fetchall(sqlite_text(statement), args)  # type: ignore[return-value]
        except sqlite3.Error as error:
            raise storage_error(error) from error

    async def fetch(self, statement: str, *args: Any) -> Sequence[Row]:
        return await self.scan(statement, *args)


class _Reading(_Connection):
    """Reads few rows where it is asked: a hop to a thread and back takes longer than what it would go for.

    WAL's readers wait for nobody, but for a moment while another process opens or repairs the log: then the thread
    waits, and not everybody else.
    """

    def __init__(self, connection: aiosqlite.Connection, near: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.near = near

    async def fetch(self, statement: str, *args: Any) -> Sequence[Row]:
        try:
            return self.near.execute(sqlite_text(statement), args).fetchall()
        except sqlite3.Error as error:
            if _is_busy(error):
                return await self.scan(statement, *args)
            raise storage_error(error) from error


class _Writing(_Connection):
    """Inside a transaction: single statements where they are asked, many rows and the commit in the thread.

    `near` is the same connection. Whoever has the turn waits for the thread before the next statement, so that the two
    never meet; and should they (a task that was cancelled), SQLite itself lets one wait for the other.
    """

    def __init__(self, connection: aiosqlite.Connection, near: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.near = near
        self.announced: Announced = {}

    def announce(self, topic: str, by: bytes) -> None:
        add(self.announced, topic, by)

    async def begin(self) -> None:
        """Takes the database's one write lock; waits for another process's transaction up to BUSY_MS."""
        loop = asyncio.get_running_loop()
        until = loop.time() + BUSY_MS / 1_000
        while True:
            try:
                self.near.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.Error as error:
                if not _is_busy(error) or loop.time() > until:
                    raise storage_error(error) from error
            await asyncio.sleep(BUSY_STEP_SECONDS)

    async def fetch(self, statement: str, *args: Any) -> Sequence[Row]:
        try:
            return self.near.execute(sqlite_text(statement), args).fetchall()
        except sqlite3.Error as error:
            raise storage_error(error) from error

    async def execute(self, statement: str, *args: Any) -> None:
        await self.fetch(statement, *args)

    async def execute_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        if len(rows) == 1:
            await self.fetch(statement, *rows[0])
        elif rows:
            try:
                async with self.raw.executemany(sqlite_text(statement), rows):
                    pass
            except sqlite3.Error as error:
                raise storage_error(error) from error

    async def commit(self) -> None:
        """Waits for the disk, in the thread."""
        await self.scan("COMMIT")


class SqliteEngine:
    """A SQLite database that is open. Make one with `open_sqlite`."""

    def __init__(self, writer: _Writing, reader: _Reading) -> None:
        self._writer, self._reader = writer, reader
        self._turn = asyncio.Lock()
        self.commits = 0  # how often a transaction has been made durable; read by tests and metrics
        self.listener: Listener | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[_Writing]:
        """One after the other: the writer's connection has one transaction at a time."""
        async with self._turn:
            await self._writer.begin()
            self._writer.announced = {}
            try:
                yield self._writer
                await self._writer.commit()
            except BaseException:
                await self._roll_back()
                raise
            self.commits += 1
            if self._writer.announced and self.listener is not None:
                self.listener(self._writer.announced)

    async def _roll_back(self) -> None:
        # A full disk ends a transaction by itself; there is nothing left to roll back then.
        with contextlib.suppress(sqlite3.Error):
            await self._writer.raw.execute_fetchall("ROLLBACK")

    def reading(self) -> _Reading:
        return self._reader

    async def close(self) -> None:
        async with self._turn:
            self._reader.near.close()
            await self._reader.raw.close()
            await self._writer.raw.close()


def _pragmas(pages_max: int | None, read_only: bool) -> list[str]:
    pragmas = [f"busy_timeout={BUSY_MS}", f"cache_size=-{CACHE_KIB}", "temp_store=MEMORY"]
    if read_only:
        return [*pragmas, "query_only=ON"]
    pragmas += ["journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"wal_autocheckpoint={WAL_PAGES}"]
    if pages_max is not None:
        pragmas.append(f"max_page_count={pages_max}")
    return pragmas


async def _writing(path: Path, pages_max: int | None) -> _Writing:
    near: list[sqlite3.Connection] = []

    def kept(*args: Any, **named: Any) -> sqlite3.Connection:
        near.append(sqlite3.Connection(*args, **named))
        return near[0]

    connection = await aiosqlite.connect(path, isolation_level=None, check_same_thread=False, factory=kept)
    try:
        for pragma in _pragmas(pages_max, read_only=False):
            await connection.execute_fetchall(f"PRAGMA {pragma}")
        await connection.execute_fetchall("PRAGMA busy_timeout=0")  # `begin` waits, and lets others go on meanwhile
    except sqlite3.Error:
        await connection.close()
        raise
    return _Writing(connection, near[0])


async def _reading(path: Path) -> _Reading:
    connection = await aiosqlite.connect(path, isolation_level=None)
    near = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        for pragma in _pragmas(None, read_only=True):
            await connection.execute_fetchall(f"PRAGMA {pragma}")
            near.execute(f"PRAGMA {pragma}")
        near.execute("PRAGMA busy_timeout=0")
        near.execute(f"PRAGMA cache_size=-{NEAR_CACHE_KIB}")
    except sqlite3.Error:
        near.close()
        await connection.close()
        raise
    return _Reading(connection, near)


async def open_sqlite(path: Path, *, pages_max: int | None = None) -> SqliteEngine:
    """Opens or makes the database at `path`. `pages_max`: as if the disk were full after so many pages.

    Raises: StorageUnavailable if it cannot be opened.
    """
    assert sqlite3.threadsafety == 3, "SQLite must be built so that threads may share a connection"
    try:
        writer = await _writing(path, pages_max)
        try:
            return SqliteEngine(writer, await _reading(path))
        except BaseException:
            await writer.raw.close()
            raise
    except sqlite3.Error as error:
        raise storage_error(error) from error
