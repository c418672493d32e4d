"""An account's ledger as it travels and as it is hashed: entries, the chain, a page of them.

Bytes and hashes only. Not here: who may read it, what a phone makes of it (sync/vault/ledger.py), any table. Nothing in
an entry names a reader. Spec: openapi/protocol/ledger.md.
"""

from __future__ import annotations

from typing import Literal, NewType

import msgspec

from crypto.public.hashing import HASH_BYTES, labelled_hash
from sync.wire.codec import Exact, Malformed, encode
from sync.wire.ids import AccountId
from sync.wire.share import SHARE_BYTES

LedgerHash = NewType("LedgerHash", bytes)  # 32 bytes, L_n: the ledger up to and including entry n

VERSION = 1
START_LABEL, CHAIN_LABEL, OPENER_LABEL = "ledger start", "ledger", "ledger opener"
Kind = Literal[
    "share_made",
    "share_changed",
    "share_paused",
    "share_resumed",
    "share_revoked",
    "share_opened",
    "passcode_wrong",
    "device_added",
    "recovery_added",
    "device_revoked",
    "recovery_used",
    "membership",
    "note_received",
]
OPENINGS = frozenset({"share_opened", "passcode_wrong"})
_DEVICES = frozenset({"device_added", "recovery_added", "device_revoked", "recovery_used"})
_SHARES = frozenset({"share_made", "share_changed", "share_paused", "share_resumed", "share_revoked"})


class LedgerEntry(msgspec.Struct, frozen=True, array_like=True):
    """One thing that happened. `at_ms`: the server's clock. The rest is as the chapter's table has it."""

    v: int
    number: int
    at_ms: int
    kind: str
    subject: bytes
    by: bytes = b""
    place: int = 0
    digest: bytes = b""


class LedgerHead(msgspec.Struct, frozen=True):
    """A place in the chain: L_n and its n."""

    number: int
    hash: bytes


class LedgerRow(msgspec.Struct, frozen=True):
    """An entry's bytes, and the sealed opener of an opening."""

    entry: bytes
    opener: bytes | None = None


class LedgerPage(msgspec.Struct, frozen=True):
    """GET /v1/ledger. `base`: the last entry that is not kept any more."""

    base: LedgerHead
    head: LedgerHead
    entries: list[LedgerRow]


_entry = Exact(LedgerEntry)


def first_hash(account: AccountId) -> LedgerHash:
    """L_0 of an account."""
    return LedgerHash(labelled_hash(START_LABEL, account))


def next_hash(before: bytes, entry: bytes) -> LedgerHash:
    """L_n from L_{n-1} and the bytes of entry n."""
    return LedgerHash(labelled_hash(CHAIN_LABEL, before, entry))


def opener_digest(sealed: bytes) -> bytes:
    """How an entry names the sealed opener of its opening."""
    return labelled_hash(OPENER_LABEL, sealed)


def entry_bytes(entry: LedgerEntry) -> bytes:
    """An entry as it is stored, sent and hashed."""
    return encode(entry)


def read_entry(data: bytes) -> LedgerEntry:
    """An entry of a kind that is known, or of a newer one. Raises: Malformed."""
    entry: LedgerEntry = _entry.read(data)
    if entry.v != VERSION or entry.number < 1 or entry.at_ms < 0 or entry.place < 0:
        raise Malformed("no entry of a ledger")
    sizes = _sizes(entry.kind)
    if sizes is not None and (len(entry.subject), len(entry.digest)) != sizes:
        raise Malformed("no entry of a ledger")
    return entry


def is_known(kind: str) -> bool:
    """Whether this version has words for a kind."""
    return _sizes(kind) is not None


def _sizes(kind: str) -> tuple[int, int] | None:
    """Bytes of subject and digest of a kind."""
    if kind in _SHARES:
        return SHARE_BYTES, 0
    if kind in OPENINGS:
        return SHARE_BYTES, HASH_BYTES
    if kind in _DEVICES:
        return HASH_BYTES, 0
    return {"membership": (HASH_BYTES, HASH_BYTES), "note_received": (SHARE_BYTES, HASH_BYTES)}.get(kind)
