"""A key from something a person can remember: for export files and the lock of a store.

Not used for anything that the server holds a test for: a code for recovery has 160 bits and needs no stretching.
Invariant: parameters read from a file are bounded before they are obeyed, so that a crafted file cannot make a phone
fill its memory. Spec: openapi/protocol/crypto.md, CRY-22.
"""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from crypto.public.errors import BadParameters

MEMORY_KIB_MAX = 1_048_576  # KiB: 1 GiB, half of what RFC 9106 §4 names first; a phone has no more to spare
ITERATIONS_MAX = 16
LANES_MAX = 4
SALT_BYTES_MIN = 8  # the least that libraries take; what we write has 16 (RFC 9106 §3.1)
SALT_BYTES_MAX = 64
LENGTH_BYTES_MIN, LENGTH_BYTES_MAX = 16, 64
PASSPHRASE_BYTES_MAX = 1_024


def derive_key(
    passphrase: bytes, salt: bytes, *, memory_kib: int, iterations: int, lanes: int = 1, length: int = 32
) -> bytes:
    """Argon2id, version 0x13 (RFC 9106), without secret and associated data; `length` bytes.

    `passphrase` is UTF-8 in NFC, as the caller made it. Blocks for as long as the parameters say.
    Raises: BadParameters outside the bounds above, or with less than 8 KiB a lane.
    """
    bounded = (
        SALT_BYTES_MIN <= len(salt) <= SALT_BYTES_MAX
        and len(passphrase) <= PASSPHRASE_BYTES_MAX
        and 1 <= iterations <= ITERATIONS_MAX
        and 1 <= lanes <= LANES_MAX
        and 8 * lanes <= memory_kib <= MEMORY_KIB_MAX
        and LENGTH_BYTES_MIN <= length <= LENGTH_BYTES_MAX
    )
    if not bounded:
        raise BadParameters()
    try:
        argon = Argon2id(salt=salt, length=length, iterations=iterations, lanes=lanes, memory_cost=memory_kib)
        return argon.derive(passphrase)
    except (MemoryError, UnsupportedAlgorithm):
        raise BadParameters("not enough memory") from None
