"""A server killed with SIGKILL while pushes are on their way: none is lost, and none is repeated but once a claim."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx

from backend.push.worker import CLAIM_MS
from infra.fcm.server import running, write_credentials
from sync.wire.item import EDITOR
from tests.api.family_kit import add, enter
from tests.api.phone_kit import LogBook, Phone, make_frame
from tests.faults import server_process
from tests.push.push_kit import register

ENGINES = ("sqlite",)
ORIGIN = "http://carnet.example"
PHONES = 12


async def family(client: httpx.AsyncClient, phones: int = PHONES) -> tuple[Phone, LogBook]:
    mum = await Phone("mum", client, ORIGIN).register()
    book = await mum.found()
    others = [await Phone(f"phone {n}", client, ORIGIN).register() for n in range(phones)]
    assert (await enter(mum, book, *(add(phone.card, phone.person, EDITOR) for phone in others))).code is None
    for number, phone in enumerate(others):
        await register(phone, f"phone{number}")
    return mum, book


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def a_minute_goes_by(folder: Path) -> None:
    """What the dead process had in hand is free."""
    with sqlite3.connect(folder / "data" / "carnet.sqlite3") as database:
        database.execute(
            "UPDATE push_targets SET claimed_until = claimed_until - ? WHERE claimed_until > 0", (CLAIM_MS,)
        )


def waiting(folder: Path) -> int:
    with sqlite3.connect(folder / "data" / "carnet.sqlite3") as database:
        return int(database.execute("SELECT count(*) FROM outbox").fetchone()[0])


async def test_a_kill_at_any_point_loses_no_push_and_floods_nobody(tmp_path: Path):
    """PSH-8: before a push is sent, while the service hesitates, and after it has taken some."""
    async with running(time.monotonic) as fcm:
        credentials = write_credentials(tmp_path / "account.json", fcm.url)
        settings = {"CARNET_PUSH_CREDENTIALS": str(credentials), "CARNET_PUSH_ENDPOINT": fcm.url}
        options = ("--origin", ORIGIN)
        ends = [
            lambda: True,  # the edit is acknowledged, nothing else
            lambda: fcm.rules.asked >= PHONES,  # asked, and nobody is answered
            lambda: len(fcm.rules.taken) >= PHONES // 2,  # some are answered, none is settled
        ]
        with server_process.running(tmp_path, *options, **settings) as (process, url):
            async with httpx.AsyncClient(base_url=url) as client:
                mum, book = await family(client)
                await until(lambda: waiting(tmp_path) == 0)
                fcm.rules.taken.clear()
                fcm.rules.always = "hang"
                await mum.push(book, make_frame(book, mum.card))
            await until(ends[0])
            process.send_signal(signal.SIGKILL)
        for end, manner in zip(ends[1:], ("hang", ""), strict=True):
            fcm.rules.always, fcm.rules.asked = manner, 0
            with server_process.running(tmp_path, *options, **settings) as (process, _):
                await until(end)
                process.send_signal(signal.SIGKILL)
                process.wait(20)
            a_minute_goes_by(tmp_path)
        with server_process.running(tmp_path, *options, **settings):
            await until(lambda: waiting(tmp_path) == 0)
        times = Counter(push.address for push in fcm.rules.taken)
        assert len(times) == PHONES
        assert max(times.values()) <= 3
