"""SQLite behind the port: WAL, `synchronous=FULL`, one connection that writes and others that read.

A commit is on the disk when it returns (WAL with FULL syncs the log at each commit). Readers see the last commit and
wait for nobody. What may wait (the lock of another process, the disk at a commit, many rows) runs in a thread of its
own; a statement about a few rows runs in the loop's, because it takes some 10 µs and the way to a thread and back 60.
Not here: any statement of a room. Spec: sqlite.org/wal.html, sqlite.org/pragma.html.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from backend.storage.dialect import sqlite_text
from backend.storage.engine import Row, StorageFull, StorageUnavailable

BUSY_MS = 5_000  # milliseconds to wait for another process's transaction
CACHE_KIB = 4_096  # KiB of pages a connection keeps; bounds memory
WAL_PAGES = 2_000  # pages after which a commit moves the log into the database: some 8 MB
STATEMENTS_KEPT = 128  # prepared statements of one connection
ROWS_IN_LOOP_MAX = 16  # rows that are written without a thread: some 0.2 ms
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
    """One connection, and the thread in which what may wait is run."""

    def __init__(self, raw: sqlite3.Connection, name: str) -> None:
        self._raw = raw
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def fetch(self, statement: str, *args: Any) -> Sequence[Row]:
        try:
            return self._raw.execute(sqlite_text(statement), args).fetchall()
        except sqlite3.Error as error:
            raise storage_error(error) from error

    async def scan(self, statement: str, *args: Any) -> Sequence[Row]:
        return await self.apart(lambda: self._raw.execute(sqlite_text(statement), args).fetchall())

    async def execute(self, statement: str, *args: Any) -> None:
        await self.fetch(statement, *args)

    async def execute_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        if len(rows) > ROWS_IN_LOOP_MAX:
            await self.apart(lambda: self._raw.executemany(sqlite_text(statement), rows))
            return
        for row in rows:
            await self.fetch(statement, *row)

    async def apart(self, work: Callable[[], Any]) -> Any:
        """Runs what may wait in this connection's thread."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise storage_error(error) from error

    async def control(self, statement: str) -> None:
        """BEGIN, COMMIT, ROLLBACK: they wait for locks and for the disk."""
        await self.apart(lambda: self._raw.execute(statement))

    async def close(self) -> None:
        await self.apart(self._raw.close)
        self._thread.shutdown(wait=False)


class SqliteEngine:
    """A SQLite database that is open. Make one with `open_sqlite`."""

    def __init__(self, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self._writer, self._reader = _Connection(writer, "carnet-writer"), _Connection(reader, "carnet-reader")
        self._turn = asyncio.Lock()
        self.commits = 0  # how often a transaction has been made durable; read by tests and metrics

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[_Connection]:
        """One after the other: the writer's connection has one transaction at a time."""
        async with self._turn:
            await self._writer.control("BEGIN IMMEDIATE")
            try:
                yield self._writer
                await self._writer.control("COMMIT")
            except BaseException:
                # A full disk ends a transaction by itself; there is nothing left to roll back then.
                with contextlib.suppress(sqlite3.Error):
                    await self._writer.control("ROLLBACK")
                raise
            self.commits += 1

    def reading(self) -> _Connection:
        return self._reader

    async def close(self) -> None:
        async with self._turn:
            await self._reader.close()
            await self._writer.close()


def _connect(path: Path, *, pages_max: int | None, read_only: bool) -> sqlite3.Connection:
    raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS_KEPT)
    pragmas = [f"busy_timeout={BUSY_MS}", f"cache_size=-{CACHE_KIB}", "temp_store=MEMORY"]
    if read_only:
        pragmas.append("query_only=ON")
    else:
        pragmas += ["journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"wal_autocheckpoint={WAL_PAGES}"]
        if pages_max is not None:
            pragmas.append(f"max_page_count={pages_max}")
    try:
        for pragma in pragmas:
            raw.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        raw.close()
        raise
    return raw


async def open_sqlite(path: Path, *, pages_max: int | None = None) -> SqliteEngine:
    """Opens or makes the database at `path`. `pages_max`: as if the disk were full after so many pages.

    Raises: StorageUnavailable if it cannot be opened.
    """

    def connect() -> tuple[sqlite3.Connection, sqlite3.Connection]:
        writer = _connect(path, pages_max=pages_max, read_only=False)
        return writer, _connect(path, pages_max=None, read_only=True)

    try:
        return SqliteEngine(*await asyncio.to_thread(connect))
    except sqlite3.Error as error:
        raise storage_error(error) from error
