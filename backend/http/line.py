"""The connection below an answer that lasts: how much of it the other side has not taken, and when it is over.

ASGI tells of neither, and to wait for `http.disconnect` takes a task more for every answer. The protocol (pace.py) puts
a `Line` into each request's scope; where the application is served otherwise there is none, and an answer that lasts
does not know when to end. Not here: what is sent. Spec: openapi/protocol/events.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

LINE = "carnet.line"  # in the scope's `extensions`
LOST, STOPPING = "lost", "stopping"  # why a line is over: the other side is gone, this server ends


class Line:
    """One connection. `on_over`: told why it is over, at most once for each reason."""

    __slots__ = ("_transport", "on_over")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.on_over: Callable[[str], None] | None = None

    def unsent(self) -> int:
        """Bytes that were written and that the system has no room for, because the other side does not read."""
        return self._transport.get_write_buffer_size()

    def cut(self) -> None:
        """Ends it now, whatever is unsent."""
        self._transport.abort()

    def over(self, why: str) -> None:
        """Called by the protocol."""
        if self.on_over is not None:
            self.on_over(why)


def line_of(scope: Any) -> Line | None:
    """The line that a request came by, if its server shows one."""
    found = (scope.get("extensions") or {}).get(LINE)
    return found if isinstance(found, Line) else None
