"""What whoever runs the server asks it: `/livez` (the process answers), `/readyz` (its database too), `/metrics`."""

from __future__ import annotations

import ipaddress
from typing import Any, Literal

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from backend.http.docs import DOC, Body, Doc
from backend.http.figures import Figures
from backend.http.limits import JSON, header
from backend.http.metrics import TEXT
from backend.http.problems import ProblemError
from backend.storage.engine import Engine
from backend.storage.migrate import schema_version

_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")


class Health(msgspec.Struct, frozen=True):
    """`status` is always "ok": what is not well answers with a problem."""

    status: str = "ok"


_OK = msgspec.json.encode(Health())


def routes(
    engine: Engine, figures: Figures, shown_to: Literal["loopback", "everyone", "nobody"]
) -> list[HTTPRouteHandler]:
    """The three routes; none says anything about what is stored of anyone. `shown_to`: who may read the figures."""

    @get("/livez", opt={DOC: Doc("The process answers", {200: Body(JSON, Health)})})
    async def livez() -> Response[Any]:
        return Response(_OK, media_type=JSON)

    doc = Doc("The process answers and its database does", {200: Body(JSON, Health)}, ("unavailable",))

    @get("/readyz", opt={DOC: doc})
    async def readyz() -> Response[Any]:
        await schema_version(engine.reading())
        return Response(_OK, media_type=JSON)

    doc = Doc("Figures for whoever runs the server", {200: Body("text/plain", str)}, ("not_found",))

    @get("/metrics", opt={DOC: doc})
    async def show(request: Request[Any, Any, Any]) -> Response[Any]:
        if shown_to == "nobody" or (shown_to == "loopback" and not _is_local(request)):
            raise ProblemError("not_found")
        return Response((await figures.all()).encode(), media_type=TEXT)

    return [livez, readyz, show]


def _is_local(request: Request[Any, Any, Any]) -> bool:
    """True for a caller on this machine that speaks for itself: what a proxy forwards comes from loopback too."""
    try:
        local = request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
    return local and not any(header(request, name) for name in _FORWARDED)
