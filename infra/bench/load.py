"""Asks a server as fast as it answers, in a process of its own: its work must not stand in the figures.

It knows whole HTTP requests as bytes and sends each connection's in order, the next one once the last is answered. What
comes back is counted and thrown away, the last answer of a connection aside.

    python -m infra.bench.load JOB_FILE TOLD_FILE    (pickles)
"""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httptools
import uvloop


class Job(NamedTuple):
    """`connections`: what each sends, in order; all of it `repeats` times."""

    url: str
    connections: list[list[bytes]]
    repeats: int = 1


class Told(NamedTuple):
    """What came of it. `latencies`: milliseconds, ascending. `up`, `down`: bytes of bodies. `last`: a body each."""

    seconds: float
    requests: int
    failed: int
    up: int
    down: int
    latencies: list[float]
    last: list[bytes]


def request(token: str, body: bytes) -> bytes:
    """One POST /v1/sync as it travels."""
    head = (
        f"POST /v1/sync HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/msgpack\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def run(job: Job) -> Told:
    """Does a job in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        asked, answered = Path(name) / "job", Path(name) / "told"
        asked.write_bytes(pickle.dumps(tuple(job)))
        subprocess.run([sys.executable, "-m", "infra.bench.load", asked, answered], check=True)
        return Told(*pickle.loads(answered.read_bytes()))


class _Connection(asyncio.Protocol):
    def __init__(self, requests: list[bytes], done: asyncio.Future[None]) -> None:
        self._left, self._done = iter(requests), done
        self.latencies: list[float] = []
        self.failed = self.down = 0
        self.body = bytearray()
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        following = next(self._left, None)
        if following is None:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
            return
        self.body.clear()
        self._sent = time.perf_counter()
        self._transport.write(following)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.latencies.append((time.perf_counter() - self._sent) * 1000)
        self.down += len(self.body)
        self.failed += self._parser.get_status_code() != 200
        self._parser = httptools.HttpResponseParser(self)
        asyncio.get_running_loop().call_soon(self._next)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server hung up"))


async def _work(job: Job) -> Told:
    loop = asyncio.get_running_loop()
    where = urlsplit(job.url)
    ends = [loop.create_future() for _ in job.connections]
    began = time.perf_counter()
    made = [
        await loop.create_connection(
            lambda end=end, sends=sends: _Connection(sends * job.repeats, end),  # type: ignore[misc]
            where.hostname,
            where.port,
        )
        for end, sends in zip(ends, job.connections, strict=True)
    ]
    await asyncio.gather(*ends)
    seconds = time.perf_counter() - began
    each = [protocol for _, protocol in made]
    latencies = sorted(one for protocol in each for one in protocol.latencies)
    up = sum(len(sent.partition(b"\r\n\r\n")[2]) for sends in job.connections for sent in sends) * job.repeats
    failed, down = sum(protocol.failed for protocol in each), sum(protocol.down for protocol in each)
    return Told(seconds, len(latencies), failed, up, down, latencies, [bytes(protocol.body) for protocol in each])


if __name__ == "__main__":
    job = Job(*pickle.loads(Path(sys.argv[1]).read_bytes()))
    Path(sys.argv[2]).write_bytes(pickle.dumps(tuple(uvloop.run(_work(job)))))
