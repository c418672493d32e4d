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

from backend.storage.dialect import sqlite_text
from backend.storage.engine import Row, StorageFull, StorageUnavailable

BUSY_MS = 5_000  # milliseconds to wait for another process's transaction
CACHE_KIB = 4_096  # KiB of pages a connection keeps; bounds memory
WAL_PAGES = 2_000  # pages after which a commit moves the log into the database: some 8 MB
_FULL = 13  # SQLITE_FULL, primary result code
_RETRYABLE = {5, 6, 10, 14, 26}  # BUSY, LOCKED, IOERR, CANTOPEN, NOTADB


def storage_error(error: sqlite3.Error) -> Exception:
    """What a driver's error means to a room; an error that is our own bug stays what it is."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == _FULL:
        return StorageFull("no room left")
    if code in _RETRYABLE:
        return StorageUnavailable("the database cannot be used now")
    return error


class _Connection:
    """One connection: its thread runs each call whole, so that a statement and its rows are one hop."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self.raw = connection

    async def fetch(self, statement: str, *args: Any) -> Sequence[Row]:
        try:
            return await self.raw.execute_fetchall(sqlite_text(statement), args)  # type: ignore[return-value]
        except sqlite3.Error as error:
            raise storage_error(error) from error

    scan = fetch  # each call runs in the connection's thread as it is, so that long ones hold nobody up

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


class SqliteEngine:
    """A SQLite database that is open. Make one with `open_sqlite`."""

    def __init__(self, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self._writer, self._reader = _Connection(writer), _Connection(reader)
        self._turn = asyncio.Lock()
        self.commits = 0  # how often a transaction has been made durable; read by tests and metrics

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[_Connection]:
        """One after the other: the writer's connection has one transaction at a time."""
        async with self._turn:
            await self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                await self._writer.execute("COMMIT")
            except BaseException:
                await self._roll_back()
                raise
            self.commits += 1

    async def _roll_back(self) -> None:
        # A full disk ends a transaction by itself; there is nothing left to roll back then.
        with contextlib.suppress(sqlite3.Error):
            await self._writer.raw.execute_fetchall("ROLLBACK")

    def reading(self) -> _Connection:
        return self._reader

    async def close(self) -> None:
        async with self._turn:
            await self._reader.raw.close()
            await self._writer.raw.close()


async def _connect(path: Path, *, pages_max: int | None, read_only: bool) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(path, isolation_level=None)
    pragmas = [f"busy_timeout={BUSY_MS}", f"cache_size=-{CACHE_KIB}", "temp_store=MEMORY"]
    if read_only:
        pragmas.append("query_only=ON")
    else:
        pragmas += ["journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"wal_autocheckpoint={WAL_PAGES}"]
        if pages_max is not None:
            pragmas.append(f"max_page_count={pages_max}")
    try:
        for pragma in pragmas:
            await connection.execute_fetchall(f"PRAGMA {pragma}")
    except sqlite3.Error as error:
        await connection.close()
        raise storage_error(error) from error
    return connection


async def open_sqlite(path: Path, *, pages_max: int | None = None) -> SqliteEngine:
    """Opens or makes the database at `path`. `pages_max`: as if the disk were full after so many pages.

    Raises: StorageUnavailable if it cannot be opened.
    """
    try:
        writer = await _connect(path, pages_max=pages_max, read_only=False)
        try:
            return SqliteEngine(writer, await _connect(path, pages_max=None, read_only=True))
        except BaseException:
            await writer.close()
            raise
    except sqlite3.Error as error:
        raise storage_error(error) from error
