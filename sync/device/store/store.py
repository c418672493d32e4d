"""The phone's own store: every row sealed under the store key, bound to its table and place.

Rows of one vault are named by the vault's local number. A read that fails to open means a damaged or mixed-up file
and is said so. Statements stand beside what binds them; what is decided between two of them is pure and elsewhere.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from crypto.public.errors import CryptoError
from crypto.secret.aead import StoreCipher
from crypto.secret.kdf import derive
from crypto.secret.secret import Secret
from sync.device.refused import Refused
from sync.device.store.engine import Engine, SqliteEngine
from sync.device.store.lock import Unlocking, create_lock, open_lock
from sync.device.store.rows import Rows
from sync.device.store.schema import migrate

FILE_NAME = "carnet.db"
_WORDS = {
    sqlite3.SQLITE_FULL: "disk_full",
    # So full that not even the index beside the log can be made, without which nothing is read; or a quota's end.
    sqlite3.SQLITE_IOERR_SHMSIZE: "disk_full",
    sqlite3.SQLITE_IOERR_WRITE: "disk_full",
    sqlite3.SQLITE_BUSY: "store_busy",
    sqlite3.SQLITE_CANTOPEN: "bad_store",
    sqlite3.SQLITE_PERM: "bad_store",
    sqlite3.SQLITE_READONLY: "bad_store",
}


class Store:
    """One phone's file. `transaction()` gives the rows inside one transaction."""

    def __init__(self, engine: Engine, key: Secret) -> None:
        self._engine = engine
        self._cipher = StoreCipher(Secret(derive(key, "store rows")))
        self._handle_key = derive(key, "store handles")

    @classmethod
    async def create(cls, folder: Path, unlocking: Unlocking) -> Store:
        """A new store; one that was begun and belongs to nobody yet is gone on with, if it can be unlocked.

        Raises: Refused(store_exists, store_newer, store_damaged, bad_store, passphrase_needed, no_keyring).
        """
        path = folder / FILE_NAME
        try:
            begun = path.exists() and path.stat().st_size > 0
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # noqa: ASYNC240  once, before anything runs
            path.touch(mode=0o600)  # SQLite gives the files beside it the same mode
        except OSError as error:
            raise Refused("bad_store") from error
        try:
            return await cls.open(folder, unlocking) if begun else await cls.on(await _engine(path), unlocking)
        except Refused as refused:
            raise Refused("store_exists") if begun and refused.code == "passphrase_wrong" else refused from refused

    @classmethod
    async def open(cls, folder: Path, unlocking: Unlocking) -> Store:
        """An existing store. Raises: Refused(no_store, store_newer, store_damaged, passphrase_…)."""
        path = folder / FILE_NAME
        if not path.exists():
            raise Refused("no_store")
        return await cls.on(await _engine(path), unlocking)

    @classmethod
    async def on(cls, engine: Engine, unlocking: Unlocking) -> Store:
        """The store in an opened database: its tables made or brought up to date, its key unlocked."""
        try:
            async with engine.transaction() as tx:
                new = await migrate(tx)
                key = await (create_lock(tx, unlocking) if new else open_lock(tx, unlocking))
        except sqlite3.DatabaseError as error:
            await engine.close()
            raise _refusal(error) from error
        except BaseException:
            await engine.close()
            raise
        return cls(engine, key)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Rows]:
        """All or nothing. Raises: Refused (store_damaged, store_busy, disk_full, bad_store), not the driver's."""
        try:
            async with self._engine.transaction() as tx:
                yield Rows(tx, self._cipher, self._handle_key)
        except sqlite3.DatabaseError as error:
            raise _refusal(error) from error
        except (CryptoError, msgspec.DecodeError) as error:
            raise Refused("store_damaged") from error

    async def close(self) -> None:
        """Closes the file."""
        await self._engine.close()


async def _engine(path: Path) -> SqliteEngine:
    try:
        return await SqliteEngine.open(path)
    except sqlite3.DatabaseError as error:
        raise _refusal(error) from error


def _refusal(error: sqlite3.DatabaseError) -> Refused:
    code = getattr(error, "sqlite_errorcode", 0)
    return Refused(_WORDS.get(code) or _WORDS.get(code & 0xFF, "store_damaged"))
