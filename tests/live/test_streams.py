"""How a stream begins, how it goes on after an end, and for which reasons it ends."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from types import SimpleNamespace

from backend.events import answer
from backend.events.hub import SYNC
from backend.http import logs
from sync.wire.item import EDITOR
from tests.api.family_kit import add, enter
from tests.api.phone_kit import make_frame
from tests.api.server_kit import code_of
from tests.live.listening import Event, live


def end(reason: str) -> Event:
    return Event("end", None, json.dumps({"reason": reason}))


async def test_a_stream_is_events_that_nobody_keeps(tmp_path: Path):
    """EVT-4: its type, no cache, no proxy that collects; it says when to come back."""
    async with live(tmp_path) as running:
        mum = await running.registered("mum")
        async with running.client.stream("GET", "/v1/events", headers=mum.headers) as response:
            assert response.headers["content-type"] == "text/event-stream"
            assert response.headers["cache-control"] == "no-store"
            assert response.headers["x-accel-buffering"] == "no"
            first = await anext(response.aiter_lines())
            assert first == "retry: 2000"


async def test_who_comes_back_with_the_last_id_hears_nothing_unless_something_came(tmp_path: Path):
    """EVT-5: with an old id, or with none, the first event is a hint."""
    async with live(tmp_path) as running:
        mum, dad = await running.registered("mum"), await running.registered("dad")
        book = await mum.found()
        await enter(mum, book, add(dad.card, dad.person, EDITOR))
        async with running.listening(dad) as at_dad:
            begun = await at_dad.next()
            await mum.push(book, make_frame(book, mum.card))
            hint = await at_dad.next()
        assert begun.id
        assert hint.id not in (None, begun.id)
        async with running.listening(dad, hint.id) as at_dad:
            assert await at_dad.quiet()
        for old in (begun.id, "", "never an id of ours"):
            async with running.listening(dad, old) as at_dad:
                assert await at_dad.next() == hint
        await mum.push(book, make_frame(book, mum.card))
        async with running.listening(dad, hint.id) as at_dad:
            assert (await at_dad.next()).word == "sync"


async def test_a_device_has_one_stream_the_newest(tmp_path: Path):
    """EVT-6: the older one is told why it ends."""
    async with live(tmp_path) as running:
        mum = await running.registered("mum")
        async with running.listening(mum) as older:
            assert await older.words(1) == ["sync"]
            async with running.listening(mum) as newer:
                assert await newer.words(1) == ["sync"]
                assert [await older.next(), await older.next()] == [end("replaced"), None]
                assert len(running.hub) == 1
        await running.gone()


async def test_a_server_takes_so_many_streams_and_says_when_it_is_full(tmp_path: Path):
    """EVT-6: `unavailable` with seconds after which to ask again; who is listening goes on, and may come anew."""
    async with live(tmp_path, event_streams_max=1) as running:
        mum, dad = await running.registered("mum"), await running.registered("dad")
        async with running.listening(mum) as at_mum:
            refused = await running.client.get("/v1/events", headers=dad.headers)
            assert (code_of(refused), int(refused.headers["retry-after"])) == ("unavailable", 60)
            assert "sync from time to time" in refused.json()["detail"]
            assert await at_mum.words(1) == ["sync"]
            async with running.listening(mum) as again:
                assert await again.words(1) == ["sync"]
        await running.gone()
        async with running.listening(dad) as at_dad:
            assert await at_dad.words(1) == ["sync"]


async def test_a_revoked_device_is_told_so_at_once_and_hears_no_more(tmp_path: Path):
    """EVT-7, ACC-9: its stream ends; a new one is refused."""
    async with live(tmp_path) as running:
        mum = await running.registered("mum")
        tablet = await running.second(mum, "tablet")
        async with running.listening(tablet) as at_tablet:
            assert await at_tablet.words(1) == ["sync"]
            await running.client.delete(f"/v1/devices/{tablet.card.id.hex()}", headers=mum.headers)
            assert [await at_tablet.next(), await at_tablet.next()] == [end("revoked"), None]
        refused = await running.client.get("/v1/events", headers=tablet.headers)
        assert (refused.status_code, code_of(refused)) == (403, "revoked")


async def test_a_revocation_that_nobody_announced_ends_a_stream_at_the_next_beat(tmp_path: Path, monkeypatch):
    """EVT-7: another process may have revoked it, and its word been lost."""
    monkeypatch.setattr(answer, "HEARTBEAT_SECONDS", 0.2)
    async with live(tmp_path) as running:
        mum = await running.registered("mum")
        tablet = await running.second(mum, "tablet")
        async with running.listening(tablet) as at_tablet:
            assert await at_tablet.words(1) == ["sync"]
            running.server.engine.listener = None
            await running.client.delete(f"/v1/devices/{tablet.card.id.hex()}", headers=mum.headers)
            while (event := await at_tablet.next()).word == ":":
                pass
            assert event == end("revoked")


async def test_a_stream_ends_with_the_token_it_was_opened_with(tmp_path: Path, monkeypatch):
    """EVT-7: and goes on with a new one from where it was."""
    monkeypatch.setattr(answer, "HEARTBEAT_SECONDS", 0.2)
    async with live(tmp_path) as running:
        mum = await running.registered("mum")
        async with running.listening(mum) as at_mum:
            begun = await at_mum.next()
            running.clock.seconds(601)
            while (event := await at_mum.next()).word == ":":
                pass
            assert event == end("token")
        refused = await running.client.get("/v1/events", headers=mum.headers)
        assert (refused.status_code, code_of(refused)) == (401, "token_invalid")
        await mum.log_in()
        async with running.listening(mum, begun.id) as at_mum:
            assert await at_mum.words(2) == [":", ":"]


async def test_a_silent_stream_beats(tmp_path: Path, monkeypatch):
    """EVT-4: so that a proxy keeps it, and a phone knows that it stands."""
    monkeypatch.setattr(answer, "HEARTBEAT_SECONDS", 0.05)
    async with live(tmp_path) as running:
        mum = await running.registered("mum")
        async with running.listening(mum) as at_mum:
            assert await at_mum.words(3) == ["sync", ":", ":"]


async def test_a_server_that_stops_ends_its_streams_first(tmp_path: Path):
    """EVT-8: nobody who listens holds it up."""
    async with live(tmp_path) as running:
        mum = await running.registered("mum")
        async with running.listening(mum) as at_mum:
            assert await at_mum.words(1) == ["sync"]
            running.uvicorn.should_exit = True
            assert [await at_mum.next(), await at_mum.next()] == [end("stopping"), None]
            async with asyncio.timeout(5):
                await running.gone()


async def test_a_phone_that_goes_away_is_forgotten(tmp_path: Path):
    """EVT-6: its place is free again."""
    async with live(tmp_path) as running:
        mum = await running.registered("mum")
        async with running.listening(mum) as at_mum:
            assert await at_mum.words(1) == ["sync"]
            assert len(running.hub) == 1
        await running.gone()
        assert running.hub._by_topic == {}


async def test_a_reader_that_does_not_read_is_dropped_and_told_why(tmp_path: Path, monkeypatch):
    """EVT-6: with the reason as its last words, should it ever read them; nobody waits for it."""
    monkeypatch.setattr(answer, "HEARTBEAT_SECONDS", 0.001)
    async with live(tmp_path, send_bytes=4_096) as running:
        mum = await running.registered("mum")
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            slow.connect(("127.0.0.1", running.port))
            slow.setblocking(False)
            head = f"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: {mum.headers['authorization']}\r\n\r\n"
            await asyncio.get_running_loop().sock_sendall(slow, head.encode())
            async with asyncio.timeout(60):
                while not len(running.hub):
                    await asyncio.sleep(0.01)
                while len(running.hub):
                    for stream in list(running.hub._by_device.values()):
                        stream.hint(SYNC)
                    await asyncio.sleep(0)
            read = b""
            async with asyncio.timeout(20):
                while b"0\r\n\r\n" not in read:
                    part = await asyncio.get_running_loop().sock_recv(slow, 1 << 20)
                    assert part, "the line was cut before its last words"
                    read += part
            assert b'event: end\ndata: {"reason": "slow"}' in read


async def test_how_long_a_phone_listens_is_no_requests_time(tmp_path: Path, monkeypatch):
    """LIM-11: or the slowest route would be the one that a phone likes best."""
    seconds = [0.0]
    monkeypatch.setattr(logs, "time", SimpleNamespace(perf_counter=lambda: seconds[0]))
    async with live(tmp_path) as running:
        mum = await running.registered("mum")
        async with running.listening(mum) as at_mum:
            assert await at_mum.words(1) == ["sync"]
            seconds[0] += 3_600
        await running.gone()
        text = (await running.client.get("/metrics")).text
        assert 'carnet_request_seconds_sum{route="/v1/events"} 0.0\n' in text
        assert 'carnet_request_seconds_count{route="/v1/events"} 1\n' in text


async def test_no_token_no_stream(tmp_path: Path):
    """EVT-7: as on any route."""
    async with live(tmp_path) as running:
        for headers in ({}, {"authorization": "Bearer " + "A" * 43}):
            refused = await running.client.get("/v1/events", headers=headers)
            assert (refused.status_code, code_of(refused)) == (401, "token_invalid")
        assert len(running.hub) == 0
