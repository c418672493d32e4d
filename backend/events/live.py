"""What a process has for phones that listen: its hub, what puts off their pushes, its relay to other processes.

The engine's listener: whatever is announced after a commit goes to the hub at once and to the relay, if there is one. A
relay is whatever can `tell` and be closed (storage/postgres_relay.py, http/siblings.py); which one is main's to choose.
"""

from __future__ import annotations

import resource
from typing import Protocol

from backend.events.hub import Hub
from backend.events.settling import Settler
from backend.storage.announcing import Announced
from backend.storage.engine import Engine

FILES_A_STREAM = 2  # file handles for each stream that may be: the other is for whoever syncs meanwhile


def streams_that_fit(streams_max: int) -> int:
    """How many streams the system's bound on open files leaves room for, at most `streams_max`."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return streams_max if files == resource.RLIM_INFINITY else min(streams_max, files // FILES_A_STREAM)


class Relay(Protocol):
    """A way to other processes on the same database. `tell` neither waits nor raises."""

    def tell(self, announced: Announced) -> None: ...

    async def close(self) -> None: ...


class Live:
    """Made with the application. `relay`: set before the first request, if there are other processes."""

    def __init__(self, engine: Engine, streams_max: int) -> None:
        self.hub, self.settler = Hub(streams_that_fit(streams_max)), Settler(engine)
        self.relay: Relay | None = None
        engine.listener = self.announce

    def announce(self, announced: Announced) -> None:
        """Has everybody told whom it concerns: elsewhere first, for those who listen here take the loop for a while."""
        if self.relay is not None:
            self.relay.tell(announced)
        self.hub.hear(announced)

    async def close(self) -> None:
        """Lets what is under way end; streams have ended before."""
        if self.relay is not None:
            await self.relay.close()
        await self.settler.close()
