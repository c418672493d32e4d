"""A phone that was hinted on its own line is pushed only if it does not sync."""

from __future__ import annotations

import asyncio
from pathlib import Path

from backend.events.settling import GATHER_SECONDS
from backend.notices.store import tell
from backend.push.store import HINTED_MS, NOTICE, WAKE
from sync.wire.item import EDITOR
from tests.api.family_kit import add, enter
from tests.api.phone_kit import LogBook, Phone, make_frame
from tests.live.listening import WAIT_SECONDS, Live, live

TARGET = (
    "INSERT INTO push_targets (device, platform, address_kind, address, topic, wakes, quiet_from, quiet_until, set_at,"
    " claimed_until, paced_at) VALUES ($1, 'local', 'token', 'x', 't', TRUE, NULL, NULL, 0, 0, 0)"
)


async def wishes(running: Live) -> set[tuple[bytes, int]]:
    return set(await running.server.engine.reading().fetch("SELECT device, class FROM outbox"))


async def put_off(running: Live, phone: Phone) -> None:
    """Waits until the wake of a phone waits for its sync."""
    due = "SELECT since FROM outbox WHERE device = $1 AND class = 0 AND due_at = since + $2"
    async with asyncio.timeout(WAIT_SECONDS):
        while not await running.server.engine.reading().fetch(due, phone.card.id, HINTED_MS):
            await asyncio.sleep(0.02)


async def family(running: Live, *names: str) -> tuple[Phone, LogBook, list[Phone]]:
    """Mum and others in one vault, all of whom can be pushed to."""
    mum, others = await running.registered("mum"), [await running.registered(name) for name in names]
    book = await mum.found()
    await enter(mum, book, *(add(one.card, one.person, EDITOR) for one in others))
    async with running.server.engine.transaction() as tx:
        for phone in (mum, *others):
            await tx.execute(TARGET, phone.card.id)
    return mum, book, others


async def test_a_sync_takes_back_the_wake_of_who_listens_and_of_nobody_else(tmp_path: Path):
    """EVT-13, PSH-7: nor a notice, for a line that is open does not say that a person looks."""
    async with live(tmp_path) as running:
        mum, book, (dad, asleep) = await family(running, "dad", "asleep")
        theirs = book.copy()
        async with running.listening(dad) as at_dad:
            assert await at_dad.words(1) == ["sync"]
            await mum.push(book, make_frame(book, mum.card))
            async with running.server.engine.transaction() as tx:
                await tell(tx, dad.account, "recovery_used", None, running.clock())
            await put_off(running, dad)
            assert (dad.card.id, WAKE) in await wishes(running)
            await dad.sync()  # asks for no vault: what the wake is for has not been answered
            await dad.push(theirs)
            async with asyncio.timeout(WAIT_SECONDS):
                while (dad.card.id, WAKE) in await wishes(running):
                    await asyncio.sleep(0.02)
            assert await wishes(running) == {(asleep.card.id, WAKE), (dad.card.id, NOTICE)}


async def test_a_sync_that_does_not_ask_for_every_vault_takes_no_wake_back(tmp_path: Path):
    """PSH-7: the phone may need to be woken for another."""
    async with live(tmp_path) as running:
        mum, book, (dad,) = await family(running, "dad")
        await mum.push(book, make_frame(book, mum.card))
        other = await dad.found()
        await dad.push(other)
        await asyncio.sleep(2 * GATHER_SECONDS)
        assert await wishes(running) == {(dad.card.id, WAKE)}


async def test_a_line_that_was_lost_without_a_word_keeps_no_push_from_its_phone(tmp_path: Path):
    """EVT-13, PSH-7: its socket takes every hint, and nobody reads; it is woken half a minute after the edit."""
    async with live(tmp_path) as running:
        mum, book, (dad,) = await family(running, "dad")
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(
            f"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: {dad.headers['authorization']}\r\n\r\n".encode()
        )
        await reader.readuntil(b"event: sync\n")
        await mum.push(book, make_frame(book, mum.card))
        await put_off(running, dad)
        sent = 'carnet_push_sent_total{class="wake"} '
        for seconds, expected in ((2, 0), (27, 0), (2, 1), (60, 1)):
            running.clock.seconds(seconds)
            await running.server.app.pushes.turn()
            assert f"{sent}{expected}\n" in (await running.client.get("/metrics")).text
        assert len(running.hub) == 1  # it counts as connected all the time
        writer.close()
