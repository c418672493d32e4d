"""Compact JWS (RFC 7515) for the assertions with which a device asks for a token: verifying only.

Not a JWT library: it reads neither `exp` nor `aud`, knows no algorithm by name from the token and no key from it. The
key's own type says which `alg` must stand there. Invariants: nothing of the payload is decoded before the signature
holds; one token has one text (base64url without padding and without stray bits, no doubled names).
Spec: openapi/protocol/crypto.md, CRY-8.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

from crypto.public.errors import BadSignature
from crypto.public.keys import ED25519, ES256
from crypto.public.signatures import verify_raw

TOKEN_CHARS_MAX = 4_096  # characters; bounds what an unauthenticated caller can make us read
ALGORITHMS = {ED25519: "EdDSA", ES256: "ES256"}  # RFC 8037 §3.1, RFC 7518 §3.4
HEADER_NAMES = frozenset({"alg", "kid", "typ"})

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)
BRACKETS_MAX = 32  # objects and lists in one part: what is nested deeper than a reader goes differs between readers


def verify(token: str, *, typ: str, find_key: Callable[[str], tuple[int, bytes]]) -> dict[str, Any]:
    """The claims of a token whose signature holds.

    `find_key` gives (key type, public key) for a `kid` and raises LookupError when there is none.
    Raises: BadSignature for anything else than a good token of this `typ`.
    """
    if len(token) > TOKEN_CHARS_MAX or (parts := _COMPACT.fullmatch(token)) is None:
        raise BadSignature()
    header = _object(_decode(parts[1]))
    kid = header.get("kid")
    if header.keys() != HEADER_NAMES or header["typ"] != typ or not isinstance(kid, str):
        raise BadSignature()
    try:
        key_type, public_key = find_key(kid)
    except LookupError:
        raise BadSignature() from None
    if header["alg"] != ALGORITHMS.get(key_type):
        raise BadSignature()
    verify_raw(key_type, public_key, f"{parts[1]}.{parts[2]}".encode("ascii"), _decode(parts[3]))
    return _object(_decode(parts[2]))


def encode_part(raw: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(part: str) -> bytes:
    """Bytes of one part, refusing unused bits that are not zero: else one token has several texts."""
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise BadSignature() from None
    if encode_part(raw) != part:
        raise BadSignature()
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    """A JSON object with each name once and no number that is none (RFC 7515 §4: names are unique)."""
    if raw.count(b"{") + raw.count(b"[") > BRACKETS_MAX:
        raise BadSignature()
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
        # Half a surrogate pair can be escaped in JSON and is no text: who hashes or stores it would fail.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise BadSignature() from None
    if not isinstance(value, dict):
        raise BadSignature()
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name stands twice")
    return names


def _refuse(constant: str) -> NoReturn:
    raise ValueError("not a JSON number")
