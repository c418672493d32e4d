"""A server that answers by real connections in this loop, and phones that listen to it.

httpx's ASGI transport collects an answer before it shows any of it, so that nobody can listen by it: here uvicorn
serves the application with the protocol that the shipped server has.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import httpx
import uvicorn

from backend.http.pace import PatientProtocol
from tests.api.phone_kit import Phone
from tests.api.server_kit import ORIGIN, Served, served

WAIT_SECONDS = 20  # for what must come; a busy machine is slow


class Event(NamedTuple):
    """One event of a stream: its word, its id if it has one, its data. A beat has the word ":"."""

    word: str
    id: str | None = None
    data: str = ""


class Listener:
    """The stream of one device, read event by event."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> Event | None:
        """The next event or beat; None at the end."""
        async with asyncio.timeout(WAIT_SECONDS):
            fields: dict[str, str] = {}
            async for line in self._lines:
                if line:
                    name, _, value = line.partition(":")
                    fields[name] = value.removeprefix(" ")
                elif "event" in fields:
                    return Event(fields["event"], fields.get("id"), fields.get("data", ""))
                elif "" in fields:
                    return Event(":")
                else:
                    fields = {}
        return None

    async def words(self, count: int) -> list[str]:
        """The words of the next events."""
        return [event.word for event in [await self.next() for _ in range(count)] if event is not None]

    async def quiet(self, seconds: float = 0.3) -> bool:
        """True if nothing comes for a while. The stream is of no use afterwards if something was on its way."""
        try:
            async with asyncio.timeout(seconds):
                await self.next()
        except TimeoutError:
            return True
        return False


class Live:
    """A running server with an address."""

    def __init__(self, server: Served, client: httpx.AsyncClient, uvicorn_server: uvicorn.Server, port: int) -> None:
        self.server, self.client, self.uvicorn, self.port = server, client, uvicorn_server, port

    @property
    def hub(self):
        return self.server.app.live.hub

    @property
    def clock(self):
        return self.server.clock

    async def registered(self, name: str) -> Phone:
        return await Phone(name, self.client, ORIGIN, self.clock).register()

    async def second(self, first: Phone, name: str) -> Phone:
        """A further device of an account, with a token."""
        phone = Phone(name, self.client, ORIGIN, self.clock)
        await phone.post_json("/v1/devices", first.card.enrolment(first.account, phone.card))
        await phone.log_in()
        phone.account = first.account
        return phone

    @asynccontextmanager
    async def listening(self, phone: Phone, last_id: str = "") -> AsyncIterator[Listener]:
        """The phone listens while the block lasts, from where it had come to, if it had."""
        headers = {**phone.headers, **({"Last-Event-ID": last_id} if last_id else {})}
        async with self.client.stream("GET", "/v1/events", headers=headers) as response:
            assert response.status_code == 200, await response.aread()
            yield Listener(response)

    async def gone(self) -> None:
        """Waits until nobody listens."""
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.hub):
                await asyncio.sleep(0.005)


@asynccontextmanager
async def live(folder: Path, *, send_bytes: int | None = None, **settings: object) -> AsyncIterator[Live]:
    """The application over a database of its own, on a port of this machine. `send_bytes`: that the system keeps for a
    reader, if fewer than usual."""
    async with served(folder, **settings) as server:
        with socket.socket() as listener:
            if send_bytes is not None:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_bytes)  # connections inherit it
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
            config = uvicorn.Config(
                server.app.asgi, http=partial(PatientProtocol, seconds=60), ws="none", lifespan="off", log_config=None
            )
            running = uvicorn.Server(config)
            running.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]  # signals are the tests'
            task = asyncio.create_task(running.serve([listener]))
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=WAIT_SECONDS) as client:
                while not running.started:
                    await asyncio.sleep(0.005)
                yield Live(server, client, running, port)
                running.should_exit = True
                await task
