"""Access tokens: 32 random bytes, known to the server only by their hash.

Opaque on purpose: a token says nothing, cannot be forged by a weak algorithm, and ends when its device is revoked.
Spec: openapi/protocol/accounts.md, ACC-7 to ACC-9.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import NamedTuple

from crypto.public.hashing import labelled_hash
from sync.wire.account import Token
from sync.wire.limits import TOKEN_SECONDS

TOKEN_BYTES = 32
_TOKEN_CHARS = 43  # base64url of 32 bytes, without padding


class IssuedToken(NamedTuple):
    """A new token: the answer that carries it, its hash for the store, its end in milliseconds since 1970 UTC."""

    answer: Token
    hash: bytes
    expires_ms: int


def once_hash(value: str) -> bytes:
    """How a jti or a nonce is stored: H("once", text in UTF-8)."""
    return labelled_hash("once", value.encode())


def new_secret_text(entropy: Callable[[int], bytes]) -> str:
    """32 random bytes as base64url without padding: a token or a nonce."""
    return base64.urlsafe_b64encode(entropy(TOKEN_BYTES)).rstrip(b"=").decode()


def new_token(entropy: Callable[[int], bytes], now_ms: int) -> IssuedToken:
    """A token that lives TOKEN_SECONDS from now."""
    text = new_secret_text(entropy)
    return IssuedToken(Token(text, TOKEN_SECONDS), labelled_hash("token", text.encode()), now_ms + TOKEN_SECONDS * 1000)


def hash_of_bearer(header: str) -> bytes | None:
    """The hash of the token in an Authorization header, or None if there is none of our shape (RFC 6750 §2.1)."""
    scheme, _, text = header.partition(" ")
    text = text.strip()
    if scheme.lower() != "bearer" or len(text) != _TOKEN_CHARS:
        return None
    try:
        base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return labelled_hash("token", text.encode())
