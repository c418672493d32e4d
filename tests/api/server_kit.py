"""A server in this process, over SQLite or PostgreSQL (both_engines.py), with a clock that tests move."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from backend.main import App, build
from backend.settings import Settings
from backend.storage.engine import Engine
from backend.storage.migrate import migrate
from tests.api.phone_kit import Phone
from tests.storage.both_engines import opened

ORIGIN = "https://carnet.example"
START_MS = 1_790_000_000_000
DAY_MS = 86_400_000


class Clock:
    """Milliseconds since 1970 UTC, moved by hand."""

    def __init__(self) -> None:
        self.now = START_MS

    def __call__(self) -> int:
        return self.now

    def days(self, count: float) -> None:
        self.now += int(count * DAY_MS)

    def seconds(self, count: float) -> None:
        self.now += int(count * 1000)


class Served:
    """A running application, its clock, and phones that talk to it."""

    def __init__(self, app: App, client: httpx.AsyncClient, clock: Clock) -> None:
        self.app, self.client, self.clock = app, client, clock

    def phone(self, name: str) -> Phone:
        return Phone(name, self.client, ORIGIN, self.clock)

    async def registered(self, name: str) -> Phone:
        return await self.phone(name).register()

    @property
    def engine(self):
        return self.app.ports.engine


@asynccontextmanager
async def served(folder: Path, *, pages_max: int | None = None, **settings: object) -> AsyncIterator[Served]:
    """The application over a database of its own. `settings`: what differs from the defaults."""
    clock = Clock()
    async with opened(folder, pages_max=pages_max) as engine:
        await migrate(engine, clock())
        async with _serving(engine, clock, settings) as running:
            yield running


@asynccontextmanager
async def _serving(engine: Engine, clock: Clock, settings: dict[str, object]) -> AsyncIterator[Served]:
    app = build(Settings(**settings), ORIGIN, engine, now_ms=clock)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(app.asgi, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            yield Served(app, client, clock)
    finally:
        await app.close()  # else a failing test leaves the database's threads, and the run never ends


def code_of(response: httpx.Response) -> str:
    """The word of a problem document; its shape is checked on the way."""
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    assert document["type"] == f"urn:carnet:problem:{document['code']}"
    return document["code"]
