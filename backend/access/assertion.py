"""Is this assertion good? A JWT (RFC 7523) that a device signs with its card's key to get an access token.

    header  typ = ASSERTION_TYPE, alg as the key's type says, kid = device id in hex
    claims  iss = sub = kid, aud = the server's origin, jti once, exp at most 60 s ahead, or nonce instead of a time

Pure: the clock is an argument, the key is the caller's, and whether jti or nonce have been used is the store's to say.
A nonce takes the place of `exp`, so that a wrong clock can neither lock a phone out nor be used to harvest assertions
for later. Spec: openapi/protocol/accounts.md, ACC-3 to ACC-6.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from crypto.public import jws
from crypto.public.errors import BadSignature
from crypto.public.keys import ED25519
from sync.wire.account import ASSERTION_TYPE
from sync.wire.ids import DeviceId, parse_device_id
from sync.wire.limits import ASSERTION_SECONDS_MAX

JTI_CHARS_MIN, JTI_CHARS_MAX = 16, 128  # characters
NONCE_CHARS_MAX = 128  # characters
CLAIMS = frozenset({"iss", "sub", "aud", "jti", "exp", "nonce"})  # a claim that is not looked at promises too much
# A point on the curve whose private key nobody has. What claims to be of a device that is not enrolled is verified
# under it, so that refusing it takes the work of any other refusal.
NOBODYS_KEY = (ED25519, bytes.fromhex("b1a492e6c019466865eaa7fcfbe1f359aecaa898a7f6bd44d11e024bac43e042"))


class AssertionRefused(Exception):
    """Not an assertion of this device for this server; says no more."""


class ClockOff(Exception):
    """A good assertion, but its time is not within a minute of now."""


class Assertion(NamedTuple):
    """What a good assertion leaves to be looked up: its id, until when it could be used again, its nonce if any."""

    jti: str
    expires_ms: int
    nonce: str | None


class _Header(msgspec.Struct):
    kid: str


_read_header = msgspec.json.Decoder(_Header).decode


def device_named(token: str) -> DeviceId:
    """The device whose key an assertion claims to be signed with; nothing is verified yet. Raises: AssertionRefused."""
    part = token.partition(".")[0]
    if len(part) > 1_024:
        raise AssertionRefused
    try:
        padded = part.replace("-", "+").replace("_", "/") + "=" * (-len(part) % 4)
        raw = msgspec.json.decode(f'"{padded}"', type=bytes)
        return parse_device_id(_read_header(raw).kid)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        raise AssertionRefused from None


def check_assertion(token: str, device: DeviceId, key: tuple[int, bytes], origin: str, now_ms: int) -> Assertion:
    """Checks everything that needs no store. `key`: the device's key type and public key.

    Raises: AssertionRefused, or ClockOff when only the time is wrong.
    """
    text = device.hex()

    def find_key(kid: str) -> tuple[int, bytes]:
        if kid != text:
            raise LookupError
        return key

    try:
        claims = jws.verify(token, typ=ASSERTION_TYPE, find_key=find_key)
    except BadSignature:
        raise AssertionRefused from None
    jti, nonce, exp = claims.get("jti"), claims.get("nonce"), claims.get("exp")
    if not claims.keys() <= CLAIMS:
        raise AssertionRefused
    if claims.get("iss") != text or claims.get("sub") != text or claims.get("aud") != origin:
        raise AssertionRefused
    if not isinstance(jti, str) or not JTI_CHARS_MIN <= len(jti) <= JTI_CHARS_MAX:
        raise AssertionRefused
    if nonce is not None:
        if not isinstance(nonce, str) or len(nonce) > NONCE_CHARS_MAX:
            raise AssertionRefused
        return Assertion(jti, now_ms + ASSERTION_SECONDS_MAX * 1000, nonce)
    if type(exp) is not int:
        raise AssertionRefused
    if not now_ms < exp * 1000 <= now_ms + ASSERTION_SECONDS_MAX * 1000:
        raise ClockOff
    return Assertion(jti, exp * 1000, None)
