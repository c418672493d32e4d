"""The recovery code: 160 bits on paper, and the two keys that it stands for.

Not a password: nobody chooses it and nothing stretches it. Invariants: what a person mistypes or swaps is found before
anything is derived; the same code gives the same keys in every language. The refusal says what kind of slip it was,
never where. Spec: openapi/protocol/crypto.md, CRY-18 and CRY-19.
"""

from __future__ import annotations

from crypto.public.keys import ED25519
from crypto.secret.kdf import derive
from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from crypto.secret.spelling import read, spell

ENTROPY_BYTES = 20  # 160 bits: no guess succeeds, with the public card at hand and a quantum computer neither
_START = 0x2C0DE


def encode(entropy: bytes) -> str:
    """20 random bytes as nine groups of four characters, the last one a checksum.

    Raises: ValueError for another length.
    """
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError("a recovery code has 20 bytes")
    return spell(entropy, _START)


def parse(text: str) -> Secret:
    """The 20 bytes of a typed code. Raises: BadCode with reason length, alphabet, mistyped or swapped."""
    return Secret(read(text, ENTROPY_BYTES, _START))


def seeds(code: Secret) -> tuple[Secret, Secret]:
    """The seeds of the signing key and of the KEM key that a code stands for, 32 bytes each.

    Raises: ValueError for a code of another length.
    """
    if len(code) != ENTROPY_BYTES:
        raise ValueError("a recovery code has 20 bytes")
    return Secret(derive(code, "recovery signing")), Secret(derive(code, "recovery kem"))


def keys(code: Secret) -> tuple[SigningKey, KemKey]:
    """The signing key (Ed25519) and the KEM key of the recovery card that a code stands for.

    Raises: ValueError for a code of another length.
    """
    signing, kem = seeds(code)
    return SigningKey.from_seed(ED25519, signing), KemKey.from_seed(kem)
