"""SYN-10: whatever stores something answers after its commit, on both engines; until then nobody sees any of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.storage.storing import REQUESTS, Request, world

A_WHILE = 0.05  # seconds in which a server that does not wait would have answered


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.__name__)
async def test_nothing_is_answered_while_its_commit_waits(
    request_: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with world(tmp_path) as w:
        before, transaction = await w.stored(), w.server.engine.transaction
        reached, go_on = asyncio.Event(), asyncio.Event()

        @contextlib.asynccontextmanager
        async def waiting() -> AsyncIterator[Any]:
            async with transaction() as tx:
                yield tx
                reached.set()
                await go_on.wait()

        monkeypatch.setattr(w.server.engine, "transaction", waiting)
        asking = asyncio.create_task(request_(w))
        await reached.wait()
        assert not (await asyncio.wait([asking], timeout=A_WHILE))[0]
        assert await w.stored() == before
        go_on.set()
        assert (await asking).status_code < 300
        assert await w.stored() != before
