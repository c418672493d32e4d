"""What a phone and a server say about the key of a health card: its address, the key, nothing else.

Spec: openapi/protocol/health-cards.md, "The key".
"""

from __future__ import annotations

import base64
from typing import NewType

import msgspec

IssuerId = NewType("IssuerId", bytes)  # 16 random bytes, drawn for one card

ISSUER_BYTES = 16
ISSUER_CHARS = 22  # in base64url without padding
PUBLISHED = "/i"
KEYS = "/.well-known/jwks.json"


class NewIssuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """PUT /v1/issuers/{issuer}. `public_key`: ES256, the uncompressed point (65 bytes)."""

    public_key: bytes


def issuer_text(issuer: IssuerId) -> str:
    """How an issuer stands in an address: 22 characters."""
    return base64.urlsafe_b64encode(issuer).rstrip(b"=").decode("ascii")


def issuer_url(origin: str, issuer: IssuerId) -> str:
    """What stands in a card as `iss`."""
    return f"{origin}{PUBLISHED}/{issuer_text(issuer)}"
