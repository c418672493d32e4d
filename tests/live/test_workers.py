"""The processes of one `run --workers N`: figures of all of them in every scrape, hints in each, one of them killed."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from backend.http.figures import merged
from sync.wire.item import VIEWER
from tests.api.family_kit import add, enter
from tests.api.phone_kit import LogBook, Phone, make_frame
from tests.faults.server_process import running
from tests.live.listening import WAIT_SECONDS, Listener
from tests.storage import postgres_kit

STREAMS = re.compile(r'^carnet_event_streams\{worker="(\d+)"\} (\d+)', re.MULTILINE)
LISTENERS = 5


async def scraped(url: str) -> str:
    async with httpx.AsyncClient(base_url=url, timeout=WAIT_SECONDS) as client:
        return (await client.get("/metrics")).text


def streams(text: str) -> dict[int, int]:
    """How many listen, by the process's number."""
    return {int(pid): int(count) for pid, count in STREAMS.findall(text)}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_every_scrape_shows_all_workers_and_hints_reach_the_phones_of_each(tmp_path: Path, kind: str):
    """LIM-11, EVT-9: and goes on when one is killed, whose place another takes."""
    asyncio.run(on_sqlite(tmp_path) if kind == "sqlite" else on_postgres(tmp_path))


async def on_sqlite(folder: Path) -> None:
    with running(folder, "--workers", "2") as (process, url):
        await use(process, url)


async def on_postgres(folder: Path) -> None:
    async with postgres_kit.database(migrated=False) as database:
        with running(folder, "--workers", "2", "--database", database) as (process, url):
            await use(process, url)


async def use(process, url: str) -> None:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=WAIT_SECONDS))
        async with asyncio.timeout(WAIT_SECONDS):
            while len(streams(await scraped(url))) < 2:
                await asyncio.sleep(0.05)
        mum = await Phone("mum", client, url).register()
        others = [await Phone(f"other {number}", client, url).register() for number in range(LISTENERS)]
        book = await mum.found()
        await enter(mum, book, *(add(phone.card, phone.person, VIEWER) for phone in others))
        listeners = [await listening(stack, url, phone) for phone in others]
        extra = 0
        while 0 in streams(await scraped(url)).values():  # all of them came to one process: a phone more
            extra += 1
            one = await Phone(f"extra {extra}", client, url).register()
            await enter(mum, book, add(one.card, one.person, VIEWER))
            listeners.append(await listening(stack, url, one))
        assert sum(streams(await scraped(url)).values()) == len(listeners)
        assert {await heard(listener, mum, book) for listener in listeners} == {"sync"}
        text = await scraped(url)
        assert text.count("# TYPE carnet_requests_total counter") == 1
        [killed, other] = streams(text)
        os.kill(killed, signal.SIGKILL)
        async with asyncio.timeout(WAIT_SECONDS * 2):
            while len(left := streams(await scraped(url))) < 2 or killed in left:
                await asyncio.sleep(0.1)
        assert other in left
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0


async def listening(stack: AsyncExitStack, url: str, phone: Phone) -> Listener:
    """A stream over a connection of its own, which either process may have taken; its first hint is read."""
    client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=WAIT_SECONDS))
    response = await stack.enter_async_context(client.stream("GET", "/v1/events", headers=phone.headers))
    listener = Listener(response)
    assert (await listener.next()).word == "sync"
    return listener


async def heard(listener: Listener, mum: Phone, book: LogBook) -> str:
    """What one hears of an edit; those before it may have been hinted in several events."""
    await mum.push(book, make_frame(book, mum.card))
    event = await listener.next()
    return event.word


def test_the_texts_of_several_processes_are_one_with_each_family_once():
    """LIM-11."""
    one = '# HELP a words\n# TYPE a counter\na{worker="1"} 1\n# HELP c d\n# TYPE c gauge\nc{worker="1"} 0\n'
    other = '# HELP a words\n# TYPE a counter\na{worker="2"} 1\n# HELP b d\n# TYPE b gauge\nb{worker="2"} 0\n'
    assert merged([one, other]) == (
        '# HELP a words\n# TYPE a counter\na{worker="1"} 1\na{worker="2"} 1\n'
        '# HELP b d\n# TYPE b gauge\nb{worker="2"} 0\n# HELP c d\n# TYPE c gauge\nc{worker="1"} 0\n'
    )
