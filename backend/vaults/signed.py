"""Items read and their signatures looked at, outside any lock.

A card's id is the hash of its keys, so what a signature is worth does not depend on when it is looked at: with the
cards that the log knows now and those that the same hand-in adds, it is settled here. Only an item whose author is
known neither way is looked at again under the lock. Spec: openapi/protocol/sync.md, "What is refused".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from sync.log.membership import CardRow, Table
from sync.log.reading import ReadItem, is_verified, read_item
from sync.wire.card import device_id, read_card
from sync.wire.codec import Malformed
from sync.wire.item import Add, Entry, Item

SIGNATURES_A_BREATH = 32  # signatures between two breaths: some 2 ms


class Checked(NamedTuple):
    """An item that could be read, and whether its signature was found good."""

    read: ReadItem
    verified: bool


async def breathless() -> None:
    """No pause: for a caller that serves nobody else meanwhile."""


async def check_items(
    items: Iterable[Item], table: Table, breathe: Callable[[], Awaitable[None]] = breathless
) -> tuple[Checked | None, ...]:
    """Reads items and verifies them; None for one that cannot be read. `breathe` is awaited between batches."""
    reads: list[ReadItem | None] = []
    for item in items:
        try:
            reads.append(read_item(item))
        except Malformed:
            reads.append(None)
    cards = _with_added_cards(table, reads)
    checked: list[Checked | None] = []
    for position, read in enumerate(reads):
        if position % SIGNATURES_A_BREATH == SIGNATURES_A_BREATH - 1:
            await breathe()
        checked.append(None if read is None else Checked(read, is_verified(cards, read)))
    return tuple(checked)


def _with_added_cards(table: Table, reads: list[ReadItem | None]) -> Table:
    """A table for looking keys up only: with the cards that entries among these items add, whether they may or not."""
    if len(reads) < 2:
        return table
    wider = table.copy()
    for read in reads:
        if read is None or not isinstance(read.body, Entry):
            continue
        for edit in read.body.edits:
            if isinstance(edit, Add) and device_id(edit.card.card) not in wider.cards:
                try:
                    card = read_card(edit.card)
                except Malformed:
                    continue
                row = CardRow(edit.person, card.kind, card.key_type, card.signing_key, len(wider.cards), True)
                wider.cards[device_id(edit.card.card)] = row
    return wider
