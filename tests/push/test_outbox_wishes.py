"""Wishes: written with their cause, coalesced by their key, for whom they concern."""

from __future__ import annotations

from backend.notices.store import tell
from backend.push.store import DELAY_MS, HINTED_MS, NOTICE, WAKE, WakeSeen, settle
from tests.api.family_kit import join
from tests.api.phone_kit import Phone, make_frame
from tests.api.server_kit import Served
from tests.push.push_kit import register

TARGET = (
    "INSERT INTO push_targets (device, platform, address_kind, address, topic, wakes, quiet_from, quiet_until, set_at,"
    " claimed_until, paced_at) VALUES ($1, 'local', 'token', 'x', 't', TRUE, NULL, NULL, 0, 0, 0)"
)
OUTBOX = "SELECT class, wishes, since, wished_at, due_at FROM outbox WHERE device = $1 ORDER BY class"


async def reachable(server: Served, *phones: Phone) -> None:
    async with server.engine.transaction() as tx:
        for phone in phones:
            await tx.execute(TARGET, phone.card.id)


async def wishes(server: Served, phone: Phone) -> list[tuple[int, ...]]:
    return [tuple(row) for row in await server.engine.reading().fetch(OUTBOX, phone.card.id)]


async def test_an_edit_wishes_that_the_others_be_woken_and_not_its_author(server):
    """PSH-4."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, _ = await join(server, mum, book, "dad", "editor")
    await reachable(server, mum, dad)
    await mum.push(book, make_frame(book, mum.card))
    now = server.clock()
    assert await wishes(server, dad) == [(WAKE, 1, now, now, now + DELAY_MS)]
    assert await wishes(server, mum) == []


async def test_ten_quick_edits_are_one_wish(server):
    """PSH-6: the key coalesces; when it is due stays."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, _ = await join(server, mum, book, "dad", "editor")
    await reachable(server, dad)
    first = server.clock()
    for _ in range(10):
        await mum.push(book, make_frame(book, mum.card))
        server.clock.seconds(0.1)
    assert await wishes(server, dad) == [(WAKE, 10, first, first + 900, first + DELAY_MS)]


async def test_a_phone_without_a_target_costs_no_row(server):
    mum = await server.registered("mum")
    book = await mum.found()
    await join(server, mum, book, "dad", "editor")
    await mum.push(book, make_frame(book, mum.card))
    assert await server.engine.reading().fetch("SELECT device FROM outbox") == []


async def test_a_hint_puts_a_wake_off_until_half_a_minute_after_the_first_wish_and_no_further(server):
    """PSH-7: however many edits and hints follow."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, _ = await join(server, mum, book, "dad", "editor")
    await reachable(server, mum, dad)
    first = server.clock()
    for _ in range(3):
        await mum.push(book, make_frame(book, mum.card))
        async with server.engine.transaction() as tx:
            await settle(tx, {dad.card.id, mum.card.id}, {})
        server.clock.seconds(10)
    assert await wishes(server, dad) == [(WAKE, 3, first, first + 20_000, first + HINTED_MS)]


async def test_a_sync_meets_the_wake_that_it_has_seen_and_no_later_one(server):
    """PSH-7: nor one that took the place of what it has seen."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, _ = await join(server, mum, book, "dad", "editor")
    await reachable(server, mum, dad)
    await mum.push(book, make_frame(book, mum.card))
    seen = WakeSeen(dad.card.id, 1, server.clock())
    server.clock.seconds(1)
    await mum.push(book, make_frame(book, mum.card))
    last = server.clock()
    for _ in range(2):
        async with server.engine.transaction() as tx:
            await settle(tx, (), {dad.card.id: seen})
        assert [(row[0], row[2]) for row in await wishes(server, dad)] == [(WAKE, last)]
    async with server.engine.transaction() as tx:
        await settle(tx, (), {dad.card.id: WakeSeen(dad.card.id, 2, last)})
    assert await wishes(server, dad) == []
    server.clock.seconds(1)
    await mum.push(book, make_frame(book, mum.card))
    async with server.engine.transaction() as tx:
        await settle(tx, (), {dad.card.id: seen})
    assert [row[0] for row in await wishes(server, dad)] == [WAKE]


async def test_a_notice_wishes_that_the_accounts_other_phones_be_told(server):
    """PSH-5."""
    mum = await server.registered("mum")
    tablet = server.phone("tablet")
    await tablet.post_json("/v1/devices", mum.card.enrolment(mum.account, tablet.card))
    await reachable(server, mum, tablet)
    await mum.post_json("/v1/devices", mum.card.enrolment(mum.account, server.phone("watch").card))
    assert [row[0] for row in await wishes(server, tablet)] == [NOTICE]
    assert await wishes(server, mum) == []
    [before] = await wishes(server, tablet)
    async with server.engine.transaction() as tx:
        await settle(tx, {tablet.card.id}, {})
        await settle(tx, (), {tablet.card.id: WakeSeen(tablet.card.id, 1, server.clock())})
    assert await wishes(server, tablet) == [before]


async def test_a_muted_kind_is_no_wish_and_another_is(server):
    """PSH-5."""
    mum = await server.registered("mum")
    await register(mum, "mum", "local", muted=("share_opened",))
    for kind, expected in (("share_opened", []), ("removed", [NOTICE])):
        async with server.engine.transaction() as tx:
            await tell(tx, mum.account, kind, None, server.clock())
        assert [row[0] for row in await wishes(server, mum)] == expected
