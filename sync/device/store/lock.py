"""What protects the store's key: a passphrase through Argon2id, or a secret that the system's keyring keeps.

The store key is random and never leaves this module unsealed but as a `Secret`. Only sealed bytes, a salt and integers
are written. Spec: openapi/protocol/threat-model.md, "A stolen phone"; RFC 9106.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import NamedTuple

from crypto.public.errors import CryptoError
from crypto.public.passphrase import derive_key
from crypto.secret.aead import StoreCipher
from crypto.secret.secret import Secret
from sync.device.refused import Refused
from sync.device.store.engine import Transaction

MEMORY_KIB = 65_536  # KiB; RFC 9106 §4, second recommended option
ITERATIONS = 3  # passes over it
LANES = 4
_BY_PASSPHRASE, _BY_KEYRING = 0, 1
_AAD = b"carnet/1/store lock\0"

_INSERT = "INSERT INTO lock (id, kind, memory_kib, iterations, lanes, salt, sealed) VALUES (1, ?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT kind, memory_kib, iterations, lanes, salt, sealed FROM lock WHERE id = 1"


class Unlocking(NamedTuple):
    """How a person unlocks the store: with a passphrase, asked for when it is needed, or by the system's keyring.

    `keyring_name`: the store's own name there, None on machines without one.
    """

    passphrase: Callable[[], str | None]
    keyring_name: str | None


_SERVICE = "carnet"


def _keyring_secret(name: str, *, create: bool) -> bytes:
    """32 bytes from the system's keyring. Raises: Refused when there is no usable keyring."""
    import keyring
    from keyring.errors import KeyringError

    try:
        text = keyring.get_password(_SERVICE, name)
        if text is None and create:
            text = os.urandom(32).hex()
            keyring.set_password(_SERVICE, name, text)
    except KeyringError as error:
        raise Refused("no_keyring") from error
    if text is None:
        raise Refused("no_keyring")
    return bytes.fromhex(text)


def forget(unlocking: Unlocking) -> None:
    """The keyring's secret of a store that is no more; one that is not there is no matter."""
    if unlocking.keyring_name is None:
        return
    import keyring
    from keyring.errors import KeyringError

    with contextlib.suppress(KeyringError):
        keyring.delete_password(_SERVICE, unlocking.keyring_name)


def _outer_key(
    unlocking: Unlocking, kind: int, memory: int, iterations: int, lanes: int, salt: bytes, *, create: bool
) -> Secret:
    if kind == _BY_KEYRING:
        return Secret(_keyring_secret(unlocking.keyring_name or "", create=create))
    passphrase = unlocking.passphrase()
    if not passphrase:
        raise Refused("passphrase_needed")
    key = derive_key(passphrase.encode(), salt, memory_kib=memory, iterations=iterations, lanes=lanes)
    return Secret(key)


async def create_lock(tx: Transaction, unlocking: Unlocking) -> Secret:
    """Draws the store key and stores it sealed; gives it. Raises: Refused."""
    kind = _BY_PASSPHRASE if unlocking.keyring_name is None else _BY_KEYRING
    salt, key = os.urandom(16), os.urandom(32)
    outer = _outer_key(unlocking, kind, MEMORY_KIB, ITERATIONS, LANES, salt, create=True)
    sealed = StoreCipher(outer).seal(os.urandom(12), _AAD, key)
    await tx.execute(_INSERT, kind, MEMORY_KIB, ITERATIONS, LANES, salt, sealed)
    return Secret(key)


async def open_lock(tx: Transaction, unlocking: Unlocking) -> Secret:
    """The store key. Raises: Refused (passphrase_needed, passphrase_wrong, no_keyring, store_damaged)."""
    rows = await tx.fetch(_SELECT)
    if not rows:
        raise Refused("store_damaged")
    kind, memory, iterations, lanes, salt, sealed = rows[0]
    outer = _outer_key(unlocking, kind, memory, iterations, lanes, salt, create=False)
    try:
        return Secret(StoreCipher(outer).open(_AAD, sealed))
    except CryptoError as error:
        raise Refused("passphrase_wrong" if kind == _BY_PASSPHRASE else "store_damaged") from error
