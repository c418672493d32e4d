"""rolled-back-membership: a server rolls back a removal or a lowered role by claiming a restore."""

from __future__ import annotations

from sync.vault.intents import AddCard
from sync.vault.rollback import accept, held_back, to_repeat
from sync.wire.item import EDITOR, OWNER, VIEWER, Drop, SetRole, SetSubject
from tests.hostile.family_log import ANN, DAD, MUM, SAM, add, card, drop
from tests.hostile.lost_entries import Recorded, rebased, removal_lost


def test_a_removal_holds_for_who_knew_and_an_owner_of_both_logs_repeats_it_at_once() -> None:
    """BAD-51."""
    knew, now = removal_lost()
    state = rebased(knew, now)
    assert held_back(state)
    assert to_repeat(state, knew.sam.device) is None, "she is no owner"
    assert to_repeat(state, knew.mum.device) == (Drop(knew.sam.device),)
    assert now.entry(now.mum, drop(now.sam), epoch=3, name=b"said again") is None
    assert not held_back(rebased(knew, now))


def test_a_lowered_role_is_lowered_again_and_nothing_is_written_before() -> None:
    """BAD-50."""
    knew = Recorded()
    now = knew.copy()
    assert knew.entry(knew.mum, SetRole(SAM, VIEWER)) is None
    state = rebased(knew, now)
    assert held_back(state)
    assert to_repeat(state, knew.dad.device) == (SetRole(SAM, VIEWER),)
    assert now.entry(now.dad, SetRole(SAM, VIEWER), epoch=2, name=b"lowered") is None
    assert not held_back(rebased(knew, now))


def test_an_owner_whom_the_copy_made_one_again_cannot_end_it() -> None:
    knew = Recorded()
    now = knew.copy()
    assert knew.entry(knew.mum, SetRole(DAD, EDITOR)) is None
    assert now.entry(now.dad, epoch=2, name=b"dad's") is None
    state = rebased(knew, now)
    assert held_back(state)
    assert to_repeat(state, knew.dad.device) is None, "he is owner in one of the logs only"


def test_a_card_of_ones_own_that_was_lost_is_wished_again_once_it_is_over() -> None:
    """BAD-54."""
    knew = Recorded()
    now = knew.copy()
    assert knew.entry(knew.mum, add(knew.tablet, MUM, OWNER)) is None
    state = rebased(knew, now)
    assert held_back(state)
    assert to_repeat(state, knew.mum.device) == (add(knew.tablet, MUM, OWNER),)
    assert now.entry(now.dad, epoch=2, name=b"dad's") is None
    state = rebased(knew, now)
    assert not held_back(state)
    assert state.intents == [AddCard(knew.tablet.signed, MUM, OWNER, None)]


def test_a_card_let_in_and_dropped_since_the_copy_is_not_let_in_again() -> None:
    """BAD-53, BAD-54: else a copy from before it came has an owner's phone hand it the new key."""
    for person, role in ((ANN, EDITOR), (MUM, OWNER)):
        knew, new = Recorded(), card(40)
        now = knew.copy()
        assert knew.entry(knew.mum, add(new, person, role)) is None
        assert knew.entry(knew.mum, drop(new), epoch=2, name=b"without it") is None
        assert to_repeat(rebased(knew, now), knew.mum.device) == (), "an epoch, and nobody in it"
        assert now.entry(now.dad, epoch=2, name=b"dad's") is None
        state = rebased(knew, now)
        assert not held_back(state)
        assert state.intents == []


def test_what_else_was_lost_is_repeated_with_a_removal_though_somebody_has_spoken() -> None:
    """BAD-53."""
    knew = Recorded(subject=False)
    now = knew.copy()
    assert knew.entry(knew.mum, drop(knew.sam), epoch=2, name=b"without sam") is None
    assert knew.entry(knew.mum, SetSubject(DAD)) is None
    assert now.entry(now.dad, epoch=2, name=b"dad's") is None
    assert to_repeat(rebased(knew, now), knew.mum.device) == (Drop(knew.sam.device), SetSubject(DAD))


def test_where_no_owner_of_both_is_left_the_person_is_asked() -> None:
    """BAD-55."""
    knew, now = removal_lost()
    state = rebased(knew, now)
    assert not accept(state), "mum can speak"
    state.owners_before = set()
    assert accept(state)
    assert not held_back(state)
