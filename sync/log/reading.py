"""An item read as far as it can be: who signed it, in which version, and its body where this version knows the layout.

The layout up to the author never changes, so that an item of a version nobody has raised can still be attributed and
found void, instead of stopping every phone. Spec: openapi/protocol/log.md, "Reading an item".
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from crypto.public.errors import CryptoError
from crypto.public.signatures import verify
from sync.log.membership import Table
from sync.wire.card import device_id as id_of_card
from sync.wire.card import read_card
from sync.wire.codec import Malformed
from sync.wire.ids import DeviceId, ItemHash, LogHash, VaultId
from sync.wire.item import (
    ENTRY,
    ENTRY_LABEL,
    FRAME,
    FRAME_LABEL,
    Add,
    Entry,
    Frame,
    Item,
    first_log_hash,
    item_hash,
    read_entry,
    read_frame,
)
from sync.wire.limits import FRAME_BYTES_MAX, INTEGER_MAX, PROTOCOL_VERSION

_SIGNATURE_BYTES = 64


class ReadItem(NamedTuple):
    """An item and what could be read of it. `body` is None for a layout that this version does not know.

    Where the layout does not say what the author had seen, `seen_seq` is 0 and `seen_L` is L_0: a claim that is true.
    """

    item: Item
    hash: ItemHash
    version: int
    vault: VaultId
    author: DeviceId
    seen_seq: int
    seen_L: LogHash
    body: Entry | Frame | None


def read_item(item: Item) -> ReadItem:
    """Reads an item. Raises: Malformed if not even its author can be read, or if it is too large."""
    if len(item.signed) > FRAME_BYTES_MAX or len(item.signature) != _SIGNATURE_BYTES:
        raise Malformed("too large, or a signature of another length")
    hash_ = item_hash(item.signed)
    try:
        if item.kind == ENTRY:
            entry = read_entry(item.signed)
            return ReadItem(item, hash_, entry.v, entry.vault, entry.author, entry.seen_seq, entry.seen_L, entry)
        if item.kind == FRAME:
            frame = read_frame(item.signed)
            h = frame.header
            return ReadItem(item, hash_, h.v, h.vault, h.device, h.seen_seq, h.seen_L, frame)
    except Malformed:
        prefix = _read_prefix(item)
        if prefix is None or prefix[0] == PROTOCOL_VERSION:
            raise
        version, vault, author, seen_seq, seen_L = prefix
        return ReadItem(item, hash_, version, vault, author, seen_seq, seen_L, None)
    raise Malformed("neither entry nor frame")


def _read_prefix(item: Item) -> tuple[int, VaultId, DeviceId, int, LogHash] | None:
    """Version, vault, author and what it had seen, in the places that no version moves; None if they are not there."""
    try:
        fields = msgspec.msgpack.decode(item.signed)
        if item.kind == ENTRY:
            version, vault, _, seen_seq, seen_L, author = fields[:6]
        else:
            # Of a frame the layout is fixed up to its device alone; what comes after may be anything.
            version, vault, author = fields[0][:3]
            seen_seq, seen_L = 0, first_log_hash(vault)
    except (msgspec.DecodeError, RecursionError, TypeError, ValueError, IndexError, KeyError, UnicodeDecodeError):
        return None
    hashes = (vault, author, seen_L)
    if not all(isinstance(h, bytes) and len(h) == 32 for h in hashes):
        return None
    if not all(type(n) is int and 0 <= n <= INTEGER_MAX for n in (version, seen_seq)):
        return None
    return version, VaultId(vault), DeviceId(author), seen_seq, LogHash(seen_L)


def verify_item(table: Table, read: ReadItem) -> None:
    """Verifies the author's signature with the key that the log holds for it.

    The first entry brings its own author's card. Raises: BadSignature; Malformed for an author the log never knew.
    """
    label = ENTRY_LABEL if read.item.kind == ENTRY else FRAME_LABEL
    row = table.cards.get(read.author)
    if row is not None:
        verify(row.key_type, row.signing_key, label, read.item.signed, read.item.signature)
        return
    if not table.cards and isinstance(read.body, Entry) and read.body.genesis is not None:
        for edit in read.body.edits:
            if isinstance(edit, Add) and id_of_card(edit.card.card) == read.author:
                card = read_card(edit.card)
                verify(card.key_type, card.signing_key, label, read.item.signed, read.item.signature)
                return
    raise Malformed("an author whom this log does not know")


def is_verified(table: Table, read: ReadItem) -> bool:
    """True if `verify_item` passes: for callers that count bad signatures instead of stopping at one."""
    try:
        verify_item(table, read)
    except (CryptoError, Malformed):
        return False
    return True
