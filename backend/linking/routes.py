"""Rendezvous: one hello and one welcome, sealed, for ten minutes, without a token.

The id is derived from the secret that only the shown code carries; who knows it may read both posts and open neither
without that secret. A place is filled once: the same bytes again change nothing, other bytes are refused. Spec:
openapi/protocol/linking.md.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get, put
from litestar.handlers import HTTPRouteHandler

from backend.http.docs import DOC, Body, Doc
from backend.http.limits import JSON, network, read_json
from backend.http.problems import ProblemError
from backend.linking import store
from backend.ports import Ports
from sync.wire.ids import LinkId, parse_link_id
from sync.wire.limits import LINK_POST_BYTES_MAX, LINK_SECONDS, SMALL_BODY_BYTES_MAX
from sync.wire.link import HELLO, WELCOME, SealedPost

POSTS_MAX = 20_000  # posts that wait at a time, on the whole server; bounds the table
SALT_BYTES = 32
_BODY_BYTES_MAX = SMALL_BODY_BYTES_MAX + LINK_POST_BYTES_MAX  # a post in base64 and its braces
_read = msgspec.json.Decoder(SealedPost).decode


def routes(ports: Ports) -> list[HTTPRouteHandler]:
    """PUT and GET of both posts, over these ports."""
    return [handler for post in (HELLO, WELCOME) for handler in _routes_of(ports, post)]


def _link(request: Request[Any, Any, Any]) -> LinkId:
    try:
        return parse_link_id(request.path_params["link"])
    except ValueError:
        raise ProblemError("not_found") from None


def _routes_of(ports: Ports, post: str) -> list[HTTPRouteHandler]:
    path = f"/v1/links/{{link:str}}/{post}"

    doc = Doc(
        f"Lay down the sealed {post} of a link, once",
        {204: None},
        ("malformed", "not_found", "link_taken", "rate_limited", "unavailable"),
        Body(JSON, SealedPost, f"salt: {SALT_BYTES} bytes; sealed: at most {LINK_POST_BYTES_MAX} bytes."),
    )

    @put(path, status_code=204, name=f"put_{post}", opt={DOC: doc})
    async def lay(request: Request[Any, Any, Any]) -> None:
        now_ms = ports.now_ms()
        ports.addresses.take(network(request), now_ms)
        link = _link(request)
        sealed = await read_json(request, _read, _BODY_BYTES_MAX)
        if len(sealed.salt) != SALT_BYTES or not 0 < len(sealed.sealed) <= LINK_POST_BYTES_MAX:
            raise ProblemError("malformed")
        body = sealed.salt + sealed.sealed
        async with ports.engine.transaction() as tx:
            if await store.count_posts(tx, now_ms) >= POSTS_MAX:
                raise ProblemError("unavailable")
            laid = await store.write_post(tx, link, post, body, now_ms + LINK_SECONDS * 1000)
            if not laid and await store.read_post(tx, link, post, now_ms) != body:
                raise ProblemError("link_taken")

    doc = Doc(
        f"Fetch the sealed {post} of a link",
        {200: Body(JSON, SealedPost)},
        ("not_found", "rate_limited"),
    )

    @get(path, name=f"get_{post}", opt={DOC: doc})
    async def fetch(request: Request[Any, Any, Any]) -> Response[Any]:
        now_ms = ports.now_ms()
        ports.addresses.take(network(request), now_ms)
        body = await store.read_post(ports.engine.reading(), _link(request), post, now_ms)
        if body is None:
            raise ProblemError("not_found")
        sealed = SealedPost(body[:SALT_BYTES], body[SALT_BYTES:])
        return Response(msgspec.json.encode(sealed), media_type=JSON)

    return [lay, fetch]
