"""SQL of accounts and their devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from backend.storage.engine import Reading, Transaction
from backend.storage.names import hold_name
from sync.wire.card import Card, SignedCard
from sync.wire.ids import AccountId, DeviceId

ACCOUNT_WRITE = "INSERT INTO accounts (account, made_at) VALUES ($1, $2)"
ACCOUNT_LOCK = "SELECT account FROM accounts WHERE account = $1 FOR UPDATE"
DEVICE_READ = "SELECT account, kind, key_type, signing_key, enrolled_at, revoked_at FROM devices WHERE device = $1"
# A revoked card may be enrolled again, elsewhere too: membership of vaults does not depend on accounts.
DEVICE_WRITE = (
    "INSERT INTO devices (device, account, kind, key_type, signing_key, card, signature, enrolled_at, revoked_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL)"
    " ON CONFLICT (device) DO UPDATE"
    " SET account = excluded.account, enrolled_at = excluded.enrolled_at, revoked_at = NULL"
)
DEVICES_COUNT = "SELECT count(*) FROM devices WHERE account = $1 AND revoked_at IS NULL"
DEVICES_LIST = (
    "SELECT device, kind, enrolled_at, revoked_at FROM devices WHERE account = $1 ORDER BY enrolled_at, device"
)
DEVICE_REVOKE = "UPDATE devices SET revoked_at = $2 WHERE device = $1"
REVOKED_WRITE = (
    "INSERT INTO revoked_enrolments (account, device) VALUES ($1, $2) ON CONFLICT (account, device) DO NOTHING"
)
REVOKED_READ = "SELECT device FROM revoked_enrolments WHERE account = $1 AND device = $2"


class DeviceRow(NamedTuple):
    """An enrolled device."""

    account: AccountId
    kind: int
    key_type: int
    signing_key: bytes
    enrolled_at: int
    revoked_at: int | None


async def read_device(db: Reading, device: DeviceId) -> DeviceRow | None:
    """A device, whatever its account."""
    rows = await db.fetch(DEVICE_READ, device)
    return DeviceRow(*rows[0]) if rows else None


async def write_account(tx: Transaction, account: AccountId, now_ms: int) -> None:
    """A new account."""
    await tx.execute(ACCOUNT_WRITE, account, now_ms)


async def write_device(
    tx: Transaction, device: DeviceId, account: AccountId, card: Card, signed: SignedCard, now_ms: int
) -> None:
    """Enrols a card in an account, or again after it was revoked."""
    await tx.execute(
        DEVICE_WRITE,
        device,
        account,
        card.kind,
        card.key_type,
        card.signing_key,
        signed.card,
        signed.signature,
        now_ms,
    )


async def lock_account(tx: Transaction, account: AccountId) -> None:
    """Until the transaction ends nobody else enrols in this account or revokes: each sees what the one before did."""
    await tx.fetch(ACCOUNT_LOCK, account)


async def hold_card(tx: Transaction, device: DeviceId) -> None:
    """Until the transaction ends nobody else enrols this card, here or elsewhere."""
    await hold_name(tx, device)


async def live_devices(tx: Transaction, account: AccountId) -> int:
    """How many devices of a locked account are not revoked."""
    return int((await tx.fetch(DEVICES_COUNT, account))[0][0])


async def list_devices(db: Reading, account: AccountId) -> Sequence[tuple[DeviceId, int, int, int | None]]:
    """Device, kind, enrolled at, revoked at, of every device of an account, oldest first."""
    return await db.fetch(DEVICES_LIST, account)


async def revoke_device(tx: Transaction, device: DeviceId, account: AccountId, now_ms: int) -> None:
    """Revokes a live device of this account."""
    await tx.execute(DEVICE_REVOKE, device, now_ms)
    await tx.execute(REVOKED_WRITE, account, device)


async def was_revoked(tx: Transaction, device: DeviceId, account: AccountId) -> bool:
    """True if this account has revoked this device, whatever became of it elsewhere."""
    return bool(await tx.fetch(REVOKED_READ, account, device))
