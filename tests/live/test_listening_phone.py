"""How a phone listens: what it does when it is refused, cut off, or told nonsense."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sync.device.transport import HttpTransport, Unreachable
from sync.device.watching import WAIT_SECONDS_MAX, Watching
from sync.wire.events import BYTES_MAX, Event, EventReader
from tests.cli import bundles
from tests.cli.kit import link_phone, make_phone
from tests.cli.watcher import Watcher
from tests.faults.server_process import running

SOON = 40  # seconds in which what must happen has happened on a busy machine


async def watched(phone, until, connect=None) -> tuple[list[dict], list[float]]:
    """What a watch told, and how long it rested each time, until `until` is true of both."""
    told: list[dict] = []
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        await asyncio.sleep(0.01)

    async with phone.phone() as opened:
        opened = opened._replace(connect=connect or opened.connect)
        task = asyncio.create_task(Watching(opened, told.append, rest).run())
        async with asyncio.timeout(SOON):
            while not until(told, rests) and not task.done():
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return told, rests


def test_a_phone_that_is_refused_the_stream_syncs_by_a_schedule(tmp_path: Path):
    """EVT-12: and a person reads that, once."""
    with running(tmp_path, CARNET_EVENT_STREAMS_MAX="1") as (_, url):
        a = make_phone(tmp_path / "a", url)
        b = link_phone(tmp_path / "b", a, url)
        first = Watcher(a)
        try:
            first.until("listening")
            a("new", "Immunization", bundles.dumps(bundles.own_immunization()))
            a("sync")
            told, rests = asyncio.run(watched(b, lambda told, rests: len(rests) >= 3))
        finally:
            first.process.kill()
            first.process.wait()
    assert [one["event"] for one in told] == ["polling", "change"]
    assert (told[1]["what"], told[1]["type"]) == ("new", "Immunization")
    assert all(15 <= seconds <= 45 for seconds in rests)


def test_an_id_counts_only_after_the_sync_that_followed(tmp_path: Path):
    """EVT-10: the first sync fails, so the next stream begins from nowhere; then from where the sync had come to."""
    asked: list[str] = []
    failing = [True]

    class Recording(HttpTransport):
        @asynccontextmanager
        async def listen(self, path, token, last_id):
            asked.append(last_id)
            async with super().listen(path, token, last_id) as pieces:
                yield (piece async for piece in ending(pieces))

        @asynccontextmanager
        async def stream(self, path, body, token):
            if failing[0]:
                failing[0] = False
                raise Unreachable("the network is gone")
            async with super().stream(path, body, token) as pieces:
                yield pieces

    async def ending(pieces):
        """The stream breaks after its first hint."""
        read = b""
        async for piece in pieces:
            read += piece
            yield piece
            if b"event:" in read:
                return

    with running(tmp_path) as (_, url):
        a = make_phone(tmp_path / "a", url)
        asyncio.run(watched(a, lambda told, rests: len(asked) >= 3, Recording))
    assert asked[:2] == ["", ""]
    assert len(asked[2]) == 64


def test_a_server_that_is_away_is_asked_less_and_less_often(tmp_path: Path):
    """EVT-11: twice as long each time, up to a minute, and some of it by chance."""
    with running(tmp_path) as (_, url):
        a = make_phone(tmp_path / "a", url)
    told, rests = asyncio.run(watched(a, lambda told, rests: len(rests) >= 10))
    assert [one["event"] for one in told] == ["away"]
    for place, seconds in enumerate(rests):
        middle = min(2**place, WAIT_SECONDS_MAX)
        assert middle / 2 <= seconds <= middle * 1.5
    assert len(set(rests)) == len(rests)


def test_a_reader_takes_events_in_any_pieces_and_passes_over_what_is_none():
    """EVT-10: a word that nobody knows is an event all the same."""
    stream = (
        b"retry: 2000\n\n:\n\nevent: sync\nid: 4f\ndata: {}\n\ndata: {}\n\nevent: tomorrow\n\n"
        b'event: end\ndata: {"reason": "token"}\n\nevent: end\ndata: nonsense\n\n'
    )
    wanted = [Event("sync", "4f"), Event("tomorrow"), Event("end", None, "token"), Event("end", None, "")]
    for size in (1, 7, len(stream)):
        reader = EventReader()
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert [event for piece in pieces for event in reader.feed(piece)] == wanted


@pytest.mark.parametrize("piece", [b"x" * (BYTES_MAX + 1), b"event: \xff\n\n", b"y" * (BYTES_MAX + 1) + b"\n\n"])
def test_what_is_no_stream_of_ours_ends_the_reading(piece: bytes):
    """EVT-10."""
    with pytest.raises(ValueError, match=r"longer|utf-8"):
        EventReader().feed(piece)
