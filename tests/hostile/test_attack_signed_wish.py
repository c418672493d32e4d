"""signed-wish: an editor hands in "drop dad", which the server had to refuse, as an entry that a restore lost."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from sync.log.reading import ReadItem
from sync.log.state import LogState, Ruling
from sync.vault.entries import CardKeys
from sync.vault.rollback import good_in_their_chain
from sync.wire.codec import encode
from sync.wire.ids import EpochId
from sync.wire.item import ENTRY, ENTRY_LABEL, VIEWER, Drop, Entry, EntryEdit, Epoch, Item, SetRole
from tests.hostile.family_log import SAM, drop
from tests.hostile.lost_entries import Recorded


def signed(log: LogState, author: CardKeys, *edits: EntryEdit, epoch: bool = False) -> Item:
    """An entry that nobody has judged yet."""
    started = Epoch(2, 1, EpochId(b"wish".ljust(32, b"\0"))) if epoch else None
    body = Entry(1, log.vault, log.entry_head, log.seq, log.log_hash, author.device, edits, started, None)
    data = encode(body)
    return Item(ENTRY, data, author.signing.sign(ENTRY_LABEL, data))


@pytest.mark.parametrize("epoch", [False, True])
def test_a_signed_wish_is_no_order(epoch: bool) -> None:
    """BAD-52."""
    family = Recorded()
    wish = signed(family.log, family.sam, Drop(family.dad.device), epoch=epoch)
    assert good_in_their_chain(family.items, [wish], LogState.empty(family.log.vault)) == []
    judge = LogState.judge

    def lenient(log: LogState, read: ReadItem) -> Ruling:
        ruling = judge(log, read)
        return Ruling(None, ruling.table or log.table)

    with patch.object(LogState, "judge", lenient):
        assert good_in_their_chain(family.items, [wish], LogState.empty(family.log.vault)) != []


def test_what_was_good_where_it_stood_is_heard_in_any_order_and_with_what_followed_it() -> None:
    family = Recorded()
    before = list(family.items)
    assert family.entry(family.mum, SetRole(SAM, VIEWER)) is None
    assert family.entry(family.mum, drop(family.sam), epoch=2) is None
    lost = family.items[len(before) :]
    good = good_in_their_chain(before, reversed(lost), LogState.empty(family.log.vault))
    assert [read.item for read in good] == lost
    assert good_in_their_chain(before, lost[1:], LogState.empty(family.log.vault)) == [], "its chain is not there"
