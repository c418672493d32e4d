"""POST /v1/token: an assertion for an access token. Spec: openapi/protocol/accounts.md, "Tokens"."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler

from backend.access import store
from backend.access.assertion import NOBODYS_KEY, AssertionRefused, ClockOff, check_assertion, device_named
from backend.access.tokens import new_secret_text, new_token, once_hash
from backend.http.docs import DOC, Body, Doc
from backend.http.limits import JSON, network, read_json
from backend.http.problems import ProblemError
from backend.ledger.store import Happened, append
from backend.notices.store import tell
from backend.ports import Ports
from sync.wire.account import Token, TokenRequest
from sync.wire.card import RECOVERY
from sync.wire.ids import DeviceId
from sync.wire.limits import ASSERTION_SECONDS_MAX, SMALL_BODY_BYTES_MAX

_decode = msgspec.json.Decoder(TokenRequest).decode
_JTI, _NONCE = "jti", "nonce"


def routes(ports: Ports) -> list[HTTPRouteHandler]:
    """The route, over these ports."""
    doc = Doc(
        "Exchange a signed assertion for an access token",
        {200: Body(JSON, Token)},
        ("malformed", "assertion_invalid", "clock", "revoked", "rate_limited"),
        Body(JSON, TokenRequest, "A JWT by RFC 7523, see accounts.md."),
    )

    @post("/v1/token", status_code=200, opt={DOC: doc})
    async def give_token(request: Request[Any, Any, Any]) -> Response[Any]:
        now_ms = ports.now_ms()
        ports.addresses.take(network(request), now_ms)
        token = (await read_json(request, _decode, SMALL_BODY_BYTES_MAX)).assertion
        try:
            device = device_named(token)
            known = await store.device_key(ports.engine.reading(), device)
            key = NOBODYS_KEY if known is None else known.key
            checked = check_assertion(token, device, key, ports.origin, now_ms)
            if known is None:
                raise AssertionRefused
        except AssertionRefused:
            raise ProblemError("assertion_invalid") from None
        except ClockOff:
            raise await _clock_problem(ports, device, now_ms) from None
        if known.revoked_at is not None:
            raise ProblemError("revoked")
        issued = new_token(ports.entropy, now_ms)
        async with ports.engine.transaction() as tx:
            if checked.nonce is not None:
                fresh = await store.take_once(tx, _NONCE, once_hash(checked.nonce), device, now_ms)
            else:
                fresh = True
            unused = await store.use_once(tx, _JTI, once_hash(checked.jti), device, checked.expires_ms, now_ms)
            if fresh and unused:
                await store.write_token(tx, issued.hash, device, issued.expires_ms, now_ms)
                if known.kind == RECOVERY:
                    # Also where it was revoked: else who holds the sheet leaves the account first, and reads unheard.
                    for account in sorted({known.account} | await store.accounts_left(tx, device)):
                        await tell(tx, account, "recovery_used", device, now_ms)
                        await append(tx, account, Happened("recovery_used", device), now_ms)
        if not unused:
            raise ProblemError("assertion_invalid")
        if not fresh:
            raise await _clock_problem(ports, device, now_ms)
        return Response(msgspec.json.encode(issued.answer), media_type=JSON)

    return [give_token]


async def _clock_problem(ports: Ports, device: DeviceId, now_ms: int) -> ProblemError:
    """A nonce for this device, to be used once within a minute in place of a time."""
    nonce = new_secret_text(ports.entropy)
    async with ports.engine.transaction() as tx:
        await store.use_once(tx, _NONCE, once_hash(nonce), device, now_ms + ASSERTION_SECONDS_MAX * 1000, now_ms)
    return ProblemError("clock", nonce=nonce)
