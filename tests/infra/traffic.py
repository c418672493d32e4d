"""A real server with real traffic: every kind of figure has been counted at least once."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from sync.wire.exchange import VaultAsk
from sync.wire.ids import LogHash
from tests.api.phone_kit import Phone, make_frame, make_frames, noise
from tests.cli.kit import Server


@contextlib.asynccontextmanager
async def busy_server(folder: Path) -> AsyncIterator[Server]:
    """A server that has seen pushes, refusals, notices and problems, and whose figures can be asked for."""
    server = Server(folder).start()
    try:
        async with httpx.AsyncClient(base_url=server.url) as client:
            await traffic(client, server.url)
        yield server
    finally:
        server.kill()


async def traffic(client: httpx.AsyncClient, origin: str) -> None:
    """What phones do, and some of what goes wrong."""
    mum = await Phone("mum", client, origin).register()
    book = await mum.found()
    await mum.push(book, *make_frames(book, mum.card, 3))
    await mum.sync(mum.ask(book, make_frame(book, mum.card, version=9)))
    await mum.sync(VaultAsk(book.vault, 99, LogHash(noise("ahead")), 0))
    tablet = Phone("tablet", client, origin)
    await tablet.post_json("/v1/devices", mum.card.enrolment(mum.account, tablet.card))
    await tablet.log_in()
    await tablet.post_json("/v1/devices", mum.card.enrolment(mum.account, Phone("watch", client, origin).card))
    await tablet.sync()
    await client.get("/v1/devices")
    await client.get("/view")


async def figures(server: Server) -> str:
    """What /metrics answers."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    return answer.text
