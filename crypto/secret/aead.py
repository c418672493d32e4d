"""Sealing content under a key that many share: a fresh key and nonce for every message, from a random salt.

Not a counter scheme: a phone restored from a backup must not repeat a nonce, and 32 random bytes do not repeat.
Invariants: the shared key is never itself a key of AES; the header is bound twice, by the derivation and as associated
data; opening gives the whole plaintext or nothing. `StoreCipher` is the other need: one key, many small rows of a
local store. Spec: openapi/protocol/crypto.md, CRY-12 and CRY-13.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.public.errors import CannotOpen
from crypto.secret.kdf import derive
from crypto.secret.secret import Secret

SALT_BYTES = 32
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


def seal(key: Secret, label: str, header: bytes, plaintext: bytes, salt: bytes) -> bytes:
    """AES-256-GCM ciphertext with its tag, 16 bytes longer than the plaintext; `salt` is 32 random bytes, never reused.

    Raises: ValueError for a salt of another length. Source: RFC 5869, RFC 5116.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError("a salt has 32 bytes")
    cipher, nonce = _message_cipher(key, label, header, salt)
    return cipher.encrypt(nonce, plaintext, header)


def open_(key: Secret, label: str, header: bytes, ciphertext: bytes, salt: bytes) -> bytes:
    """The plaintext that `seal` was given with the same key, label, header and salt.

    Raises: CannotOpen.
    """
    if len(salt) != SALT_BYTES or len(ciphertext) < TAG_BYTES:
        raise CannotOpen()
    cipher, nonce = _message_cipher(key, label, header, salt)
    try:
        return cipher.decrypt(nonce, ciphertext, header)
    except InvalidTag:
        raise CannotOpen() from None


def _message_cipher(key: Secret, label: str, header: bytes, salt: bytes) -> tuple[AESGCM, bytes]:
    """Key and nonce of one message: PRK = Extract(salt, key); key ‖ nonce = Expand(label ‖ SHA-256(header))."""
    okm = derive(key, label, hashlib.sha256(header).digest(), KEY_BYTES + NONCE_BYTES, salt)
    return AESGCM(okm[:KEY_BYTES]), okm[KEY_BYTES:]


class StoreCipher:
    """AES-256-GCM under one derived key for the rows of a phone's local store.

    The cipher is set up once, because opening a store reads thousands of rows. The nonce is random and an argument;
    one key seals at most 2^32 rows (NIST SP 800-38D §8.3).
    """

    __slots__ = ("_cipher",)

    def __init__(self, key: Secret) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("a store key has 32 bytes")
        self._cipher = AESGCM(key.reveal())

    def seal(self, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
        """nonce (12 bytes) ‖ ciphertext ‖ tag (16 bytes); `aad` names the row's place, so that rows cannot be swapped.

        Raises: ValueError for a nonce of another length.
        """
        if len(nonce) != NONCE_BYTES:
            raise ValueError("a nonce has 12 bytes")
        return nonce + self._cipher.encrypt(nonce, plaintext, aad)

    def open(self, aad: bytes, sealed: bytes) -> bytes:
        """The plaintext of a row. Raises: CannotOpen."""
        if len(sealed) < NONCE_BYTES + TAG_BYTES:
            raise CannotOpen()
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)
        except InvalidTag:
            raise CannotOpen() from None
