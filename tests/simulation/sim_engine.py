"""A database for simulations: sqlite3 in memory, synchronous, behind the server's own port.

Every call is done when it returns, so that a coroutine that uses it never waits and one thread can drive everything.
`before` is called ahead of each statement, also BEGIN and COMMIT, with its text: by raising it kills the server there,
and the transaction is rolled back as a crash would. `backup` and `restore` are what an operator does. Not here: a
clock, a network, threads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from backend.storage.dialect import sqlite_text
from backend.storage.engine import Row


class Killed(BaseException):
    """The server's process has ended between two statements."""


def kill_at(number: int) -> Callable[[str], None]:
    """A hook that kills at the statement with this number, counted from 0."""
    left = number

    def before(_statement: str) -> None:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1

    return before


class SimEngine:
    """The port over one connection; `statements` counts what has been run."""

    def __init__(self) -> None:
        self._raw = sqlite3.connect(":memory:", isolation_level=None)
        self._raw.execute("PRAGMA foreign_keys=ON")
        self.before: Callable[[str], None] | None = None
        self.statements = self.commits = 0
        self.listener = None

    async def fetch(self, statement: str, *args: Any) -> Sequence[Row]:
        """All rows of a statement."""
        self._count(statement)
        return self._raw.execute(sqlite_text(statement), args).fetchall()

    async def scan(self, statement: str, *args: Any) -> Sequence[Row]:
        """The same: nobody waits here."""
        return await self.fetch(statement, *args)

    async def execute(self, statement: str, *args: Any) -> None:
        """Runs a statement that gives no rows."""
        await self.fetch(statement, *args)

    async def execute_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Runs a statement once a row, each of which may be the last."""
        for row in rows:
            await self.fetch(statement, *row)

    def announce(self, topic: str, by: bytes) -> None:
        """Nobody listens."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SimEngine]:
        """All or nothing; a kill is nothing."""
        self._control("BEGIN")
        try:
            yield self
            self._control("COMMIT")
        except BaseException:
            self._raw.execute("ROLLBACK")
            raise
        self.commits += 1

    def reading(self) -> SimEngine:
        """Itself: between two transactions there is nothing that is not committed."""
        return self

    async def close(self) -> None:
        """Forgets everything."""
        self._raw.close()

    def backup(self) -> bytes:
        """The database as a file."""
        return self._raw.serialize()

    def restore(self, backup: bytes) -> None:
        """Puts a backup in the database's place."""
        self._raw.deserialize(backup)
        self._raw.execute("PRAGMA foreign_keys=ON")

    def _control(self, statement: str) -> None:
        self._count(statement)
        self._raw.execute(statement)

    def _count(self, statement: str) -> None:
        self.statements += 1
        if self.before is not None:
            self.before(statement)
