"""SQL of events: what a device could sync at this moment, as the vaults that list it and one fingerprint.

The fingerprint changes whenever there may be something to sync for. It says nothing else, and goes to that device
alone.
"""

from __future__ import annotations

from typing import NamedTuple

from backend.access.store import CALLER_COLUMNS, CALLER_TABLES, TokenRow
from backend.storage.engine import Reading
from crypto.public.hashing import labelled_hash

# A vault's items lie together and in order (vaults/store.py): its last place is its number and its head's seq.
STANDING = (
    f"SELECT {CALLER_COLUMNS}, (SELECT max(n.number) FROM notices n WHERE n.device = t.device), m.vault,"  # noqa: S608
    " (SELECT max(i.place) FROM items i"
    " WHERE i.place > m.vault * 4294967296 AND i.place < (m.vault + 1) * 4294967296)"
    f" FROM {CALLER_TABLES} LEFT JOIN members m ON m.device = t.device AND m.live"
    " WHERE t.token_hash = $1 ORDER BY m.vault"
)


class Standing(NamedTuple):
    """The numbers of the vaults that list a device, a fingerprint of where each of them and its notices stand, and
    whether a notice waits."""

    vaults: tuple[int, ...]
    id: str
    told: bool


async def standing_of(db: Reading, token_hash: bytes) -> tuple[TokenRow | None, Standing | None]:
    """What `token_row` gives, and where everything stands that its device could sync, in one read: a hint to many is as
    many of these. Raises: StorageError."""
    rows = await db.fetch(STANDING, token_hash)
    if not rows:
        return None, None
    notice, heads = rows[0][-3], [(vault, place or 0) for *_, vault, place in rows if vault is not None]
    fingerprint = labelled_hash("standing", repr((notice or 0, heads)).encode()).hex()
    standing = Standing(tuple(vault for vault, _ in heads), fingerprint, notice is not None)
    return TokenRow(*rows[0][:-3]), standing
