"""SQL of issuers: keys of health cards, by the address under which they are published."""

from __future__ import annotations

from backend.storage.engine import Reading, Transaction
from sync.wire.ids import AccountId
from sync.wire.issuer import IssuerId

ACCOUNT_LOCK = "SELECT account FROM accounts WHERE account = $1 FOR UPDATE"
ISSUER_READ = "SELECT account, public_key FROM issuers WHERE issuer = $1"
ISSUERS_COUNT = "SELECT count(*) FROM issuers WHERE account = $1"
ISSUER_WRITE = "INSERT INTO issuers (issuer, account, public_key, made_at) VALUES ($1, $2, $3, $4)"
ISSUER_DROP = "DELETE FROM issuers WHERE issuer = $1 AND account = $2"


async def read_issuer(db: Reading, issuer: IssuerId) -> tuple[AccountId, bytes] | None:
    """Whose it is, and its key."""
    rows = await db.fetch(ISSUER_READ, issuer)
    return (AccountId(rows[0][0]), rows[0][1]) if rows else None


async def count_issuers(tx: Transaction, account: AccountId) -> int:
    """How many an account has; its row is locked, so that two that publish queue."""
    await tx.fetch(ACCOUNT_LOCK, account)
    return int((await tx.fetch(ISSUERS_COUNT, account))[0][0])


async def write_issuer(tx: Transaction, issuer: IssuerId, account: AccountId, public_key: bytes, now_ms: int) -> None:
    """Stores a key."""
    await tx.execute(ISSUER_WRITE, issuer, account, public_key, now_ms)


async def drop_issuer(tx: Transaction, issuer: IssuerId, account: AccountId) -> None:
    """Forgets a key of the account, if it is one."""
    await tx.execute(ISSUER_DROP, issuer, account)
