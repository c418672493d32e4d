"""SQL that looks across rooms for one account or device: only read, only for its operator.

A sealed blob is never fetched: its length and its first bytes are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from backend.storage.engine import Reading, Row

_ITEM = "place & 4294967295, kind, length(signed), substr(signed, 1, 8), length(signature)"

ACCOUNT = "SELECT account, made_at, last_notice FROM accounts WHERE account = $1"
ACCOUNT_OF_DEVICE = "SELECT account FROM devices WHERE device = $1"
DEVICES_OF_ACCOUNT = "SELECT device FROM devices WHERE account = $1 ORDER BY enrolled_at, device"
DEVICE = (
    "SELECT device, account, kind, key_type, signing_key, length(card), length(signature), enrolled_at, revoked_at"
    " FROM devices WHERE device = $1"
)
REVOKED = "SELECT account, device FROM revoked_enrolments WHERE device = $1"
TOKENS = "SELECT token_hash, expires_at FROM tokens WHERE device = $1"
ONCE = "SELECT kind, value_hash, expires_at FROM once WHERE device = $1"
NOTICES = "SELECT number, kind, at_ms FROM notices WHERE device = $1 ORDER BY number"
PUSH_TARGET = (
    "SELECT platform, address_kind, length(address), topic, wakes, quiet_from, quiet_until, set_at, claimed_until,"
    " paced_at FROM push_targets WHERE device = $1"
)
PUSH_MUTED = "SELECT kind FROM push_muted WHERE device = $1 ORDER BY kind"
WISHES = (
    "SELECT class, urgent, wishes, settled, since, wished_at, due_at, attempts FROM outbox WHERE device = $1"
    " ORDER BY class"
)
FOUNDED = "SELECT vault, number, made_at, bytes FROM vaults WHERE account = $1 ORDER BY number"
ISSUERS = "SELECT issuer, made_at, public_key FROM issuers WHERE account = $1 ORDER BY made_at, issuer"
SHARES = (
    "SELECT share, token_hash, owner_hash, long_term, direct, made_at, expires_at, opens_max, paused, revoked_at,"
    " tries, opens, records, inbox, notes, vault, emergency_vault FROM shares WHERE account = $1"
    " ORDER BY made_at, share"
)
SHARE_FILES = (
    "SELECT f.share, f.place, f.content_type, f.laid_at, length(f.jwe) FROM share_files f"
    " JOIN shares s ON s.share = f.share WHERE s.account = $1 ORDER BY f.share, f.place"
)
SHARE_OPENINGS = (
    "SELECT o.share, o.number, o.at_ms, o.outcome, length(o.opener), substr(o.opener, 1, 8) FROM share_openings o"
    " JOIN shares s ON s.share = o.share WHERE s.account = $1 ORDER BY o.share, o.number"
)
SHARE_TICKETS = (
    "SELECT t.share, t.ticket_hash, t.place, t.expires_at FROM share_tickets t"
    " JOIN shares s ON s.share = t.share WHERE s.account = $1 ORDER BY t.share, t.expires_at"
)
SHARE_NOTES = (
    "SELECT n.share, n.number, n.note, n.note_hash, n.sent_at, length(n.sealed), n.fetched_at, n.opened_at,"
    " length(n.answer), n.answered_at FROM share_notes n JOIN shares s ON s.share = n.share WHERE s.account = $1"
    " ORDER BY n.share, n.number"
)
LEDGER = "SELECT number, head, at_ms, base, base_head FROM ledgers WHERE account = $1"
LEDGER_ENTRIES = "SELECT number, at_ms, entry, share, opening FROM ledger_entries WHERE account = $1 ORDER BY number"
VAULTS_OF_MEMBER = (
    "SELECT v.vault, v.number, v.bytes, v.state, v.facts FROM vaults v WHERE v.number IN"
    " (SELECT vault FROM members WHERE device = $1) ORDER BY v.number"
)
ITEMS = f"SELECT {_ITEM} FROM items WHERE writer = $1 ORDER BY place"  # noqa: S608
WRAPS_FOR = (
    "SELECT epoch, slot, length(sealed), substr(sealed, 1, 8) FROM wraps WHERE vault = $1 AND device = $2"
    " ORDER BY epoch, slot"
)
WRAPS_BY = (
    "SELECT epoch, device, length(sealed), substr(sealed, 1, 8) FROM wraps WHERE vault = $1 AND slot = $2"
    " ORDER BY epoch, device"
)
KEYBOXES_BY = "SELECT epoch, length(sealed), substr(sealed, 1, 8) FROM keyboxes WHERE vault = $1 AND slot = $2"
LOST_BY = "SELECT entry_hash, at_seq, length(signed) FROM lost_entries WHERE vault = $1 AND slot = $2"


class Section(NamedTuple):
    """Rows of one kind: a statement, its arguments, the names of its columns."""

    name: str
    statement: str
    arguments: tuple[object, ...]
    columns: tuple[str, ...]


async def fetch_section(db: Reading, section: Section) -> list[dict[str, object]]:
    """The rows of a section, by column."""
    rows: Sequence[Row] = await db.scan(section.statement, *section.arguments)
    return [dict(zip(section.columns, row, strict=True)) for row in rows]
