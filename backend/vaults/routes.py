"""POST /v1/sync: one round trip for all of a device's vaults. Spec: openapi/protocol/sync.md."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

from litestar import Request, post
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse
from litestar.types import Receive, Scope, Send

from backend.access.guard import admitted, caller, token_hash
from backend.access.store import token_row
from backend.http.docs import DOC, Body, Doc
from backend.http.limits import MSGPACK, header, read_body
from backend.http.problems import ProblemError
from backend.http.straight import Handler
from backend.ports import Ports
from backend.vaults.desk import RequestMalformed, SyncDesk
from backend.vaults.store import token_and_heads
from sync.wire.exchange import Message, SyncRequest
from sync.wire.limits import REQUEST_BYTES_MAX, SMALL_BODY_BYTES_MAX

SYNC = "/v1/sync"
WHOLE_BYTES_MAX = 65_536  # bytes up to which an answer is sent whole, with its length, instead of streamed
_CONTENT_TYPE = (b"content-type", MSGPACK.encode())
ANSWER_WORDS = (
    "The messages one after the other, each behind its length as u32 big-endian; no array around them: sync.md."
)


def routes(ports: Ports, desk: SyncDesk) -> list[HTTPRouteHandler]:
    """The route, over these ports and this desk."""
    doc = Doc(
        "Push and pull all vaults of a device in one round trip",
        {200: Body(MSGPACK, list[Message], ANSWER_WORDS)},
        ("malformed", "token_invalid", "revoked", "storage_full", "unavailable"),
        Body(MSGPACK, SyncRequest, "One SyncRequest."),
        token=True,
    )
    answer = sync_handler(ports, desk)

    @post(SYNC, status_code=200, opt={DOC: doc})
    async def sync(request: Request[Any, Any, Any]) -> ASGIResponse:
        return cast(ASGIResponse, await answer(request))

    return [sync]


def sync_handler(ports: Ports, desk: SyncDesk) -> Handler:
    """What answers a sync, for whoever routes to it."""

    async def sync(request: Request[Any, Any, Any]) -> ASGIResponse:
        hashed = token_hash(request)
        if not _is_small(request):
            # Megabytes are taken from nobody unknown.
            admitted(await token_row(ports.engine.reading(), hashed), ports.now_ms())
        try:
            body = await read_body(request, MSGPACK, REQUEST_BYTES_MAX)
        except ProblemError:
            await caller(request, ports)  # a revoked device hears that, whatever else is wrong with its request
            raise
        # Who asks is looked up once the body is whole: one that drips in for an hour must not outlive a revocation.
        row, heads = await token_and_heads(ports.engine.reading(), hashed)
        now_ms = ports.now_ms()
        me = admitted(row, now_ms)
        ports.accounts.take(me.account, now_ms)
        answer = desk.answer(me.device, me.account, body, now_ms, me.first_notice, heads, me.wake)
        begun, size = [], 0
        try:
            async for piece in answer:
                begun.append(piece)
                size += len(piece)
                if size > WHOLE_BYTES_MAX:
                    return ASGIStreamingResponse(iterator=_rest(begun, answer), media_type=MSGPACK)
        except RequestMalformed:
            raise ProblemError("malformed") from None
        return Whole(b"".join(begun))

    return sync


class Whole(ASGIResponse):
    """An answer that is sent at once. Litestar's own makes a mapping of headers first, which takes half as long as
    reading what is answered."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = (b"content-length", b"%d" % len(self.body))
        await send({"type": "http.response.start", "status": 200, "headers": [_CONTENT_TYPE, length]})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def _is_small(request: Request[Any, Any, Any]) -> bool:
    """True for a body that says it is as small as any that a stranger may send; more than it says never comes."""
    length = header(request, b"content-length")
    return length.isdecimal() and int(length[:20]) <= SMALL_BODY_BYTES_MAX


async def _rest(begun: list[bytes], answer: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What has been made already, then what is made while it is sent."""
    for piece in begun:
        yield piece
    begun.clear()
    async for piece in answer:
        yield piece
