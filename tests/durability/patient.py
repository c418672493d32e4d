"""Phones that go on asking: whatever was not answered is sent again, the same bytes, until somebody answers.

`Line` stands where a phone's HTTP client stands. While the world is parked nothing new goes out, so that a fresh reader
finds the server at rest. Not here: what an answer must say.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

RETRY_SECONDS = 0.05


class Traffic:
    """Whether requests may go out, and how many are under way."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._none_under_way = asyncio.Event()
        self._none_under_way.set()
        self._under_way = 0
        self.again = 0  # requests that were sent again

    async def park(self) -> None:
        """Lets nothing new out, and waits until what is under way is answered or lost."""
        self._open.clear()
        await self._none_under_way.wait()

    def resume(self) -> None:
        self._open.set()

    async def __aenter__(self) -> None:
        await self._open.wait()
        self._under_way += 1
        self._none_under_way.clear()

    async def __aexit__(self, *_: object) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._none_under_way.set()


class Line:
    """One phone's line to the servers: when one does not answer, or cannot serve, it asks the next."""

    def __init__(self, clients: list[httpx.AsyncClient], traffic: Traffic, turn: int = 0) -> None:
        self._clients, self._traffic, self._turn = clients, traffic, turn
        self.again = 0  # how often the last request was sent again: each of those may have been stored

    async def _ask(self, method: str, path: str, **what: Any) -> httpx.Response:
        self.again = 0
        while True:
            async with self._traffic:
                client = self._clients[self._turn % len(self._clients)]
                try:
                    answer: httpx.Response | None = await client.request(method, path, **what)
                except httpx.TransportError:
                    answer = None
            if answer is not None and answer.status_code != 503:
                return answer
            self._turn += 1
            self.again += 1
            self._traffic.again += 1
            await asyncio.sleep(RETRY_SECONDS)

    async def get(self, path: str, **what: Any) -> httpx.Response:
        return await self._ask("GET", path, **what)

    async def post(self, path: str, **what: Any) -> httpx.Response:
        return await self._ask("POST", path, **what)

    async def put(self, path: str, **what: Any) -> httpx.Response:
        return await self._ask("PUT", path, **what)

    async def patch(self, path: str, **what: Any) -> httpx.Response:
        return await self._ask("PATCH", path, **what)

    async def delete(self, path: str, **what: Any) -> httpx.Response:
        return await self._ask("DELETE", path, **what)
