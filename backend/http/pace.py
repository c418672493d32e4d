"""How slowly a request may arrive, and how much of all that is arriving is held: an ASGI wrapper and a protocol.

`Paced` is for bodies: a caller who sends byte by byte, or not at all, gets 408, and one body too many 503; both as
problem documents through whatever reads the body. `PatientProtocol` is for what no application sees: a connection that
sends no request, a head that does not end, a body that dribbles on after its answer; and it shows each answer the line
that it goes out by (line.py). Not here: how large a body may be (limits.py). Spec: openapi/protocol/limits.md,
LIM-12 to LIM-14.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from backend.http.headers import Asgi
from backend.http.line import LINE, LOST, STOPPING, Line
from backend.http.problems import ProblemError
from sync.wire.limits import SMALL_BODY_BYTES_MAX

STEP_BYTES = SMALL_BODY_BYTES_MAX  # bytes that earn the next `seconds`; a small body is one step
RETRY_SECONDS = 30  # seconds after which a body that found no room is worth sending again


class Paced:
    """Cuts bodies that arrive too slowly. `seconds` a step; `bytes_max`: of all bodies that are held at a time.

    Steps, not an average: a fast beginning buys no long silence. What is held is counted in each process by itself.
    """

    def __init__(self, app: Asgi, seconds: float, bytes_max: int) -> None:
        self._app, self._seconds, self._bytes_max = app, seconds, bytes_max
        self._held = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        mine, step, ended = 0, 0, False
        until = loop.time() + self._seconds

        async def receive_in_time() -> Any:
            nonlocal mine, step, ended, until
            if ended:
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                raise ProblemError("too_slow") from None
            size = len(message.get("body", b""))
            mine, step, self._held = mine + size, step + size, self._held + size
            if self._held > self._bytes_max:
                raise ProblemError("unavailable", retry_after=RETRY_SECONDS)
            if step >= STEP_BYTES:
                step, until = 0, loop.time() + self._seconds
            ended = not message.get("more_body", False)
            return message

        try:
            await self._app(scope, receive_in_time, send)
        finally:
            self._held -= mine


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 that closes a connection on which nothing is answered and no head or rest of a body ends in time."""

    def __init__(self, *arguments: Any, seconds: float, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._seconds = seconds
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._line = Line(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._calm()
        super().connection_lost(exc)
        self._line.over(LOST)

    def shutdown(self) -> None:
        super().shutdown()
        self._line.over(STOPPING)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {LINE: self._line}  # type: ignore[dict-item]  # one of our own
        self._wait()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._calm()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self.cycle.response_complete:
            self._wait()  # uvicorn stopped its own clock when the rest of the body came, and does not start it again

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.more_body:
            self._wait()

    def _wait(self) -> None:
        self._calm()
        self._patience = self.loop.call_later(self._seconds, self._lose_patience)

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        self._patience = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait()  # an earlier request is being answered: its body has its own pace
        elif not self.transport.is_closing():
            self.transport.close()
