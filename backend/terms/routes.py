"""Term packs for anybody: a list, and each file whole.

There is no question about a term here, and no token: what is asked for says which language somebody at an address may
want to read in, and neither whose phone asks nor which code it is for. Spec: openapi/protocol/terms.md, TRM-14.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from backend.http.docs import DOC, Body, Doc
from backend.http.limits import JSON, network
from backend.http.problems import ProblemError
from backend.ports import Ports
from backend.terms.files import Served
from sync.wire.terms import PACKS, PackList

OCTETS = "application/octet-stream"
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}  # a file is what its hash says, always


def routes(ports: Ports, packs: dict[str, Served]) -> list[HTTPRouteHandler]:
    """The routes, over these ports and files."""
    listed = msgspec.json.encode([one.listed for one in packs.values()])

    doc = Doc("Term packs: what this server hands out", {200: Body(JSON, PackList)})

    @get(PACKS, opt={DOC: doc})
    async def index(request: Request[Any, Any, Any]) -> Response[Any]:
        ports.addresses.take(network(request), ports.now_ms())
        return Response(listed, media_type=JSON)

    doc = Doc("A term pack, whole", {200: Body(OCTETS, None, "The file that has this hash.")}, ("not_found",))

    @get(PACKS + "/{pack:str}", opt={DOC: doc})
    async def whole(request: Request[Any, Any, Any]) -> Response[Any]:
        ports.addresses.take(network(request), ports.now_ms())
        found = packs.get(request.path_params["pack"])
        if found is None:
            raise ProblemError("not_found")
        return Response(found.data, media_type=OCTETS, headers=_FOR_EVER)

    return [index, whole]
