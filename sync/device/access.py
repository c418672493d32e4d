"""Getting in: an account for the first card, a place in it for a further one, and access tokens.

An assertion (RFC 7523) is signed by the card's key; a phone whose clock is wrong is told so with a one-use nonce, and
signs that instead of a time. Spec: openapi/protocol/accounts.md.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from crypto.secret import jose
from sync.device.identity import CachedToken, Identity, get_token, put_token
from sync.device.phone import Phone
from sync.device.refused import Refused
from sync.device.transport import Answered, Transport, Unreachable
from sync.vault.entries import CardKeys
from sync.wire.account import (
    ACCOUNT_LABEL,
    ASSERTION_TYPE,
    ENROL_LABEL,
    ENROLLED_LABEL,
    AccountMade,
    Enrolment,
    NewAccount,
    Token,
    TokenRequest,
)
from sync.wire.ids import AccountId, DeviceId

T = TypeVar("T")

_ASSERTION_SECONDS = 50
_TOKEN_MARGIN_MS = 30_000  # a token about to end is not worth a request that fails


def refusal(error: Answered | Unreachable) -> Refused:
    """What a failed request means to a person."""
    if isinstance(error, Unreachable):
        return Refused("unreachable", str(error))
    return Refused("server_error", f"{error.status} {error.code}", next=str(error.members.get("next") or ""))


async def open_account(transport: Transport, origin: str, keys: CardKeys, invitation: str | None = None) -> AccountId:
    """An account with this card as its first. Raises: Unreachable, Answered."""
    body = NewAccount(keys.signed, keys.signing.sign(ACCOUNT_LABEL, origin.encode()), invitation)
    answer = await transport.call("POST", "/v1/accounts", msgspec.json.encode(body))
    return _decode(answer, AccountMade).account


def enrolment_signature(keys: CardKeys, new: DeviceId, account: AccountId) -> bytes:
    """What a device of the account signs for a new card."""
    return keys.signing.sign(ENROL_LABEL, new + account)


async def enrol(
    transport: Transport, account: AccountId, enroller: DeviceId, enroller_signature: bytes, new: CardKeys
) -> None:
    """Puts a card into an account. Raises: Unreachable, Answered."""
    proof = new.signing.sign(ENROLLED_LABEL, account)
    body = Enrolment(account, enroller, enroller_signature, new.signed, proof)
    await transport.call("POST", "/v1/devices", msgspec.json.encode(body))


async def access_token(phone: Phone, transport: Transport, identity: Identity, *, renew: bool = False) -> str:
    """A token that is good for some time, kept for the next command. Raises: Unreachable, Answered."""
    now = phone.now_ms()
    if not renew:
        async with phone.store.transaction() as rows:
            kept = await get_token(rows)
        if kept and now < kept.until:
            return kept.token
    try:
        token = await _ask(phone, transport, identity, None)
    except Answered as answer:
        nonce = answer.members.get("nonce")
        if answer.code != "clock" or not isinstance(nonce, str):
            raise
        token = await _ask(phone, transport, identity, nonce)
    until = phone.now_ms() + token.expires_in * 1000 - _TOKEN_MARGIN_MS
    async with phone.store.transaction() as rows:
        await put_token(rows, CachedToken(token.access_token, until))
    return token.access_token


async def _ask(phone: Phone, transport: Transport, identity: Identity, nonce: str | None) -> Token:
    device = identity.device.hex()
    claims: dict[str, object] = {"iss": device, "sub": device, "aud": identity.server, "jti": phone.draw(16).hex()}
    if nonce is None:
        claims["exp"] = phone.now_ms() // 1000 + _ASSERTION_SECONDS
    else:
        claims["nonce"] = nonce
    assertion = jose.sign(identity.keys.signing, typ=ASSERTION_TYPE, kid=device, claims=claims)
    return _decode(await transport.call("POST", "/v1/token", msgspec.json.encode(TokenRequest(assertion))), Token)


def _decode(body: bytes, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreachable("an answer that is not ours") from error
