"""Keys of health cards: a phone publishes one for each card, anybody reads it, the phone withdraws it.

The server learns that an account made a card, and which; nothing that stands in it. What a reader learns is that this
server vouches for the key. Spec: openapi/protocol/health-cards.md, "The key"; SMART Health Cards 1.4, "Determining keys
associated with an issuer".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, put
from litestar.handlers import HTTPRouteHandler

from backend.access.guard import caller
from backend.http.docs import DOC, Body, Doc
from backend.http.limits import JSON, network, read_json
from backend.http.problems import ProblemError
from backend.issuers import store
from backend.ports import Ports
from crypto.public.errors import BadKey
from crypto.public.jws import encode_part
from crypto.public.keys import ES256, check_signing_key
from sync.wire.issuer import ISSUER_BYTES, ISSUER_CHARS, KEYS, PUBLISHED, IssuerId, NewIssuer
from sync.wire.limits import ISSUERS_MAX, SMALL_BODY_BYTES_MAX

PATH = "/v1/issuers/{issuer:str}"
_read_new = msgspec.json.Decoder(NewIssuer).decode


class Jwk(msgspec.Struct, frozen=True):
    """A key as a `jwks.json` has it (RFC 7517)."""

    kty: str
    kid: str
    use: str
    alg: str
    crv: str
    x: str
    y: str


class Jwks(msgspec.Struct, frozen=True):
    """The keys of an issuer: of ours always one."""

    keys: list[Jwk]


def routes(ports: Ports) -> list[HTTPRouteHandler]:
    """The routes, over these ports."""
    engine = ports.engine

    doc = Doc(
        "Publish the key of a health card",
        {204: None},
        ("malformed", "token_invalid", "revoked", "not_found", "issuer_taken", "too_many_cards", "storage_full"),
        Body(JSON, NewIssuer),
        token=True,
    )

    @put(PATH, status_code=204, opt={DOC: doc})
    async def publish(request: Request[Any, Any, Any]) -> None:
        me, issuer = await caller(request, ports), _own(request)
        new = await read_json(request, _read_new, SMALL_BODY_BYTES_MAX)
        try:
            check_signing_key(ES256, new.public_key)
        except BadKey:
            raise ProblemError("malformed") from None
        async with engine.transaction() as tx:
            held_by_account = await store.count_issuers(tx, me.account)
            held = await store.read_issuer(tx, issuer)
            if held == (me.account, new.public_key):
                return  # the answer was lost, and the phone asks again
            if held is not None:
                raise ProblemError("issuer_taken")
            if held_by_account >= ISSUERS_MAX:
                raise ProblemError("too_many_cards")
            await store.write_issuer(tx, issuer, me.account, new.public_key, ports.now_ms())

    doc = Doc("Withdraw the key of a health card", {204: None}, ("token_invalid", "revoked", "not_found"), token=True)

    @delete(PATH, opt={DOC: doc})
    async def withdraw(request: Request[Any, Any, Any]) -> None:
        me, issuer = await caller(request, ports), _own(request)
        async with engine.transaction() as tx:
            await store.drop_issuer(tx, issuer, me.account)

    doc = Doc("The key of a health card that a phone signed", {200: Body(JSON, Jwks)}, ("not_found",))

    @get(PUBLISHED + "/{published:str}" + KEYS, opt={DOC: doc})
    async def keys(request: Request[Any, Any, Any]) -> Response[Any]:
        ports.addresses.take(network(request), ports.now_ms())
        held = await store.read_issuer(engine.reading(), _named(request))
        if held is None:
            raise ProblemError("not_found")
        return Response(msgspec.json.encode(Jwks([_jwk(held[1])])), media_type=JSON)

    return [publish, withdraw, keys]


def _jwk(public_key: bytes) -> Jwk:
    x, y = encode_part(public_key[1:33]), encode_part(public_key[33:])
    thumbprint = hashlib.sha256(
        f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'.encode("ascii")
    ).digest()  # RFC 7638
    return Jwk("EC", encode_part(thumbprint), "sig", "ES256", "P-256", x, y)


def _own(request: Request[Any, Any, Any]) -> IssuerId:
    text = request.path_params["issuer"]
    try:
        if len(text) == 2 * ISSUER_BYTES and text == text.lower():
            return IssuerId(bytes.fromhex(text))
    except ValueError:
        pass
    raise ProblemError("not_found")


def _named(request: Request[Any, Any, Any]) -> IssuerId:
    text = request.path_params["published"]
    try:
        raw = base64.b64decode(text + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(text) != ISSUER_CHARS or len(raw) != ISSUER_BYTES or encode_part(raw) != text:
        raise ProblemError("not_found")
    return IssuerId(raw)
