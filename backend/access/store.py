"""SQL of access: devices' keys, tokens, and what may be used once."""

from __future__ import annotations

from typing import NamedTuple

from backend.push.store import WakeSeen
from backend.storage.engine import Reading, Transaction
from sync.wire.ids import AccountId, DeviceId

DEVICE_KEY = "SELECT key_type, signing_key, revoked_at, kind, account FROM devices WHERE device = $1"
ACCOUNTS_LEFT = "SELECT account FROM revoked_enrolments WHERE device = $1"
CALLER_COLUMNS = (
    "t.device, t.expires_at, d.account, d.revoked_at, (SELECT min(n.number) FROM notices n WHERE n.device = t.device),"
    " w.wishes, w.since"
)
CALLER_TABLES = (
    "tokens t JOIN devices d ON d.device = t.device LEFT JOIN outbox w ON w.device = t.device AND w.class = 0"
)
BEARER = f"SELECT {CALLER_COLUMNS} FROM {CALLER_TABLES} WHERE t.token_hash = $1"  # noqa: S608
WRITE_TOKEN = "INSERT INTO tokens (token_hash, device, expires_at) VALUES ($1, $2, $3)"  # noqa: S105  a statement
TOKENS_EXPIRED = (
    "DELETE FROM tokens WHERE token_hash IN"
    " (SELECT token_hash FROM tokens WHERE expires_at <= $1 FOR UPDATE SKIP LOCKED)"  # another removes those
)
TOKENS_OF_DEVICE = "DELETE FROM tokens WHERE device = $1"
ONCE_WRITE = (
    "INSERT INTO once (kind, value_hash, device, expires_at) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (kind, value_hash) DO NOTHING RETURNING kind"
)
ONCE_TAKE = "DELETE FROM once WHERE kind = $1 AND value_hash = $2 AND device = $3 AND expires_at > $4 RETURNING kind"
ONCE_EXPIRED = (
    "DELETE FROM once WHERE (kind, value_hash) IN"
    " (SELECT kind, value_hash FROM once WHERE expires_at <= $1 FOR UPDATE SKIP LOCKED)"
)


class DeviceKey(NamedTuple):
    """A device's key type and public key, since when it is revoked, its card's kind, its account."""

    key: tuple[int, bytes]
    revoked_at: int | None
    kind: int
    account: AccountId


class TokenRow(NamedTuple):
    """Whose a token is, its end, the device's status now, and the number of the first notice that waits for it.

    `wishes`, `wished_since`: how often and since when it is wished that the device be woken; None if it is not.
    """

    device: DeviceId
    expires_at: int
    account: AccountId
    revoked_at: int | None
    first_notice: int | None
    wishes: int | None
    wished_since: int | None

    @property
    def wake(self) -> WakeSeen | None:
        """The wish to wake the device, if there is one."""
        if self.wishes is None or self.wished_since is None:
            return None
        return WakeSeen(self.device, self.wishes, self.wished_since)


async def device_key(db: Reading, device: DeviceId) -> DeviceKey | None:
    """The key of an enrolled device."""
    rows = await db.fetch(DEVICE_KEY, device)
    return DeviceKey((rows[0][0], rows[0][1]), *rows[0][2:]) if rows else None


async def accounts_left(db: Reading, device: DeviceId) -> set[AccountId]:
    """The accounts that have revoked a device."""
    return {row[0] for row in await db.fetch(ACCOUNTS_LEFT, device)}


async def token_row(db: Reading, token_hash: bytes) -> TokenRow | None:
    """One read gives the token and its device's live status."""
    rows = await db.fetch(BEARER, token_hash)
    return TokenRow(*rows[0]) if rows else None


async def write_token(tx: Transaction, token_hash: bytes, device: DeviceId, expires_ms: int, now_ms: int) -> None:
    """Stores a token by its hash, and forgets those that have ended."""
    await tx.execute(TOKENS_EXPIRED, now_ms)
    await tx.execute(WRITE_TOKEN, token_hash, device, expires_ms)


async def drop_tokens(tx: Transaction, device: DeviceId) -> None:
    """Forgets every token of a device: those of an account it no longer belongs to."""
    await tx.execute(TOKENS_OF_DEVICE, device)


async def use_once(
    tx: Transaction, kind: str, value_hash: bytes, device: DeviceId, expires_ms: int, now_ms: int
) -> bool:
    """Marks a value as used until it ends; False if it was already."""
    await tx.execute(ONCE_EXPIRED, now_ms)
    return bool(await tx.fetch(ONCE_WRITE, kind, value_hash, device, expires_ms))


async def take_once(tx: Transaction, kind: str, value_hash: bytes, device: DeviceId, now_ms: int) -> bool:
    """Takes back a value that was laid down for this device; False if it is not there or has ended."""
    return bool(await tx.fetch(ONCE_TAKE, kind, value_hash, device, now_ms))
