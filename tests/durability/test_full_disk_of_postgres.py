"""PostgreSQL on a disk that is really full (small_disk.py), nothing mocked.

The database lies in a tablespace there, so that PostgreSQL itself goes on (its own log lies elsewhere, and its turn
comes in test_full_wal_of_postgres.py) and says `disk full` to the statement that needs room: 507. Where no user
namespace may be made a warning says so; what the server does with a full disk at each statement is in tests/storage on
every machine.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import warnings
from pathlib import Path

import asyncpg
import httpx

from sync.wire.exchange import VaultAsk
from sync.wire.share import ShareFile
from tests.api.phone_kit import LogBook, Phone, make_frames, noise, take_answer
from tests.api.server_kit import code_of
from tests.api.share_kit import FHIR, Share, jwe
from tests.durability.machine import ORIGIN, ServerProcess
from tests.durability.small_disk import may_mount, on_small_disk
from tests.storage.postgres_kit import Cluster, url_of

DISK_MIB = 16  # an empty database takes some 8
FILL = "INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, {})"


async def command(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def fill(url: str) -> None:
    """Fills the disk to the last page that a table can get."""
    await command(url, "CREATE TABLE filler (what TEXT)")
    for rows in (1_000, 100, 7):
        try:
            while True:
                await command(url, FILL.format(rows))
        except asyncpg.DiskFullError:
            pass


async def test_on_a_full_disk_nothing_is_acknowledged_or_lost_and_with_room_it_goes_on(tmp_path: Path):
    """SYN-10, ERR-1: 507 for what needs room; what stands is read meanwhile; the same again is stored once."""
    cluster = Cluster()
    small = cluster.folder / "small"
    small.mkdir()
    if os.geteuid() == 0:
        os.chown(small, pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
    if not may_mount(small):
        cluster.remove()
        warnings.warn("no user namespace may be made here: a full disk under PostgreSQL is not looked at", stacklevel=1)
        return
    cluster.before = on_small_disk(small, DISK_MIB)
    url = url_of("small", cluster.url())
    server = ServerProcess(tmp_path, "--database", url)
    try:
        await asyncio.to_thread(cluster.start)
        await command(cluster.url(), f"CREATE TABLESPACE small LOCATION '{small}'")
        await command(cluster.url(), "CREATE DATABASE small TABLESPACE small")
        await asyncio.to_thread(server.start)
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            await push_until_full_and_on(client, url)
    finally:
        server.end(9)
        cluster.remove()


async def push_until_full_and_on(client: httpx.AsyncClient, url: str) -> None:
    mum = await Phone("mum", client, ORIGIN).register()
    book = await mum.found()
    assert (await mum.push(book, *make_frames(book, mum.card, 5))).code is None
    share = await Share(mum, "held").made()
    await fill(url)
    frames = make_frames(book, mum.card, 30, size=20_000)
    for _ in range(3):
        answer = await mum.send(mum.ask(book, *frames))
        assert (answer.status_code, code_of(answer)) == (507, "storage_full")
    big = Share(mum, "big", files=[ShareFile(FHIR, jwe(noise("big", length=400_000)))])
    assert code_of(await big.make()) == "storage_full"
    assert (await whole(mum, book)).L == book.L
    assert (await share.state()).live
    await command(url, "DROP TABLE filler")
    assert (await mum.push(book, *frames)).code is None
    again = await whole(mum, book)
    assert (again.L, again.state.seq) == (book.L, 36)
    assert (await (await big.made()).state()).live


async def whole(phone: Phone, book: LogBook) -> LogBook:
    """The log as a phone reads it that holds nothing."""
    cold = LogBook(book.vault)
    take_answer(cold, (await phone.sync(VaultAsk(book.vault, 0, cold.L[0], 0))).one)
    return cold
