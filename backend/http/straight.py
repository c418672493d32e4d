"""One route that is asked more often than all others, served without Litestar's router and handler machinery.

An ASGI wrapper around the Litestar application. The route's handler is the same function that Litestar has, with the
same request type, and what it raises becomes the same problem document; for this path and method only, routing,
signatures and conversion of responses are left out, which cost as much as the answer. All else goes on to Litestar,
another method on this path too. Not here: any decision of the route. See openapi/decisions/0115.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request
from litestar.response.base import ASGIResponse

from backend.http.headers import Asgi
from backend.http.problems import answer_exception

Handler = Callable[[Request[Any, Any, Any]], Awaitable[ASGIResponse]]


class Straight:
    """Answers POST on `path` with `handler`, and leaves everything else to `app`."""

    def __init__(self, app: Asgi, path: str, handler: Handler) -> None:
        self._app, self._path, self._handler = app, path, handler

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["path_template"] = self._path  # what the log and the figures call it, as Litestar does
        request: Request[Any, Any, Any] = Request(scope, receive, send)
        try:
            answer: Asgi = await self._handler(request)
        except Exception as error:
            answer = answer_exception(request, error).to_asgi_response(None, request)
        await answer(scope, receive, send)
