"""double-adoption: two owners adopt the same grace frame. End to end: tests/cli/test_rolled_back.py."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import patch

import pytest

from sync.device import adopting, intake
from sync.merge.change import PERSON, Change, RecordId, Via, make_dot
from sync.merge.record import Record
from sync.vault import replay
from sync.vault.adopt import adopt
from sync.vault.content import WireChange
from sync.vault.keyring import Keyring
from sync.vault.replay import Outcome, Quarantined
from sync.vault.state import VaultState
from sync.wire.ids import DeviceId, ItemHash
from sync.wire.item import EDITOR
from tests.hostile.family_log import DAD, MUM, FamilyLog, add, card

X = RecordId(b"x".ljust(32, b"\0"))
REMOVED, FRAME = DeviceId(b"r" * 32), ItemHash(b"f" * 32)
KEY = "reaction/" + "0" * 8
OLD = WireChange(5, X, False, PERSON, None, (), ((KEY, b'{"text":"Rash"}'),), 0)


def test_two_at_once_write_one_value_under_one_repetition_key() -> None:
    record = Record(X)
    record.apply(Change(make_dot(2, 1), X, True, PERSON, None, (), (("code", b'"latex"'),), 0))
    for ordinal in (0, 1):
        [change] = adopt(FRAME, REMOVED, [OLD], ordinal, 7, lambda name: None)
        record.apply(change)
    assert {key for key in record.keys() if key.startswith("reaction")} == {KEY}
    assert {sibling.value for sibling in record.siblings(KEY, PERSON) if sibling.value} == {b'{"text":"Rash"}'}


class Rows:
    """The kept rows of one vault, as far as the question goes."""

    def __init__(self) -> None:
        self.kept: dict[int, Quarantined] = {1: Quarantined(9, REMOVED, "rights", 1, frame=FRAME)}

    async def get_quarantined(self, vault: int) -> list[tuple[int, Quarantined]]:
        return list(self.kept.items())

    async def drop_quarantined(self, id_: int) -> None:
        del self.kept[id_]


def offered(settle: Any) -> bool:
    rows, state = Rows(), VaultState(FamilyLog().log, b"p" * 16, Keyring())  # type: ignore[arg-type]
    state.adopted.add(FRAME)
    asyncio.run(settle(rows, 1, state, Outcome()))
    return bool(rows.kept)


def test_what_the_log_has_under_that_via_is_not_offered_again() -> None:
    assert not offered(intake.settle_quarantine)


def test_what_an_editor_says_of_a_frame_hides_it_from_no_owner() -> None:
    """BAD-12: else an editor takes back what an owner would adopt."""
    family, editor = FamilyLog(), card(3)
    assert family.entry(family.mum, add(editor, DAD, EDITOR)) is None
    state = VaultState(family.log, MUM, Keyring())
    for author, hidden in ((editor.device, set()), (family.mum.device, {FRAME})):
        says = Change(make_dot(state.ordinals[author], 1), X, True, PERSON, Via("frame", FRAME), (), (), 0)
        replay._apply(state, Outcome(), author, [says], {})
        assert state.adopted == hidden


def test_it_is_seen_without_the_rule() -> None:
    async def nothing(*_: Any) -> None:
        """The offers stay."""

    with patch.object(adopting, "settle_quarantine", nothing), pytest.raises(AssertionError):
        assert not offered(adopting.settle_quarantine)
