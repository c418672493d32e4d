"""SQL of shares: what is decided with concurrent readers about is one statement each.

Live (SHR-12) is one condition, LIVE, in every statement that hands something out; its parameters are the share's token
hash first and the time second. A boolean column is compared as a column, which both databases know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from backend.storage.engine import Reading, Row, Transaction
from sync.wire.ids import AccountId, DeviceId
from sync.wire.limits import SHARE_OPENINGS_DAYS
from sync.wire.share import NewShare, ShareFile, ShareId

_ENTITLED = (  # read where `shares` is called so
    "(shares.vault IS NULL OR EXISTS (SELECT 1 FROM vaults v JOIN members m ON m.vault = v.number"
    " JOIN devices d ON d.device = m.device"
    " WHERE v.vault = shares.vault AND m.live AND m.owner AND d.account = shares.account))"
)
_OPEN = f"revoked_at IS NULL AND NOT paused AND (expires_at IS NULL OR expires_at > $2) AND {_ENTITLED}"
LIVE = f"token_hash = $1 AND {_OPEN} AND (opens_max IS NULL OR opens < opens_max)"

SHARE_READ = (
    "SELECT account, owner_hash, body_hash, long_term, direct, made_at, expires_at, opens_max, paused, revoked_at,"  # noqa: S608
    f" passcode_hash, tries, opens, {_ENTITLED}, inbox FROM shares WHERE share = $1"
)
SHARES_LIVE = "SELECT count(*) FROM shares WHERE account = $1 AND revoked_at IS NULL"
ACCOUNT_LOCK = "SELECT account FROM accounts WHERE account = $1 FOR UPDATE"
SHARE_LOCK = "SELECT share FROM shares WHERE share = $1 FOR UPDATE"
SHARE_WRITE = (
    "INSERT INTO shares (share, account, token_hash, owner_hash, body_hash, log_key, long_term, direct, made_at,"
    " expires_at, opens_max, paused, revoked_at, passcode_salt, passcode_hash, tries, opens, records, emergency_vault,"
    " vault, inbox)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, FALSE, NULL, $12, $13, $14, 0, 0, $15, $16, $17)"
    " ON CONFLICT DO NOTHING RETURNING share"
)
SHARE_CHANGE = "UPDATE shares SET expires_at = $2, opens_max = $3, paused = $4 WHERE share = $1"
PASSCODE_CHANGE = (
    "UPDATE shares SET passcode_salt = $2, passcode_hash = $3, tries = $4, checking_until = 0 WHERE share = $1"
)
SHARE_REVOKE = (
    "UPDATE shares SET revoked_at = $2, passcode_salt = NULL, passcode_hash = NULL, log_key = $3"
    " WHERE share = $1 AND revoked_at IS NULL"
)
FILES_DROP = "DELETE FROM share_files WHERE share = $1"
FILE_WRITE = "INSERT INTO share_files (share, place, content_type, jwe, laid_at) VALUES ($1, $2, $3, $4, $5)"
FILES_READ = "SELECT content_type, jwe, laid_at FROM share_files WHERE share = $1 ORDER BY place"
FILE_SIZES = "SELECT length(jwe) FROM share_files WHERE share = $1 ORDER BY place"
TICKETS_DROP = "DELETE FROM share_tickets WHERE share = $1"
TICKETS_EXPIRED = "DELETE FROM share_tickets WHERE expires_at <= $1"
TICKET_WRITE = "INSERT INTO share_tickets (ticket_hash, share, place, expires_at) VALUES ($1, $2, $3, $4)"
TICKET_READ = (
    "SELECT f.jwe FROM share_tickets t JOIN share_files f ON f.share = t.share AND f.place = t.place"  # noqa: S608
    " JOIN shares ON shares.share = t.share WHERE t.ticket_hash = $1 AND t.expires_at > $2"
    " AND shares.revoked_at IS NULL AND NOT shares.paused AND (shares.expires_at IS NULL OR shares.expires_at > $2)"
    f" AND {_ENTITLED}"
)
LIVE_READ = f"SELECT direct, passcode_hash, tries, checking_until FROM shares WHERE {LIVE}"  # noqa: S608  constants
# One check at a time of a share: whoever else is right finds the try that this one gives back.
TRY_TAKE = (
    f"UPDATE shares SET tries = tries - 1, checking_until = $3 WHERE {LIVE} AND tries > 0"  # noqa: S608  constants
    " AND checking_until <= $2 AND NOT direct AND passcode_hash IS NOT NULL"
    " RETURNING passcode_salt, passcode_hash, tries"
)
WRONG_COUNT = (
    "UPDATE shares SET records = records + 1, checking_until = 0 WHERE token_hash = $1 AND revoked_at IS NULL"
    " RETURNING share, account, records, log_key, long_term, inbox, emergency_vault"
)
OPEN_COUNT = (
    f"UPDATE shares SET opens = opens + 1, records = records + 1 WHERE {LIVE}"  # noqa: S608  constants
    " AND direct = $3 AND passcode_hash IS NULL"
    " RETURNING share, account, records, log_key, long_term, inbox, emergency_vault"
)
# The try that was taken comes back; another passcode by now is another question (`passcode_hash = $3`).
OPEN_RIGHT = (
    "UPDATE shares SET opens = opens + 1, records = records + 1, tries = tries + 1, checking_until = 0"  # noqa: S608
    f" WHERE {LIVE} AND passcode_hash = $3"
    " RETURNING share, account, records, log_key, long_term, inbox, emergency_vault"
)
OPENING_WRITE = "INSERT INTO share_openings (share, number, at_ms, outcome, opener) VALUES ($1, $2, $3, $4, $5)"
OPENINGS_READ = (
    "SELECT number, at_ms, outcome, opener FROM share_openings WHERE share = $1 AND number > $2 AND at_ms > $3"
    " ORDER BY number LIMIT $4"
)
VAULT_STATE = "SELECT state FROM vaults WHERE vault = $1"
ACCOUNTS_OF = "SELECT account FROM devices WHERE device = $1 AND revoked_at IS NULL"
OPENINGS_OLD = "DELETE FROM share_openings WHERE at_ms <= $1"
KEPT_MS = SHARE_OPENINGS_DAYS * 86_400_000


class ShareRow(NamedTuple):
    """A share as its owner's routes see it."""

    account: AccountId
    owner_hash: bytes
    body_hash: bytes
    long_term: bool
    direct: bool
    made_at: int
    expires_at: int | None
    opens_max: int | None
    paused: bool
    revoked_at: int | None
    passcode_hash: bytes | None
    tries: int
    opens: int
    entitled: bool
    inbox: bool


class Counted(NamedTuple):
    """What a counted open or wrong passcode needs: the share, its account, the number of its record, the key that seals
    it."""

    share: ShareId
    account: AccountId
    number: int
    log_key: bytes
    long_term: bool
    inbox: bool
    emergency_vault: bytes | None


class Live(NamedTuple):
    """A live share as a reader meets it. `tries`: how often a wrong passcode may still be given; one more may come back
    while another is checked, until `checking_until` (ms since 1970 UTC) at most."""

    direct: bool
    passcode_hash: bytes | None
    tries: int
    checking_until: int


class Try(NamedTuple):
    """A try that was taken: what the passcode is checked against, and how many are left if it is wrong."""

    salt: bytes
    hash: bytes
    left: int


async def read_share(db: Reading, share: ShareId) -> ShareRow | None:
    """A share, whatever its account."""
    rows = await db.fetch(SHARE_READ, share)
    if not rows:
        return None
    row = ShareRow(*rows[0])  # one of the databases has no booleans
    return row._replace(
        long_term=bool(row.long_term),
        direct=bool(row.direct),
        paused=bool(row.paused),
        entitled=bool(row.entitled),
        inbox=bool(row.inbox),
    )


async def lock_share(tx: Transaction, share: ShareId) -> ShareRow | None:
    """A share that this transaction may change."""
    await tx.fetch(SHARE_LOCK, share)
    return await read_share(tx, share)


async def live_shares(tx: Transaction, account: AccountId) -> int:
    """How many shares of the account are not revoked; its row is locked, so that two that make one queue."""
    await tx.fetch(ACCOUNT_LOCK, account)
    return int((await tx.fetch(SHARES_LIVE, account))[0][0])


async def write_share(
    tx: Transaction, share: ShareId, account: AccountId, new: NewShare, body_hash: bytes, tries: int, now_ms: int
) -> bool:
    """Stores a new share without its files; False if its handle or its URL token is taken."""
    passcode = new.passcode
    salt, hash_ = (None, None) if passcode is None else (passcode.salt, passcode.hash)
    settings = (
        new.long_term,
        new.direct,
        now_ms,
        new.expires_at,
        new.opens_max,
        salt,
        hash_,
        tries,
        new.emergency_vault,
    )
    keys = (new.token_hash, new.owner_hash, body_hash, new.log_key)
    return bool(await tx.fetch(SHARE_WRITE, share, account, *keys, *settings, new.vault, new.inbox))


async def write_files(tx: Transaction, share: ShareId, files: Sequence[ShareFile], now_ms: int) -> None:
    """Puts these files in the place of all that were there; tickets for those end with them."""
    await tx.execute(TICKETS_DROP, share)
    await tx.execute(FILES_DROP, share)
    rows = [(share, place, file.content_type, file.jwe, now_ms) for place, file in enumerate(files)]
    await tx.execute_many(FILE_WRITE, rows)


async def change_share(
    tx: Transaction, share: ShareId, expires_at: int | None, opens_max: int | None, paused: bool
) -> None:
    """Sets what an owner may change at any time."""
    await tx.execute(SHARE_CHANGE, share, expires_at, opens_max, paused)


async def change_passcode(tx: Transaction, share: ShareId, salt: bytes | None, hash_: bytes | None, tries: int) -> None:
    """Another passcode, or none, with its tries."""
    await tx.execute(PASSCODE_CHANGE, share, salt, hash_, tries)


async def revoke_share(tx: Transaction, share: ShareId, now_ms: int) -> None:
    """Ends a share for good; its files, its tickets and its keys go with it."""
    await tx.execute(SHARE_REVOKE, share, now_ms, b"")
    await tx.execute(TICKETS_DROP, share)
    await tx.execute(FILES_DROP, share)


async def file_sizes(db: Reading, share: ShareId) -> list[int]:
    """Characters of each file, in order."""
    return [row[0] for row in await db.fetch(FILE_SIZES, share)]


async def read_files(db: Reading, share: ShareId) -> Sequence[tuple[str, str, int]]:
    """Content type, JWE and time of each file, in order."""
    return await db.scan(FILES_READ, share)


async def read_live(db: Reading, token: bytes, now_ms: int) -> Live | None:
    """A share that is live, but for its tries. None if it is not."""
    rows = await db.fetch(LIVE_READ, token, now_ms)
    return Live(bool(rows[0][0]), *rows[0][1:]) if rows else None


async def take_try(tx: Transaction, token: bytes, now_ms: int, until_ms: int) -> Try | None:
    """Takes one try of a live share, and the turn to check until `until_ms`; None if there is none or it is another's
    turn."""
    rows = await tx.fetch(TRY_TAKE, token, now_ms, until_ms)
    return Try(*rows[0]) if rows else None


async def count_wrong(tx: Transaction, token: bytes) -> Counted | None:
    """Numbers the record of a wrong passcode; None if the share is gone by now."""
    rows = await tx.fetch(WRONG_COUNT, token)
    return _counted(rows)


async def count_open(tx: Transaction, token: bytes, now_ms: int, direct: bool) -> Counted | None:
    """Counts an open of a share without passcode; None if it is not live, or not of this kind."""
    rows = await tx.fetch(OPEN_COUNT, token, now_ms, direct)
    return _counted(rows)


async def count_right(tx: Transaction, token: bytes, now_ms: int, hash_: bytes) -> Counted | None:
    """Counts an open with the right passcode and gives its try back; None if it is not live any more."""
    rows = await tx.fetch(OPEN_RIGHT, token, now_ms, hash_)
    return _counted(rows)


def _counted(rows: Sequence[Row]) -> Counted | None:
    if not rows:
        return None
    share, account, number, log_key, long_term, inbox, emergency_vault = rows[0]
    return Counted(share, account, number, log_key, bool(long_term), bool(inbox), emergency_vault)


async def write_opening(tx: Transaction, share: ShareId, number: int, at_ms: int, outcome: str, opener: bytes) -> None:
    """Stores a record of an opening."""
    await tx.execute(OPENING_WRITE, share, number, at_ms, outcome, opener)


async def read_openings(
    db: Reading, share: ShareId, after: int, now_ms: int, limit: int
) -> Sequence[tuple[int, int, str, bytes]]:
    """Number, time, outcome and opener of the records after a number that are kept."""
    return await db.scan(OPENINGS_READ, share, after, now_ms - KEPT_MS, limit)


async def drop_old_openings(tx: Transaction, now_ms: int) -> None:
    """Forgets openings that are not kept any longer, of every share."""
    await tx.execute(OPENINGS_OLD, now_ms - KEPT_MS)


async def write_tickets(tx: Transaction, rows: Sequence[tuple[bytes, ShareId, int, int]], now_ms: int) -> None:
    """Stores tickets: hash, share, place of the file, end; those that have ended go."""
    await tx.execute(TICKETS_EXPIRED, now_ms)
    await tx.execute_many(TICKET_WRITE, rows)


async def read_ticket(db: Reading, ticket: bytes, now_ms: int) -> str | None:
    """The file that a ticket is for, if both it and the share may still be fetched."""
    rows = await db.scan(TICKET_READ, ticket, now_ms)
    return rows[0][0] if rows else None


async def vault_state(db: Reading, vault: bytes) -> bytes | None:
    """The fold of a vault's log, for who its owners are."""
    rows = await db.fetch(VAULT_STATE, vault)
    return rows[0][0] if rows else None


async def accounts_of(db: Reading, device: DeviceId) -> set[AccountId]:
    """The accounts in which a device is enrolled and live."""
    return {AccountId(row[0]) for row in await db.fetch(ACCOUNTS_OF, device)}
