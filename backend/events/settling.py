"""What a phone's own line and its own syncs say about the wish to push it: a hint puts it off, a sync meets it.

That a hint has gone out does not say that it came: a network that is lost without a word counts as connected for many
minutes. Only a sync shows that a phone is awake, and what a sync has seen need not be pushed. A batch at a time, and no
transaction where nothing waits; what is lost with the process costs one push too many. Not here: who is hinted, what a
sync answers. Spec: openapi/protocol/push.md, PSH-7; events.md, EVT-13.
"""

from __future__ import annotations

import asyncio
import contextlib

from backend.http.problems import note_failure
from backend.push.store import WakeSeen, settle
from backend.storage.engine import Engine, StorageError
from sync.wire.ids import DeviceId

GATHER_SECONDS = 0.2  # that hints and syncs gather before one transaction; soon enough to be ahead of the push


class Settler:
    """Both calls neither wait nor raise."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._hinted: set[DeviceId] = set()
        self._met: dict[DeviceId, WakeSeen] = {}
        self._running: asyncio.Task[None] | None = None

    def hinted(self, device: DeviceId) -> None:
        """A hint has gone out to a device that somebody wishes to wake."""
        self._hinted.add(device)
        self._begin()

    def synced(self, wake: WakeSeen) -> None:
        """A device was answered by a sync that has seen this wish to wake it, and all that it was for."""
        self._met[wake.device] = wake
        self._begin()

    async def close(self) -> None:
        """Waits for what is being settled."""
        if self._running is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._running

    def _begin(self) -> None:
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._hinted or self._met:
                await asyncio.sleep(GATHER_SECONDS)
                hinted, self._hinted = self._hinted, set()
                met, self._met = self._met, {}
                async with self._engine.transaction() as tx:
                    await settle(tx, hinted, met)
        except StorageError:
            pass  # they are pushed besides
        except Exception as error:
            note_failure(error)
        finally:
            self._running = None
