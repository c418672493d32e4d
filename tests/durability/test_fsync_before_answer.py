"""SYN-10 under strace: each acknowledgement goes out after a sync that followed what it acknowledges; and the same
check goes red for SQLite with synchronous=OFF, PostgreSQL with fsync=off, and a server that answers early.

Where strace is missing, or may not trace, a warning says so, and what is left is asked of the databases themselves:
`PRAGMA synchronous` and PostgreSQL's count of syncs (below, on every machine).
"""

from __future__ import annotations

import asyncio
import signal
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest

from backend.storage.postgres import open_postgres
from sync.wire.item import EDITOR, Item, SetRole, item_hash
from sync.wire.share import ShareFile
from tests.api.family_kit import add, enter
from tests.api.phone_kit import JSON, CardKeys, Phone, make_frame, make_frames, noise, take_answer
from tests.api.share_kit import FHIR, Share, jwe
from tests.durability import syncs
from tests.durability.machine import ORIGIN, ServerProcess
from tests.storage.postgres_kit import Cluster, make_database, url_of

FAULTS = ("", "fsync=off", "early")
AT_ONCE, ROUNDS = 6, 6
# Nothing but commits writes to the log then: no snapshot of who is running, every few seconds.
QUIET = {"wal_level": "minimal", "max_wal_senders": "0"}

SERVERS = [  # the fault, and whether answers one after the other, and items all at once, are found out
    ("sqlite", "", False, False),
    ("sqlite", "unsynced", True, True),
    ("sqlite", "early", True, False),  # it is about posts of links alone, which are laid one after the other
    ("postgres", "", False, False),
    ("postgres", "fsync=off", True, True),
    ("postgres", "early", True, True),
]


class Watched:
    """A server under strace, with its database; `traced` is there when the block has ended."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.traced = syncs.Traced()


class _Cluster(Cluster):
    """`databases`: an empty one for each fault."""

    def __init__(self) -> None:
        super().__init__()
        self.databases: dict[str, str] = {}


@pytest.fixture(scope="module")
def cluster() -> Iterator[_Cluster]:
    """A PostgreSQL that each test starts in its own way; the databases are made before anybody watches."""
    made = _Cluster()
    made.start()
    for fault in FAULTS:
        made.databases[fault] = url_of(asyncio.run(make_database(None, made.url())), made.url())
    made.stop()
    yield made
    made.remove()


@asynccontextmanager
async def watched(folder: Path, cluster: _Cluster | None, fault: str) -> AsyncIterator[Watched]:
    """A server that has just started, over SQLite or a PostgreSQL that has just started too."""
    options = ["--database", cluster.databases[fault]] if cluster is not None else []
    program_fault = "" if fault == "fsync=off" else fault
    server = ServerProcess(folder, *options, fault=program_fault, before=syncs.tracing(folder / "trace"))
    try:
        if cluster is not None:
            cluster.settings |= QUIET | {"fsync": "off" if fault == "fsync=off" else "on"}
            cluster.before = syncs.tracing(cluster.folder / f"trace-{fault}")
            await asyncio.to_thread(cluster.start)
        await asyncio.to_thread(server.start)
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            watch = Watched(client)
            yield watch
        server.end(signal.SIGTERM)
        traces = [syncs.traced(folder / "trace", server.pid)]
        if cluster is not None:
            cluster.stop()
            traces.append(syncs.traced(cluster.folder / f"trace-{fault}", cluster.pid))
        watch.traced = syncs.Traced(*traces)
    finally:
        server.end(signal.SIGKILL)
        if cluster is not None:
            cluster.stop(signal.SIGQUIT)
            cluster.before = []


def can_trace() -> bool:
    if not syncs.can_trace():
        warnings.warn(
            "strace is missing or may not trace: the order of syncs and answers is not looked at", stacklevel=2
        )
    return syncs.can_trace()


@pytest.mark.parametrize(("database", "fault", "answers_early", "items_early"), SERVERS)
async def test_every_acknowledgement_follows_a_sync_that_followed_what_it_acknowledges(
    database: str, fault: str, answers_early: bool, items_early: bool, tmp_path: Path, cluster: _Cluster
):
    """One after the other, every way to store something; then pushes all at once, which share commits."""
    if not can_trace():
        return
    async with watched(tmp_path, cluster if database == "postgres" else None, fault) as watch:
        asked = await one_of_each(watch.client)
        items = await pushes_at_once(watch.client)
    answers, unsynced = watch.traced.unsynced_answers(asked)
    assert answers == asked
    assert (unsynced > 0) == answers_early, f"{unsynced} of {answers} answers"
    parts = [(item_hash(item.signed), (item.signature[:32], item.signature[32:])) for item in items]
    count, unsynced = watch.traced.unsynced_items(parts)
    assert count == 2 * AT_ONCE * ROUNDS
    assert (unsynced > 0) == items_early, f"{unsynced} of {count} items"


async def one_of_each(client: httpx.AsyncClient) -> int:
    """One request after the other, each of which stores something; gives how many there were."""
    mum = await Phone("mum", client, ORIGIN).register()
    assert mum.account is not None
    phone = CardKeys("second phone")
    assert (await mum.post_json("/v1/devices", mum.card.enrolment(mum.account, phone))).status_code == 201
    assert (await client.delete(f"/v1/devices/{phone.id.hex()}", headers=mum.headers)).status_code == 204
    book = await mum.found()
    dad = CardKeys("dad")
    await enter(mum, book, add(dad, noise("dad", length=16), EDITOR))
    await enter(mum, book, SetRole(noise("dad", length=16), 1), wraps=())
    for size in (272, 20_000, 272):
        await mum.push(book, make_frame(book, mum.card, size=size))
    share = await Share(mum).made()
    assert (await share.open()).status_code == 200
    assert (await share.change(paused=True)).status_code == 204
    assert (await share.replace(ShareFile(FHIR, jwe(noise(1, length=300))))).status_code == 204
    assert (await share.revoke()).status_code == 204
    post = msgspec.json.encode({"salt": noise("salt"), "sealed": noise("sealed")})
    laid = await client.put(f"/v1/links/{noise('link', length=16).hex()}/hello", content=post, headers=JSON)
    assert laid.status_code == 204
    return 16


async def pushes_at_once(client: httpx.AsyncClient) -> list[Item]:
    """Vaults that are written to at the same time; gives what was acknowledged."""
    dad, items = await Phone("dad's phone", client, ORIGIN).register(), []
    books = [await dad.found() for _ in range(AT_ONCE)]
    for _ in range(ROUNDS):
        pushes = [tuple(make_frames(book, dad.card, 2)) for book in books]
        asks = [dad.sync(dad.ask(book, *frames)) for book, frames in zip(books, pushes, strict=True)]
        for book, frames, answered in zip(books, pushes, await asyncio.gather(*asks), strict=True):
            assert answered.one.code is None
            take_answer(book, answered.one, frames)
            items += frames
    return items


@pytest.mark.parametrize("fsync", ["on", "off"])
async def test_postgresql_itself_counts_a_sync_for_every_commit(fsync: str, cluster: _Cluster):
    """On every machine: PostgreSQL counts real syncs of its log, and with fsync=off it counts none."""
    cluster.settings["fsync"] = fsync
    await asyncio.to_thread(cluster.start)
    try:
        engine = await open_postgres(cluster.url(), 1)
        async with engine.transaction() as tx:
            await tx.execute("CREATE TABLE IF NOT EXISTS counted (n BIGINT)")
        before = await synced(engine)
        for number in range(5):
            async with engine.transaction() as tx:
                await tx.execute("INSERT INTO counted VALUES ($1)", number)
        count = await synced(engine) - before
        await engine.close()
    finally:
        await asyncio.to_thread(cluster.stop)
    assert count >= 5 if fsync == "on" else count == 0


async def synced(engine) -> int:
    await engine.reading().fetch("SELECT pg_stat_force_next_flush()")
    await engine.reading().fetch("SELECT 1")
    version = int((await engine.reading().fetch("SHOW server_version_num"))[0][0])
    where = "pg_stat_io WHERE object = 'wal'" if version >= 180_000 else "pg_stat_wal"
    count = "coalesce(sum(fsyncs), 0)::bigint" if version >= 180_000 else "wal_sync"
    return int((await engine.reading().fetch(f"SELECT {count} FROM {where}"))[0][0])
