"""SQL of pushes: who can be pushed to, and the outbox of wishes, written in the transaction of what caused them.

A wish is a row (device, class): the key coalesces. It says nothing of what happened: the server needs no reason to wake
a phone. `wishes` only ever counts up, so that a wish that comes while another is being sent is seen when that one is
settled. Not here: when something is sent (plan.py), who sends it (worker.py). Spec: openapi/protocol/push.md.
"""

from __future__ import annotations

from collections.abc import Iterable

from backend.storage.engine import Transaction
from sync.wire.ids import AccountId, DeviceId

WAKE, NOTICE = 0, 1  # classes
CLASS_WORDS = ("wake", "notice")
DELAY_MS = 1_500  # milliseconds before the first send: connected phones are served by then, quick edits are one wish

# What a wish does to one that is there: it is counted; if nothing was left to send but a repetition, it starts anew.
_WISHED = (
    " ON CONFLICT (device, class) DO UPDATE SET wishes = outbox.wishes + 1, wished_at = excluded.wished_at,"
    " since = CASE WHEN outbox.settled = outbox.wishes THEN excluded.since ELSE outbox.since END,"
    " attempts = CASE WHEN outbox.settled = outbox.wishes THEN 0 ELSE outbox.attempts END,"
    " due_at = CASE WHEN outbox.settled = outbox.wishes OR (excluded.urgent AND NOT outbox.urgent)"
    " THEN excluded.due_at ELSE outbox.due_at END,"
    " urgent = excluded.urgent OR (outbox.urgent AND outbox.settled < outbox.wishes)"
)
_ROW = "INSERT INTO outbox (device, class, urgent, wishes, settled, since, wished_at, due_at, attempts)"
_IN_ORDER = " ORDER BY p.device"  # rows are locked in one order, so that two wishes do not wait in a circle
WISH_WAKE = (
    f"{_ROW} SELECT p.device, 0, FALSE, 1, 0, $3, $3, $4, 0"  # noqa: S608  constants
    " FROM members m JOIN push_targets p ON p.device = m.device"
    f" WHERE m.vault = $1 AND m.live AND p.wakes AND m.device <> $2{_IN_ORDER}{_WISHED}"
)
WISH_NOTICE = (
    f"{_ROW} SELECT p.device, 1, $4, 1, 0, $5, $5, $6, 0"  # noqa: S608  constants
    " FROM devices d JOIN push_targets p ON p.device = d.device"
    " WHERE d.account = $1 AND d.revoked_at IS NULL AND d.device <> $2"
    f" AND NOT EXISTS (SELECT 1 FROM push_muted u WHERE u.device = d.device AND u.kind = $3){_IN_ORDER}{_WISHED}"
)
WAKE_MET = "DELETE FROM outbox WHERE device = $1 AND class = 0 AND wished_at <= $2"


async def wish_wake(tx: Transaction, vault: int, by_device: DeviceId, now_ms: int) -> None:
    """Wishes that every other device listed in a vault be woken. `vault`: its number. One statement, and no lock."""
    await tx.execute(WISH_WAKE, vault, by_device, now_ms, now_ms + DELAY_MS)


async def wish_notice(
    tx: Transaction, account: AccountId, kind: str, by: DeviceId | None, urgent: bool, now_ms: int
) -> None:
    """Wishes that an account's devices be told, but for the one that caused it and those that do not want this kind."""
    await tx.execute(WISH_NOTICE, account, by or b"", kind, urgent, now_ms, now_ms + DELAY_MS)


async def settle(tx: Transaction, devices: Iterable[DeviceId], up_to_ms: int) -> None:
    """Drops the wakes of devices that have been given a hint another way, but none wished after `up_to_ms`.

    A notice stays: that a line is open does not say that a person looks.
    """
    await tx.execute_many(WAKE_MET, [(device, up_to_ms) for device in sorted(devices)])
