"""Routes that are asked more often than others, or answered for longer, served without Litestar's handler machinery.

An ASGI wrapper around the Litestar application. A route's handler is the same function that Litestar has, with the
same request type, and what it raises becomes the same problem document; for these paths and methods only, routing,
signatures and conversion of responses are left out, which cost as much as the answer, and memory while it lasts. All
else goes on to Litestar, another method on such a path too. Not here: any decision of a route. See
openapi/decisions/0115.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from litestar import Request

from backend.http.headers import Asgi
from backend.http.problems import answer_exception

Handler = Callable[[Request[Any, Any, Any]], Awaitable[Asgi]]


class Straight:
    """Answers with `handlers`, by method and path, and leaves everything else to `app`."""

    def __init__(self, app: Asgi, handlers: Mapping[tuple[str, str], Handler]) -> None:
        self._app, self._handlers = app, handlers

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        handler = self._handlers.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if handler is None:
            await self._app(scope, receive, send)
            return
        scope["path_template"] = scope["path"]  # what the log and the figures call it, as Litestar does
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        try:
            answer: Asgi = await handler(request)
        except Exception as error:
            answer = answer_exception(request, error).to_asgi_response(None, request)
        await answer(scope, receive, send)
