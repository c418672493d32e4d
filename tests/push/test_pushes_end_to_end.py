"""From an edit to the push service and back: the server, its outbox and the real SDK before a stand-in for Firebase."""

from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest_asyncio

from backend.http.logs import start_logs
from backend.push.firebase import open_firebase
from infra.fcm.rules import Taken
from infra.fcm.server import FcmServer, running, write_credentials
from tests.api.family_kit import join
from tests.api.phone_kit import LogBook, Phone, make_frame
from tests.api.server_kit import START_MS, Served
from tests.api.share_kit import Share
from tests.api.test_account_notices import enrolled, kinds
from tests.api.test_metrics import figures
from tests.push.push_kit import register
from tests.push.serving_kit import pushing_with
from tests.storage.both_engines import on

DAY = 86_400


class World(NamedTuple):
    server: Served
    fcm: FcmServer
    log: io.StringIO

    async def after(self, seconds: float, step: float = 1.0) -> list[Taken]:
        """What the push service takes while so many seconds go by."""
        first = len(self.fcm.rules.taken)
        for _ in range(int(seconds / step)):
            self.server.clock.seconds(step)
            await self.server.app.pushes.turn()
        return self.fcm.rules.taken[first:]


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock, log = [lambda: START_MS], io.StringIO()
    start_logs(log)
    async with running(lambda: clock[0]() / 1_000) as fcm:
        sender = open_firebase(str(write_credentials(tmp_path / "account.json", fcm.url)), fcm.url)
        async with pushing_with(tmp_path / "server", sender) as server:
            clock[0] = server.clock
            yield World(server, fcm, log)


async def family(world: World, *others: str) -> tuple[Phone, LogBook, list[Phone]]:
    """Mum's phone and those of others in one vault, each pushed to under its name."""
    mum = await world.server.registered("mum")
    book = await mum.found()
    phones = [(await join(world.server, mum, book, name, "editor"))[0] for name in others]
    for name, phone in zip(("mum", *others), (mum, *phones), strict=True):
        await register(phone, name, "apple" if name == "dad" else "android")
    return mum, book, phones


def told(taken: list[Taken]) -> list[tuple[str, str]]:
    return sorted((push.address.removesuffix("-address"), push.class_) for push in taken)


async def test_ten_quick_edits_wake_the_other_phones_once_and_their_author_never(world):
    """PSH-4, PSH-6, PSH-14."""
    mum, book, _ = await family(world, "dad", "gran")
    await mum.push(book, make_frame(book, mum.card))
    assert told(await world.after(5)) == [("dad", "wake"), ("gran", "wake")]
    for _ in range(10):
        await mum.push(book, make_frame(book, mum.card))
    assert told(await world.after(60)) == [("dad", "wake"), ("gran", "wake")]
    assert world.fcm.rules.wrong == []


async def test_a_share_that_was_opened_is_a_notice_on_every_phone_of_its_owner(world):
    """PSH-5, ACC-17: and of nobody else."""
    mum, _, _ = await family(world, "dad")
    tablet = await enrolled(world.server, mum, "tablet")
    await register(tablet, "tablet", "apple")
    share = await Share(mum).made()
    await share.open()
    await share.open()
    assert told(await world.after(5)) == [("mum", "notice"), ("tablet", "notice")]
    assert await kinds(mum) == ["share_opened", "share_opened"]
    assert world.fcm.rules.wrong == []


async def test_a_token_that_is_dead_disappears(world):
    """PSH-12."""
    mum, book, (dad,) = await family(world, "dad")
    world.fcm.rules.dead.add("dad-address")
    await mum.push(book, make_frame(book, mum.card))
    await world.after(60)
    assert world.fcm.rules.asked == 1
    await mum.push(book, make_frame(book, mum.card))
    await world.after(60)
    assert world.fcm.rules.asked == 1
    assert await kinds(dad) == ["push_lost"]


async def test_a_minute_without_the_push_service_loses_nothing(world):
    """PSH-11: cut connections, then refusals, then hers again; each phone is woken once."""
    mum, book, _ = await family(world, "dad", "gran", "aunt")
    world.fcm.go_down()
    await mum.push(book, make_frame(book, mum.card))
    assert await world.after(30) == []
    world.fcm.come_up()
    world.fcm.rules.always = "UNAVAILABLE"
    assert await world.after(30) == []
    world.fcm.rules.always = ""
    assert told(await world.after(180)) == [("aunt", "wake"), ("dad", "wake"), ("gran", "wake")]
    assert await world.server.engine.reading().fetch("SELECT device FROM outbox") == []


@on("sqlite")
async def test_a_diary_of_four_hours_stays_within_googles_bucket(world):
    """PSH-13: an edit a minute, four phones; what waits is one wish, and the last edit reaches everybody."""
    mum, book, _ = await family(world, "gran", "aunt", "uncle")
    edits, taken = [], []
    for _ in range(240):
        await mum.log_in()
        await mum.push(book, make_frame(book, mum.card))
        edits.append(world.server.clock() / 1_000)
        taken += await world.after(60, 4)
    taken += await world.after(240, 4)
    assert world.fcm.rules.asked == len(taken)  # none was refused
    for name in ("gran", "aunt", "uncle"):
        woken = [push.at for push in taken if push.address == f"{name}-address"]
        delays = [next(at for at in woken if at >= edit) - edit for edit in edits]
        assert 90 <= len(woken) <= 100
        assert max(delays) <= 184
        assert sum(delays) / len(delays) <= 100


async def test_what_becomes_of_wishes_is_counted(world):
    """PSH-15."""
    mum, book, _ = await family(world, "dad", "gran", "aunt")
    world.fcm.rules.say("gran-address", "UNAVAILABLE")
    world.fcm.rules.dead.add("aunt-address")
    for _ in range(5):
        await mum.push(book, make_frame(book, mum.card))
    await world.after(3)
    await (await Share(mum).made()).open()
    await world.after(3)
    samples = await figures(world.server)
    expected = {
        ("carnet_push_sent_total", (("class", "wake"),)): 1,
        ("carnet_push_sent_total", (("class", "notice"),)): 1,
        ("carnet_push_coalesced_total", (("class", "wake"),)): 4,
        ("carnet_push_failed_total", (("reason", "unavailable"),)): 1,
        ("carnet_push_failed_total", (("reason", "unregistered"),)): 1,
        ("carnet_push_oldest_wish_seconds", ()): 6,
    }
    assert {key: samples.get(key) for key in expected} == expected


async def test_no_id_stands_in_a_push_a_figure_or_the_log(world):
    """PSH-14, PSH-15: of a vault, an account, a device, a share."""
    mum, book, (dad,) = await family(world, "dad")
    share = await Share(mum).made()
    await share.open()
    await mum.push(book, make_frame(book, mum.card))
    taken = await world.after(5)
    assert told(taken) == [("dad", "wake"), ("mum", "notice")]
    text = b"\n".join(push.body for push in taken) + (await world.server.client.get("/metrics")).content
    assert "/v1/sync" in world.log.getvalue()
    text += world.log.getvalue().encode()
    handle = bytes.fromhex(share.path.rpartition("/")[2])
    for id_ in (book.vault, mum.account, dad.account, mum.card.id, dad.card.id, mum.person, handle):
        for form in (id_, id_.hex().encode(), base64.b64encode(id_)[:-3], base64.urlsafe_b64encode(id_)[:-3]):
            assert form not in text
