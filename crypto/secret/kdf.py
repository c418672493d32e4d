"""Keys from keys, a label for each use.

Not for passphrases (crypto.public.passphrase). Invariant: two labels never give related keys, and a label names one
use, so the key of one purpose is of no help to another. Spec: openapi/protocol/crypto.md, CRY-10 and CRY-11.
"""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.public.hashing import label_prefix
from crypto.secret.secret import Secret

EPOCH_KEY_BYTES = 32
_SHA256 = hashes.SHA256()


def derive(key: Secret | bytes, label: str, context: bytes = b"", length: int = 32, salt: bytes = b"") -> bytes:
    """HKDF-SHA256 (RFC 5869) with info = ``carnet/1/<label>``, a zero byte, `context`; `length` bytes.

    An empty salt is the RFC's 32 zero bytes.
    """
    material = key.reveal() if isinstance(key, Secret) else key
    return HKDF(_SHA256, length, salt or None, label_prefix(label) + context).derive(material)


def epoch_id(epoch_key: Secret) -> bytes:
    """32 public bytes that stand for an epoch's key in the log: the one test of whether a key is the right one."""
    if len(epoch_key) != EPOCH_KEY_BYTES:
        raise ValueError("an epoch key has 32 bytes")
    return derive(epoch_key, "epoch id")
