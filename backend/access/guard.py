"""Who is asking? One read gives the token's validity and the device's live status, so that revocation is immediate.

Every route that needs a token calls `caller` first; the one thing it may not do is to remember an answer. Spec:
openapi/protocol/accounts.md, ACC-8 and ACC-9.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from litestar import Request

from backend.access.store import TokenRow, token_row
from backend.access.tokens import hash_of_bearer
from backend.http.limits import header
from backend.http.problems import ProblemError
from backend.ports import Ports
from backend.push.store import WakeSeen
from sync.wire.ids import AccountId, DeviceId


class Caller(NamedTuple):
    """The device that asks, its account, the number of the first notice that waits for it, the wish to wake it."""

    device: DeviceId
    account: AccountId
    first_notice: int | None
    wake: WakeSeen | None


async def caller(request: Request[Any, Any, Any], ports: Ports) -> Caller:
    """The device of the request's access token. Raises: ProblemError `token_invalid`, `revoked`, `rate_limited`."""
    me = admitted(await token_row(ports.engine.reading(), token_hash(request)), ports.now_ms())
    ports.accounts.take(me.account, ports.now_ms())
    return me


def token_hash(request: Request[Any, Any, Any]) -> bytes:
    """The hash of the request's access token. Raises: ProblemError `token_invalid`."""
    found = hash_of_bearer(header(request, b"authorization"))
    if found is None:
        raise ProblemError("token_invalid")
    return found


def admitted(row: TokenRow | None, now_ms: int) -> Caller:
    """The device that a row lets in, whoever has read it. Raises: ProblemError `token_invalid`, `revoked`."""
    if row is None:
        raise ProblemError("token_invalid")
    if row.revoked_at is not None:
        raise ProblemError("revoked")
    if row.expires_at <= now_ms:
        raise ProblemError("token_invalid")
    return Caller(row.device, row.account, row.first_notice, row.wake)
