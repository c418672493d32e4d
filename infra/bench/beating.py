"""Our server with a task in its loop that wants to run each millisecond: how long it waits is what anybody waits.

By the clock, and by the processor time of the loop's own thread, which other programs on the same cores do not stretch.
`GET /beats` gives [by the clock, by the thread], the longest waits first, in ms, and begins anew.

    python -m infra.bench.beating run …    (as carnet-server)
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec

import backend.serving
from backend.cli import main
from backend.main import Worker

PATH = "/beats"
BEAT_SECONDS = 0.001


class Beating(Worker):
    """The application, and the beat beside it from the first question on."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._by_clock: list[float] = []
        self._by_thread: list[float] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        if scope.get("path") != PATH:
            await super().__call__(scope, receive, send)
            return
        body = msgspec.json.encode([sorted(times, reverse=True) for times in (self._by_clock, self._by_thread)])
        self._by_clock, self._by_thread = [], []
        self._task = self._task or asyncio.create_task(self._beat())
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})

    async def _beat(self) -> None:
        while True:
            began, used = time.perf_counter(), time.thread_time()
            await asyncio.sleep(BEAT_SECONDS)
            self._by_clock.append((time.perf_counter() - began - BEAT_SECONDS) * 1000)
            self._by_thread.append((time.thread_time() - used) * 1000)


if __name__ == "__main__":
    backend.serving.Worker = Beating  # type: ignore[misc]
    raise SystemExit(main())
