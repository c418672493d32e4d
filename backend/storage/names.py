"""Holding a name off: two transactions that are about the same name take turns, also while it has no row yet.

A row lock orders everybody who finds the row; who finds none (a vault's first push, a card's first enrolment) holds its
name until the transaction ends, in every process. SQLite's one writer needs none of it. Two names may share a key: then
one waits without need. Spec: openapi/protocol/sync.md, "Durability and order".
"""

from __future__ import annotations

from backend.storage.dialect import HOLD_NAME
from backend.storage.engine import Transaction


async def hold_name(tx: Transaction, name: bytes) -> None:
    """Waits until no other transaction holds this name, then holds it. `name`: a hash, or a word of 8 bytes or more."""
    await tx.fetch(HOLD_NAME, int.from_bytes(name[:8], "big", signed=True))
