"""The phone's database port, and SQLite behind it.

A transaction is `async with engine.transaction() as tx` and `await tx.fetch(STATEMENT, …)`; it commits at the end of
the block or not at all. Commits are durable before they return (WAL, synchronous=FULL). Not here: statements (beside
what binds them) and sealing (store.py).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import aiosqlite

BUSY_MS = 10_000  # milliseconds to wait while another command of the same phone commits


class Transaction(Protocol):
    """Statements inside one transaction."""

    async def fetch(self, statement: str, *args: Any) -> Sequence[tuple[Any, ...]]: ...

    async def execute(self, statement: str, *args: Any) -> None: ...

    async def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None: ...


class Engine(Protocol):
    """What a store needs of a database."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]: ...

    async def close(self) -> None: ...


class _Connection:
    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def fetch(self, statement: str, *args: Any) -> Sequence[tuple[Any, ...]]:
        return await self._connection.execute_fetchall(statement, args)  # type: ignore[return-value]

    async def execute(self, statement: str, *args: Any) -> None:
        await self._connection.execute(statement, args)

    async def execute_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        await self._connection.executemany(statement, rows)


class SqliteEngine:
    """One SQLite file through aiosqlite."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._tx = _Connection(connection)

    @classmethod
    async def open(cls, path: Path) -> SqliteEngine:
        """Opens or creates the file. Raises: sqlite3.DatabaseError for a file that is no database."""
        connection = await aiosqlite.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)
        try:
            await connection.execute("PRAGMA journal_mode=WAL")
            await connection.execute("PRAGMA synchronous=FULL")
        except BaseException:
            await connection.close()
            raise
        return cls(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction that may write; others of the same file wait."""
        await self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._tx
            await self._connection.commit()
        except BaseException:
            await self._connection.rollback()
            raise

    async def close(self) -> None:
        """Closes the file."""
        await self._connection.close()
