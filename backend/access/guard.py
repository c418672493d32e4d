"""Who is asking? One read gives the token's validity and the device's live status, so that revocation is immediate.

Every route that needs a token calls `caller` first; the one thing it may not do is to remember an answer. Spec:
openapi/protocol/accounts.md, ACC-8 and ACC-9.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from litestar import Request

from backend.access.store import token_row
from backend.access.tokens import hash_of_bearer
from backend.http.limits import header
from backend.http.problems import ProblemError
from backend.ports import Ports
from sync.wire.ids import AccountId, DeviceId


class Caller(NamedTuple):
    """The device that asks, the account it is enrolled in, the number of the first notice that waits for it."""

    device: DeviceId
    account: AccountId
    first_notice: int | None


async def caller(request: Request[Any, Any, Any], ports: Ports) -> Caller:
    """The device of the request's access token. Raises: ProblemError `token_invalid`, `revoked`, `rate_limited`."""
    token_hash = hash_of_bearer(header(request, b"authorization"))
    if token_hash is None:
        raise ProblemError("token_invalid")
    row = await token_row(ports.engine.reading(), token_hash)
    if row is None:
        raise ProblemError("token_invalid")
    if row.revoked_at is not None:
        raise ProblemError("revoked")
    now_ms = ports.now_ms()
    if row.expires_at <= now_ms:
        raise ProblemError("token_invalid")
    ports.accounts.take(row.account, now_ms)
    return Caller(row.device, row.account, row.first_notice)
