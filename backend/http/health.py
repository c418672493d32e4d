"""Health: `/livez` says that the process answers, `/readyz` that its database does too."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from backend.http.docs import DOC, Body, Doc
from backend.http.limits import JSON
from backend.storage.engine import Engine
from backend.storage.migrate import schema_version


class Health(msgspec.Struct, frozen=True):
    """`status` is always "ok": what is not well answers with a problem."""

    status: str = "ok"


_OK = msgspec.json.encode(Health())


def routes(engine: Engine) -> list[HTTPRouteHandler]:
    """The two routes; neither says anything about what is stored."""

    @get("/livez", opt={DOC: Doc("The process answers", {200: Body(JSON, Health)})})
    async def livez() -> Response[Any]:
        return Response(_OK, media_type=JSON)

    doc = Doc("The process answers and its database does", {200: Body(JSON, Health)}, ("unavailable",))

    @get("/readyz", opt={DOC: doc})
    async def readyz() -> Response[Any]:
        await schema_version(engine.reading())
        return Response(_OK, media_type=JSON)

    return [livez, readyz]
