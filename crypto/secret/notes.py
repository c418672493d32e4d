"""Notes that a browser seals: HPKE to a P-256 key inside AES-GCM under the link key, and answers under the link key.

What it is: the layers that every browser's WebCrypto can do. What it is not: what a note says. Invariants: the outer
layer holds against whoever lacks the link, also with a quantum computer; the inner one against whoever has only the
link. Spec: openapi/protocol/inbox.md, INB-1, INB-2, INB-4; RFC 9180, base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256,
AES-256-GCM.
"""

from __future__ import annotations

from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from crypto.public.errors import BadKey, CannotOpen
from crypto.public.hashing import label_prefix
from crypto.secret.kdf import derive
from crypto.secret.secret import Secret

SEED_BYTES = 48  # 128 bits more than the order has: the bias is below 2^-128 (FIPS 186-5, A.2.1)
PUBLIC_KEY_BYTES = 65
NONCE_BYTES = 12
NOTE_LABEL, ANSWER_LABEL = "share note", "share answer"
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256, SEC 2
_SUITE = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_ANSWER_STEP = 1_024


class NoteKey:
    """A share's note key, from a seed of 48 bytes."""

    __slots__ = ("_private", "public_key")

    def __init__(self, seed: Secret) -> None:
        if len(seed) != SEED_BYTES:
            raise BadKey()
        number = 1 + int.from_bytes(seed.reveal(), "big") % (_ORDER - 1)
        self._private = ec.derive_private_key(number, ec.SECP256R1())
        public = self._private.public_key()
        self.public_key = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def open(self, link_key: Secret, note: bytes, sealed: bytes) -> bytes:
        """What a note holds; `note`: its id. Raises: CannotOpen."""
        aad = label_prefix(NOTE_LABEL) + note
        inner = _opened(link_key, NOTE_LABEL, aad, sealed)
        try:
            return _SUITE.decrypt(inner, self._private, info=aad)
        except (InvalidTag, ValueError):
            raise CannotOpen() from None

    def __repr__(self) -> str:
        return "<NoteKey>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a NoteKey is neither pickled nor copied")


def seal_note(public_key: bytes, link_key: Secret, note: bytes, nonce: bytes, plaintext: bytes) -> bytes:
    """What a reader sends: as the page seals it. `nonce`: 12 random bytes. Raises: BadKey."""
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
    except ValueError:
        raise BadKey() from None
    aad = label_prefix(NOTE_LABEL) + note
    return _sealed(link_key, NOTE_LABEL, aad, nonce, _SUITE.encrypt(plaintext, key, info=aad))


def seal_answer(link_key: Secret, note: bytes, nonce: bytes, text: str) -> bytes:
    """An answer for whoever has the link; `nonce`: 12 random bytes."""
    plain = text.encode()
    filled = plain.ljust(-(-max(len(plain), 1) // _ANSWER_STEP) * _ANSWER_STEP)
    return _sealed(link_key, ANSWER_LABEL, label_prefix(ANSWER_LABEL) + note, nonce, filled)


def open_answer(link_key: Secret, note: bytes, sealed: bytes) -> str:
    """The text of an answer. Raises: CannotOpen."""
    plain = _opened(link_key, ANSWER_LABEL, label_prefix(ANSWER_LABEL) + note, sealed)
    try:
        return plain.decode().rstrip(" ")
    except UnicodeDecodeError:
        raise CannotOpen() from None


def _sealed(link_key: Secret, label: str, aad: bytes, nonce: bytes, plaintext: bytes) -> bytes:
    if len(nonce) != NONCE_BYTES:
        raise ValueError("a nonce has 12 bytes")
    return nonce + AESGCM(derive(link_key, label)).encrypt(nonce, plaintext, aad)


def _opened(link_key: Secret, label: str, aad: bytes, sealed: bytes) -> bytes:
    if len(sealed) < NONCE_BYTES + 16:
        raise CannotOpen()
    try:
        return AESGCM(derive(link_key, label)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)
    except InvalidTag:
        raise CannotOpen() from None
