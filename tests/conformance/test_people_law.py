"""MUSTs of people.md that a whole command does not show one by one: wishes, duties, the exit, on logs written by hand.

The family through the command: tests/cli/test_family.py and test_vaults.py.
"""

import os

import msgspec
import pytest

from sync.device.duties import take_duties
from sync.device.identity import new_identity
from sync.merge.change import PERSON, SOURCE, VAULT_RECORD, Change, RecordId, Via, make_dot
from sync.merge.record import Record
from sync.vault.exit import carried_over
from sync.vault.intents import AddCard, ChangeRole, DropCards, DropPerson, HandOver, Rotate, meaning, ruling
from sync.vault.keyring import Keyring
from sync.vault.state import VaultState
from sync.wire.card import RECOVERY
from sync.wire.ids import VaultId
from sync.wire.item import EDITOR, OWNER, VIEWER, Drop, SetRole
from tests.hostile.family_log import DAD, MUM, SAM, FamilyLog, add, card, drop

DADS, SAMS, SAMS_SECOND, SAMS_CODE = card(10), card(20), card(21), card(22, RECOVERY)
X = RecordId(b"x" * 32)
UNTIL = 2_000_000_000_000


@pytest.fixture
def family():
    """Mum, dad as a further owner, and Sam, who may write until some day."""
    log = FamilyLog()
    assert log.entry(log.mum, add(DADS, DAD, OWNER)) is None
    assert log.entry(log.mum, add(SAMS, SAM, EDITOR, UNTIL)) is None
    return log


def wanted(family, intent, author=None):
    """The edits that a wish means on the table as it stands; None if it is dropped."""
    means = meaning(intent, family.log, (author or family.mum).device)
    return None if means is None else means.edits


def test_ppl_1_a_person_is_dropped_with_every_card_she_has_by_then(family):
    wish = DropPerson(SAM)
    assert wanted(family, wish) == (Drop(SAMS.device),)
    assert family.entry(SAMS, add(SAMS_SECOND, SAM, EDITOR, UNTIL)) is None
    assert family.entry(SAMS_SECOND, add(SAMS_CODE, SAM, EDITOR, UNTIL)) is None
    means = meaning(wish, family.log, family.mum.device)
    assert {edit.device for edit in means.edits} == {SAMS.device, SAMS_SECOND.device, SAMS_CODE.device}
    assert means.starts_epoch, "one entry, with a key that she never gets"


def test_ppl_1_a_wish_that_holds_already_or_has_lost_its_object_is_dropped(family):
    assert wanted(family, AddCard(SAMS.signed, SAM, EDITOR, None)) is None
    assert wanted(family, ChangeRole(SAM, EDITOR)) is None
    assert wanted(family, ChangeRole(SAM, VIEWER)) == (SetRole(SAM, VIEWER),)
    assert wanted(family, HandOver(MUM)) is None
    assert wanted(family, Rotate(0)) is None, "another has started one meanwhile"
    assert family.entry(family.mum, drop(SAMS), epoch=2) is None
    for wish in (DropPerson(SAM), DropCards((SAMS.device,)), ChangeRole(SAM, VIEWER), HandOver(SAM)):
        assert wanted(family, wish) is None
    assert wanted(family, AddCard(SAMS.signed, SAM, EDITOR, None)) is None, "a dropped card never returns"


def test_ppl_2_a_wish_that_would_be_void_is_known_as_such_beforehand(family):
    for wish, author in (
        (DropPerson(MUM), DADS),
        (ChangeRole(MUM, EDITOR), DADS),
        (HandOver(DAD), DADS),
        (DropPerson(DAD), SAMS),
        (AddCard(SAMS_SECOND.signed, MUM, OWNER, None), DADS),
        (AddCard(SAMS_SECOND.signed, DAD, OWNER, None), SAMS),
    ):
        means = meaning(wish, family.log, author.device)
        assert ruling(means, family.log, author.device) == "rights"
    allowed = meaning(DropPerson(SAM), family.log, family.mum.device)
    assert ruling(allowed, family.log, family.mum.device) is None


def test_ppl_6_a_further_card_of_a_person_has_her_role_and_end_date_whatever_was_said(family):
    for card_, wish in ((SAMS_SECOND, (OWNER, None)), (SAMS_CODE, (VIEWER, UNTIL + 1))):
        [edit] = wanted(family, AddCard(card_.signed, SAM, *wish), SAMS)
        assert (edit.role, edit.until) == (EDITOR, UNTIL)


def duties(family, of, now=0, **state):
    """What a phone with this card adds by itself at the head of the log."""
    held = VaultState(family.log, MUM, Keyring(), at_head=True)
    for name, value in state.items():
        setattr(held, name, value)
    identity = new_identity("https://simulated.invalid", "phone", "Synthetic Person", os.urandom(32), os.urandom(32))
    before = list(held.intents)
    added = take_duties(held, msgspec.structs.replace(identity, card=of.signed), now)
    assert added == (held.intents != before)
    return held.intents


def test_ppl_8_an_owners_phone_at_the_head_starts_the_epoch_that_is_due(family):
    assert duties(family, family.mum) == []
    assert family.entry(SAMS, add(SAMS_SECOND, SAM, EDITOR, UNTIL)) is None
    assert family.entry(SAMS, drop(SAMS_SECOND)) is None
    assert duties(family, family.mum) == duties(family, DADS) == [Rotate(1)]
    assert duties(family, SAMS) == duties(family, family.recovery) == []
    for state in ({"at_head": False}, {"removed": True}, {"halted": "diverged"}):
        assert duties(family, family.mum, **state) == []
    assert duties(family, family.mum, intents=[Rotate(1)]) == [Rotate(1)], "once"


def test_ppl_8_an_owners_phone_drops_whom_it_sees_at_the_end_of_her_time(family):
    assert duties(family, family.mum, UNTIL - 1) == []
    assert duties(family, family.mum, UNTIL) == [DropPerson(SAM)]
    assert duties(family, SAMS, UNTIL) == []
    assert family.entry(family.mum, drop(SAMS), epoch=2) is None
    assert duties(family, family.mum, UNTIL) == []


def test_ppl_16_the_exit_says_everything_again_as_the_founders_own_word():
    left = VaultId(b"v" * 32)
    record, names = Record(X), Record(VAULT_RECORD)
    record.apply(Change(make_dot(3, 1), X, True, SOURCE, Via("import", b"e" * 32), (), (("code", b'"x"'),), 10))
    record.apply(Change(make_dot(4, 2), X, False, PERSON, None, (), (("dose", b"1"),), 20))
    record.apply(Change(make_dot(5, 2), X, False, PERSON, None, (), (("dose", b"2"),), 30))
    record.apply(Change(make_dot(3, 4), X, False, PERSON, None, (make_dot(3, 1),), (("code", b'"y"'),), 40))
    names.apply(Change(make_dot(3, 3), VAULT_RECORD, True, PERSON, None, (), (("name", b'"old"'),), 0))
    made = carried_over([names, record], left, 0, 7)
    assert {each.via for each in made} == {Via("vault", left)}
    assert {each.record for each in made} == {X}, "`@vault` stays behind"
    assert [each.dot for each in made] == [make_dot(0, 8 + place) for place in range(4)]
    assert sorted((each.at, each.lane, each.birth, each.sets) for each in made) == [
        (10, SOURCE, True, (("code", b'"x"'),)),
        (20, PERSON, False, (("dose", b"1"),)),
        (30, PERSON, False, (("dose", b"2"),)),
        (40, PERSON, False, (("code", b'"y"'),)),
    ]
    by_time = {each.at: each for each in made}
    assert by_time[40].preds == (by_time[10].dot,), "what it had seen"
    assert by_time[20].preds == by_time[30].preds == (), "what conflicts goes on to"
