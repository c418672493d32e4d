"""The server's rows: real processes and a load generator beside them, both databases, beside no-op applications.

The no-op applications are measured before and after ours, the better of the two counts, so that a noisy neighbour does
not flatter us. Processor time is that of the server's process with all its threads; PostgreSQL's own is not in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import httpx

from infra.bench import appends, senders, warm
from infra.bench.load import Job, Told, request, run
from infra.bench.measure import process_cpu_ms, resident_mib
from infra.bench.report import Row, at_least, at_most, plain
from infra.bench.servers import DATABASES, Running, carnet, noop, postgres
from sync.device.outbox import SEND_BYTES_MAX, SEND_ITEMS_MAX
from sync.wire.exchange import VaultAsk
from tests.api.phone_kit import LogBook, Phone, read_answer, take_answer

CONNECTIONS = 16
RECORDS_A_RAW_COMMIT = 100
_ALONE = 100  # requests one after the other, each to a process that sleeps


class Beside(NamedTuple):
    """A no-op application: requests a second, ms of processor time a request, MiB when idle.

    `alone_ms`: processor time of a request that comes alone, to a process that sleeps.
    """

    rate: float
    cpu_ms: float
    idle_mib: float
    alone_ms: float


def rows(records: int, asks: int) -> list[Row]:
    """Every row: a vault of so many records, so many requests where rates are measured."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = {kind: _noop(folder, kind, asks) for kind in ("raw", "litestar")}
        ours = {database: _carnet(folder / database, database, records, asks) for database in DATABASES}
        second = {kind: _noop(folder, kind, asks) for kind in ("raw", "litestar")}
        bare_rows = {
            database: measure(folder, records)
            for database, measure in (("sqlite", _raw_sqlite), ("postgres", _raw_postgres))
        }
    beside = {kind: max(first[kind], second[kind], key=lambda one: one.rate) for kind in first}
    out = [
        plain("server, beside it", f"no-op {kind} application", "requests/s", one.rate, f"{one.cpu_ms:.3f} ms CPU each")
        for kind, one in beside.items()
    ]
    out += [
        plain("server, beside it", f"raw appends of 1 KiB rows, {database}, 100 a commit", "rows/s", rate)
        for database, rate in bare_rows.items()
    ]
    idle = min(first["litestar"].idle_mib, second["litestar"].idle_mib)
    commits = {database: _appends(database, max(10, asks // 20)) for database in DATABASES}
    signature = warm.signature_ms(max(10, asks // 20))
    for database, told in ours.items():
        told |= {"signature_ms": signature, "commit_ms": commits[database][appends.BARE].cpu_ms}
        out += _rows_of(f"server, {database}", told, beside, idle, records)
    return out + [row for database, each in commits.items() for row in _append_rows(database, each)]


def _appends(database: str, count: int) -> dict[str, appends.Commits]:
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        url = stack.enter_context(postgres()) if database == "postgres" else None
        return asyncio.run(appends.measured(Path(name), url, count))


def _append_rows(database: str, told: dict[str, appends.Commits]) -> list[Row]:
    """One append a commit, bare and with all that is committed with it."""
    section, bare = f"one append a commit, {database}", {appends.BARE: told[appends.BARE].cpu_ms}
    return [
        plain(section, kind, "ms CPU", one.cpu_ms, f"{one.rate:,.0f} a second", **({} if kind in bare else bare))
        for kind, one in told.items()
    ]


def _rows_of(section: str, told: dict[str, float], beside: dict[str, Beside], idle: float, records: int) -> list[Row]:
    litestar = beside["litestar"]
    raw, signature, commit = beside["raw"], told["signature_ms"], told["commit_ms"]
    twice = {f"two requests to the {kind} no-op": 2 * one.alone_ms for kind, one in beside.items()}
    twice |= {"two to the raw no-op, a signature, a bare commit": 2 * raw.alone_ms + signature + commit}
    busy = {f"two requests to the {kind} no-op": 2 * one.cpu_ms for kind, one in beside.items()}
    busy |= {"two to the raw no-op, a signature": 2 * raw.cpu_ms + signature}
    many = told["many_push_cpu"] + told["many_pull_cpu"]
    near = {"litestar no-op": litestar.rate}
    return [
        Row(
            section,
            "authenticated sync with nothing new",
            "requests/s",
            told["noop_rate"],
            near,
            litestar.rate,
            told["noop_rate"] / litestar.rate,
            "ratio",
            0.5,
            False,
            ">= 0.5 of Litestar's no-op",
        ),
        plain(section, "the same", "ms server CPU", told["noop_cpu"], **{"litestar no-op": litestar.cpu_ms}),
        at_least(section, f"first upload of {records:,} records of 1 KiB", "records/s", told["bulk_rate"], 15_000),
        at_most(section, "the same, each record", "ms server CPU", told["bulk_cpu"], 0.04),
        plain(section, "upload, one record a frame", "records/s", told["single_rate"]),
        plain(section, "the same, each record", "ms server CPU", told["single_cpu"]),
        at_most(section, f"cold start of {records:,} records", "s", told["cold_seconds"], 0.25),
        at_most(section, "the same", "requests", told["cold_requests"], 3),
        plain(section, "cold start, one record a frame", "s", told["cold_single_seconds"]),
        at_most(section, "warm push and pull of one edit", "ms server CPU", told["warm_cpu"], 0.5, **twice),
        plain(section, "the same, the push", "ms server CPU", told["warm_push_cpu"]),
        plain(section, "the same, the pull", "ms server CPU", told["warm_pull_cpu"]),
        at_most(section, "the same, one request a phone", "requests", told["warm_requests"], 2),
        at_most(section, "the same, bodies of the larger request and its answer", "bytes", told["warm_bytes"], 1_024),
        plain(
            section, "the same, two calls one after the other", "ms", told["warm_ms"], f"p95 {told['warm_p95']:.1f} ms"
        ),
        at_most(section, f"the same, {warm.PHONES} phones at a time", "ms server CPU", many, 0.5, **busy),
        plain(section, "the same, the push", "ms server CPU", told["many_push_cpu"]),
        plain(section, "the same, the pull", "ms server CPU", told["many_pull_cpu"]),
        at_most(section, "memory when idle, over Litestar's no-op", "MiB", told["idle_mib"] - idle, 15),
        at_most(section, f"memory more after {records:,} records", "MiB", told["grown_mib"], 15),
        at_most(section, "disk a record, incompressible 1 KiB", "bytes", told["disk"], 1_400),
        at_most(section, "wire a record, incompressible 1 KiB", "bytes", told["wire"], 1_100),
    ]


def _noop(folder: Path, kind: str, count: int) -> Beside:
    with noop(folder, kind) as server:
        body = senders.body(VaultAsk(b"v" * 32, 0, b"l" * 32, 1))  # type: ignore[arg-type]
        each = [request("t" * 43, body)]
        _asked(server, each, CONNECTIONS * 20)
        idle = resident_mib(server.pid)
        before = process_cpu_ms(server.pid)
        told = _asked(server, each, count)
        cpu = (process_cpu_ms(server.pid) - before) / told.requests
        before = process_cpu_ms(server.pid)
        with httpx.Client(base_url=server.url) as client:
            for _ in range(_ALONE):
                client.post("/v1/sync", content=body, headers={"content-type": "application/msgpack"})
        alone = (process_cpu_ms(server.pid) - before) / _ALONE
        return Beside(told.requests / told.seconds, cpu, idle, alone)


def _asked(server: Running, requests: list[bytes], count: int) -> Told:
    told = run(Job(server.url, [requests] * CONNECTIONS, max(1, count // CONNECTIONS)))
    assert not told.failed, "an answer that is no 200"
    return told


def _carnet(folder: Path, database: str, records: int, asks: int) -> dict[str, float]:
    with carnet(folder, database) as server:
        return asyncio.run(_measured(server, records, asks))


async def _measured(server: Running, records: int, asks: int) -> dict[str, float]:
    told: dict[str, float] = {}
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        phone = await Phone("first", client, server.url).register()
        idle = await phone.found()
        for _ in range(20):
            await phone.sync(phone.ask(idle))
        told["idle_mib"] = resident_mib(server.pid)

        book, before = await phone.found(), await _disk(server)
        uploaded = _upload(server, phone, book, list(senders.bulk(senders.births(records, 1))))
        told["bulk_rate"], told["bulk_cpu"] = records / uploaded.seconds, uploaded.cpu_ms / records
        told["wire"] = uploaded.told.up / records
        told["grown_mib"] = resident_mib(server.pid) - told["idle_mib"]
        told["disk"] = (await _disk(server) - before) / records
        told["cold_seconds"], told["cold_requests"] = _cold(server, phone, book)
        told["grown_mib"] = max(told["grown_mib"], resident_mib(server.pid) - told["idle_mib"])

        await phone.log_in()
        singles = await phone.found()
        uploaded = _upload(server, phone, singles, senders.one_each(senders.births(records, 2)))
        told["single_rate"], told["single_cpu"] = records / uploaded.seconds, uploaded.cpu_ms / records
        told["cold_single_seconds"], _ = _cold(server, phone, singles)

        await phone.log_in()
        told |= noop_figures(server, phone, book, asks)
        told |= await warm.alone(server, phone, book, max(5, asks // 50))
        told |= await warm.among_many(server, client, max(5, asks // 50))
    return told


def noop_figures(server: Running, phone: Phone, book: LogBook, asks: int) -> dict[str, float]:
    """Rate and processor time of syncs with nothing new."""
    each = [request(phone.token, senders.body(phone.ask(book)))]
    _asked(server, each, CONNECTIONS * 20)
    before = process_cpu_ms(server.pid)
    told = _asked(server, each, asks)
    cpu = (process_cpu_ms(server.pid) - before) / told.requests
    return {"noop_rate": told.requests / told.seconds, "noop_cpu": cpu}


class Uploaded(NamedTuple):
    """What an upload took."""

    seconds: float
    cpu_ms: float
    told: Told


def _upload(server: Running, phone: Phone, book: LogBook, batches: list[list[Any]]) -> Uploaded:
    """One phone's first upload, in requests as large as the shipped phone makes them."""
    items = senders.frames(phone, book, batches)
    sends = [
        request(phone.token, senders.body(ask)) for ask in senders.asks(book, items, SEND_BYTES_MAX, SEND_ITEMS_MAX)
    ]
    before = process_cpu_ms(server.pid)
    told = run(Job(server.url, [sends]))
    assert not told.failed, "an answer that is no 200"
    cpu = process_cpu_ms(server.pid) - before
    last = read_answer(told.last[0]).one
    assert (last.code, last.answer.next) == (None, book.state.seq), "the server holds all of it"
    return Uploaded(told.seconds, cpu, told)


def _cold(server: Running, phone: Phone, book: LogBook) -> tuple[float, int]:
    """A phone that holds nothing reads everything: seconds from its first byte to the last of the answers, requests."""
    fresh, seconds, requests = LogBook(book.vault), 0.0, 0
    while fresh.state.seq < book.state.seq:
        told = run(Job(server.url, [[request(phone.token, senders.body(phone.ask(fresh)))]]))
        assert not told.failed, "an answer that is no 200"
        seconds, requests = seconds + told.seconds, requests + 1
        take_answer(fresh, read_answer(told.last[0]).one)
    return seconds, requests


async def _disk(server: Running) -> int:
    """Bytes that the database takes, what waits in a log to be written back aside."""
    if server.database is None:
        path = server.folder / "carnet.sqlite3"
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        connection.close()
        return path.stat().st_size
    connection = await asyncpg.connect(server.database)
    try:
        await connection.execute("CHECKPOINT")
        return int(await connection.fetchval("SELECT pg_database_size(current_database())"))
    finally:
        await connection.close()


def _raw_sqlite(folder: Path, records: int) -> float:
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE rows (place INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    began = time.perf_counter()
    for first in range(0, records, RECORDS_A_RAW_COMMIT):
        connection.execute("BEGIN IMMEDIATE")
        part = [(place, bytes(senders.RECORD_BYTES)) for place in range(first, first + RECORDS_A_RAW_COMMIT)]
        connection.executemany("INSERT INTO rows VALUES (?, ?)", part)
        connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return records / seconds


def _raw_postgres(_folder: Path, records: int) -> float:
    with postgres() as url:
        return asyncio.run(_raw_postgres_rows(url, records))


async def _raw_postgres_rows(url: str, records: int) -> float:
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE rows (place bigint PRIMARY KEY, body bytea NOT NULL)")
    began = time.perf_counter()
    for first in range(0, records, RECORDS_A_RAW_COMMIT):
        places = list(range(first, first + RECORDS_A_RAW_COMMIT))
        bodies = [bytes(senders.RECORD_BYTES)] * RECORDS_A_RAW_COMMIT
        await connection.execute("INSERT INTO rows SELECT * FROM unnest($1::bigint[], $2::bytea[])", places, bodies)
    seconds = time.perf_counter() - began
    await connection.close()
    return records / seconds
