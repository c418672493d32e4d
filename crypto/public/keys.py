"""Public keys as they stand in a card, and which of them are refused before anything is done with them.

Not a key store and not a parser of cards. Invariant: a key that passes here means the same to every library. That is
why an encoding which some libraries reduce and others refuse, and a point under which some verify forgeries, is
refused here. Spec: openapi/protocol/crypto.md, CRY-2 to CRY-5.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, mlkem, x25519

from crypto.public.errors import BadKey

ED25519 = 1  # key type: 32 bytes, RFC 8032
ES256 = 2  # key type: 65 bytes, uncompressed P-256 point, SEC 1 §2.3.3; keys in a phone's secure hardware
KEM_XWING = 1  # KEM type: ML-KEM-768 key ‖ X25519 key, draft-connolly-cfrg-xwing-kem

ED25519_BYTES = 32
ES256_BYTES = 65
MLKEM768_BYTES = 1_184  # FIPS 203, table 3
X25519_BYTES = 32
XWING_BYTES = MLKEM768_BYTES + X25519_BYTES

_P = 2**255 - 19  # the field of Curve25519 and Ed25519
_D = -121665 * pow(121666, -1, _P) % _P  # the curve constant of RFC 8032 §5.1
_SIGN_BIT = 1 << 255
# The y of the points of order 8; the other one is its negative.
_Y_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
# y of all eight points whose order divides 8, and the two values that reduce to one of them (p is 0, p + 1 is 1).
_SMALL_ORDER_Y = frozenset({0, 1, _P - 1, _Y_ORDER_8, _P - _Y_ORDER_8, _P, _P + 1})
# Any clamped scalar is a multiple of 8, so it sends exactly the points of small order to zero.
_PROBE = x25519.X25519PrivateKey.from_private_bytes(bytes([8]) + bytes(30) + bytes([64]))


def has_small_order(point: bytes) -> bool:
    """Whether 32 bytes encode, canonically or not, one of the eight points of Ed25519 whose order divides 8."""
    return int.from_bytes(point, "little") & ~_SIGN_BIT in _SMALL_ORDER_Y


def check_signing_key(key_type: int, public_key: bytes) -> None:
    """Refuse a signing key that is not exactly one usable point in its one encoding.

    Raises: BadKey for an unknown type, a wrong length, a non-canonical encoding, no point of the curve, small order.
    """
    if key_type == ED25519:
        _check_ed25519(public_key)
    elif key_type == ES256:
        _check_es256(public_key)
    else:
        raise BadKey()


def check_kem_key(public_key: bytes) -> None:
    """Refuse a KEM key that is not ML-KEM-768 (1,184 bytes) ‖ X25519 (32 bytes), each half usable.

    Raises: BadKey for a wrong length, an ML-KEM coefficient of 3329 or more (FIPS 203 §7.2), an X25519 value of
    2^255 - 19 or more, or one of small order (RFC 7748 §6.1: the shared secret would be zero).
    """
    load_kem_key(public_key)


def load_kem_key(public_key: bytes) -> tuple[mlkem.MLKEM768PublicKey, x25519.X25519PublicKey]:
    """Both halves of a checked KEM key. Raises: BadKey as `check_kem_key`."""
    if len(public_key) != XWING_BYTES:
        raise BadKey()
    curve_half = public_key[MLKEM768_BYTES:]
    if int.from_bytes(curve_half, "little") >= _P:
        raise BadKey()
    try:
        # The library applies the modulus check of FIPS 203; a conformance test holds it to that.
        lattice = mlkem.MLKEM768PublicKey.from_public_bytes(public_key[:MLKEM768_BYTES])
        curve = x25519.X25519PublicKey.from_public_bytes(curve_half)
        _PROBE.exchange(curve)
    except ValueError:
        raise BadKey() from None
    return lattice, curve


def _check_ed25519(public_key: bytes) -> None:
    if len(public_key) != ED25519_BYTES or has_small_order(public_key):
        raise BadKey()
    y = int.from_bytes(public_key, "little") & ~_SIGN_BIT
    if y >= _P:
        raise BadKey()
    # x² = u / v has a root exactly if u·v is a square; x = 0 is of small order and already refused.
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    if pow(u * v, (_P - 1) // 2, _P) != 1:
        raise BadKey()


def _check_es256(public_key: bytes) -> None:
    if len(public_key) != ES256_BYTES or public_key[0] != 4:
        raise BadKey()
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
    except ValueError:
        raise BadKey() from None
