"""Notices: what a person's other phones must be told, written in the transaction of its cause, kept until acknowledged.

A row a phone, laid down for every phone of the account that is live then, but for the one that caused it: so nobody
enrolled later is told old things, and acknowledging is deleting. A notice says what happened and when; never whom or
which vault. Bounded by kind, so that many of one kind push out none of another. Beside it stands the wish to
push the phone (backend/push). Not here: how that is done, what the words are. Spec: openapi/protocol/accounts.md,
"Notices".
"""

from __future__ import annotations

from typing import Literal

from backend.push.store import wish_notices
from backend.storage.announcing import NOBODY, of_account
from backend.storage.engine import Reading, Transaction
from sync.wire.card import DEVICE
from sync.wire.exchange import Notice
from sync.wire.ids import AccountId, DeviceId

Kind = Literal[
    "new_device",
    "new_recovery",
    "device_revoked",
    "recovery_used",
    "removed",
    "share_opened",
    "emergency_opened",
    "note_received",
    "push_lost",
]
# Kinds that no quiet hours hold back: somebody may be taking the account over, or somebody is in need.
URGENT: frozenset[Kind] = frozenset(
    {"new_device", "new_recovery", "device_revoked", "recovery_used", "emergency_opened"}
)
NOTICES_A_KIND_MAX = 16  # notices of one kind that wait for one phone; the oldest go

ACCOUNT_LOCK = "SELECT account FROM accounts WHERE account = $1 FOR UPDATE"
# Numbers rise with the time, so that a server restored from a backup gives none again that a phone has acknowledged.
NUMBER_TAKE = (
    "UPDATE accounts SET last_notice = CASE WHEN last_notice >= $2 THEN last_notice + 1 ELSE $2 END"
    " WHERE account = $1 RETURNING last_notice"
)
PHONES = "SELECT device FROM devices WHERE account = $1 AND kind = $2 AND revoked_at IS NULL ORDER BY device"
ACCOUNT_OF = "SELECT account FROM devices WHERE device = $1 AND revoked_at IS NULL"
NOTICE_WRITE = "INSERT INTO notices (device, number, kind, at_ms) VALUES ($1, $2, $3, $4)"
NOTICES_TRIM = (
    "DELETE FROM notices WHERE device = $1 AND kind = $2 AND number <="
    " (SELECT number FROM notices WHERE device = $1 AND kind = $2 ORDER BY number DESC LIMIT 1 OFFSET $3)"
)
NOTICES = "SELECT number, kind, at_ms FROM notices WHERE device = $1 ORDER BY number"
NOTICES_SEEN = "DELETE FROM notices WHERE device = $1 AND number <= $2"
NOTICES_DROP = "DELETE FROM notices WHERE device = $1"


async def tell(tx: Transaction, account: AccountId, kind: Kind, by: DeviceId | None, now_ms: int) -> None:
    """Lays a notice down for every live phone of an account but `by`, and wishes to push them.

    `now_ms`: milliseconds since 1970 UTC.
    """
    await lay_down(tx, account, kind, by, now_ms)
    await wish_notices(tx, [(account, by)], kind, kind in URGENT, now_ms)


async def lay_down(tx: Transaction, account: AccountId, kind: Kind, by: DeviceId | None, now_ms: int) -> None:
    """The same without the wish, for who tells several accounts and wishes for all of them at once (`wish_notices`)."""
    await tx.fetch(ACCOUNT_LOCK, account)  # whoever enrols or is revoked meanwhile comes before or after, not between
    phones = [row[0] for row in await tx.fetch(PHONES, account, DEVICE) if row[0] != by]
    if not phones:
        return
    number = (await tx.fetch(NUMBER_TAKE, account, now_ms))[0][0]
    await tx.execute_many(NOTICE_WRITE, [(phone, number, kind, now_ms) for phone in phones])
    await tx.execute_many(NOTICES_TRIM, [(phone, kind, NOTICES_A_KIND_MAX) for phone in phones])
    tx.announce(of_account(account), by or NOBODY)


async def tell_device(tx: Transaction, device: DeviceId, kind: Kind, now_ms: int) -> None:
    """Lays down a notice that concerns one device alone, for it and for no other; nothing is wished."""
    for account, *_ in await tx.fetch(ACCOUNT_OF, device):
        await tx.fetch(ACCOUNT_LOCK, account)
        number = (await tx.fetch(NUMBER_TAKE, account, now_ms))[0][0]
        await tx.execute(NOTICE_WRITE, device, number, kind, now_ms)
        await tx.execute(NOTICES_TRIM, device, kind, NOTICES_A_KIND_MAX)


async def read_notices(db: Reading, device: DeviceId) -> tuple[Notice, ...]:
    """What waits for a phone, oldest first."""
    return tuple(Notice(*row) for row in await db.fetch(NOTICES, device))


async def drop_seen(tx: Transaction, device: DeviceId, number: int) -> None:
    """Lets go of what a phone has acknowledged: all up to and with this number."""
    await tx.execute(NOTICES_SEEN, device, number)


async def drop_notices(tx: Transaction, device: DeviceId) -> None:
    """Lets go of all that waits for a device: it is revoked and will not ask again."""
    await tx.execute(NOTICES_DROP, device)
