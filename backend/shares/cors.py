"""Lets pages of any origin read the data plane, errors and refusals too; owner routes stay closed to them.

An ASGI wrapper, because an answer of the rate limit or of a fault needs the headers as well. Spec:
openapi/protocol/shares.md, SHR-18; Fetch, "CORS protocol".
"""

from __future__ import annotations

from typing import Any

from backend.http.headers import Asgi

PREFIXES = ("/s/", "/i/")
_ANY = (b"access-control-allow-origin", b"*")
_EXPOSED = (b"access-control-expose-headers", b"Retry-After, Carnet-Inbox")
_PREFLIGHT = [
    _ANY,
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"Content-Type"),
    (b"access-control-max-age", b"86400"),
]


class OpenToPages:
    """Adds the headers below `/s/` and `/i/` and answers preflights there."""

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIXES):
            await self._app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            await send({"type": "http.response.start", "status": 204, "headers": list(_PREFLIGHT)})
            await send({"type": "http.response.body", "body": b""})
            return

        async def send_open(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], _ANY, _EXPOSED]
            await send(message)

        await self._app(scope, receive, send_open)
