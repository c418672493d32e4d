"""The port to a database: transactions, readings, and how storage fails.

A statement is a module constant beside the code that binds it, written in PostgreSQL's dialect with `$1`, `$2`, …; an
adapter translates what its database spells differently. What is decided between two statements is a pure function.

Invariants: a transaction is whole or nothing, and it is durable once its block has ended without an exception; a
reading sees only what is committed and never waits for a commit. Not here: any SQL, any driver. Spec:
openapi/protocol/sync.md, "Durability".
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from backend.storage.announcing import Listener

Row = tuple[Any, ...]


class StorageError(Exception):
    """The environment failed: nothing of the transaction is stored. Carries no statement and no value."""


class StorageFull(StorageError):
    """There is no room left on the disk, or no more pages are allowed."""


class StorageUnavailable(StorageError):
    """The database cannot be reached, is locked, or its disk fails; later it may work."""


class StorageBusy(StorageUnavailable):
    """Another transaction was in the way: this one is rolled back, and the same again may work at once."""


class StorageTooNew(StorageError):
    """The database was written by a newer version of this software."""


class Reading(Protocol):
    """Asks without changing anything."""

    async def fetch(self, statement: str, *args: Any) -> Sequence[Row]:
        """All rows of a statement about few rows, found by a key. Raises: StorageError."""
        ...

    async def scan(self, statement: str, *args: Any) -> Sequence[Row]:
        """All rows of a statement about many rows, or long ones: others do not wait for it. Raises: StorageError."""
        ...


class Transaction(Reading, Protocol):
    """Asks and changes; everything is kept, or nothing."""

    async def execute(self, statement: str, *args: Any) -> None:
        """Runs a statement that gives no rows. Raises: StorageError."""
        ...

    async def execute_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Runs a statement once for each row of arguments. Raises: StorageError."""
        ...

    def announce(self, topic: str, by: bytes) -> None:
        """Has the engine's listener told of a topic, if and when this is committed. `by`: the device that caused it."""
        ...


class Engine(Protocol):
    """A database that is open. `listener`: hears what this process's transactions announce, each after its commit."""

    listener: Listener | None

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        ...

    def reading(self) -> Reading:
        """A way to read what is committed, beside any writer."""
        ...

    async def close(self) -> None:
        """Lets go of the database."""
        ...
