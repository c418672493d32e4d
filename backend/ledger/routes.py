"""An account's ledger, for its own devices. Spec: openapi/protocol/ledger.md, LED-6."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from backend.access.guard import caller
from backend.http.docs import DOC, Body, Doc, Parameter
from backend.http.limits import JSON
from backend.http.problems import ProblemError
from backend.ledger.store import read_page
from backend.ports import Ports
from sync.wire.ledger import LedgerPage
from sync.wire.limits import LEDGER_PAGE_MAX

AFTER = Parameter("after", "query", "Entries after this number.", required=False)


def routes(ports: Ports) -> list[HTTPRouteHandler]:
    """The route, over these ports."""
    doc = Doc(
        "What happened to one's own account: a page of its ledger",
        {200: Body(JSON, LedgerPage)},
        ("malformed", "token_invalid", "revoked"),
        token=True,
        parameters=(AFTER,),
    )

    @get("/v1/ledger", opt={DOC: doc})
    async def read(request: Request[Any, Any, Any]) -> Response[Any]:
        me = await caller(request, ports)
        after = request.query_params.get("after", "0")
        if not (after.isascii() and after.isdecimal() and len(after) < 16):
            raise ProblemError("malformed")
        async with ports.engine.transaction() as tx:
            page = await read_page(tx, me.account, int(after), LEDGER_PAGE_MAX, ports.now_ms())
        return Response(msgspec.json.encode(page), media_type=JSON)

    return [read]
