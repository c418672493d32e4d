"""A server whose PostgreSQL stops: it says so, acknowledges nothing, and goes on when PostgreSQL is back."""

from __future__ import annotations

import asyncio
import io
import signal
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from backend.http.logs import start_logs
from backend.main import App, build, migrate_database, open_engine
from backend.settings import Settings
from sync.wire.exchange import VaultAsk
from tests.api.phone_kit import LogBook, Phone, make_frame, make_frames, read_answer, take_answer
from tests.api.server_kit import ORIGIN, code_of
from tests.storage.postgres_kit import Cluster

ENGINES = ("postgres",)


class Stoppable:
    """A server over a PostgreSQL of its own."""

    def __init__(self, cluster: Cluster, app: App, client: httpx.AsyncClient) -> None:
        self.cluster, self.app, self.client = cluster, app, client


@pytest_asyncio.fixture
async def world() -> AsyncIterator[Stoppable]:
    start_logs(io.StringIO())
    cluster = Cluster()
    try:
        cluster.start()
        settings = Settings(database=cluster.url())
        await migrate_database(settings)
        app = build(settings, ORIGIN, await open_engine(settings))
        transport = httpx.ASGITransport(app.asgi, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            yield Stoppable(cluster, app, client)
        await app.close()
    finally:
        cluster.remove()


async def a_moment(writers: list[asyncio.Task[None]]) -> None:
    """Lets them write; raises what ended one of them."""
    ended, _ = await asyncio.wait(writers, timeout=0.01, return_when=asyncio.FIRST_COMPLETED)
    for writer in ended:
        writer.result()


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGKILL])
async def test_it_says_so_acknowledges_nothing_and_goes_on_when_it_is_back(world, how):
    """SYN-10, ERR-2: 503 with the seconds to wait; the same items again are stored once."""
    mum = await Phone("mum", world.client, ORIGIN).register()
    book = await mum.found()
    assert (await mum.push(book, make_frame(book, mum.card))).code is None
    frames = make_frames(book, mum.card, 3)
    await asyncio.to_thread(world.cluster.stop, how)
    for _ in range(3):
        answer = await mum.send(mum.ask(book, *frames))
        assert (answer.status_code, code_of(answer)) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) == answer.json()["retry_after"] > 0
    assert code_of(await world.client.get("/readyz")) == "unavailable"
    assert (await world.client.get("/livez")).status_code == 200
    figures = (await world.client.get("/metrics")).text  # whoever looks why it fails needs them most then
    assert "carnet_disk_free_bytes" in figures
    assert "carnet_database_bytes" not in figures
    await asyncio.to_thread(world.cluster.start)
    assert (await world.client.get("/readyz")).status_code == 200
    assert (await mum.push(book, *frames)).code is None
    cold = LogBook(book.vault)
    take_answer(cold, (await mum.sync(VaultAsk(book.vault, 0, cold.L[0], 0))).one)
    assert (cold.L, cold.state.seq) == (book.L, 5)


async def test_what_was_acknowledged_before_it_was_killed_under_load_is_there(world):
    """SYN-10: killed twice while five write; no acknowledged frame is lost or doubled."""
    mum = await Phone("mum", world.client, ORIGIN).register()
    books = [await mum.found() for _ in range(5)]
    refused = 0
    done = asyncio.Event()

    async def write(book: LogBook) -> None:
        nonlocal refused
        while not done.is_set():
            frame = make_frame(book, mum.card)
            answer = await mum.send(mum.ask(book, frame))
            while answer.status_code == 503:
                refused += 1
                await asyncio.sleep(0.02)
                answer = await mum.send(mum.ask(book, frame))
            assert answer.status_code == 200
            take_answer(book, read_answer(answer.content).one, (frame,))

    writers = [asyncio.create_task(write(book)) for book in books]
    for round_ in (1, 2):
        while sum(book.state.seq for book in books) < 60 * round_:
            await a_moment(writers)
        await asyncio.to_thread(world.cluster.restart, signal.SIGKILL)
    before = [book.state.seq for book in books]
    while any(book.state.seq <= seq for book, seq in zip(books, before, strict=True)):
        await a_moment(writers)
    done.set()
    await asyncio.gather(*writers)
    assert refused > 0
    for book in books:
        cold = LogBook(book.vault)
        take_answer(cold, (await mum.sync(VaultAsk(book.vault, 0, cold.L[0], 0))).one)
        assert cold.L == book.L
