"""PostgreSQL behind the port: a pool of connections of asyncpg, READ COMMITTED, rows locked where rooms say so.

A commit is on the disk when it returns: every session sets `synchronous_commit=on`, whatever the server's default is. A
transaction whose COMMIT did not answer "COMMIT" has failed: PostgreSQL answers "ROLLBACK" when a statement in it failed
before. Nothing lives in a session (no LISTEN, no temporary table, no lock that outlives its transaction), so that
connections may be shared and lost at any time; what listens has a connection of its own (postgres_relay.py). No error
repeats what PostgreSQL says: it quotes statements and values.

Not here: any statement of a room, a retry (who repeats must know that it is safe). Source: postgresql.org/docs,
"Error Codes", "Explicit Locking"; asyncpg's API reference.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from asyncpg.exceptions import (  # type: ignore[import-untyped]
    InterfaceError,
    InternalClientError,
    InvalidCachedStatementError,
    PostgresError,
)

from backend.storage.announcing import Announced, Listener, add
from backend.storage.dialect import each_text, unnest_text
from backend.storage.engine import Row, StorageBusy, StorageFull, StorageUnavailable
from backend.storage.gathering import Gathering

OLDEST = 14  # major version of PostgreSQL
CONNECT_SECONDS = 5  # for a connection to PostgreSQL, and for one of the pool to come free
STATEMENT_SECONDS = 30  # for one statement; then PostgreSQL ends it
LOCK_SECONDS = 5  # for another transaction to let go of a row
NEAR_MAX = 2  # connections that are kept at hand: one reads, one writes
SILENT_SECONDS = 40  # without an answer to a statement; then the connection is given up
_SESSION = {
    "application_name": "carnet",
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "client_encoding": "UTF8",
}
_LIMITS = {
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "lock_timeout": f"{LOCK_SECONDS}s",
    "idle_in_transaction_session_timeout": f"{STATEMENT_SECONDS}s",
}
_BUSY = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock not available
# Connection lost, no resources, operator, system error, read-only, idle for too long, no login, no database; a prepared
# statement that is not there, because a pooler gave its connection to somebody else.
_UNAVAILABLE = ("08", "53", "57", "58", "25006", "25P03", "28", "3D", "26000")


def storage_error(error: BaseException, closed: bool = False) -> BaseException:
    """What a driver's error means to a room; an error that is our own bug stays what it is. `closed`: the connection.

    Its text is one of ours.
    """
    if isinstance(error, PostgresError):
        code = error.sqlstate or ""
        if code in _BUSY or isinstance(error, InvalidCachedStatementError):
            return StorageBusy("another transaction was in the way")
        if code == "53100":
            return StorageFull("no room left")
        if code.startswith(_UNAVAILABLE):
            return StorageUnavailable(_why(code))
        return error
    if isinstance(error, OSError | TimeoutError) or (closed and isinstance(error, InterfaceError)):
        return StorageUnavailable("PostgreSQL cannot be reached")
    return error


def _why(code: str) -> str:
    if code.startswith("28"):
        return "PostgreSQL does not let this user in: look at user, password and pg_hba.conf"
    if code.startswith("3D"):
        return "PostgreSQL has no such database: make it with createdb"
    if code == "53300":
        return "PostgreSQL has no connection left: raise its max_connections, or lower postgres_connections_max"
    if code == "25006":
        return "PostgreSQL takes no writes: it is a standby"
    if code == "26000":
        return "a pooler before PostgreSQL loses prepared statements: see infra/postgresql.md, PgBouncer"
    return "PostgreSQL cannot be used now"


class _Texts:
    """How a statement is asked for many rows of arguments at once; found out at its first use."""

    def __init__(self) -> None:
        self.inserts: dict[str, str | None] = {}
        self.questions: dict[str, str] = {}


class _Connection:
    """One connection, inside a transaction or for one reading."""

    def __init__(self, raw: Any, texts: _Texts) -> None:
        self.raw, self._texts = raw, texts
        self.announced: Announced = {}

    async def fetch(self, statement: str, *args: Any) -> Sequence[Row]:
        with self._told():
            return [tuple(row) for row in await self.raw.fetch(statement, *args)]

    scan = fetch  # a connection has nobody else to wait for it

    async def execute(self, statement: str, *args: Any) -> None:
        await self.fetch(statement, *args)

    async def execute_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        if len(rows) == 1:
            await self.fetch(statement, *rows[0])
        elif rows:
            with self._told():
                if statement not in self._texts.inserts:
                    self._texts.inserts[statement] = unnest_text(statement, await self._types(statement))
                many = self._texts.inserts[statement]
                if many is None:
                    await self.raw.executemany(statement, rows)
                else:
                    await self.raw.fetch(many, *zip(*rows, strict=True))

    async def fetch_each(self, statement: str, asked: Sequence[Sequence[Any]]) -> Sequence[Sequence[Row]]:
        """The rows of a question for each row of arguments, in one round trip."""
        if len(asked) == 1:
            return [await self.fetch(statement, *asked[0])]
        with self._told():
            if statement not in self._texts.questions:
                self._texts.questions[statement] = each_text(statement, await self._types(statement))
            rows = await self.raw.fetch(self._texts.questions[statement], *zip(*asked, strict=True))
        answers: list[list[Row]] = [[] for _ in asked]
        for place, *row in rows:
            answers[place - 1].append(tuple(row))
        return answers

    async def _types(self, statement: str) -> list[str]:
        return [kind.name for kind in (await self.raw.prepare(statement)).get_parameters()]

    def announce(self, topic: str, by: bytes) -> None:
        add(self.announced, topic, by)

    async def control(self, statement: str) -> str:
        """BEGIN, COMMIT or ROLLBACK; gives PostgreSQL's word for what it did."""
        with self._told():
            return str(await self.raw.execute(statement))

    def is_lost(self) -> bool:
        """True if nothing more can be asked: it is closed, or the pool has taken it back because it was."""
        try:
            return bool(self.raw.is_closed())
        except InterfaceError:
            return True

    @contextlib.contextmanager
    def _told(self) -> Any:
        try:
            yield
        except InternalClientError:
            # asyncpg has lost count of the protocol: so it ends when the server dies between two of its messages.
            raise StorageUnavailable("PostgreSQL cannot be reached") from None
        except (PostgresError, InterfaceError, OSError) as error:
            raise storage_error(error, self.is_lost()) from None


class _Reading:
    """Each question takes a connection for as long as it runs; small ones that come together share it."""

    def __init__(self, engine: PostgresEngine) -> None:
        self._engine = engine
        self._gathering = Gathering(self._ask_all)

    async def fetch(self, statement: str, *args: Any) -> Sequence[Row]:
        return await (self._gathering.fetch(statement, *args) if args else self.scan(statement))

    async def scan(self, statement: str, *args: Any) -> Sequence[Row]:
        return (await self._ask_all(statement, [args]))[0]

    async def _ask_all(self, statement: str, asked: Sequence[Sequence[Any]]) -> Sequence[Sequence[Row]]:
        async with self._engine.connection() as connection:
            return await connection.fetch_each(statement, asked)


class PostgresEngine:
    """A PostgreSQL database that is open. Make one with `open_postgres`."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._near: list[_Connection] = []  # taken from the pool and not given back: that takes as long as a question
        self._waiting = 0  # who waits for one of the pool
        self._reading = _Reading(self)
        self._texts = _Texts()
        self.is_durable = True  # False: the server does not sync its disk, which no session can change
        self.commits = 0  # how often a transaction has been made durable; read by tests and metrics
        self.listener: Listener | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[_Connection]:
        """A connection. Raises: StorageUnavailable."""
        connection = await self._take()
        try:
            yield connection
        except BaseException:
            await self._give_back(connection)  # the pool looks at the state it is in
            raise
        if self._waiting or len(self._near) >= NEAR_MAX:
            await self._give_back(connection)
        else:
            self._near.append(connection)

    async def _take(self) -> _Connection:
        while self._near:
            connection = self._near.pop()
            if not connection.is_lost():
                return connection
            await self._give_back(connection)
        self._waiting += 1
        try:
            return _Connection(await self._pool.acquire(timeout=CONNECT_SECONDS), self._texts)
        except InternalClientError:
            raise StorageUnavailable("PostgreSQL cannot be reached") from None
        except (PostgresError, InterfaceError, OSError) as error:
            raise storage_error(error, closed=True) from None  # the pool itself is being closed
        finally:
            self._waiting -= 1

    async def _give_back(self, connection: _Connection) -> None:
        # A connection that is lost cannot be given back in good order: the pool makes another in its place.
        with contextlib.suppress(PostgresError, InterfaceError, InternalClientError, OSError):
            await self._pool.release(connection.raw, timeout=CONNECT_SECONDS)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[_Connection]:
        """Beside others: rows that must not change meanwhile are locked by the room's statements."""
        async with self.connection() as connection:
            connection.announced = {}
            await connection.control("BEGIN")
            try:
                yield connection
                done = await connection.control("COMMIT")
            except BaseException:
                await self._roll_back(connection)
                raise
            if done != "COMMIT":
                raise StorageUnavailable("PostgreSQL has rolled the transaction back")
            self.commits += 1
            if connection.announced and self.listener is not None:
                self.listener(connection.announced)

    async def _roll_back(self, connection: _Connection) -> None:
        # Whoever cannot be rolled back is ended: PostgreSQL rolls back what a lost connection had begun.
        try:
            await connection.control("ROLLBACK")
        except BaseException:
            with contextlib.suppress(InterfaceError, InternalClientError):
                connection.raw.terminate()

    def reading(self) -> _Reading:
        return self._reading

    async def close(self) -> None:
        while self._near:
            await self._give_back(self._near.pop())
        try:
            await asyncio.wait_for(self._pool.close(), CONNECT_SECONDS)
        except (PostgresError, InterfaceError, OSError):
            self._pool.terminate()


async def _nothing_to_reset(_connection: Any) -> None:
    """Nothing lives in a session, so that giving a connection back costs no round trip."""


async def open_postgres(url: str, connections_max: int, *, patient: bool = False) -> PostgresEngine:
    """Opens the database that `url` names. `patient`: no statement takes too long, for migrations.

    Raises: StorageUnavailable if it cannot be reached, lets nobody in, or is too old.
    """
    try:
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=connections_max,
            timeout=CONNECT_SECONDS,
            command_timeout=None if patient else SILENT_SECONDS,
            server_settings=_SESSION if patient else _SESSION | _LIMITS,
            reset=_nothing_to_reset,
        )
    except (PostgresError, InterfaceError, InternalClientError, OSError, ValueError) as error:
        told = storage_error(error)
        if isinstance(told, InterfaceError | InternalClientError | ValueError):
            told = StorageUnavailable("the address of PostgreSQL or its certificates cannot be used")
        raise told from None
    engine = PostgresEngine(pool)
    try:
        async with engine.connection() as connection:
            version = connection.raw.get_server_version().major
            engine.is_durable = await connection.fetch("SHOW fsync") == [("on",)]
        if version < OLDEST:
            raise StorageUnavailable(f"PostgreSQL is of version {version}; {OLDEST} or newer is needed")
    except BaseException:
        await engine.close()
        raise
    return engine
