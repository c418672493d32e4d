"""unknown-version: the server serves an item of an unknown version to stop every phone."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from sync.log.reading import read_item, verify_item
from sync.log.state import LogState, NeedsNewerApp, Ruling
from sync.wire.codec import encode
from sync.wire.item import EDITOR, ENTRY, ENTRY_LABEL, Item, SetVersion
from tests.hostile.family_log import DAD, SAM, FamilyLog, add, card


def of_version(family: FamilyLog, version: int) -> Item:
    """An entry of a member, of a version that nobody has raised, with a layout that nobody knows."""
    log = family.log
    signed = encode([version, log.vault, log.entry_head, log.seq, log.log_hash, family.mum.device, "something new"])
    return Item(ENTRY, signed, family.mum.signing.sign(ENTRY_LABEL, signed))


def goes_on_after(family: FamilyLog) -> None:
    assert family.entry(family.mum, add(card(30), DAD, EDITOR)) is None


@pytest.mark.parametrize("version", [0, 2, 99])
def test_it_is_void_and_the_log_goes_on(version: int) -> None:
    family = FamilyLog()
    assert family._take(of_version(family, version)) == "version"
    goes_on_after(family)


def test_only_an_owners_entry_that_raises_the_version_stops_a_phone() -> None:
    family, sam = FamilyLog(), card(10)
    assert family.entry(family.mum, add(sam, SAM, EDITOR)) is None
    assert family.entry(sam, SetVersion(2)) == "rights"
    goes_on_after(family)
    with pytest.raises(NeedsNewerApp):
        family.entry(family.mum, SetVersion(2))


def test_it_is_seen_without_the_rule() -> None:
    judge = LogState.judge

    def stops(log: LogState, read):  # type: ignore[no-untyped-def]
        ruling: Ruling = judge(log, read)
        if ruling.reason == "version":
            raise NeedsNewerApp()
        return ruling

    family = FamilyLog()
    read = read_item(of_version(family, 2))
    verify_item(family.log.table, read)
    with patch.object(LogState, "judge", stops), pytest.raises(NeedsNewerApp):
        family._take(read.item)
