"""Transactions that wish for the same phones from different causes: they wait for each other, and never in a circle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from backend.notices.store import lay_down
from backend.push.store import wish_notices, wish_wakes
from backend.storage.engine import StorageBusy, Transaction
from tests.api.phone_kit import noise
from tests.push.test_outbox_wishes import TARGET
from tests.push.test_two_workers import DEVICE

ENGINES = ("postgres",)  # SQLite has one writer
ACCOUNT = "INSERT INTO accounts (account, made_at) VALUES ($1, 0)"
MEMBER = "INSERT INTO members (device, vault, live, owner) VALUES ($1, $2, TRUE, FALSE)"
LISTED = "SELECT device, class, wishes FROM outbox ORDER BY class, device"
PHONES = sorted(noise("phone", number) for number in range(2))


class Halting:
    """A transaction that waits for another after each wish, if the other comes so far."""

    def __init__(self, tx: Transaction, meeting: asyncio.Barrier) -> None:
        self._tx, self._meeting = tx, meeting

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    async def execute(self, statement: str, *args: Any) -> None:
        await self._tx.execute(statement, *args)
        await self._halt(statement)

    async def execute_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        await self._tx.execute_many(statement, rows)
        await self._halt(statement)

    async def _halt(self, statement: str) -> None:
        if statement.startswith("INSERT INTO outbox"):
            try:
                async with asyncio.timeout(0.3):
                    await self._meeting.wait()
            except (TimeoutError, asyncio.BrokenBarrierError):
                await self._meeting.abort()  # the other waits for what this one holds: that is one after the other


async def fill(server) -> None:
    """Two phones of an account each; the first is listed in vaults 1 and 4, the second in 2 and 3."""
    async with server.engine.transaction() as tx:
        for phone, account, vaults in zip(PHONES, (b"b" * 16, b"a" * 16), ((1, 4), (2, 3)), strict=True):
            await tx.execute(ACCOUNT, account)
            await tx.execute(DEVICE, phone, account, b"")
            await tx.execute(TARGET, phone)
            for vault in vaults:
                await tx.execute(MEMBER, phone, vault)


async def test_edits_of_several_vaults_in_any_order_do_not_wait_in_a_circle(server):
    """PSH-4: the phones of one group of commits are those of the other, the other way round."""
    await fill(server)
    meeting = asyncio.Barrier(2)

    async def edit(*vaults: int) -> None:
        async with server.engine.transaction() as tx:
            await wish_wakes(Halting(tx, meeting), [(vault, b"") for vault in vaults], server.clock())

    await asyncio.gather(edit(1, 2), edit(3, 4))
    assert await server.engine.reading().fetch(LISTED) == [(phone, 0, 2) for phone in PHONES]


async def test_who_is_told_and_who_settles_do_not_wait_in_a_circle(server):
    """PSH-5: accounts have their order, and wishes another."""
    await fill(server)
    meeting = asyncio.Barrier(2)

    async def tell() -> None:
        async with server.engine.transaction() as tx:
            told = [(account, None) for account in (b"a" * 16, b"b" * 16)]
            for account, by in told:
                await lay_down(tx, account, "removed", by, server.clock())
            await wish_notices(Halting(tx, meeting), told, "removed", False, server.clock())

    await tell()
    meeting = asyncio.Barrier(2)

    async def settle() -> None:
        async with server.engine.transaction() as tx:
            for phone in PHONES:
                await tx.execute("UPDATE outbox SET due_at = 0 WHERE device = $1 AND class = 1", phone)
                await Halting(tx, meeting)._halt("INSERT INTO outbox")

    await asyncio.gather(settle(), tell())
    assert await server.engine.reading().fetch(LISTED) == [(phone, 1, 2) for phone in PHONES]


async def test_wishes_in_another_order_do_wait_in_a_circle(server):
    """The circle that the other tests would find: what is wished vault by vault."""
    await fill(server)
    meeting = asyncio.Barrier(2)

    async def edit(*vaults: int) -> None:
        async with server.engine.transaction() as tx:
            for vault in vaults:
                await wish_wakes(Halting(tx, meeting), [(vault, b"")], server.clock())

    with pytest.raises(StorageBusy):
        await asyncio.gather(edit(1, 2), edit(3, 4))
