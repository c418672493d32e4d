"""A server whose disk is full: 507, nothing acknowledged, nothing changed, everything readable; with room it goes on.

At every statement and every commit, on both engines; on SQLite at every page, by its own bound; on PostgreSQL on a
disk of a few MiB that is really full (tests/durability). The phone's disk: tests/faults.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backend.storage.engine import StorageFull
from tests.api.server_kit import code_of
from tests.storage.both_engines import on
from tests.storage.storing import REQUESTS, Request, make_share, push_frames, replace_files, world

PLACES_MAX = 60  # more statements than any request here needs
WRITES = ("INSERT", "UPDATE", "DELETE")
GROWING = [push_frames, make_share, replace_files]  # what needs more pages, whatever is free
each = pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.__name__)


class FullAt:
    """An engine's transactions with a disk that is full at the k-th write or commit."""

    def __init__(self, transaction: Any, at: int) -> None:
        self._transaction, self.at, self.count = transaction, at, 0

    def step(self) -> None:
        self.count += 1
        if self.count == self.at:
            raise StorageFull("no room left")

    @contextlib.asynccontextmanager
    async def __call__(self) -> AsyncIterator[Any]:
        async with self._transaction() as tx:
            yield _Full(tx, self)
            self.step()


class _Full:
    def __init__(self, tx: Any, full: FullAt) -> None:
        self._tx, self._full = tx, full

    async def fetch(self, statement: str, *args: Any) -> Any:
        if statement.startswith(WRITES):
            self._full.step()
        return await self._tx.fetch(statement, *args)

    scan = execute = fetch

    async def execute_many(self, statement: str, rows: Any) -> None:
        self._full.step()
        await self._tx.execute_many(statement, rows)

    def announce(self, topic: str, by: bytes) -> None:
        self._tx.announce(topic, by)


@each
async def test_with_a_disk_full_at_any_statement_nothing_is_stored_and_then_it_goes_on(
    request_: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """SYN-10, ERR-1."""
    async with world(tmp_path) as w:
        before, transaction, refused = await w.stored(), w.server.engine.transaction, 0
        for place in range(1, PLACES_MAX):
            full = FullAt(transaction, place)
            monkeypatch.setattr(w.server.engine, "transaction", full)
            answer = await request_(w)
            if full.count < place:
                break
            assert (answer.status_code, code_of(answer)) == (507, "storage_full"), place
            assert await w.stored() == before, place
            refused += 1
        assert refused >= 2, "a write and a commit"
        assert answer.status_code < 300
        assert await w.stored() != before


@on("sqlite")
@pytest.mark.parametrize("request_", GROWING, ids=lambda request: request.__name__)
async def test_with_a_disk_full_at_any_page_nothing_is_stored_and_then_it_goes_on(request_: Request, tmp_path: Path):
    async with world(tmp_path) as w:
        writer = w.server.engine._writer
        pages, before, refused = (await writer.fetch("PRAGMA page_count"))[0][0], await w.stored(), 0
        for more in range(PLACES_MAX * 2):
            await writer.fetch(f"PRAGMA max_page_count={pages + more}")
            answer = await request_(w)
            if answer.status_code != 507:
                break
            assert await w.stored() == before, more
            assert (await w.mum.sync(w.mum.ask(w.book))).one.code is None
            refused += 1
        assert refused > 10, "the disk was never full"
        assert answer.status_code < 300
        assert await w.stored() != before
