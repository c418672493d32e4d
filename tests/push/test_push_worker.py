"""From a wish to a push: claimed, planned, sent, settled. A sender that answers what it is told stands for Firebase."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest_asyncio

from backend.push.sender import Fate
from backend.push.store import WakeSeen, settle
from tests.api.family_kit import join
from tests.api.phone_kit import Phone, make_frame
from tests.api.server_kit import Served
from tests.api.test_account_notices import enrolled, kinds, seen
from tests.push.push_kit import Carrier, register
from tests.push.serving_kit import pushing

MINUTE, DAY = 60, 86_400


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[Served, Carrier]]:
    async with pushing(tmp_path) as running:
        yield running


async def family(server: Served):
    """Mum and dad in one vault, both reachable."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, _ = await join(server, mum, book, "dad", "editor")
    await register(mum, "mum")
    await register(dad, "dad")
    return mum, dad, book


async def later(server: Served, seconds: float) -> None:
    server.clock.seconds(seconds)
    await server.app.pushes.turn()


async def test_ten_quick_edits_wake_the_other_phone_once_and_never_their_author(world):
    """PSH-4, PSH-6."""
    server, carrier = world
    mum, _, book = await family(server)
    for _ in range(10):
        await mum.push(book, make_frame(book, mum.card))
    await later(server, 2)
    assert carrier.take() == [("dad-address", "wake")]
    await later(server, DAY)
    assert carrier.take() == []


async def test_an_edit_while_the_push_is_on_its_way_is_pushed_after_it(world):
    """PSH-6, PSH-8: it may have been too late for the sync that the first one caused."""
    server, carrier = world
    mum, _, book = await family(server)
    await mum.push(book, make_frame(book, mum.card))

    async def edit() -> None:
        carrier.meanwhile = None
        await mum.push(book, make_frame(book, mum.card))
        assert await server.app.pushes.turn() == 0  # never two at once for a device

    carrier.meanwhile = edit
    await later(server, 2)
    assert carrier.take() == [("dad-address", "wake")]
    await later(server, 2)
    assert carrier.take() == [("dad-address", "wake")]
    await later(server, MINUTE)
    assert carrier.take() == []


async def test_an_edit_after_the_sync_that_a_push_on_its_way_has_caused_is_pushed_too(world):
    """PSH-6, PSH-7: the sync met the first wish, so that the second looks like it, and is another."""
    server, carrier = world
    mum, dad, book = await family(server)
    await mum.push(book, make_frame(book, mum.card))
    since = server.clock()

    async def sync_and_edit() -> None:
        carrier.meanwhile = None
        async with server.engine.transaction() as tx:
            await settle(tx, (), {dad.card.id: WakeSeen(dad.card.id, 1, since)})
        await mum.push(book, make_frame(book, mum.card))

    carrier.meanwhile = sync_and_edit
    await later(server, 2)
    assert carrier.take() == [("dad-address", "wake")]
    await later(server, 2)
    assert carrier.take() == [("dad-address", "wake")]


async def test_what_cannot_be_sent_is_tried_again_less_and_less_often(world):
    """PSH-11."""
    server, carrier = world
    mum, _, book = await family(server)
    carrier.answers = [Fate("later", "unavailable")] * 5
    await mum.push(book, make_frame(book, mum.card))
    started, at = server.clock(), []
    while len(at) < 6:
        await later(server, 1)
        if carrier.take():
            at.append((server.clock() - started) / 1000)
    for attempt, (one, next_one) in enumerate(pairwise(at)):
        assert 5 * 2**attempt <= next_one - one <= max(10 * 2**attempt, 20) + 1, at


async def test_retry_after_is_kept(world):
    """PSH-11: not sooner than the service has asked."""
    server, carrier = world
    mum, _, book = await family(server)
    carrier.answers = [Fate("later", "quota", 120_000)]
    await mum.push(book, make_frame(book, mum.card))
    await later(server, 2)
    carrier.take()
    await later(server, 119)
    assert carrier.take() == []
    await later(server, 25)
    assert carrier.take() == [("dad-address", "wake")]


async def test_a_wake_that_is_a_day_old_is_given_up(world):
    """PSH-11."""
    server, carrier = world
    mum, _, book = await family(server)
    await mum.push(book, make_frame(book, mum.card))
    await later(server, DAY + 1)
    assert carrier.take() == []
    assert await server.engine.reading().fetch("SELECT device FROM outbox") == []


async def test_a_dead_target_is_dropped_and_its_device_hears_of_it_when_it_syncs(world):
    """PSH-12."""
    server, carrier = world
    mum, dad, book = await family(server)
    carrier.answers = [Fate("dead", "unregistered")]
    await mum.push(book, make_frame(book, mum.card))
    await later(server, 2)
    assert await kinds(dad) == ["push_lost"]
    assert await kinds(mum) == []
    carrier.take()
    await mum.push(book, make_frame(book, mum.card))
    await later(server, MINUTE)
    assert carrier.take() == []


async def test_a_target_that_was_renewed_while_its_old_one_died_stays(world):
    """PSH-12."""
    server, carrier = world
    mum, dad, book = await family(server)
    carrier.answers = [Fate("dead", "unregistered")]

    async def renew() -> None:
        carrier.meanwhile = None
        await register(dad, "dad-new")

    carrier.meanwhile = renew
    await mum.push(book, make_frame(book, mum.card))
    await later(server, 2)
    carrier.take()
    await later(server, 2)
    assert carrier.take() == [("dad-new-address", "wake")]
    assert await kinds(dad) == []


async def test_a_notice_that_nobody_has_seen_is_pushed_once_more_after_a_day_and_heads_the_next_sync(world):
    """PSH-9."""
    server, carrier = world
    mum = await server.registered("mum")
    await register(mum, "mum")
    tablet = await enrolled(server, mum, "tablet")
    await enrolled(server, tablet, "watch")
    await later(server, 2)
    assert carrier.take() == [("mum-address", "notice")]
    await later(server, DAY - 1)
    assert carrier.take() == []
    await later(server, 2)
    assert carrier.take() == [("mum-address", "notice")]
    for _ in range(3):
        await later(server, DAY)
    assert carrier.take() == []
    await mum.log_in()
    assert (await mum.sync()).head.notices[0].kind == "new_device"


async def test_a_notice_that_was_seen_is_not_pushed(world):
    """PSH-9: neither again, nor at all if she was quicker."""
    server, carrier = world
    mum = await server.registered("mum")
    await register(mum, "mum")
    tablet = await enrolled(server, mum, "tablet")
    await enrolled(server, tablet, "watch")
    await later(server, 2)
    carrier.take()
    await enrolled(server, tablet, "second watch")
    await seen(mum)
    await later(server, 2)
    await later(server, DAY)
    assert carrier.take() == []


async def test_a_notice_takes_the_wake_with_it(world):
    """PSH-8: one push a device."""
    server, carrier = world
    mum, dad, book = await family(server)
    tablet = await enrolled(server, dad, "tablet")
    await mum.push(book, make_frame(book, mum.card))
    await enrolled(server, tablet, "watch")
    await later(server, 2)
    assert carrier.take() == [("dad-address", "notice")]
    await later(server, MINUTE)
    assert carrier.take() == []


async def test_quiet_hours_hold_a_notice_until_they_end_but_not_an_urgent_one_and_no_wake(world):
    """PSH-10."""
    server, carrier = world
    mum, dad, book = await family(server)
    minute = server.clock() // 60_000 % 1_440
    await register(dad, "dad", quiet=((minute - 5) % 1_440, (minute + 30) % 1_440))
    await tell(server, dad, "share_opened")
    await mum.push(book, make_frame(book, mum.card))
    await later(server, 2)
    assert carrier.take() == [("dad-address", "wake")]
    await later(server, 20 * MINUTE)
    assert carrier.take() == []
    await tell(server, dad, "new_device")
    await later(server, 2)
    assert carrier.take() == [("dad-address", "notice")]
    await seen(await dad.log_in())
    await tell(server, dad, "share_opened")
    await later(server, 2)
    assert carrier.take() == []
    await later(server, 15 * MINUTE)
    assert carrier.take() == [("dad-address", "notice")]


async def test_what_a_device_does_not_want_it_is_not_pushed(world):
    """PSH-5: nor is it repeated; sync carries it all the same."""
    server, carrier = world
    mum, dad, book = await family(server)
    await register(dad, "dad", wakes=False, muted=("share_opened", "a_kind_of_tomorrow"))
    await mum.push(book, make_frame(book, mum.card))
    await tell(server, dad, "share_opened")
    await later(server, 2)
    await later(server, DAY + 2)
    assert carrier.take() == []
    assert await kinds(await dad.log_in()) == ["share_opened"]


async def test_a_revoked_phone_is_pushed_to_no_more(world):
    """PSH-3."""
    server, carrier = world
    mum = await server.registered("mum")
    tablet = await enrolled(server, mum, "tablet")
    await register(tablet, "tablet")
    await enrolled(server, mum, "watch")
    await mum.client.delete(f"/v1/devices/{tablet.card.id.hex()}", headers=mum.headers)
    await later(server, 2)
    assert carrier.take() == []
    for table in ("push_targets", "push_muted", "outbox"):
        assert await server.engine.reading().fetch(f"SELECT device FROM {table}") == []


async def test_a_worker_that_dies_with_a_batch_in_hand_leaves_it_to_others_after_a_minute(world):
    """PSH-8: nothing is lost, and nobody sends it sooner."""
    server, carrier = world
    mum, _, book = await family(server)
    await mum.push(book, make_frame(book, mum.card))

    async def die() -> None:
        carrier.meanwhile = None
        raise RuntimeError("the process ends here")

    carrier.meanwhile = die
    server.clock.seconds(2)
    try:
        await server.app.pushes.turn()
    except RuntimeError:
        carrier.take()
    await later(server, 59)
    assert carrier.take() == []
    await later(server, 2)
    assert carrier.take() == [("dad-address", "wake")]
    await later(server, DAY)
    assert carrier.take() == []


async def tell(server: Served, phone: Phone, kind: str) -> None:
    from backend.notices.store import tell as tell_account

    async with server.engine.transaction() as tx:
        await tell_account(tx, phone.account, kind, None, server.clock())  # type: ignore[arg-type]
