"""Reads that many ask at the same time are asked together: one round trip for all that came while another ran.

While a statement is being asked, whoever asks the same one waits, and all who wait are asked for at once as soon as it
is answered: nobody waits for a timer, and nobody is given what was read before she asked, so that a revocation is seen
as soon as ever. The same idea as for commits (vaults/committer.py). Not here: how a database is asked for many.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from backend.storage.engine import Row

TOGETHER_MAX = 64  # callers that are asked for at once; bounds how long the first waits for the last

Arguments = Sequence[Any]
AskAll = Callable[[str, Sequence[Arguments]], Awaitable[Sequence[Sequence[Row]]]]
_Waiting = list[tuple[Arguments, asyncio.Future[Sequence[Row]]]]


class Gathering:
    """`ask_all`: gives the rows of one statement for each of several arguments, in their order."""

    def __init__(self, ask_all: AskAll) -> None:
        self._ask_all = ask_all
        self._waiting: dict[str, _Waiting] = {}  # by statement, while it is being asked
        self._tasks: set[asyncio.Task[None]] = set()

    async def fetch(self, statement: str, *args: Any) -> Sequence[Row]:
        """The rows for these arguments, read after this was called. Raises: what `ask_all` raises."""
        waiting = self._waiting.get(statement)
        if waiting is not None:
            future: asyncio.Future[Sequence[Row]] = asyncio.get_running_loop().create_future()
            waiting.append((args, future))
            return await future
        self._waiting[statement] = []
        try:
            return (await self._ask_all(statement, [args]))[0]
        finally:
            self._go_on(statement)

    def _go_on(self, statement: str) -> None:
        """The statement has been answered: asks for those who have come meanwhile."""
        waiting = self._waiting.pop(statement)
        if waiting:
            self._waiting[statement] = waiting[TOGETHER_MAX:]
            task = asyncio.get_running_loop().create_task(self._ask_together(statement, waiting[:TOGETHER_MAX]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask_together(self, statement: str, asked: _Waiting) -> None:
        try:
            answers = await self._ask_all(statement, [args for args, _ in asked])
            for (_, future), rows in zip(asked, answers, strict=True):
                if not future.done():
                    future.set_result(rows)
        except Exception as error:
            for _, future in asked:
                if not future.done():
                    future.set_exception(error)
        finally:
            self._go_on(statement)
