"""A phone that was hinted on its own line is not pushed as well."""

from __future__ import annotations

import asyncio
from pathlib import Path

from backend.notices.store import tell
from backend.push.store import NOTICE, WAKE
from sync.wire.item import EDITOR
from tests.api.family_kit import add, enter
from tests.api.phone_kit import make_frame
from tests.live.listening import WAIT_SECONDS, Live, live

TARGET = (
    "INSERT INTO push_targets (device, platform, address_kind, address, topic, wakes, quiet_from, quiet_until, set_at,"
    " claimed_until, paced_at) VALUES ($1, 'local', 'token', 'x', 't', TRUE, NULL, NULL, 0, 0, 0)"
)


async def wishes(running: Live) -> set[tuple[bytes, int]]:
    return set(await running.server.engine.reading().fetch("SELECT device, class FROM outbox"))


async def test_a_hint_takes_back_the_wake_of_who_listens_and_of_nobody_else(tmp_path: Path):
    """EVT-13: nor a notice, for a line that is open does not say that a person looks."""
    async with live(tmp_path) as running:
        mum, dad = await running.registered("mum"), await running.registered("dad")
        asleep = await running.registered("asleep")
        book = await mum.found()
        await enter(mum, book, *(add(one.card, one.person, EDITOR) for one in (dad, asleep)))
        async with running.server.engine.transaction() as tx:
            for phone in (mum, dad, asleep):
                await tx.execute(TARGET, phone.card.id)
        async with running.listening(dad) as at_dad:
            assert await at_dad.words(1) == ["sync"]
            await mum.push(book, make_frame(book, mum.card))
            async with running.server.engine.transaction() as tx:
                await tell(tx, dad.account, "recovery_used", None, running.clock())
            assert (dad.card.id, WAKE) in await wishes(running)
            async with asyncio.timeout(WAIT_SECONDS):
                while (dad.card.id, WAKE) in await wishes(running):
                    await asyncio.sleep(0.02)
            assert await wishes(running) == {(asleep.card.id, WAKE), (dad.card.id, NOTICE)}
