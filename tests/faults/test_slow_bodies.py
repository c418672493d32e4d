"""Callers who send slowly or not at all, over real sockets to a real server: LIM-12 to LIM-14.

The server is told to wait one second where it usually waits sixty; an honest phone is as much faster than its line.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from sync.wire.account import TokenRequest
from sync.wire.exchange import SyncRequest, encode_request
from tests.api.phone_kit import Phone, make_frame
from tests.faults.server_process import running

STEP = 16_384
PATIENCE = 20  # seconds that a test waits for what takes the server one


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with impatient(tmp_path) as (_, url):
        yield url


def impatient(folder: Path, seconds: int = 1, **environment: str):
    return running(folder, CARNET_BODY_SECONDS_MAX=str(seconds), **environment)


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()


def head(path: str, length: int, media: str = "application/json", *more: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: test", f"Content-Type: {media}", f"Content-Length: {length}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and all bytes behind them until the server closes the connection."""
    raw = await asyncio.wait_for(reader.read(), PATIENCE)
    top, _, body = raw.partition(b"\r\n\r\n")
    lines = top.decode().split("\r\n")
    return int(lines[0].split(" ")[1]), dict(line.lower().split(": ", 1) for line in lines[1:]), body


async def dribbled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, drop: bytes) -> None:
    """Sends and sends until the server has closed the connection, however it says so."""
    reading = asyncio.create_task(reader.read())
    async with asyncio.timeout(PATIENCE):
        while not reading.done():
            writer.write(drop)
            await asyncio.sleep(0.1)
    with contextlib.suppress(ConnectionResetError):
        await reading


async def member(url: str) -> Phone:
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
        return await Phone("mum", client, url).register()


def sync_head(phone: Phone, length: int) -> bytes:
    return head("/v1/sync", length, "application/msgpack", f"Authorization: Bearer {phone.token}")


@pytest.mark.parametrize("path", ["/v1/token", "/v1/accounts", "/v1/devices"])
async def test_a_body_that_never_comes_is_cut_with_a_problem_document(url: str, path: str):
    """LIM-12."""
    async with connected(url) as (reader, writer):
        writer.write(head(path, 100))
        status, headers, body = await answer_of(reader)
    document = json.loads(body)
    assert (status, document["code"], document["retryable"]) == (408, "too_slow", True)
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"


async def test_a_body_that_comes_byte_by_byte_is_cut(url: str):
    """LIM-12: bytes buy no time; whole steps do."""
    async with connected(url) as (reader, writer):
        writer.write(head("/v1/token", 16_000))
        reading = asyncio.create_task(answer_of(reader))
        while not reading.done():
            writer.write(b"{")
            await asyncio.sleep(0.1)
        assert (await reading)[0] == 408


async def test_a_fast_beginning_buys_no_silence(url: str):
    """LIM-12."""
    phone = await member(url)
    async with connected(url) as (reader, writer):
        writer.write(sync_head(phone, 8_000_000) + bytes(7_900_000))
        await writer.drain()
        assert (await answer_of(reader))[0] == 408


async def test_a_slow_but_honest_phone_is_heard_to_the_end(tmp_path: Path):
    """LIM-12: longer than one step may take, each step in time."""
    with impatient(tmp_path, 3) as (_, url):
        await speak_slowly(url)


async def speak_slowly(url: str) -> None:
    phone = await member(url)
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
        phone.client = client
        book = await phone.found()
    frames = [make_frame(book, phone.card, size=8 * STEP)]
    body = encode_request(SyncRequest((phone.ask(book, *frames),), 0))
    async with connected(url) as (reader, writer):
        writer.write(sync_head(phone, len(body)))
        for start in range(0, len(body), STEP):
            writer.write(body[start : start + STEP])
            await writer.drain()
            await asyncio.sleep(0.5)
        assert (await asyncio.wait_for(reader.readline(), PATIENCE)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("begun", [b"", b"POST /v1/to", b"POST /v1/token HTTP/1.1\r\nHost: test\r\n"])
async def test_a_connection_without_a_whole_head_is_closed(url: str, begun: bytes):
    """LIM-14."""
    async with connected(url) as (reader, writer):
        writer.write(begun)
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""


async def test_a_head_that_dribbles_is_closed(url: str):
    """LIM-14: each header line is whole, and the head never is."""
    async with connected(url) as (reader, writer):
        writer.write(b"POST /v1/token HTTP/1.1\r\n")
        await dribbled(reader, writer, b"X-More: 1\r\n")


async def test_a_body_that_goes_on_after_its_answer_is_not_listened_to_for_ever(url: str):
    """LIM-14: without a token the answer comes before the body."""
    async with connected(url) as (reader, writer):
        writer.write(head("/v1/sync", 8_000_000, "application/msgpack"))
        assert (await asyncio.wait_for(reader.readline(), PATIENCE)).startswith(b"HTTP/1.1 401")
        await dribbled(reader, writer, b"\0")


async def test_a_connection_whose_body_ended_after_its_answer_does_not_stay_for_ever(url: str):
    """LIM-14."""
    async with connected(url) as (reader, writer):
        writer.write(head("/v1/sync", 10, "application/msgpack"))
        assert (await asyncio.wait_for(reader.readline(), PATIENCE)).startswith(b"HTTP/1.1 401")
        writer.write(bytes(10))
        assert (await asyncio.wait_for(reader.read(), PATIENCE)).endswith(b"}")


async def test_bodies_that_are_held_have_a_bound_and_others_are_answered_again_when_they_are_gone(tmp_path: Path):
    """LIM-13."""
    with impatient(tmp_path, CARNET_BODIES_BYTES_MAX="1000000") as (_, url):
        phone = await member(url)
        async with connected(url) as (_, holding), httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
            holding.write(sync_head(phone, 2_000_000) + bytes(990_000))
            await holding.drain()
            await asyncio.sleep(0.3)
            phone.client = client
            refused = await phone.post_json("/v1/token", TokenRequest("a" * 15_000))
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert int(refused.headers["retry-after"]) > 0
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
            phone.client = client
            await asyncio.sleep(0.3)
            await phone.log_in()
