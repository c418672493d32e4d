"""Two server processes on one PostgreSQL, one of them killed while it sends: the other loses nothing, floods nobody."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from pathlib import Path

import asyncpg
import httpx

from backend.push.worker import CLAIM_MS
from infra.fcm.server import running, write_credentials
from sync.wire.item import EDITOR
from tests.api.family_kit import add, enter
from tests.api.phone_kit import Phone, make_frame
from tests.faults import server_process
from tests.push.push_kit import register
from tests.push.test_push_kills import ORIGIN, family, until
from tests.storage import postgres_kit

ENGINES = ("postgres",)
PHONES = 6
A_MINUTE_LATER = "UPDATE push_targets SET claimed_until = claimed_until - $1 WHERE claimed_until > 0"


async def empty(look: asyncpg.Connection) -> None:
    """Waits until nothing is wished."""
    async with asyncio.timeout(60):
        while await look.fetchval("SELECT count(*) FROM outbox"):
            await asyncio.sleep(0.05)


async def test_a_worker_that_is_killed_beside_another_loses_no_push_and_floods_nobody(tmp_path: Path):
    """PSH-8: what it had in hand is passed by for a minute, and then sent once by the other; new wishes are sent at
    once."""
    async with postgres_kit.database(migrated=False) as database, running(time.monotonic) as fcm:
        credentials = write_credentials(tmp_path / "account.json", fcm.url)
        settings = {"CARNET_PUSH_CREDENTIALS": str(credentials), "CARNET_PUSH_ENDPOINT": fcm.url}
        options = ("--origin", ORIGIN, "--database", database)
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
        look = await asyncpg.connect(database)

        def sent() -> Counter[str]:
            return Counter(push.address.removesuffix("-address") for push in fcm.rules.taken)

        with server_process.running(tmp_path / "one", *options, **settings) as (process, url):
            async with httpx.AsyncClient(base_url=url) as client:
                mum, book = await family(client, PHONES)
                await empty(look)
                late = await Phone("late", client, ORIGIN).register()
                fcm.rules.taken.clear()
                for number in range(PHONES // 2):
                    fcm.rules.say(f"phone{number}-address", "hang")  # half are answered, and none is settled
                await mum.push(book, make_frame(book, mum.card))
                await until(lambda: len(fcm.rules.taken) == PHONES)
            with server_process.running(tmp_path / "other", *options, **settings) as (_, url):
                async with httpx.AsyncClient(base_url=url) as client:
                    for phone in (mum, late):
                        phone.client = client
                    await enter(mum, book, add(late.card, late.person, EDITOR))
                    await register(late, "late")
                    process.send_signal(signal.SIGKILL)
                    process.wait(20)
                    await mum.push(book, make_frame(book, mum.card))
                    await until(lambda: sent()["late"] == 1)
                    assert sent() == Counter({f"phone{number}": 1 for number in range(PHONES)} | {"late": 1})
                    await look.execute(A_MINUTE_LATER, CLAIM_MS)
                    await until(lambda: sum(sent().values()) >= 2 * PHONES + 1)
                    await empty(look)
                    assert sent() == Counter({f"phone{number}": 2 for number in range(PHONES)} | {"late": 1})
        await look.close()
