"""Whom an emergency share's opening is told to: every owner of the vault that its maker named, as the log has them now.

The server knows members and their accounts already; that a share belongs to a vault it knows of these shares alone.
Not here: the words of a notice, any waking of phones. Spec: openapi/protocol/shares.md, SHR-40 to SHR-42.
"""

from __future__ import annotations

from backend.notices.store import tell
from backend.shares import store
from backend.storage.engine import Reading, Transaction
from sync.log.state import LogState, decode_state
from sync.wire.ids import AccountId, DeviceId
from sync.wire.item import OWNER

NOBODY = DeviceId(b"")  # no phone caused it: all are told


async def is_owner(db: Reading, vault: bytes, device: DeviceId) -> bool:
    """True if this device is an owner's in the vault."""
    state = await _state(db, vault)
    return state is not None and device in state.table.cards and state.table.role(device) == OWNER


async def tell_owners(tx: Transaction, vault: bytes, now_ms: int) -> None:
    """Lays a notice down for every phone of every owner, in the transaction of the opening."""
    state = await _state(tx, vault)
    if state is None:
        return
    owners = [device for device in state.table.cards if state.table.role(device) == OWNER]
    accounts: set[AccountId] = set()
    for device in owners:
        accounts |= await store.accounts_of(tx, device)
    for account in sorted(accounts):  # in one order, so that two openings do not wait for each other
        await tell(tx, account, "emergency_opened", NOBODY, now_ms)


async def _state(db: Reading, vault: bytes) -> LogState | None:
    raw = await store.vault_state(db, vault)
    return None if raw is None else decode_state(raw)
