"""Labels: what keeps a hash, a signature or a derived key of one use from being taken for another's.

Not a hash of structured data: parts are joined as they are, so a caller gives at most one part of variable length, or
parts that delimit themselves. Invariant: every hashed, signed or derived input of the protocol begins with
``carnet/1/<label>`` and a zero byte, and no label contains a zero byte, so no input under one label is an input under
another. Spec: openapi/protocol/crypto.md, CRY-1.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

PROTOCOL_PREFIX = b"carnet/1/"
HASH_BYTES = 32


@lru_cache(maxsize=256)
def label_prefix(label: str) -> bytes:
    """``carnet/1/<label>`` and a zero byte.

    Raises: ValueError for an empty label or one that is not printable ASCII (labels are constants of our code).
    """
    if not label or not label.isascii() or not label.isprintable():
        raise ValueError("a label is printable ASCII")
    return PROTOCOL_PREFIX + label.encode("ascii") + b"\0"


def labelled_hash(label: str, *parts: bytes) -> bytes:
    """SHA-256 (FIPS 180-4) over the label and the joined parts; 32 bytes, never truncated."""
    return hashlib.sha256(label_prefix(label) + b"".join(parts)).digest()


def signed_input(label: str, message: bytes) -> bytes:
    """The bytes that a signature covers: the label, then the message as it travels."""
    return label_prefix(label) + message
