"""Every stored row about one account or device, so that a person can see what the server knows (GDPR art. 15).

Sealed bytes are shown as their size and first bytes: that is all there is to show. What is not tied to an account is
named in words, because its absence is an answer too. Not here: vaults' contents of other members. Spec:
openapi/protocol/threat-model.md, "What the server learns".
"""

from __future__ import annotations

import datetime
from typing import Any

import msgspec

from backend.operate import store
from backend.operate.store import Section, fetch_section
from backend.storage.engine import Reading
from backend.vaults.ruling import Facts
from backend.vaults.store import ORDINAL_BITS
from sync.log.state import LogState, decode_state
from sync.wire.ids import ACCOUNT_BYTES, HASH_BYTES, DeviceId
from sync.wire.item import ROLE_WORDS

NOT_TIED = (
    "Rendezvous posts of a link carry no account and no device: they are sealed and end after ten minutes.",
    "Addresses are not stored. Log lines carry a route, a status and a random id, and no account or device.",
    "Names, records, reasons and documents are sealed by the devices; the server has no key to them.",
)
_TIMES = (
    "made_at",
    "enrolled_at",
    "revoked_at",
    "expires_at",
    "at_ms",
    "until",
    "laid_at",
    "set_at",
    "since",
    "wished_at",
    "due_at",
    "sent_at",
    "fetched_at",
    "opened_at",
    "answered_at",
)
_NOTE_COLUMNS = (
    "share",
    "number",
    "note",
    "note_hash",
    "sent_at",
    "sealed_bytes",
    "fetched_at",
    "opened_at",
    "answer_bytes",
    "answered_at",
)
_DEVICE_COLUMNS = (
    "device",
    "account",
    "kind",
    "key_type",
    "signing_key",
    "card_bytes",
    "signature_bytes",
    "enrolled_at",
    "revoked_at",
)
_TARGET_COLUMNS = (
    "platform",
    "address_kind",
    "address_chars",  # an address is a secret, to its operator too
    "topic",
    "wakes",
    "quiet_from",
    "quiet_until",
    "set_at",
    "claimed_until",
    "paced_at",
)
_WISH_COLUMNS = ("class", "urgent", "wishes", "settled", "since", "wished_at", "due_at", "attempts")
_decode_facts = msgspec.msgpack.Decoder(Facts).decode


class RevealError(Exception):
    """There is nothing to reveal under this id."""


class Revealed(msgspec.Struct):
    """The account, and every row about it and its devices, by section."""

    account: str
    asked_for: str
    sections: dict[str, list[dict[str, Any]]]
    not_tied: tuple[str, ...] = NOT_TIED


async def reveal(db: Reading, text: str) -> Revealed:
    """Everything stored about an account (32 hex digits) or a device (64). Raises: RevealError."""
    try:
        asked = bytes.fromhex(text)
    except ValueError:
        raise RevealError("an account or device id is needed, as hex") from None
    if len(asked) == ACCOUNT_BYTES:
        account = asked
        devices = [row[0] for row in await db.fetch(store.DEVICES_OF_ACCOUNT, account)]
        known = bool(await db.fetch(store.ACCOUNT, account))
    elif len(asked) == HASH_BYTES:
        owners = await db.fetch(store.ACCOUNT_OF_DEVICE, asked)
        account, devices, known = (owners[0][0] if owners else b""), [asked], True
    else:
        raise RevealError("an account id has 32 hex digits, a device id 64")
    sections: dict[str, list[dict[str, Any]]] = {}
    if account:
        await _add(db, sections, Section("accounts", store.ACCOUNT, (account,), ("account", "made_at", "last_notice")))
    if len(asked) == ACCOUNT_BYTES:
        columns = ("vault", "number", "made_at", "log_bytes")
        await _add(db, sections, Section("vaults founded", store.FOUNDED, (account,), columns))
        keys = ("issuer", "made_at", "public_key")
        await _add(db, sections, Section("health card keys", store.ISSUERS, (account,), keys))
        await _shares(db, sections, account)
        await _ledger(db, sections, account)
    for device in devices:
        await _device(db, sections, DeviceId(device))
    if not known or not any(sections.values()):
        raise RevealError("nothing is stored about this id")
    return Revealed(account.hex(), text, sections)


async def _add(db: Reading, sections: dict[str, list[dict[str, Any]]], section: Section, **more: Any) -> None:
    rows = [_shown(more | row) for row in await fetch_section(db, section)]
    if rows:
        sections.setdefault(section.name, []).extend(rows)


async def _shares(db: Reading, sections: dict[str, list[dict[str, Any]]], account: bytes) -> None:
    """What an account has shared: settings, sizes, and openings whose openers are sealed to the share's owner."""
    counts = ("records", "inbox", "notes")
    settings = ("long_term", "direct", "made_at", "expires_at", "opens_max", "paused", "revoked_at", "tries", "opens")
    for section in (
        Section(
            "shares",
            store.SHARES,
            (account,),
            ("share", "token_hash", "owner_hash", *settings, *counts, "vault", "emergency_vault"),
        ),
        Section("share files", store.SHARE_FILES, (account,), ("share", "place", "content_type", "laid_at", "bytes")),
        Section(
            "share openings",
            store.SHARE_OPENINGS,
            (account,),
            ("share", "number", "at_ms", "outcome", "sealed_bytes", "begins"),
        ),
        Section("share notes", store.SHARE_NOTES, (account,), _NOTE_COLUMNS),
        Section("share tickets", store.SHARE_TICKETS, (account,), ("share", "ticket_hash", "place", "expires_at")),
    ):
        await _add(db, sections, section)


async def _ledger(db: Reading, sections: dict[str, list[dict[str, Any]]], account: bytes) -> None:
    """What happened to an account: who opened a share stands in none of it."""
    for section in (
        Section("ledger", store.LEDGER, (account,), ("number", "head", "at_ms", "base", "base_head")),
        Section("ledger entries", store.LEDGER_ENTRIES, (account,), ("number", "at_ms", "entry", "share", "opening")),
    ):
        await _add(db, sections, section)


async def _device(db: Reading, sections: dict[str, list[dict[str, Any]]], device: DeviceId) -> None:
    own = (
        Section(
            "devices",
            store.DEVICE,
            (device,),
            _DEVICE_COLUMNS,
        ),
        Section("revoked enrolments", store.REVOKED, (device,), ("account", "device")),
        Section("tokens", store.TOKENS, (device,), ("token_hash", "expires_at")),
        Section("used once", store.ONCE, (device,), ("kind", "value_hash", "expires_at")),
        Section("notices waiting", store.NOTICES, (device,), ("number", "kind", "at_ms")),
        Section("push target", store.PUSH_TARGET, (device,), _TARGET_COLUMNS),
        Section("push kinds muted", store.PUSH_MUTED, (device,), ("kind",)),
        Section("pushes wished", store.WISHES, (device,), _WISH_COLUMNS),
    )
    for section in own:
        await _add(db, sections, section, device=device)
    for vault, number, size, state, facts in await db.fetch(store.VAULTS_OF_MEMBER, device):
        await _vault(db, sections, device, vault, number, size, decode_state(state), _decode_facts(facts))


async def _vault(
    db: Reading,
    sections: dict[str, list[dict[str, Any]]],
    device: DeviceId,
    vault: bytes,
    number: int,
    size: int,
    state: LogState,
    facts: Facts,
) -> None:
    row = state.table.cards.get(device)
    if row is None:
        return
    person = state.table.people[row.person]
    used, grace = facts.usage.get(row.person), facts.grace.get(device)
    member = {
        "vault": vault,
        "device": device,
        "listed": row.live,
        "person": row.person,
        "role": ROLE_WORDS[person.role],
        "until": person.until,
        "is_subject": state.table.subject == row.person,
        "log_items": state.seq,
        "log_bytes": size,
        "frames_written": state.chain[device].fseq if device in state.chain else 0,
        "key_wished": device in facts.wishes,
        "bytes_today": used.bytes if used else 0,
        "entries_today": used.entries if used else 0,
        "late_frames": grace.frames if grace else 0,
    }
    sections.setdefault("memberships", []).append(_shown(member))
    writer = number << ORDINAL_BITS | row.ordinal
    item = ("seq", "kind", "sealed_bytes", "begins", "signature_bytes")
    for section in (
        Section("items written", store.ITEMS, (writer,), item),
        Section(
            "wraps for the device", store.WRAPS_FOR, (number, device), ("epoch", "laid_by", "sealed_bytes", "begins")
        ),
        Section("wraps laid", store.WRAPS_BY, (number, row.person), ("epoch", "for_device", "sealed_bytes", "begins")),
        Section("keyboxes laid", store.KEYBOXES_BY, (number, row.person), ("epoch", "sealed_bytes", "begins")),
        Section("lost entries handed in", store.LOST_BY, (number, row.person), ("entry", "at_seq", "signed_bytes")),
    ):
        await _add(db, sections, section, vault=vault, device=device)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row with bytes as hex and times as text."""
    shown: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, bytes):
            shown[name] = value.hex()
        elif name in _TIMES and value is not None:
            moment = datetime.datetime.fromtimestamp(value / 1000, datetime.UTC)
            shown[name] = moment.isoformat(timespec="seconds")
        else:
            shown[name] = value
    return shown


def as_words(found: Revealed) -> str:
    """The same for reading: one line a row, ids shortened."""
    lines = [f"Account {found.account or 'none'}"]
    for name, rows in found.sections.items():
        lines += ["", f"{name} ({len(rows)})"]
        for row in rows:
            parts = [f"{column} {_short(value)}" for column, value in row.items() if value is not None]
            lines.append("  " + " · ".join(parts))
    return "\n".join([*lines, "", *found.not_tied])


def _short(value: Any) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) > 40 else text
