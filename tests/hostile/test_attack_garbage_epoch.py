"""garbage-epoch: who is no owner starts an epoch whose key nobody has; an epoch's number or suite is used up."""

import pytest

from sync.wire.item import EDITOR, VIEWER
from sync.wire.limits import EPOCH_STEP_MAX
from tests.hostile.family_log import SAM, FamilyLog, add, card, drop


@pytest.mark.parametrize("role", [VIEWER, EDITOR])
def test_who_is_no_owner_starts_no_epoch_by_dropping_her_own_second_card(role: int) -> None:
    family, sam, second = FamilyLog(), card(10), card(11)
    assert family.entry(family.mum, add(sam, SAM, role)) is None
    assert family.entry(sam, add(second, SAM, role)) is None
    before = family.log.epoch
    assert family.entry(sam, drop(second), epoch=2) == "epoch"
    assert family.entry(sam, epoch=2) == "epoch"
    assert family.entry(sam, drop(second)) is None
    assert family.log.epoch == before
    assert family.log.rotation_due, "the first owner's phone to see it starts one"
    assert family.entry(family.mum, epoch=2) is None
    assert not family.log.rotation_due


def test_no_owner_uses_the_numbers_up_or_takes_a_suite_that_nobody_knows() -> None:
    family = FamilyLog()
    assert family.entry(family.mum, epoch=2 + EPOCH_STEP_MAX) == "epoch"
    assert family.entry(family.mum, epoch=2**53 - 1) == "epoch"
    assert family.entry(family.mum, epoch=1) == "epoch"
    assert family.entry(family.mum, epoch=2, suite=2) == "epoch"
    assert family.entry(family.mum, epoch=1 + EPOCH_STEP_MAX) is None
