"""co-owner-as-mum: a co-owner adds his own card as mum's, then drops her phone and her recovery card."""

from sync.wire.item import OWNER
from tests.hostile.family_log import DAD, MUM, FamilyLog, add, card, drop


def test_a_co_owner_cannot_add_a_card_to_the_mothers_person() -> None:
    for subject in (True, False):
        family, dad = FamilyLog(subject=subject), card(10)
        assert family.entry(family.mum, add(dad, DAD, OWNER)) is None
        assert family.entry(dad, add(card(11), MUM, OWNER)) == "rights"
        assert family.entry(dad, add(card(11), MUM, OWNER), drop(family.mum), epoch=2) == "rights"
        assert set(family.log.table.cards_of(MUM)) == {family.mum.device, family.recovery.device}


def test_a_co_owner_cannot_drop_the_subjects_phone_or_recovery_card() -> None:
    family, dad = FamilyLog(), card(10)
    assert family.entry(family.mum, add(dad, DAD, OWNER)) is None
    for hers in (family.mum, family.recovery):
        assert family.entry(dad, drop(hers), epoch=2) == "rights"
    assert family.entry(family.mum, add(card(12), MUM, OWNER)) is None, "she herself adds her second phone"
