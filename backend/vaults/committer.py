"""Groups concurrent pushes into one transaction, so that many phones share one fsync.

While one commit runs, what arrives waits together for the next: nobody waits for a timer. The transaction runs in the
committer's own task, so that a phone that hangs up cancels nothing. Not here: what a push does (append.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from backend.vaults.append import Outcome, Push

GROUP_MAX = 64  # pushes of one transaction; bounds how long the first waits for the last

AppendAll = Callable[[Sequence[Push]], Awaitable[list[Outcome | Exception]]]


class GroupCommitter:
    """Hands pushes to `append_all`, as many at a time as have come meanwhile."""

    def __init__(self, append_all: AppendAll) -> None:
        self._append_all = append_all
        self._waiting: list[tuple[Push, asyncio.Future[Outcome | Exception]]] = []
        self._running: asyncio.Task[None] | None = None

    async def submit(self, pushes: Sequence[Push]) -> list[Outcome | Exception]:
        """What became of each push, once that is durable."""
        loop = asyncio.get_running_loop()
        futures = []
        for push in pushes:
            future: asyncio.Future[Outcome | Exception] = loop.create_future()
            self._waiting.append((push, future))
            futures.append(future)
        if self._running is None:
            self._running = loop.create_task(self._run())
        return [await future for future in futures]

    async def _run(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
                try:
                    outcomes = await self._append_all([push for push, _ in group])
                except Exception as error:
                    outcomes = [error] * len(group)
                for (_, future), outcome in zip(group, outcomes, strict=True):
                    if not future.done():
                        future.set_result(outcome)
        finally:
            self._running = None

    async def drain(self) -> None:
        """Waits until nothing is being committed."""
        while self._running is not None:
            await asyncio.wait([self._running])
