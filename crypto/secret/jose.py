"""Signing the compact JWS (RFC 7515) with which a device asks for a token.

Not a JWT library: claims are the caller's, times included. Invariant: what is made here is taken by crypto.public.jws,
and its signed bytes cannot be mistaken for a labelled input of the protocol (they begin with base64 of a brace).
Spec: openapi/protocol/crypto.md, CRY-8.
"""

from __future__ import annotations

import json
from typing import Any

from crypto.public.jws import ALGORITHMS, TOKEN_CHARS_MAX, encode_part
from crypto.secret.signing import SigningKey


def sign(key: SigningKey, *, typ: str, kid: str, claims: dict[str, Any]) -> str:
    """A compact JWS over the claims with the header alg, kid, typ.

    Raises: ValueError for claims that are no JSON or make the token longer than 4,096 characters.
    """
    header = _part({"alg": ALGORITHMS[key.key_type], "kid": kid, "typ": typ})
    signed = f"{header}.{_part(claims)}"
    token = f"{signed}.{encode_part(key.sign_raw(signed.encode('ascii')))}"
    if len(token) > TOKEN_CHARS_MAX:
        raise ValueError("the claims are too long")
    return token


def _part(value: dict[str, Any]) -> str:
    return encode_part(json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8"))
