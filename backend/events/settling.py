"""Takes back the wish to push a phone that has been given a hint on its own line: it is awake.

A batch at a time, soon enough to be ahead of the push (push/store.py waits DELAY_MS), and no transaction where nothing
waits. What is lost with the process costs one push too many. A notice is not taken back: that a line is open does not
say that a person looks. Not here: who is hinted. Spec: openapi/protocol/events.md, EVT-13.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from backend.events.hub import Stream
from backend.events.store import wakes_waiting
from backend.http.problems import note_failure
from backend.push.store import settle
from backend.storage.engine import Engine, StorageError
from sync.wire.ids import DeviceId

GATHER_SECONDS = 0.2  # that hints gather before one transaction settles them


class Settler:
    """`now_ms`: milliseconds since 1970 UTC."""

    def __init__(self, engine: Engine, now_ms: Callable[[], int]) -> None:
        self._engine, self._now_ms = engine, now_ms
        self._hinted: dict[DeviceId, int] = {}  # device -> when its last hint went out
        self._running: asyncio.Task[None] | None = None

    def delivered(self, stream: Stream) -> None:
        """A hint has gone out; what was wished up to now needs no push."""
        self._hinted[stream.device] = self._now_ms()
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Waits for what is being settled."""
        if self._running is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._running

    async def _run(self) -> None:
        try:
            while self._hinted:
                await asyncio.sleep(GATHER_SECONDS)
                hinted, self._hinted = self._hinted, {}
                waiting = await wakes_waiting(self._engine.reading(), hinted)
                if waiting:
                    async with self._engine.transaction() as tx:
                        for device in sorted(waiting):
                            await settle(tx, [device], hinted[device])
        except StorageError:
            pass  # they are pushed besides
        except Exception as error:
            note_failure(error)
        finally:
            self._running = None
