"""Headers that every answer carries, whatever made it: nothing is cached, framed, sniffed or referred.

What an answer says itself stands: only the viewer's pages do (backend/web/pages.py), which are the same for everybody.

A pure ASGI wrapper, outermost but for the log, so that a failure's answer has them too. Source: OWASP Secure Headers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Asgi = Callable[[Any, Any, Any], Awaitable[None]]  # scope, receive, send

HEADERS = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


class Headers:
    """Adds the headers; HSTS only where the origin is https, because on a plain one it would say what is not so."""

    def __init__(self, app: Asgi, *, https: bool) -> None:
        self._app = app
        self._headers = [*HEADERS, STRICT_TRANSPORT] if https else HEADERS

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in self._headers if pair[0] not in own)]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
