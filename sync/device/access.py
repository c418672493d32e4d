"""Getting in: an account for the first card, a place in it for a further one, and access tokens.

An assertion (RFC 7523) is signed by the card's key; a phone whose clock is wrong is told so with a one-use nonce, and
signs that instead of a time. Spec: openapi/protocol/accounts.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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
    DeviceInfo,
    Enrolment,
    NewAccount,
    Token,
    TokenRequest,
)
from sync.wire.errors import PROBLEMS
from sync.wire.exchange import AnswerEnd, AnswerHead, AnswerReader, Message, SyncRequest, VaultAsk, encode_request
from sync.wire.ids import ACCOUNT_BYTES, AccountId, DeviceId, VaultId
from sync.wire.limits import TOKEN_SECONDS

T = TypeVar("T")

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,4096}=*")  # RFC 6750 §2.1: what may stand in the header
_FORBIDDEN = 403
_ASSERTION_SECONDS = 50
_TOKEN_MARGIN_MS = 30_000  # a token about to end is not worth a request that fails


def refusal(error: Answered | Unreachable) -> Refused:
    """What a failed request means to a person."""
    if isinstance(error, Unreachable):
        return Refused("unreachable", str(error))
    said = f"{error.status} {error.code}"
    if error.code == "revoked":
        return Refused("revoked")
    if error.code == "assertion_invalid":
        return Refused("account_gone", said)
    if error.status == _FORBIDDEN and error.code not in PROBLEMS:
        return Refused("forbidden", said)
    known = PROBLEMS.get(error.code)  # the words are this phone's: a server's own might ask for the recovery code
    return Refused("server_error", said, next=known.next if known else "")


async def open_account(transport: Transport, origin: str, keys: CardKeys, invitation: str | None = None) -> AccountId:
    """An account with this card as its first. Raises: Unreachable, Answered."""
    body = NewAccount(keys.signed, keys.signing.sign(ACCOUNT_LABEL, origin.encode()), invitation)
    account = _decode(await transport.call("POST", "/v1/accounts", msgspec.json.encode(body)), AccountMade).account
    if len(account) != ACCOUNT_BYTES:
        raise Unreachable("an answer that is not ours")
    return account


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


async def revoke(transport: Transport, device: DeviceId, token: str) -> None:
    """Takes a card out of one's own account; one that is in another, or in none, stays where it is. Raises:
    Unreachable, Answered."""
    try:
        await transport.call("DELETE", f"/v1/devices/{device.hex()}", token=token)
    except Answered as answer:
        if answer.code != "not_found":
            raise


async def devices_of(transport: Transport, token: str) -> set[DeviceId]:
    """The cards that are or were in one's own account. Raises: Unreachable, Answered."""
    answer = await transport.call("GET", "/v1/devices", token=token)
    return {info.device for info in _decode(answer, list[DeviceInfo])}


async def ask_once(transport: Transport, token: str, asks: Sequence[VaultAsk] = ()) -> list[Message]:
    """One small sync, its answer whole. Raises: Unreachable, Answered."""
    reader, messages = AnswerReader(len(asks)), list[Message]()
    async with transport.stream("/v1/sync", encode_request(SyncRequest(tuple(asks))), token) as pieces:
        async for piece in pieces:
            try:
                messages += reader.feed(piece)
            except ValueError as error:
                raise Unreachable("an answer that is not ours") from error
    if not messages or not isinstance(messages[-1], AnswerEnd):
        raise Unreachable("an answer that was cut short")
    return messages


async def listed_vaults(transport: Transport, token: str) -> list[VaultId]:
    """The vaults whose log lists the card that the token was given to. Raises: Unreachable, Answered."""
    heads = [m for m in await ask_once(transport, token) if isinstance(m, AnswerHead)]
    return [vault for head in heads for vault in head.invitations]


async def access_token(phone: Phone, transport: Transport, identity: Identity, *, renew: bool = False) -> str:
    """A token that is good for some time, kept for the next command. Raises: Unreachable, Answered."""
    now = phone.now_ms()
    if not renew:
        async with phone.store.transaction() as rows:
            kept = await get_token(rows)
        if kept and kept.device == identity.device and now < kept.until:
            return kept.token
    try:
        token = await _ask(phone, transport, identity, None)
    except Answered as answer:
        nonce = answer.members.get("nonce")
        if answer.code != "clock" or not isinstance(nonce, str):
            raise
        token = await _ask(phone, transport, identity, nonce)
    seconds = min(max(token.expires_in, 0), TOKEN_SECONDS)  # what is no token is asked for anew before long
    until = phone.now_ms() + seconds * 1000 - _TOKEN_MARGIN_MS
    async with phone.store.transaction() as rows:
        await put_token(rows, CachedToken(token.access_token, until, identity.device))
    return token.access_token


async def _ask(phone: Phone, transport: Transport, identity: Identity, nonce: str | None) -> Token:
    device = identity.device.hex()
    claims: dict[str, object] = {"iss": device, "sub": device, "aud": identity.server, "jti": phone.draw(16).hex()}
    if nonce is None:
        claims["exp"] = phone.now_ms() // 1000 + _ASSERTION_SECONDS
    else:
        claims["nonce"] = nonce
    assertion = jose.sign(identity.keys.signing, typ=ASSERTION_TYPE, kid=device, claims=claims)
    token = _decode(await transport.call("POST", "/v1/token", msgspec.json.encode(TokenRequest(assertion))), Token)
    if not _TOKEN.fullmatch(token.access_token):
        raise Unreachable("an answer that is not ours")
    return token


def _decode(body: bytes, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreachable("an answer that is not ours") from error
