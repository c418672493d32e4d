"""A device's signing key, from a seed of 32 bytes.

Not a key in secure hardware: such a key has no seed and signs behind the device's own port. Invariants: the same seed
gives the same key and the same signatures everywhere; the key shows itself in no repr and no pickle.
Spec: openapi/protocol/crypto.md, CRY-14.
"""

from __future__ import annotations

from typing import NoReturn

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from crypto.public.errors import BadKey
from crypto.public.hashing import PROTOCOL_PREFIX, signed_input
from crypto.public.keys import ED25519, ES256
from crypto.secret.kdf import derive
from crypto.secret.secret import Secret

SEED_BYTES = 32
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_RFC6979 = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


class SigningKey:
    """An Ed25519 or ES256 key pair; made by `from_seed`."""

    __slots__ = ("_private", "key_type", "public_key", "seed")

    def __init__(self, key_type: int, seed: Secret) -> None:
        if len(seed) != SEED_BYTES:
            raise BadKey()
        self._private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
        if key_type == ED25519:
            self._private = ed25519.Ed25519PrivateKey.from_private_bytes(seed.reveal())
            self.public_key = self._private.public_key().public_bytes_raw()
        elif key_type == ES256:
            self._private = ec.derive_private_key(_p256_scalar(seed), ec.SECP256R1())
            self.public_key = self._private.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            )
        else:
            raise BadKey()
        self.key_type = key_type
        self.seed = seed

    @classmethod
    def from_seed(cls, key_type: int, seed: Secret) -> SigningKey:
        """The key pair of a 32-byte seed. Raises: BadKey for another length or an unknown type."""
        return cls(key_type, seed)

    def sign(self, label: str, message: bytes) -> bytes:
        """64 bytes over ``carnet/1/<label>``, a zero byte and the message; ES256 by RFC 6979 with SHA-256, r ‖ s."""
        return self._sign(signed_input(label, message))

    def sign_raw(self, signed: bytes) -> bytes:
        """64 bytes over exactly these bytes: only for a format that brings its own separation (JWS).

        Raises: ValueError if the bytes could be taken for a labelled input.
        """
        if signed.startswith(PROTOCOL_PREFIX):
            raise ValueError("labelled input is signed by its label")
        return self._sign(signed)

    def _sign(self, signed: bytes) -> bytes:
        if isinstance(self._private, ed25519.Ed25519PrivateKey):
            return self._private.sign(signed)
        r, s = decode_dss_signature(self._private.sign(signed, _RFC6979))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def __repr__(self) -> str:
        return f"<SigningKey type {self.key_type}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a SigningKey is neither pickled nor copied")


def _p256_scalar(seed: Secret) -> int:
    """A scalar in 1 … n - 1 from 48 derived bytes, so that the reduction's bias is below 2^-128 (FIPS 186-5 A.2.1)."""
    wide = int.from_bytes(derive(seed, "es256 scalar", length=48), "big")
    return wide % (_P256_ORDER - 1) + 1
