"""Two server processes on one PostgreSQL: hints cross, and a process that is killed takes none of them with it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import asyncpg
import httpx
import msgspec
import pytest

from backend.storage.announcing import NOBODY, of_account
from backend.storage.postgres_relay import GATHERED_MAX, PostgresRelay
from sync.wire.item import EDITOR
from sync.wire.push import PushAddress, PushTarget
from tests.api.family_kit import add, enter
from tests.api.phone_kit import JSON, LogBook, Phone, make_frame
from tests.faults.server_process import running
from tests.live.listening import WAIT_SECONDS, Event, Listener
from tests.storage import postgres_kit

CONNECTIONS = (
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'carnet announcements' AND datname = current_database()"
    " ORDER BY backend_start"
)
SENT = 'carnet_push_sent_total{class="wake"} 1\n'
ORIGIN = "http://carnet.example"
ENGINES = ("postgres",)


class Pair(NamedTuple):
    """Both servers, mum at one, dad at the other, a vault of both; the process of mum's."""

    one: httpx.AsyncClient
    other: httpx.AsyncClient
    mum: Phone
    dad: Phone
    book: LogBook
    process_of_one: object


@asynccontextmanager
async def pair(folder: Path, database: str) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        clients, processes = [], []
        for name in ("a", "b"):
            (folder / name).mkdir()
            options = ("--database", database, "--origin", ORIGIN)
            process, url = stack.enter_context(running(folder / name, *options))
            client = httpx.AsyncClient(base_url=url, timeout=WAIT_SECONDS)
            clients.append(await stack.enter_async_context(client))
            processes.append(process)
        mum = await Phone("mum", clients[0], ORIGIN).register()
        dad = await Phone("dad", clients[1], ORIGIN).register()
        book = await mum.found()
        await enter(mum, book, add(dad.card, dad.person, EDITOR))
        yield Pair(*clients, mum, dad, book, processes[0])


@asynccontextmanager
async def listening(client: httpx.AsyncClient, phone: Phone, last_id: str = "") -> AsyncIterator[Listener]:
    headers = {**phone.headers, **({"Last-Event-ID": last_id} if last_id else {})}
    async with client.stream("GET", "/v1/events", headers=headers) as response:
        assert response.status_code == 200
        yield Listener(response)


async def test_hints_and_revocations_cross_and_a_killed_process_loses_none(tmp_path: Path):
    """EVT-9, EVT-7, EVT-5: who listened at the killed one goes on at the other, and hears what it has missed."""
    async with postgres_kit.database(migrated=False) as database, pair(tmp_path, database) as two:
        mum, dad, book = two.mum, two.dad, two.book
        tablet = Phone("tablet", two.other, ORIGIN)
        await tablet.post_json("/v1/devices", mum.card.enrolment(mum.account, tablet.card))
        await tablet.log_in()
        async with listening(two.other, tablet) as at_tablet:
            assert await at_tablet.words(1) == ["sync"]
            await two.one.delete(f"/v1/devices/{tablet.card.id.hex()}", headers=mum.headers)
            assert await at_tablet.next() == Event("end", None, '{"reason": "revoked"}')
        async with listening(two.other, dad) as at_dad, listening(two.one, mum) as at_mum:
            assert (await at_dad.words(1), await at_mum.words(1)) == (["sync"], ["sync"])
            await mum.push(book, make_frame(book, mum.card))
            assert (await at_dad.next()).word == "sync"
            theirs = book.copy()
            await dad.push(theirs, make_frame(theirs, dad.card))
            heard = await at_mum.next()
            assert heard.word == "sync"
            two.process_of_one.send_signal(signal.SIGKILL)
            with pytest.raises(httpx.HTTPError):
                await at_mum.next()
            await dad.push(theirs, make_frame(theirs, dad.card))
        mum.client = two.other
        async with listening(two.other, mum, heard.id) as at_mum, listening(two.other, dad) as at_dad:
            assert (await at_mum.words(1), await at_dad.words(1)) == (["sync"], ["sync"])
            book = theirs.copy()
            await mum.push(book, make_frame(book, mum.card))
            assert (await at_dad.next()).word == "sync"


async def test_a_wish_whose_process_is_killed_is_sent_by_the_other(tmp_path: Path):
    """EVT-9, PSH-1: the outbox is everybody's; who was not hinted is pushed, once."""
    async with postgres_kit.database(migrated=False) as database, pair(tmp_path, database) as two:
        target = PushTarget("local", PushAddress("token", "x"), "A" * 22)
        put = await two.other.put(
            "/v1/devices/self/push", content=msgspec.json.encode(target), headers={**two.dad.headers, **JSON}
        )
        assert put.status_code == 204
        await two.mum.push(two.book, make_frame(two.book, two.mum.card))
        two.process_of_one.send_signal(signal.SIGKILL)
        async with asyncio.timeout(WAIT_SECONDS):
            while SENT not in (text := (await two.other.get("/metrics")).text):
                await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        assert SENT in text


class Heard:
    """One end of a relay."""

    def __init__(self, url: str) -> None:
        self.told: list[dict[str, bytes]] = []
        self.missed = 0
        self.relay = PostgresRelay(url, self.told.append, self.miss)

    def miss(self) -> None:
        self.missed += 1

    async def until(self, done) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while not done():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def two_ends(url: str) -> AsyncIterator[tuple[Heard, Heard]]:
    ends = Heard(url), Heard(url)
    try:
        for one in ends:
            one.relay.start()
            await one.until(lambda one=one: one.missed)
        yield ends
    finally:
        for one in ends:
            await one.relay.close()


async def test_many_announcements_are_told_in_few_notifications(tmp_path: Path):
    """EVT-9: none is lost, and none comes back to who told it."""
    async with postgres_kit.database() as url, two_ends(url) as (one, other):
        topics = [of_account(b"%032d" % number) for number in range(500)]
        for topic in topics:
            one.relay.tell({topic: b"d" * 32})
        await other.until(lambda: sum(map(len, other.told)) == 500)
        assert {topic for told in other.told for topic in told} == set(topics)
        assert len(other.told) < 30
        assert one.told == []


async def test_what_could_not_be_told_is_told_when_the_connection_stands_again():
    """EVT-9: another, whose connection never broke, hears all of it."""
    async with postgres_kit.database() as url, two_ends(url) as (one, other):
        admin = await asyncpg.connect(url)
        [first, _] = await admin.fetch(CONNECTIONS)

        async def tell() -> None:
            """All the time, so that something is under way when the connection breaks."""
            for number in range(1_000):
                one.relay.tell({f"v{number}": NOBODY})
                await asyncio.sleep(0.0005)

        telling = asyncio.create_task(tell())
        await asyncio.sleep(0.05)
        await admin.execute("SELECT pg_terminate_backend($1)", first["pid"])
        await admin.close()
        await telling
        await other.until(lambda: len({topic for told in other.told for topic in told}) == 1_000)
        assert (one.missed, other.missed) == (2, 1)


async def test_a_relay_that_lost_postgresql_says_so_and_tells_what_has_gathered():
    """EVT-9: once it is back, nobody knows what was said meanwhile, and everybody looks."""
    cluster = postgres_kit.Cluster()
    cluster.start()
    try:
        async with two_ends(cluster.url()) as (one, other):
            await asyncio.to_thread(cluster.stop, signal.SIGQUIT)
            one.relay.tell({"v1": NOBODY})
            await asyncio.to_thread(cluster.start)
            await other.until(lambda: other.missed == 2)
            await one.until(lambda: one.missed == 2)
            one.relay.tell({"v2": NOBODY})
            await other.until(lambda: {"v2"} <= {topic for told in other.told for topic in told})
    finally:
        await asyncio.to_thread(cluster.remove)


async def test_what_gathers_while_postgresql_is_away_is_bounded():
    """EVT-9: past the bound it is one word that has everybody look."""
    relay = PostgresRelay("postgresql://nobody@/nowhere?host=/nowhere", dict, dict)
    for number in range(GATHERED_MAX + 1):
        relay.tell({f"v{number}": NOBODY})
    assert relay._gathered == {"*": NOBODY}
