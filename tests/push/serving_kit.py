"""A server in this process whose pushes go to a carrier of the test's, for Android and Apple alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from backend.main import build
from backend.push.sender import PushSender
from backend.settings import Settings
from backend.storage.migrate import migrate
from tests.api.server_kit import ORIGIN, Clock, Served
from tests.push.push_kit import Carrier
from tests.storage.both_engines import opened


@asynccontextmanager
async def pushing_with(folder: Path, sender: PushSender, **settings: object) -> AsyncIterator[Served]:
    """The application over a database of its own; its worker is driven by hand."""
    clock = Clock()
    async with opened(folder) as engine:
        await migrate(engine, clock())
        senders = {"android": sender, "apple": sender}
        app = build(Settings(**settings), ORIGIN, engine, now_ms=clock, senders=senders)  # type: ignore[arg-type]
        transport = httpx.ASGITransport(app.asgi, raise_app_exceptions=False)
        try:
            async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
                yield Served(app, client, clock)
        finally:
            await app.close()


@asynccontextmanager
async def pushing(folder: Path) -> AsyncIterator[tuple[Served, Carrier]]:
    """The same, with a carrier that keeps what it was given."""
    carrier = Carrier()
    async with pushing_with(folder, carrier) as server:
        yield server, carrier
