"""What can stand between a phone and its server: nothing, a captive portal, a broken proxy, a cable that is cut.

One loopback address that stays the same while the role changes. `forward` passes everything on; every other role
answers by itself or spoils what passes. It runs in a thread of its own, so that processes and tests alike can talk to
it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable

PIECE_BYTES = 65_536  # of a long answer at a time, so that nothing is held here that a phone does not take
HTML = b"<!doctype html><html><title>Sign in</title><body>Please accept the terms of this network.</body></html>"
PROBLEM = b'{"type":"about:blank","code":"forbidden","title":"No","status":403}'
SERVER_PROBLEM = b'{"type":"about:blank","code":"internal","title":"Oh","status":500}'


def answer(status: int, kind: str, body: bytes) -> bytes:
    """A whole HTTP answer."""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


ANSWERS = {
    "403 problem": answer(403, "application/problem+json", PROBLEM),
    "403 page": answer(403, "text/html", HTML),
    "500 problem": answer(500, "application/problem+json", SERVER_PROBLEM),
    "500 page": answer(500, "text/html", HTML),
    "200 page": answer(200, "text/html", HTML),
    "garbage": answer(200, "application/msgpack", bytes(range(256)) * 40),
    "no HTTP": b"\x16\x03\x01 this is something else altogether\r\n\r\n",
    "empty": answer(200, "application/msgpack", b""),
    "closed": b"",
}


class Between:
    """The loopback address that phones know. `role`: one of ANSWERS, forward, refused, or `half` of what passes."""

    def __init__(self) -> None:
        self.role = "forward"
        self.upstream_port = 0
        self.keep: Callable[[bytes], bytes] = lambda whole: whole  # what gets through of an answer to /v1/sync
        self.asked = 0  # requests of any kind
        self.synced = 0  # requests to /v1/sync that reached the server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._server: asyncio.Server | None = None
        self.listen()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _run(self, work) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def listen(self) -> None:
        """Takes connections."""

        async def start() -> None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

        self._run(start())

    def refuse(self) -> None:
        """Connection refused."""

        async def stop() -> None:
            assert self._server is not None
            self._server.close()
            await asyncio.sleep(0)

        self._run(stop())

    def plays(self, role: str) -> None:
        """Changes the role."""
        if self.role == "refused":
            self.listen()
        self.role = role
        if role == "refused":
            self.refuse()

    def close(self) -> None:
        """Ends the thread."""
        if self.role != "refused":
            self.refuse()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            lines = [line for line in head.split(b"\r\n") if line]
            fields = {
                name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])
            }
            body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
            self.asked += 1
            is_sync = lines[0].split()[1] == b"/v1/sync"
            if self.role in ANSWERS:
                for place in range(0, len(ANSWERS[self.role]), PIECE_BYTES):
                    writer.write(ANSWERS[self.role][place : place + PIECE_BYTES])
                    await writer.drain()
            else:
                kept = [line for line in lines if not line.lower().startswith((b"connection:", b"accept-encoding:"))]
                whole = await self._ask(b"\r\n".join([*kept, b"Connection: close", b"", b""]) + body)
                self.synced += is_sync
                writer.write(self.keep(whole) if self.role == "half" and is_sync else whole)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()

    async def _ask(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream_port)
        writer.write(request)
        await writer.drain()
        whole = await reader.read(-1)
        writer.close()
        return whole
