"""A device's signing key: from a seed of 32 bytes, or held by a chip that never gives it out.

Not the chip: an app brings its own `KeyHolder` (Secure Enclave, StrongBox, smart card). Invariants: the same seed gives
the same key and the same signatures everywhere; what a holder signs is checked before anybody else sees it; the key
shows itself in no repr and no pickle. Spec: openapi/protocol/crypto.md, CRY-14 and CRY-24.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, Protocol

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from crypto.public.errors import BadKey
from crypto.public.hashing import PROTOCOL_PREFIX, signed_input
from crypto.public.keys import ED25519, ES256, check_signing_key
from crypto.public.signatures import verify_raw
from crypto.secret.kdf import derive
from crypto.secret.secret import Secret

SEED_BYTES = 32
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_RFC6979 = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


class KeyHolder(Protocol):
    """What holds an ES256 key that never leaves it."""

    @property
    def public_key(self) -> bytes:
        """65 bytes, the uncompressed point (SEC 1 §2.3.3)."""
        ...

    def sign(self, signed: bytes) -> bytes:
        """ECDSA with SHA-256 over exactly these bytes: 64 bytes r ‖ s. Most chips give DER: the holder turns it."""
        ...


class SigningKey:
    """An Ed25519 or ES256 key pair; made by `from_seed` or `held_by`. `seed` is None for a key that is held."""

    __slots__ = ("_sign", "key_type", "public_key", "seed")

    def __init__(self, key_type: int, public_key: bytes, sign: Callable[[bytes], bytes], seed: Secret | None) -> None:
        self.key_type, self.public_key, self._sign, self.seed = key_type, public_key, sign, seed

    @classmethod
    def from_seed(cls, key_type: int, seed: Secret) -> SigningKey:
        """The key pair of a 32-byte seed. Raises: BadKey for another length or an unknown type."""
        if len(seed) != SEED_BYTES:
            raise BadKey()
        if key_type == ED25519:
            private = ed25519.Ed25519PrivateKey.from_private_bytes(seed.reveal())
            return cls(key_type, private.public_key().public_bytes_raw(), private.sign, seed)
        if key_type == ES256:
            scalar = ec.derive_private_key(_p256_scalar(seed), ec.SECP256R1())
            public = scalar.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            )
            return cls(key_type, public, lambda signed: _sign_es256(scalar, signed), seed)
        raise BadKey()

    @classmethod
    def held_by(cls, holder: KeyHolder) -> SigningKey:
        """The ES256 key of a holder. Raises: BadKey for a public key that no card may have.

        Signing with it raises BadSignature for what does not verify: DER, another key, a fault in the chip. Sent, it
        would be a card, an entry or a frame that everybody refuses.
        """
        public = holder.public_key
        check_signing_key(ES256, public)

        def sign(signed: bytes) -> bytes:
            signature = holder.sign(signed)
            verify_raw(ES256, public, signed, signature)
            return signature

        return cls(ES256, public, sign, None)

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

    def __repr__(self) -> str:
        return f"<SigningKey type {self.key_type}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a SigningKey is neither pickled nor copied")


def _sign_es256(private: ec.EllipticCurvePrivateKey, signed: bytes) -> bytes:
    r, s = decode_dss_signature(private.sign(signed, _RFC6979))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _p256_scalar(seed: Secret) -> int:
    """A scalar in 1 … n - 1 from 48 derived bytes, so that the reduction's bias is below 2^-128 (FIPS 186-5 A.2.1)."""
    wide = int.from_bytes(derive(seed, "es256 scalar", length=48), "big")
    return wide % (_P256_ORDER - 1) + 1
