"""The phone's tables: integers and ciphertext only, so that a stolen file tells sizes and counts and nothing else.

`handle` is 63 bits of a keyed hash of the record id; a dot is an integer without meaning outside the log. Migrations go
forward only; a file of a newer version is refused untouched.
"""

from __future__ import annotations

from sync.device.refused import Refused
from sync.device.store.engine import Transaction

VERSION = 3

_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE lock (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, memory_kib INTEGER NOT NULL,"
        " iterations INTEGER NOT NULL, lanes INTEGER NOT NULL, salt BLOB NOT NULL, sealed BLOB NOT NULL)",
        "CREATE TABLE single (id INTEGER PRIMARY KEY, body BLOB NOT NULL)",
        "CREATE TABLE vault (id INTEGER PRIMARY KEY, body BLOB NOT NULL)",
        "CREATE TABLE item (vault INTEGER, seq INTEGER, body BLOB NOT NULL, head BLOB NOT NULL,"
        " PRIMARY KEY (vault, seq))",
        "CREATE TABLE record (vault INTEGER, handle INTEGER, body BLOB NOT NULL, PRIMARY KEY (vault, handle))",
        "CREATE TABLE overlay (vault INTEGER, handle INTEGER, body BLOB NOT NULL, PRIMARY KEY (vault, handle))",
        "CREATE TABLE birth (vault INTEGER, dot INTEGER, handle INTEGER NOT NULL, PRIMARY KEY (vault, dot))"
        " WITHOUT ROWID",
        "CREATE TABLE pending (vault INTEGER, n INTEGER, handle INTEGER NOT NULL, body BLOB NOT NULL,"
        " PRIMARY KEY (vault, n))",
        "CREATE INDEX pending_of_record ON pending (vault, handle)",
        "CREATE TABLE flying (vault INTEGER, fseq INTEGER, body BLOB NOT NULL, PRIMARY KEY (vault, fseq))",
        "CREATE TABLE quarantine (id INTEGER PRIMARY KEY, vault INTEGER NOT NULL, body BLOB NOT NULL)",
        "CREATE TABLE finding (id INTEGER PRIMARY KEY, vault INTEGER NOT NULL, unread INTEGER NOT NULL,"
        " body BLOB NOT NULL)",
    ),
    # A vault whose log is read anew under another number, until that one takes the place of the first.
    ("CREATE TABLE rebuild (vault INTEGER PRIMARY KEY, replaces INTEGER NOT NULL UNIQUE)",),
    # What lists need of the records, made of them and kept in packs; a pack that is not there is made anew.
    ("CREATE TABLE glance (vault INTEGER, pack INTEGER, body BLOB NOT NULL, PRIMARY KEY (vault, pack))",),
)


async def migrate(tx: Transaction) -> bool:
    """Brings the tables to VERSION; True if the file was empty. Raises: Refused(store_newer)."""
    version = (await tx.fetch("PRAGMA user_version"))[0][0]
    if version > VERSION:
        raise Refused("store_newer")
    for statements in _MIGRATIONS[version:]:
        for statement in statements:
            await tx.execute(statement)
    if version < VERSION:
        await tx.execute(f"PRAGMA user_version = {VERSION}")
    return version == 0


async def erase(tx: Transaction) -> None:
    """Drops every table, the lock among them: the file is as one that was never used. Pages are overwritten."""
    await tx.execute("PRAGMA secure_delete = ON")
    for (name,) in await tx.fetch("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"):
        await tx.execute(f'DROP TABLE "{name}"')
    await tx.execute("PRAGMA user_version = 0")
