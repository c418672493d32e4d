"""PostgreSQL whose own log (WAL) has no room left: it ends itself, at once, and does not start until there is room.

The log lies on a disk of its own (small_disk.py), filled by another's file. To the server PostgreSQL is away then: 503,
as at any other stop; what it acknowledged is there when it is back, and what it did not is stored once when it is sent
again. Where no user namespace may be made a warning says so: PostgreSQL that is killed under load is looked at on every
machine (test_kill_loop.py).
"""

from __future__ import annotations

import asyncio
import os
import pwd
import warnings
from pathlib import Path

import httpx

from tests.api.phone_kit import Phone, make_frames, read_answer, take_answer
from tests.api.server_kit import code_of
from tests.durability.machine import ORIGIN, ServerProcess
from tests.durability.small_disk import Held, may_mount
from tests.durability.test_full_disk_of_postgres import command, whole
from tests.storage.postgres_kit import Cluster, url_of

DISK_MIB = 72  # room for some segments of the log, of 16 MiB; the filler leaves it the one that it has
USED_UP = "SELECT pg_logical_emit_message(false, 'x', repeat('x', 1000000)) FROM generate_series(1, 10)"
PUSHES_MAX = 12  # of some 600 kB each


async def test_with_no_room_for_postgres_own_log_nothing_is_acknowledged_or_lost_and_with_room_it_goes_on(
    tmp_path: Path,
):
    """SYN-10, ERR-1."""
    cluster = Cluster()
    small = cluster.folder / "small"
    small.mkdir()
    if os.geteuid() == 0:
        os.chown(small, pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
    if not may_mount(small):
        cluster.remove()
        warnings.warn(
            "no user namespace may be made here: a full disk of PostgreSQL's log is not looked at", stacklevel=1
        )
        return
    disk = Held(small, DISK_MIB)
    wal = cluster.data / "pg_wal"
    disk.run("cp", "-a", wal, small / "wal")
    disk.run("rm", "-r", wal)
    disk.run("ln", "-s", small / "wal", wal)
    cluster.before = disk.behind
    server = ServerProcess(tmp_path, "--database", url_of("postgres", cluster.url()))
    try:
        await asyncio.to_thread(cluster.start)
        await asyncio.to_thread(server.start)
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            await push_until_it_ends_itself_and_on(client, cluster, disk)
    finally:
        server.end(9)
        cluster.remove()
        disk.close()


async def push_until_it_ends_itself_and_on(client: httpx.AsyncClient, cluster: Cluster, disk: Held) -> None:
    mum = await Phone("mum", client, ORIGIN).register()
    book = await mum.found()
    disk.fill()
    await command(cluster.url(), USED_UP)
    pushed, refused = 0, None
    while refused is None:
        assert pushed < PUSHES_MAX, "there was room all along"
        frames = make_frames(book, mum.card, 30, size=20_000)
        answer = await mum.send(mum.ask(book, *frames))
        if answer.status_code == 200:
            take_answer(book, read_answer(answer.content).one, frames)
            pushed += 1
        else:
            refused = answer
    assert (refused.status_code, code_of(refused)) == (503, "unavailable")
    assert "No space left on device" in (cluster.folder / "log").read_text()
    await asyncio.to_thread(cluster.wait)
    answer = await mum.send(mum.ask(book, *frames))
    assert (answer.status_code, code_of(answer)) == (503, "unavailable")
    disk.empty()
    await asyncio.to_thread(cluster.start)
    while (answer := await mum.send(mum.ask(book, *frames))).status_code == 503:
        await asyncio.sleep(0.05)
    answered = read_answer(answer.content).one
    assert answered.code is None
    take_answer(book, answered, frames)
    again = await whole(mum, book)
    assert (again.L, again.state.seq) == (book.L, 1 + 30 * (pushed + 1))
