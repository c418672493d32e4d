"""A device's KEM key (X-Wing: ML-KEM-768 with X25519), from one seed of 32 bytes.

Not the sealing side (crypto.public.sealing). Invariant: the seed expands by SHAKE256 as the X-Wing draft says, so a
recovery code gives the same key in every language, in a browser too, whose private key is this seed.
Spec: openapi/protocol/crypto.md, CRY-9 and CRY-15.
"""

from __future__ import annotations

import hashlib
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519

from crypto.public.errors import BadKey, CannotOpen
from crypto.public.sealing import SUITE, XWING_SEAL_OVERHEAD
from crypto.secret.secret import Secret

SEED_BYTES = 32
_MLKEM_SEED_BYTES = 64  # d ‖ z, FIPS 203 algorithm 16


class KemKey:
    """An X-Wing key pair; made by `from_seed`."""

    __slots__ = ("_private", "public_key", "seed")

    def __init__(self, seed: Secret) -> None:
        if len(seed) != SEED_BYTES:
            raise BadKey()
        expanded = hashlib.shake_256(seed.reveal()).digest(_MLKEM_SEED_BYTES + 32)
        lattice = mlkem.MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_BYTES])
        curve = x25519.X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_BYTES:])
        self._private = hpke.MLKEM768X25519PrivateKey(lattice, curve)
        self.public_key = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
        self.seed = seed

    @classmethod
    def from_seed(cls, seed: Secret) -> KemKey:
        """The key pair of a 32-byte seed (draft-connolly-cfrg-xwing-kem §5.2). Raises: BadKey for another length."""
        return cls(seed)

    def open(self, info: bytes, sealed: bytes) -> bytes:
        """The plaintext of enc (1,120 bytes) ‖ ciphertext that was sealed to this key with the same `info`.

        Raises: CannotOpen.
        """
        if len(sealed) < XWING_SEAL_OVERHEAD:
            raise CannotOpen()
        try:
            return SUITE.decrypt(sealed, self._private, info=info)
        except (InvalidTag, ValueError):
            raise CannotOpen() from None

    def __repr__(self) -> str:
        return "<KemKey>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a KemKey is neither pickled nor copied")
