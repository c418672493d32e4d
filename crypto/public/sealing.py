"""Sealing bytes to a KEM key: who holds a public key only can send, not read.

Not authenticated: anybody can seal to a key, so what is inside must prove itself (an epoch key by its epoch_id).
Invariant: the context is in `info`, because the single-shot interface has no further associated data. The library
draws the encapsulation's randomness itself, so vectors of this are open-only. Spec: openapi/protocol/crypto.md, CRY-9.
"""

from __future__ import annotations

from cryptography.hazmat.primitives import hpke

from crypto.public.keys import load_kem_key

XWING_ENC_BYTES = 1_120  # ML-KEM-768 ciphertext (1,088) ‖ X25519 share (32)
XWING_SEAL_OVERHEAD = XWING_ENC_BYTES + 16  # bytes that `seal` adds: the encapsulation and the GCM tag

# RFC 9180 base mode: KEM 0x647a (X-Wing), KDF 0x0001 (HKDF-SHA256), AEAD 0x0002 (AES-256-GCM).
SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def seal(kem_public_key: bytes, info: bytes, plaintext: bytes) -> bytes:
    """Seal `plaintext` for the holder of `kem_public_key` (1,216 bytes); gives enc (1,120 bytes) ‖ ciphertext.

    Raises: BadKey. Source: RFC 9180 §6.1, base mode.
    """
    lattice, curve = load_kem_key(kem_public_key)
    return SUITE.encrypt(plaintext, hpke.MLKEM768X25519PublicKey(lattice, curve), info=info)
