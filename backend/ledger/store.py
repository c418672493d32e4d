"""SQL of the ledgers: an entry is written in the transaction of its cause, under a lock of its account's row.

The lock is the one that notices take (backend/notices/store.py), so a transaction may do both in either order. Nothing
here is told who reads a share: an opening is named by its number and the hash of its sealed opener. Spec:
openapi/protocol/ledger.md, LED-3 to LED-6.
"""

from __future__ import annotations

from typing import NamedTuple

from backend.storage.engine import Transaction
from sync.wire.ids import AccountId
from sync.wire.ledger import (
    OPENINGS,
    VERSION,
    Kind,
    LedgerEntry,
    LedgerHead,
    LedgerPage,
    LedgerRow,
    entry_bytes,
    first_hash,
    next_hash,
)
from sync.wire.limits import LEDGER_DAYS

DAY_MS = 86_400_000

ACCOUNT_LOCK = "SELECT account FROM accounts WHERE account = $1 FOR UPDATE"
# With the time of the oldest entry but one: only when that is too old does anything go.
LEDGER_READ = (
    "SELECT number, head, at_ms, base, base_head, (SELECT e.at_ms FROM ledger_entries e WHERE e.account = l.account"
    " ORDER BY e.number LIMIT 1 OFFSET 1) FROM ledgers l WHERE l.account = $1"
)
LEDGER_WRITE = (
    "INSERT INTO ledgers (account, number, head, at_ms, base, base_head) VALUES ($1, $2, $3, $4, $5, $6)"
    " ON CONFLICT (account) DO UPDATE SET number = excluded.number, head = excluded.head, at_ms = excluded.at_ms,"
    " base = excluded.base, base_head = excluded.base_head"
)
ENTRY_WRITE = (
    "INSERT INTO ledger_entries (account, number, at_ms, entry, share, opening) VALUES ($1, $2, $3, $4, $5, $6)"
)
ENTRIES_READ = (
    "SELECT e.entry, o.opener FROM ledger_entries e LEFT JOIN share_openings o ON o.share = e.share"
    " AND o.number = e.opening WHERE e.account = $1 AND e.number > $2 ORDER BY e.number LIMIT $3"
)
LAST_OLD = "SELECT max(number) FROM ledger_entries WHERE account = $1 AND at_ms <= $2"
ENTRIES_BEFORE = "SELECT entry FROM ledger_entries WHERE account = $1 AND number < $2 ORDER BY number"
OPENERS_DROP = "DELETE FROM share_openings WHERE at_ms <= $2 AND share IN (SELECT share FROM shares WHERE account = $1)"
ENTRIES_DROP = "DELETE FROM ledger_entries WHERE account = $1 AND number < $2"


class Happened(NamedTuple):
    """What an entry says beside its number and time: the columns of the chapter's table."""

    kind: Kind
    subject: bytes
    by: bytes = b""
    place: int = 0
    digest: bytes = b""


class _Ledger(NamedTuple):
    number: int
    head: bytes
    at_ms: int
    base: int
    base_head: bytes
    second_at_ms: int | None


async def append(tx: Transaction, account: AccountId, happened: Happened, now_ms: int) -> None:
    """Writes one entry. `now_ms`: milliseconds since 1970 UTC; an entry is never before the one before it."""
    ledger = await _locked(tx, account, now_ms)
    number, at_ms = ledger.number + 1, max(now_ms, ledger.at_ms)
    entry = entry_bytes(LedgerEntry(VERSION, number, at_ms, *happened))
    share, opening = (happened.subject, happened.place) if happened.kind in OPENINGS else (None, None)
    await tx.execute(ENTRY_WRITE, account, number, at_ms, entry, share, opening)
    head = next_hash(ledger.head, entry)
    await tx.execute(LEDGER_WRITE, account, number, head, at_ms, ledger.base, ledger.base_head)


async def read_page(tx: Transaction, account: AccountId, after: int, limit: int, now_ms: int) -> LedgerPage:
    """Base, head, and entries after a number, of one moment; what is too old has gone."""
    ledger = await _locked(tx, account, now_ms)
    rows = await tx.scan(ENTRIES_READ, account, after, limit)
    base, head = LedgerHead(ledger.base, ledger.base_head), LedgerHead(ledger.number, ledger.head)
    return LedgerPage(base, head, [LedgerRow(*row) for row in rows])


async def _locked(tx: Transaction, account: AccountId, now_ms: int) -> _Ledger:
    """An account's ledger, which nobody else appends to until the transaction ends."""
    await tx.fetch(ACCOUNT_LOCK, account)
    rows = await tx.fetch(LEDGER_READ, account)
    if not rows:
        start = first_hash(account)
        return _Ledger(0, start, 0, 0, start, None)
    ledger, old_ms = _Ledger(*rows[0]), now_ms - LEDGER_DAYS * DAY_MS
    if ledger.second_at_ms is None or ledger.second_at_ms > old_ms:
        return ledger
    return await _trimmed(tx, account, ledger, old_ms)


async def _trimmed(tx: Transaction, account: AccountId, ledger: _Ledger, old_ms: int) -> _Ledger:
    """Lets go of entries of this age but the youngest of them, which shows a phone that the others were as old."""
    last = (await tx.fetch(LAST_OLD, account, old_ms))[0][0]
    base_head = ledger.base_head
    for (entry,) in await tx.scan(ENTRIES_BEFORE, account, last):
        base_head = next_hash(base_head, entry)
    await tx.execute(ENTRIES_DROP, account, last)
    await tx.execute(OPENERS_DROP, account, old_ms)
    trimmed = ledger._replace(base=last - 1, base_head=base_head)
    await tx.execute(LEDGER_WRITE, account, trimmed.number, trimmed.head, trimmed.at_ms, last - 1, base_head)
    return trimmed
