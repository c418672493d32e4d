"""Verifying signatures. Not signing, and not deciding whose key counts.

Invariants: `verify` raises or returns None, it never returns a verdict; what holds here holds in every library that
follows the chapter, and the other way round (an item whose signature one phone takes and another refuses would split
a log). Spec: openapi/protocol/crypto.md, CRY-6 and CRY-7.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from crypto.public.errors import BadKey, BadSignature
from crypto.public.hashing import signed_input
from crypto.public.keys import ED25519, check_signing_key, has_small_order

SIGNATURE_BYTES = 64  # Ed25519: R ‖ S; ES256: r ‖ s, big-endian (RFC 7518 §3.4)
_ECDSA = ec.ECDSA(hashes.SHA256())


def verify(key_type: int, public_key: bytes, label: str, message: bytes, signature: bytes) -> None:
    """Check a signature over ``carnet/1/<label>``, a zero byte and the message.

    Raises: BadSignature, also for a key that `keys.check_signing_key` refuses.
    """
    verify_raw(key_type, public_key, signed_input(label, message), signature)


def verify_raw(key_type: int, public_key: bytes, signed: bytes, signature: bytes) -> None:
    """Check a signature over exactly these bytes: only for a format that brings its own separation (JWS).

    Ed25519 (RFC 8032 §5.1.7) without the cofactor, S below the group order, R compared as bytes and not of small
    order; ES256 (FIPS 186-5 §6.4.2) with raw r ‖ s, either of the two valid s.
    Raises: BadSignature.
    """
    if len(signature) != SIGNATURE_BYTES:
        raise BadSignature()
    try:
        key = _load(key_type, public_key)
        if isinstance(key, ed25519.Ed25519PublicKey):
            # OpenSSL takes an R of small order, libsodium does not, and a signer could make one to split a log.
            if has_small_order(signature[:32]):
                raise BadSignature()
            key.verify(signature, signed)
        else:
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            key.verify(encode_dss_signature(r, s), signed, _ECDSA)
    except (InvalidSignature, BadKey):
        raise BadSignature() from None


@lru_cache(maxsize=4_096)
def _load(key_type: int, public_key: bytes) -> ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey:
    """A checked key; cached because one device signs many items. Refusals are not cached."""
    check_signing_key(key_type, public_key)
    if key_type == ED25519:
        return ed25519.Ed25519PublicKey.from_public_bytes(public_key)
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
