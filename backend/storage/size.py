"""How many bytes the database takes, for whoever watches whether it fills up. Not here: any row of anyone."""

from __future__ import annotations

from backend.storage.dialect import DATABASE_BYTES
from backend.storage.engine import Reading


async def database_bytes(db: Reading) -> int:
    """Bytes of the database's pages; SQLite's write-ahead file is not among them. Raises: StorageError."""
    return int((await db.fetch(DATABASE_BYTES))[0][0])
