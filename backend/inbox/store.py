"""SQL of the inboxes: a note is counted and stored by statements that hold however many send at once.

A ticket of an inbox stands among the tickets of files, at a place that no file has. Spec: openapi/protocol/inbox.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from backend.storage.engine import Reading, Transaction
from sync.wire.ids import AccountId
from sync.wire.inbox import NoteMark, NoteWaiting
from sync.wire.limits import NOTES_A_SHARE_MAX, NOTES_REVOKED_DAYS
from sync.wire.share import ShareId

INBOX_PLACE = -1  # of a ticket that is for no file

_OPEN = "s.revoked_at IS NULL AND NOT s.paused AND (s.expires_at IS NULL OR s.expires_at > $2) AND s.inbox"
TICKET_SHARE = (
    "SELECT s.share FROM share_tickets t JOIN shares s ON s.share = t.share WHERE t.ticket_hash = $1"  # noqa: S608
    f" AND t.place = $3 AND t.expires_at > $2 AND {_OPEN}"
)
NOTE_TAKE = (
    "UPDATE shares SET notes = notes + 1 WHERE share = $1 AND inbox AND revoked_at IS NULL AND notes < $2"
    " RETURNING notes, account"
)
SHARE_LOCK = "SELECT share FROM shares WHERE share = $1 FOR UPDATE"
NOTE_FIND = "SELECT number, sent_at, note_hash FROM share_notes WHERE share = $1 AND note = $2"
NOTE_WRITE = "INSERT INTO share_notes (share, number, note, note_hash, sent_at, sealed) VALUES ($1, $2, $3, $4, $5, $6)"
WAITING_BYTES = (
    "SELECT coalesce(sum(length(n.sealed)), 0) FROM share_notes n JOIN shares s ON s.share = n.share"
    " WHERE s.account = $1"
)
MARKS = (
    "SELECT note, number, sent_at, fetched_at, opened_at, answered_at, answer FROM share_notes WHERE share = $1"
    " ORDER BY number"
)
WAITING = (
    "SELECT n.share, n.number, n.note, n.sent_at, length(n.sealed), n.fetched_at, n.opened_at, n.answered_at"
    " FROM share_notes n JOIN shares s ON s.share = n.share WHERE s.account = $1 AND length(n.sealed) > 0"
    " ORDER BY n.sent_at, n.share, n.number"
)
NOTE_READ = "SELECT note, sealed FROM share_notes WHERE share = $1 AND number = $2"
NOTE_FETCHED = "UPDATE share_notes SET fetched_at = $3 WHERE share = $1 AND number = $2 AND fetched_at IS NULL"
NOTE_OPENED = "UPDATE share_notes SET opened_at = $3 WHERE share = $1 AND number = $2 AND opened_at IS NULL"
NOTE_DONE = "UPDATE share_notes SET sealed = $3 WHERE share = $1 AND number = $2"
NOTE_ANSWER = "UPDATE share_notes SET answer = $3, answered_at = $4 WHERE share = $1 AND number = $2"
NOTES_DROP = "DELETE FROM share_notes WHERE share IN (SELECT share FROM shares WHERE revoked_at < $1)"
NOTES_DROP_OF = (
    "DELETE FROM share_notes WHERE share IN (SELECT share FROM shares WHERE account = $1 AND revoked_at < $2)"
)
INBOX_CHANGE = "UPDATE shares SET inbox = $2 WHERE share = $1"


_KEPT_MS = NOTES_REVOKED_DAYS * 86_400_000


class Taken(NamedTuple):
    """A note's place in its share, and whose it is."""

    number: int
    account: AccountId


async def share_of_ticket(db: Reading, ticket: bytes, now_ms: int) -> ShareId | None:
    """The share whose inbox a ticket opens now."""
    rows = await db.fetch(TICKET_SHARE, ticket, now_ms, INBOX_PLACE)
    return rows[0][0] if rows else None


async def find_note(tx: Transaction, share: ShareId, note: bytes) -> tuple[int, int, bytes] | None:
    """Number, time and hash of a note that is stored already; from here on the share takes one note at a time."""
    await tx.fetch(SHARE_LOCK, share)
    rows = await tx.fetch(NOTE_FIND, share, note)
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else None


async def take_note(tx: Transaction, share: ShareId) -> Taken | None:
    """Counts one more note; None if the share takes no more."""
    rows = await tx.fetch(NOTE_TAKE, share, NOTES_A_SHARE_MAX)
    return Taken(*rows[0]) if rows else None


async def write_note(
    tx: Transaction, share: ShareId, number: int, note: bytes, hash_: bytes, sealed: bytes, now_ms: int
) -> None:
    """Stores a note."""
    await tx.execute(NOTE_WRITE, share, number, note, hash_, now_ms, sealed)


async def waiting_bytes(tx: Transaction, account: AccountId) -> int:
    """Bytes of all notes that wait for an account."""
    return int((await tx.fetch(WAITING_BYTES, account))[0][0])


async def read_marks(db: Reading, share: ShareId) -> list[NoteMark]:
    """How far each note of a share has come, with the answers."""
    return [NoteMark(*row) for row in await db.scan(MARKS, share)]


async def read_waiting(db: Reading, account: AccountId) -> list[NoteWaiting]:
    """What waits for an account, oldest first."""
    return [NoteWaiting(*row) for row in await db.scan(WAITING, account)]


async def fetch_note(tx: Transaction, share: ShareId, number: int, now_ms: int) -> tuple[bytes, bytes] | None:
    """Id and bytes of a note, which counts as fetched from now on; None if it is not there or done with."""
    rows: Sequence[tuple[bytes, bytes]] = await tx.scan(NOTE_READ, share, number)
    if not rows or not rows[0][1]:
        return None
    await tx.execute(NOTE_FETCHED, share, number, now_ms)
    return rows[0][0], rows[0][1]


async def has_note(tx: Transaction, share: ShareId, number: int) -> bool:
    """Whether a share has ever taken a note of this number."""
    return bool(await tx.fetch(NOTE_READ, share, number))


async def mark_opened(tx: Transaction, share: ShareId, number: int, now_ms: int) -> None:
    """The owner has looked at it; only the first time counts."""
    await tx.execute(NOTE_OPENED, share, number, now_ms)


async def drop_note(tx: Transaction, share: ShareId, number: int) -> None:
    """The bytes go for good."""
    await tx.execute(NOTE_DONE, share, number, b"")


async def write_answer(tx: Transaction, share: ShareId, number: int, answer: bytes | None, now_ms: int) -> None:
    """Lays an answer, or takes it away."""
    await tx.execute(NOTE_ANSWER, share, number, answer, None if answer is None else now_ms)


async def switch_inbox(tx: Transaction, share: ShareId, on: bool) -> None:
    """Whether a share takes notes."""
    await tx.execute(INBOX_CHANGE, share, on)


async def drop_old_notes(tx: Transaction, account: AccountId | None, now_ms: int) -> None:
    """What came to shares that were revoked long ago goes for good, of one account or (None) of all."""
    if account is None:
        await tx.execute(NOTES_DROP, now_ms - _KEPT_MS)
    else:
        await tx.execute(NOTES_DROP_OF, account, now_ms - _KEPT_MS)
