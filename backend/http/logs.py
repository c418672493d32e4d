"""Log lines: JSON on stderr, and only fields that are on a list.

One line a request: route template, method, status, milliseconds, the problem's word, a random request id that the
answer carries too. Never a path with an id in it, a token, a body, an address, a header. A field that is not on the
list is dropped, so that a hurried log call cannot leak. Spec: openapi/protocol/threat-model.md, "What the server
learns".
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from backend.http.headers import Asgi
from backend.http.limits import EVENT_STREAM
from backend.http.metrics import Metrics
from backend.http.problems import CODE_KEY, note_failure, problem_response

FIELDS = frozenset(
    {"event", "level", "timestamp", "route", "method", "status", "ms", "code", "request_id", "kind", "place"}
    | {"url", "pid", "version", "applied", "count", "port", "workers"}
)
LASTING = (b"content-type", EVENT_STREAM.encode())  # the header of an answer that ends when the phone wants
QUIET_ROUTES = frozenset({"/livez", "/readyz", "/metrics"})


def only_listed(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keeps the fields on the list: a structlog processor."""
    return {name: value for name, value in fields.items() if name in FIELDS}


class RequestLine(msgspec.Struct):
    """The line of one request. It is not put together by structlog, which took a quarter of a sync with nothing new."""

    request_id: str
    method: str
    route: str
    status: int
    code: str | None
    ms: float
    timestamp: datetime
    event: str = "request"
    level: str = "info"


_encode = msgspec.json.Encoder().encode


class _Out:
    """Where lines go, if not to stderr."""

    stream: Any = None


def _json(fields: Any, **_: Any) -> str:
    return _encode(fields).decode()


def start_logs(stream: Any = None) -> None:
    """Sets structlog up, once a process; what other libraries log below a warning is not heard."""
    _Out.stream = stream
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_listed,
            structlog.processors.JSONRenderer(_json),
        ],
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Other libraries' records may quote requests or statements: none is written.
    logging.basicConfig(handlers=[logging.NullHandler()], level=logging.CRITICAL, force=True)


class Logged:
    """Writes one line a request, counts it, and answers what no handler caught, as the outermost ASGI wrapper."""

    def __init__(self, app: Asgi, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, status, started = os.urandom(8).hex(), 0, time.perf_counter()
        begun: float | None = None

        async def send_noting(message: Any) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status = message["status"]
                if LASTING in message["headers"]:
                    begun = time.perf_counter()
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception as error:
            note_failure(error)
            scope[CODE_KEY] = "internal"
            if status:
                raise  # an answer has begun: cutting the connection says that it is not whole
            await problem_response("internal").to_asgi_response(None, None)(scope, receive, send_noting)  # type: ignore[arg-type]
        finally:
            route, code = scope.get("path_template") or "unknown", scope.get(CODE_KEY)
            method = scope["method"] if scope["method"] in METHODS else "other"
            seconds = time.perf_counter() - started
            # How long a phone listens says nothing of how fast the server is: until the stream began, it does.
            self._metrics.observe(method, route, status, code, seconds if begun is None else begun - started)
            if route not in QUIET_ROUTES:
                line = RequestLine(request_id, method, route, status, code, round(seconds * 1000, 1), datetime.now(UTC))
                (_Out.stream or sys.stderr).write(_encode(line).decode() + "\n")  # one call to the system


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
