"""A request with an access token, with another one where the first is not good any more. Knows no route.

Spec: openapi/protocol/accounts.md, ACC-8.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from sync.device.access import access_token
from sync.device.identity import Identity
from sync.device.phone import Phone
from sync.device.transport import Answered, Transport, Unreachable

T = TypeVar("T")
ANSWER_BYTES_MAX = 65_536  # of an answer, unless whoever asks expects more


async def ask(
    phone: Phone,
    transport: Transport,
    identity: Identity,
    method: str,
    path: str,
    body: bytes | None = None,
    *,
    more: Mapping[str, str] | None = None,
    longest: int = ANSWER_BYTES_MAX,
) -> bytes:
    """The body of a good answer. Raises: Answered, Unreachable."""
    for attempt in range(2):
        token = await access_token(phone, transport, identity, renew=attempt > 0)
        try:
            return await transport.call(method, path, body, token, more=more or {}, longest=longest)
        except Answered as answer:
            if answer.code != "token_invalid" or attempt:
                raise
    raise AssertionError("the loop above returns or raises")


def decoded(body: bytes, type_: type[T]) -> T:
    """An answer's JSON as what it should be. Raises: Unreachable."""
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreachable("an answer that is not ours") from error
