"""What the judge of the log says to an editor who goes about it past the command."""

from sync.wire.item import EDITOR, OWNER, SetRole, SetSubject
from tests.hostile.family_log import ANN, MUM, SAM, FamilyLog, add, card, drop


def test_a_caregiver_adds_no_owner_removes_nobody_and_takes_no_role() -> None:
    family, sam = FamilyLog(), card(10)
    assert family.entry(family.mum, add(sam, SAM, EDITOR)) is None
    for edit in (
        add(card(11), ANN, OWNER),
        add(card(11), SAM, OWNER),
        add(card(11), MUM, OWNER),
        drop(family.mum),
        drop(family.recovery),
        SetRole(SAM, OWNER),
        SetRole(MUM, EDITOR),
        SetSubject(SAM),
    ):
        assert family.entry(sam, edit) == "rights"
        assert family.entry(sam, edit, epoch=2) in ("rights", "epoch")
    assert family.entry(sam, add(card(12), SAM, EDITOR)) is None


def test_a_card_that_was_dropped_signs_nothing_and_never_returns() -> None:
    family, sam = FamilyLog(), card(10)
    assert family.entry(family.mum, add(sam, SAM, EDITOR)) is None
    assert family.entry(family.mum, drop(sam), epoch=2) is None
    assert family.entry(sam, add(card(11), SAM, EDITOR)) == "rights"
    assert family.entry(family.mum, add(sam, SAM, EDITOR)) == "rights"
    assert family.entry(family.mum, add(sam, ANN, EDITOR)) == "rights"
