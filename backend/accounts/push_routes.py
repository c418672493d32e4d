"""A device's own push registration: put, read back without the address, take away. Spec: openapi/protocol/push.md."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, put
from litestar.handlers import HTTPRouteHandler

from backend.access.guard import caller
from backend.http.docs import DOC, Body, Doc
from backend.http.limits import JSON, read_json
from backend.http.problems import ProblemError
from backend.ports import Ports
from backend.push import store
from sync.wire.limits import SMALL_BODY_BYTES_MAX
from sync.wire.push import PushState, PushTarget

PATH = "/v1/devices/self/push"
_read_target = msgspec.json.Decoder(PushTarget).decode


def routes(ports: Ports, platforms: Set[str]) -> list[HTTPRouteHandler]:
    """The routes, over these ports. `platforms`: those that this server can push to."""
    engine = ports.engine

    doc = Doc(
        "Register where and for what this device is pushed to, in place of what was registered",
        {204: None},
        ("malformed", "token_invalid", "revoked", "push_unavailable"),
        Body(JSON, PushTarget),
        token=True,
    )

    @put(PATH, status_code=204, opt={DOC: doc})
    async def register(request: Request[Any, Any, Any]) -> None:
        me = await caller(request, ports)
        target = await read_json(request, _read_target, SMALL_BODY_BYTES_MAX)
        if target.platform not in platforms:
            raise ProblemError("push_unavailable")
        async with engine.transaction() as tx:
            await store.write_target(tx, me.device, target, ports.now_ms())

    doc = Doc(
        "What this device has registered, without its address",
        {200: Body(JSON, PushState)},
        ("token_invalid", "revoked", "not_found"),
        token=True,
    )

    @get(PATH, opt={DOC: doc})
    async def look(request: Request[Any, Any, Any]) -> Response[Any]:
        me = await caller(request, ports)
        state = await store.read_target(engine.reading(), me.device)
        if state is None:
            raise ProblemError("not_found")
        return Response(msgspec.json.encode(state), media_type=JSON)

    doc = Doc("Push to this device no more", {204: None}, ("token_invalid", "revoked"), token=True)

    @delete(PATH, opt={DOC: doc})
    async def forget(request: Request[Any, Any, Any]) -> None:
        me = await caller(request, ports)
        async with engine.transaction() as tx:
            await store.drop_target(tx, me.device)

    return [register, look, forget]
