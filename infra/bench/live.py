"""The rows of phones that listen: what two thousand idle streams take, and how soon a commit is a hint.

Real server processes, real connections from this one. From commit to hint is from the moment at which the writer has
its answer, which comes after the commit, or from its request, where that is the later bound; both are told.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from infra.bench.measure import process_cpu_ms, resident_mib
from infra.bench.report import Row, at_most, plain
from infra.bench.servers import Running, _started, carnet, postgres
from sync.wire.item import VIEWER
from tests.api.family_kit import add, enter
from tests.api.phone_kit import LogBook, Phone, make_frame

SECTION = "live"
ACCOUNT_DEVICES = 30
LISTENERS = 8  # of the vault that is written to


def rows(streams: int, edits: int) -> list[Row]:
    """Every row: so many idle streams, so many edits of which the median and the 95th of a hundred count."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, streams * 2 + 1_000)), hard))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with carnet(folder / "sqlite", "sqlite") as server:
            out = asyncio.run(_crowded(server, streams, edits))
        return out + _between(folder, edits)


async def _crowded(server: Running, streams: int, edits: int) -> list[Row]:
    """One process on SQLite with all those who listen, and a vault that is written to among them."""
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        tokens = await _devices(client, server.url, streams)
        writer, book, readers = await _vault(client, server.url, [server.url])
        gc.collect()
        before, files = resident_mib(server.pid), _files(server.pid)
        idle = [await _open(server.url, token) for token in tokens]
        after = resident_mib(server.pid)
        began = process_cpu_ms(server.pid)
        await asyncio.sleep(5)
        idle_cpu = (process_cpu_ms(server.pid) - began) / 5
        told = await _edited(writer, book, readers, edits)
        opened = _files(server.pid) - files
        for _, line in idle:
            line.close()
    what = f"{streams:,} idle streams, one process, SQLite"
    return [
        at_most(SECTION, what, "MiB more", after - before, 0.025 * streams),
        plain(SECTION, "the same, each", "KiB", (after - before) * 1024 / max(1, streams)),
        plain(SECTION, "the same, processor time while nothing happens", "ms a second", idle_cpu),
        plain(SECTION, "the same, open files more", "files", opened),
        *_told(f"from the answer to the writer to the last of {LISTENERS} hints, beside them", told),
    ]


def _between(folder: Path, edits: int) -> list[Row]:
    """Two processes on one PostgreSQL: written to through one, listened to at the other."""
    with postgres() as url, contextlib.ExitStack() as stack:
        servers = []
        for name in ("one", "other"):
            (folder / name).mkdir()
            ready = folder / name / "ready.json"
            options = ["--database", url, "--port", "0", "--origin", "http://bench.example"]
            command = [sys.executable, "-m", "backend.cli", "run", *options, "--ready-file", str(ready)]
            servers.append(stack.enter_context(_started(command, ready, folder / name)))
        told = asyncio.run(_across(servers, edits))
    return _told(f"the same on PostgreSQL, {LISTENERS} who listen at another process", told)


async def _across(servers: Sequence[Running], edits: int) -> list[tuple[float, float]]:
    async with httpx.AsyncClient(base_url=servers[0].url, timeout=60) as client:
        writer, book, readers = await _vault(client, "http://bench.example", [servers[1].url])
        return await _edited(writer, book, readers, edits)


def _told(what: str, told: list[tuple[float, float]]) -> list[Row]:
    after, whole = sorted(one for one, _ in told), sorted(one for _, one in told)
    return [
        at_most(SECTION, what, "ms, p95", after[int(len(after) * 0.95)], 100, **_beside(after)),
        plain(SECTION, "the same, from the writer's request", "ms, median", statistics.median(whole)),
    ]


def _beside(sorted_ms: list[float]) -> dict[str, float]:
    """What other programs on the same cores make of it: the slowest."""
    return {"median": statistics.median(sorted_ms), "slowest": sorted_ms[-1]}


async def _devices(client: httpx.AsyncClient, origin: str, count: int) -> list[str]:
    """Tokens of so many devices."""
    tokens: list[str] = []
    while len(tokens) < count:
        first = await Phone(f"first {len(tokens)}", client, origin).register()
        tokens.append(str(first.token))
        for number in range(min(ACCOUNT_DEVICES, count - len(tokens))):
            phone = Phone(f"{first.card.name} and {number}", client, origin)
            await phone.post_json("/v1/devices", first.card.enrolment(first.account, phone.card))
            await phone.log_in()
            tokens.append(str(phone.token))
    return tokens


async def _vault(client: httpx.AsyncClient, origin: str, at: Sequence[str]) -> tuple[Phone, LogBook, list]:
    """A vault, who writes to it, and the lines of those who listen."""
    writer = await Phone("writer", client, origin).register()
    readers = [await Phone(f"reader {number}", client, origin).register() for number in range(LISTENERS)]
    book = await writer.found()
    await enter(writer, book, *(add(one.card, one.person, VIEWER) for one in readers))
    lines = [await _open(at[number % len(at)], str(one.token)) for number, one in enumerate(readers)]
    return writer, book, lines


async def _open(url: str, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream whose first hint is read."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=4_096)
    writer.write(f"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    await _hint(reader)
    return reader, writer


async def _hint(reader: asyncio.StreamReader) -> float:
    """When the next `sync` has come, by this process's clock."""
    await reader.readuntil(b"event: sync\n")
    return time.perf_counter()


async def _edited(writer: Phone, book: LogBook, lines: list, edits: int) -> list[tuple[float, float]]:
    """Milliseconds to the last hint of each edit, from the writer's answer and from its request."""
    told = []
    for _ in range(edits):
        hints = [asyncio.create_task(_hint(reader)) for reader, _ in lines]
        began = time.perf_counter()
        await writer.push(book, make_frame(book, writer.card))
        answered = time.perf_counter()
        last = max(await asyncio.gather(*hints))
        told.append((max(0.0, last - answered) * 1000, (last - began) * 1000))
        await asyncio.sleep(0.005)
    return told


def _files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
