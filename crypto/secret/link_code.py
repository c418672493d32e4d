"""The code that lets a phone in: shown by the new one as text or QR, read by the one that approves.

Not the exchange itself. It carries a 16-byte secret, from which both sides get the place to meet and the key of what
they post there, and the first 16 bytes of the new device's id, by which the approving phone checks the card. Invariant:
upper case letters, digits and dashes only, so that a QR of version 3 in alphanumeric mode holds it.
Spec: openapi/protocol/crypto.md, CRY-18 and CRY-20.
"""

from __future__ import annotations

from crypto.secret.kdf import derive
from crypto.secret.secret import Secret
from crypto.secret.spelling import read, spell

SECRET_BYTES = 16
ID_PREFIX_BYTES = 16
RENDEZVOUS_ID_BYTES = 16
_START = 0x11A2B


def encode(secret: bytes, id_prefix: bytes) -> str:
    """16 secret bytes and 16 bytes of a device id as fourteen groups of four characters (69 with the dashes).

    Raises: ValueError for other lengths.
    """
    if len(secret) != SECRET_BYTES or len(id_prefix) != ID_PREFIX_BYTES:
        raise ValueError("a link code has 16 secret bytes and 16 of an id")
    return spell(secret + id_prefix, _START)


def parse(text: str) -> tuple[Secret, bytes]:
    """(secret, first 16 bytes of the device id). Raises: BadCode with reason length, alphabet, mistyped or swapped."""
    both = read(text, SECRET_BYTES + ID_PREFIX_BYTES, _START)
    return Secret(both[:SECRET_BYTES]), both[SECRET_BYTES:]


def rendezvous(secret: Secret) -> tuple[bytes, Secret]:
    """(rendezvous id of 16 bytes, AES-256-GCM key): where both meet, and what seals what they post there.

    Raises: ValueError for a secret of another length.
    """
    if len(secret) != SECRET_BYTES:
        raise ValueError("a link secret has 16 bytes")
    return derive(secret, "link id", length=RENDEZVOUS_ID_BYTES), Secret(derive(secret, "link key"))
