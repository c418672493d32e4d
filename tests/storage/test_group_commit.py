"""The committer: groups what waits, keeps the order, and lets nobody suffer from another's failure."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from backend.vaults.append import Push
from backend.vaults.committer import GROUP_MAX, GroupCommitter
from backend.vaults.store import place_of
from sync.wire.exchange import VaultAsk
from tests.api.phone_kit import make_frame, make_frames, noise
from tests.api.server_kit import served
from tests.storage.both_engines import on


def push(number: int) -> Push:
    return Push(noise(number), noise(0), VaultAsk(noise(number), 0, noise(1), 0), (), (), 0)


@on("sqlite")
async def test_what_comes_while_one_commit_runs_is_one_group():
    groups: list[int] = []

    async def slowly(pushes):
        groups.append(len(pushes))
        await asyncio.sleep(0)
        return [p.ask.vault for p in pushes]

    committer = GroupCommitter(slowly)
    answers = await asyncio.gather(*(committer.submit([push(n)]) for n in range(2 * GROUP_MAX + 3)))
    assert [a[0] for a in answers] == [noise(n) for n in range(2 * GROUP_MAX + 3)]
    assert max(groups) == GROUP_MAX
    assert sum(groups) == 2 * GROUP_MAX + 3
    await committer.drain()


@on("sqlite")
async def test_a_caller_that_goes_away_cancels_nothing():
    done: list[int] = []

    async def slowly(pushes):
        await asyncio.sleep(0.01)
        done.append(len(pushes))
        return [None] * len(pushes)

    committer = GroupCommitter(slowly)
    task = asyncio.create_task(committer.submit([push(1)]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await committer.drain()
    assert done == [1]


async def test_one_vaults_failure_is_not_its_neighbours(tmp_path: Path):
    """SYN-41: the group's transaction fails, then each is tried alone."""
    async with served(tmp_path) as server:
        mum = await server.registered("mum")
        books = [await mum.found() for _ in range(5)]
        number = (await server.engine.reading().fetch("SELECT number FROM vaults WHERE vault = $1", books[2].vault))[0][
            0
        ]
        async with server.engine.transaction() as tx:
            # Something of ours stands where this vault's next item belongs: its insert fails, inside the transaction.
            await tx.execute(
                "INSERT INTO items (place, kind, bytes, writer, log_hash, signature, signed)"
                " VALUES ($1, 1, 0, 0, $2, $2, $2)",
                place_of(number, 2),
                b"",
            )
        asks = [mum.ask(book, make_frame(book, mum.card)) for book in books]
        answers = await asyncio.gather(*(mum.send(ask) for ask in asks))
        assert [a.status_code for a in answers] == [200, 200, 500, 200, 200]
        assert (await mum.push(books[4])).answer.next == 2


@on("sqlite")
async def test_a_full_disk_acknowledges_nothing_and_what_fits_goes_on(tmp_path: Path):
    """SYN-10, ERR-1: 507 storage_full, and nothing of the push is there."""
    async with served(tmp_path, pages_max=160) as server:
        mum = await server.registered("mum")
        book, small = await mum.found(), await mum.found()
        before = await mum.push(book, make_frame(book, mum.card))
        assert before.code is None
        much = mum.ask(book, *make_frames(book, mum.card, 40, size=20_000))
        little = small.copy()
        answers = await asyncio.gather(mum.send(much), mum.send(mum.ask(small, make_frame(small, mum.card))))
        assert [a.status_code for a in answers] == [507, 200]
        assert answers[0].json()["code"] == "storage_full"
        assert (await mum.sync(mum.ask(book))).one.answer.next == 2
        assert (await mum.push(little)).answer.next == 2
