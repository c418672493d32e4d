"""SMART Health Cards: signing one, reading anybody's, checking what can be checked.

What it is: the JWS, its numeric QR text and its file form, keys (JWKS) and revocation lists as JSON. What it is not: a
choice of what stands in a card, a fetch, a judgement whom to trust. Invariants: what is made every reader of the
standard takes; of what is read nothing is believed before `check_signature` held with a key of its issuer; who is
trusted is asked apart, and a card that a patient's own phone signed is trusted by nobody. Source: SMART Health Cards
Framework 1.4, RFC 7515, RFC 7638. Spec: openapi/protocol/health-cards.md.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec

from crypto.public.errors import BadSignature
from crypto.public.jws import encode_part
from crypto.public.keys import ES256
from crypto.public.signatures import verify_raw
from crypto.secret.signing import SigningKey

NUMERIC = "shc:/"
TYPE = "https://smarthealth.cards#health-card"
JWS_CHARS_MAX = 1_195  # in one QR of version 22 at level L ("Encoding Chunks as QR Codes")
SELF_ISSUED = re.compile(r"https?://[^/]+/i/[A-Za-z0-9_-]{22}\Z")
REASONS = frozenset({"form", "parts", "signature", "key", "inflated"})
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\Z")
_CHUNK = re.compile(r"shc:/(?:(\d{1,2})/(\d{1,2})/)?((?:\d\d)+)\Z")
_INFLATED_MAX = 4 << 20
_TEXT_MAX = 1 << 20
_LATEST = 253_402_300_799  # the end of the year 9999


class CardRefused(Exception):
    """What is no health card, or one that was altered; `reason` is one of REASONS."""

    def __init__(self, reason: str) -> None:
        assert reason in REASONS
        super().__init__(reason)
        self.reason = reason


class HealthCard(msgspec.Struct, frozen=True):
    """What a card says of itself. `since`: seconds since 1970 from which it counts. `rid`: by what it is revoked.
    `claims`: the JSON that was signed, with numbers as they were written."""

    jws: str
    issuer: str
    kid: str
    since: int
    expires: int | None
    rid: str | None
    claims: bytes

    def __repr__(self) -> str:
        return "<HealthCard>"

    @property
    def self_issued(self) -> bool:
        """True if a patient's own phone made it: its server vouches for the key and for nothing else."""
        return SELF_ISSUED.match(self.issuer) is not None


def jwk_of(public_key: bytes) -> dict[str, str]:
    """An ES256 key (65 bytes) as it stands in a jwks.json, with its thumbprint (RFC 7638) as kid."""
    x, y = encode_part(public_key[1:33]), encode_part(public_key[33:])
    bare = f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'
    kid = encode_part(hashlib.sha256(bare.encode("ascii")).digest())
    return {"kty": "EC", "kid": kid, "use": "sig", "alg": "ES256", "crv": "P-256", "x": x, "y": y}


def sign_card(bundle: Any, issuer: str, since: int, key: SigningKey) -> str:
    """The JWS of a card. `since`: seconds since 1970."""
    assert key.key_type == ES256
    claims = {
        "iss": issuer,
        "nbf": since,
        "vc": {"type": [TYPE], "credentialSubject": {"fhirVersion": "4.0.1", "fhirBundle": bundle}},
    }
    payload = encode_part(_deflated(json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()))
    head = {"zip": "DEF", "alg": "ES256", "kid": jwk_of(key.public_key)["kid"]}
    signed = f"{encode_part(json.dumps(head, separators=(',', ':')).encode())}.{payload}"
    return f"{signed}.{encode_part(key.sign_raw(signed.encode('ascii')))}"


def numeric(jws: str) -> str:
    """A JWS as the text of its QR: two digits a character."""
    return NUMERIC + "".join(f"{ord(char) - 45:02}" for char in jws)


def file_of(jws: str) -> bytes:
    """A JWS as a `.smart-health-card` file."""
    return json.dumps({"verifiableCredential": [jws]}).encode()


def jws_texts(texts: Sequence[str]) -> list[str]:
    """The cards in a file's text or in the texts of QR codes, chunks joined in their order. Raises: CardRefused."""
    found: list[str] = []
    chunks: dict[int, str] = {}
    total = 0
    for text in [part for whole in texts for part in _pieces(whole)]:
        chunk = _CHUNK.match(text)
        if chunk is None:
            if _COMPACT.match(text) is None:
                raise CardRefused("form")
            found.append(text)
        elif chunk[1] is None:
            found.append(_letters(chunk[3]))
        else:
            if (total and int(chunk[2]) != total) or not 0 < int(chunk[1]) <= int(chunk[2]):
                raise CardRefused("parts")
            if chunks.setdefault(int(chunk[1]), chunk[3]) != chunk[3]:
                raise CardRefused("parts")
            total = int(chunk[2])
    if chunks:
        if len(chunks) != total:
            raise CardRefused("parts")
        found.append(_letters("".join(digits for _, digits in sorted(chunks.items()))))
    if not found:
        raise CardRefused("form")
    return list(dict.fromkeys(found))


def read_card(jws: str) -> HealthCard:
    """What a card says, unchecked. Raises: CardRefused."""
    parts = _COMPACT.match(jws)
    if parts is None:
        raise CardRefused("form")
    try:
        head, raw = json.loads(_bytes(parts[1])), _bytes(parts[2])
        if not isinstance(head, dict) or head.get("alg") != "ES256" or not isinstance(head.get("kid"), str):
            raise CardRefused("form")
        raw = _inflated(raw) if head.get("zip") == "DEF" else raw
        claims = json.loads(raw)
        vc, subject = claims["vc"], claims["vc"]["credentialSubject"]
        issuer, since, bundle = claims["iss"], int(claims["nbf"]), subject["fhirBundle"]
        expires = None if claims.get("exp") is None else int(claims["exp"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise CardRefused("form") from None
    if not isinstance(issuer, str) or not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise CardRefused("form")
    rid = vc.get("rid")
    since = min(max(since, 0), _LATEST)
    return HealthCard(jws, issuer.rstrip("/"), head["kid"], since, expires, rid if isinstance(rid, str) else None, raw)


def check_signature(card: HealthCard, jwks: Any) -> int:
    """Checks a card with its issuer's keys; gives the `crlVersion` of the key, 0 if it has none.

    Raises: CardRefused(key: the issuer publishes no such key; signature: altered, or not by this key).
    """
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    named = [key for key in keys if isinstance(key, dict) and key.get("kid") == card.kid] if keys else []
    try:
        point = b"\x04" + _bytes(named[0]["x"]) + _bytes(named[0]["y"])
    except (IndexError, KeyError, ValueError, TypeError, AttributeError):
        raise CardRefused("key") from None
    signed, _, signature = card.jws.rpartition(".")
    try:
        verify_raw(ES256, point, signed.encode("ascii"), _bytes(signature))
        if jwk_of(point)["kid"] != card.kid:
            raise BadSignature()
    except (BadSignature, ValueError):
        raise CardRefused("signature") from None
    version = named[0].get("crlVersion")
    return version if isinstance(version, int) and not isinstance(version, bool) else 0


def shows_certificates(card: HealthCard, jwks: Any) -> bool:
    """Whether the card's key comes with certificates (`x5c`). Nothing here looks into them."""
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    named = [key for key in keys if isinstance(key, dict) and key.get("kid") == card.kid] if keys else []
    return bool(named) and bool(named[0].get("x5c"))


def is_revoked(card: HealthCard, crl: Any) -> bool:
    """Whether a revocation list of the card's key names it. An entry may say that it is meant for cards before a time;
    one that names this card counts here in any case (decision 0141)."""
    if card.rid is None or not isinstance(crl, dict) or crl.get("kid") != card.kid:
        return False
    rids = crl.get("rids")
    return any(str(entry).partition(".")[0] == card.rid for entry in (rids if isinstance(rids, list) else ()))


def _pieces(text: str) -> list[str]:
    """A file's cards, or a text's lines."""
    if len(text) > _TEXT_MAX:
        raise CardRefused("form")
    if text.lstrip().startswith("{"):
        try:
            cards = json.loads(text)["verifiableCredential"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise CardRefused("form") from None
        if not isinstance(cards, list) or not all(isinstance(card, str) for card in cards):
            raise CardRefused("form")
        return [card.strip() for card in cards]
    return text.split()


def _letters(digits: str) -> str:
    codes = [int(digits[at : at + 2]) + 45 for at in range(0, len(digits), 2)]
    if len(digits) % 2 or any(code > 122 for code in codes):
        raise CardRefused("form")
    return "".join(map(chr, codes))


def _deflated(data: bytes) -> bytes:
    """Raw DEFLATE (RFC 1951), the shortest of what zlib's strategies give."""
    made = []
    for memory in (8, 9):
        stream = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, memory)
        made.append(stream.compress(data) + stream.flush())
    return min(made, key=len)


def _inflated(data: bytes) -> bytes:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = stream.decompress(data, _INFLATED_MAX + 1)
    except zlib.error:
        raise CardRefused("form") from None
    if len(plain) > _INFLATED_MAX:
        raise CardRefused("inflated")
    return plain


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
