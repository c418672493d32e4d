"""PostgreSQL behind the port: durability, what its failures mean, restarts, and the texts that only it gets."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from backend.storage import postgres
from backend.storage.dialect import unnest_text
from backend.storage.engine import StorageBusy, StorageError, StorageFull, StorageUnavailable
from backend.storage.postgres import PostgresEngine, open_postgres, storage_error
from backend.vaults.store import ITEM_WRITE, MEMBER_WRITE
from tests.storage import postgres_kit
from tests.storage.postgres_kit import Cluster

ENGINES = ("postgres",)
ACCOUNT = "INSERT INTO accounts (account, made_at) VALUES ($1, $2)"
COUNT = "SELECT count(*) FROM accounts"
LOCK = "SELECT made_at FROM accounts WHERE account = $1 FOR UPDATE"


@pytest_asyncio.fixture
async def url() -> AsyncIterator[str]:
    async with postgres_kit.database() as made:
        yield made


@pytest_asyncio.fixture
async def engine(url: str) -> AsyncIterator[PostgresEngine]:
    opened = await open_postgres(url, 4)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A server that these tests may stop, with a database and its tables."""
    made = Cluster()
    made.start()
    yield made
    made.remove()


async def test_commits_are_synced_whatever_the_servers_default_is(url, engine):
    """SYN-10."""
    async with engine.transaction() as tx:
        name = (await tx.fetch("SELECT current_database()::text"))[0][0]
        await tx.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    fresh = await open_postgres(url, 1)
    assert await fresh.reading().fetch("SHOW synchronous_commit") == [("on",)]
    assert await fresh.reading().fetch("SHOW lock_timeout") == [("5s",)]
    assert await fresh.reading().fetch("SHOW statement_timeout") == [("30s",)]
    await fresh.close()
    patient = await open_postgres(url, 1, patient=True)
    assert await patient.reading().fetch("SHOW statement_timeout") == [("0",)]
    await patient.close()


async def test_a_failure_that_a_room_overlooks_is_not_acknowledged(engine):
    """PostgreSQL answers COMMIT with ROLLBACK then; an engine that does not look would say that all is well."""
    with pytest.raises(StorageUnavailable, match="rolled the transaction back"):
        async with engine.transaction() as tx:
            await tx.execute(ACCOUNT, b"a", 1)
            with pytest.raises(Exception, match="duplicate"):
                await tx.execute(ACCOUNT, b"a", 1)
    assert await engine.reading().fetch(COUNT) == [(0,)]


async def test_of_two_that_wait_for_each_other_one_is_told_and_the_other_goes_on(engine):
    async with engine.transaction() as tx:
        await tx.execute_many(ACCOUNT, [(b"a", 1), (b"b", 1)])
    met = asyncio.Barrier(2)

    async def lock(first: bytes, second: bytes) -> None:
        async with engine.transaction() as tx:
            await tx.fetch(LOCK, first)
            await met.wait()
            await tx.fetch(LOCK, second)

    said = await asyncio.gather(lock(b"a", b"b"), lock(b"b", b"a"), return_exceptions=True)
    assert sorted(type(each) for each in said if each is not None) == [StorageBusy]


async def test_a_row_that_another_keeps_is_not_waited_for_for_ever(url, monkeypatch):
    monkeypatch.setitem(postgres._LIMITS, "lock_timeout", "100ms")
    engine = await open_postgres(url, 2)
    async with engine.transaction() as tx:
        await tx.execute(ACCOUNT, b"a", 1)
    async with engine.transaction() as keeper:
        await keeper.fetch(LOCK, b"a")
        with pytest.raises(StorageBusy):
            async with engine.transaction() as tx:
                await tx.fetch(LOCK, b"a")
    await engine.close()


async def test_when_all_connections_are_taken_the_next_one_is_refused_not_hung(url, monkeypatch):
    monkeypatch.setattr(postgres, "CONNECT_SECONDS", 0.2)
    engine = await open_postgres(url, 1)
    async with engine.transaction():
        with pytest.raises(StorageUnavailable):
            await engine.reading().fetch(COUNT)
    assert await engine.reading().fetch(COUNT) == [(0,)]
    await engine.close()


async def test_a_connection_that_is_kept_at_hand_is_given_up_to_whoever_waits(url, monkeypatch):
    monkeypatch.setattr(postgres, "CONNECT_SECONDS", 1)
    engine = await open_postgres(url, 1)

    async def commit(name: bytes) -> None:
        async with engine.transaction() as tx:
            await tx.execute(ACCOUNT, name, 1)

    for number in range(3):
        questions = [engine.reading().scan(COUNT) for _ in range(4)]
        await asyncio.gather(*questions, *(commit(bytes([number, each])) for each in range(4)))
    assert await engine.reading().fetch(COUNT) == [(12,)]
    await engine.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
async def test_a_server_that_stops_is_unavailable_and_used_again_once_it_is_back(cluster, how):
    """In the middle of a transaction: nothing of it is there. What was committed before is."""
    engine = await open_postgres(cluster.url(), 3)
    async with engine.transaction() as tx:
        await tx.execute("CREATE TABLE IF NOT EXISTS kept (n BIGINT)")
        await tx.execute("INSERT INTO kept (n) VALUES ($1)", int(how))
    with pytest.raises(StorageUnavailable):
        async with engine.transaction() as tx:
            await tx.execute("INSERT INTO kept (n) VALUES ($1)", -1)
            await asyncio.to_thread(cluster.stop, how)
            await tx.execute("INSERT INTO kept (n) VALUES ($1)", -2)
    for _ in range(4):
        with pytest.raises(StorageUnavailable):
            await engine.reading().fetch("SELECT n FROM kept")
    await asyncio.to_thread(cluster.start)
    found = await asyncio.gather(*(engine.reading().fetch("SELECT n FROM kept ORDER BY n") for _ in range(6)))
    assert [(int(how),) in rows and (-1,) not in rows for rows in found] == [True] * 6
    await engine.close()


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("postgresql://mum:secret7f3a@127.0.0.1:1/carnet", "PostgreSQL cannot be reached"),
        ("postgresql://mum:secret7f3a@/carnet?host=/nonexistent-7f3a", "PostgreSQL cannot be reached"),
        ("nobody-7f3a", "does not let this user in"),
        ("no-database-7f3a", "has no such database"),
        ("sslmode", "cannot be used|cannot be reached"),
    ],
)
async def test_why_it_cannot_be_used_is_said_and_nothing_else(url, address, says):
    """ERR-3: no password, no user, no path."""
    given = {
        "nobody-7f3a": url.replace("carnet@", "nobody-7f3a:secret7f3a@"),
        "no-database-7f3a": postgres_kit.url_of("no-database-7f3a"),
        "sslmode": url + "&sslmode=verify-full&sslrootcert=/nonexistent-7f3a",
    }.get(address, address)
    with pytest.raises(StorageUnavailable, match=says) as caught:
        await open_postgres(given, 1)
    assert "7f3a" not in str(caught.value)
    assert caught.value.__suppress_context__, "a traceback would quote the driver"


async def test_a_server_that_is_too_old_is_refused_by_its_version(url, monkeypatch):
    monkeypatch.setattr(postgres, "OLDEST", 99)
    with pytest.raises(StorageUnavailable, match=r"of version 1[0-9]; 99 or newer is needed"):
        await open_postgres(url, 1)


async def test_what_fails_while_it_is_opened_leaves_no_connection_behind(url, monkeypatch):
    async def fails(connection, statement, *args):
        raise StorageUnavailable("PostgreSQL cannot be used now")

    async def connections() -> int:
        [[count]] = await watching.reading().fetch(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        )
        return count

    watching = await open_postgres(url, 1)
    monkeypatch.setattr(postgres._Connection, "fetch", fails)
    with pytest.raises(StorageUnavailable):
        await open_postgres(url, 1)
    monkeypatch.undo()
    for _ in range(100):
        if (left := await connections()) == 1:
            break
        await asyncio.sleep(0.05)
    assert left == 1
    await watching.close()


@pytest.mark.parametrize(
    ("sqlstate", "becomes"),
    [
        ("40001", StorageBusy),
        ("40P01", StorageBusy),
        ("55P03", StorageBusy),
        ("53100", StorageFull),
        ("53300", StorageUnavailable),
        ("57014", StorageUnavailable),
        ("57P01", StorageUnavailable),
        ("58030", StorageUnavailable),
        ("25006", StorageUnavailable),
        ("25P03", StorageUnavailable),
        ("08006", StorageUnavailable),
        ("26000", StorageUnavailable),
    ],
)
def test_what_a_failure_means(sqlstate, becomes):
    error = postgres.PostgresError("mum's secret 7f3a")
    error.sqlstate = sqlstate
    told = storage_error(error)
    assert type(told) is becomes
    assert "7f3a" not in str(told)


def test_our_own_mistakes_stay_what_they_are_here_too():
    error = postgres.PostgresError("duplicate key")
    error.sqlstate = "23505"
    assert storage_error(error) is error
    assert not isinstance(storage_error(postgres.InterfaceError("wrong number of arguments")), StorageError)


def test_many_rows_are_one_insert_unless_a_row_may_come_twice():
    types = ["int8", "int8", "int8", "int8", "int8", "bytea", "bytea", "bytea", "bytea"]
    text = unnest_text(ITEM_WRITE, types)
    assert text is not None
    assert text.endswith("SELECT * FROM unnest(" + ", ".join(f"${n}::{t}[]" for n, t in enumerate(types, 1)) + ")")
    assert unnest_text(MEMBER_WRITE, ["bytea", "int8", "bool"]) is None
    assert unnest_text("INSERT INTO a (b, c) VALUES ($1, $1)", ["int8"]) is None
    assert unnest_text("INSERT INTO a (b) VALUES ($1) ON CONFLICT (b) DO NOTHING", ["int8"]) == (
        "INSERT INTO a (b) SELECT * FROM unnest($1::int8[]) ON CONFLICT (b) DO NOTHING"
    )


async def test_items_are_inserted_by_one_statement(engine):
    """The text is used, not only made: an insert row by row would prepare no unnest."""
    rows = [(n, 1, n, 0, None, None, b"L", b"", b"") for n in range(1, 50)]
    async with engine.transaction() as tx:
        await tx.execute_many(ITEM_WRITE, rows)
        used = await tx.fetch("SELECT statement FROM pg_prepared_statements WHERE statement LIKE 'INSERT INTO items%'")
    assert engine._texts.inserts[ITEM_WRITE] in [row[0] for row in used]
