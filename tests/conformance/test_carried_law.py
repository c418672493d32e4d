"""MUSTs of bad-days.md about carried changes and rebases, one sentence each on logs written by hand.

Random pairs of logs are in tests/property/test_rebase_laws.py, phones and servers in tests/cli and tests/simulation.
"""

import asyncio

import pytest

from sync.device.adopting import settle_quarantine
from sync.merge.change import PERSON, RecordId, Via, make_dot, number_of, ordinal_of
from sync.vault.adopt import Name, adopt, named, stage_again
from sync.vault.content import WireChange
from sync.vault.keyring import Keyring
from sync.vault.rebase import Past, rebase
from sync.vault.replay import Outcome, Quarantined
from sync.vault.state import VaultState
from sync.wire.ids import DeviceId, ItemHash
from tests.hostile.family_log import FamilyLog

MINE, OTHER, NEW = (DeviceId(bytes([number]) * 32) for number in (1, 2, 3))
DEVICES = [MINE, OTHER, NEW]
X, Y = RecordId(b"x" * 32), RecordId(b"y" * 32)
FRAME = ItemHash(b"f" * 32)


def change(n, value=b"1", *, preds=(), via=None, birth=False, record=X, at=0, lane=PERSON):
    return WireChange(n, record, birth, lane, via, tuple(preds), (("dose", value),), at)


def held(*changes, device=MINE, frames=()):
    return Past({Name(device, each.n): each for each in changes}, dict(frames))


def carried(changes, new=None, *, last=9, writer=MINE):
    """What goes to the outbox of one's own changes, all of them waiting."""
    made = rebase(held(), changes, new or held(), mine=MINE, writer=writer, devices=DEVICES, last_n=last)
    return made.own


def as_rebased(changes):
    return carried(changes)


def as_staged_again(changes):
    return stage_again(MINE, changes, 0, 9, lambda name: None)


def as_adopted(changes):
    return adopt(FRAME, MINE, changes, 0, 9, lambda name: None)


@pytest.mark.parametrize("carry", [as_rebased, as_staged_again, as_adopted])
def test_bad_1_a_carried_change_is_a_new_one_that_says_the_same(carry):
    olds = [
        change(3, b"1", birth=True, at=70, record=Y),
        change(5, None, lane=0, at=60),
        change(8, b"2", preds=[(MINE, 5)], at=50),
    ]
    made = carry(olds)
    assert [ordinal_of(each.dot) for each in made] == [0, 0, 0]
    assert [number_of(each.dot) for each in made] == [10, 11, 12], "above every number ever given, oldest first"
    for old, new in zip(olds, made, strict=True):
        assert (new.record, new.birth, new.lane, new.sets, new.at) == (
            old.record,
            old.birth,
            old.lane,
            old.sets,
            old.at,
        )


def test_bad_2_a_pred_is_what_it_was_carried_as_or_what_the_log_holds_the_same_or_nothing():
    same, another = change(1, b"same", record=Y), change(2, b"in the old log", record=Y)
    waits = [change(4, b"carried"), change(6, b"last", preds=[(MINE, 4), (OTHER, 1), (OTHER, 2), (OTHER, 7)])]
    left = held(same, another, device=OTHER)
    new = held(same, change(2, b"in the new log", record=Y), device=OTHER)
    first, last = rebase(left, waits, new, mine=MINE, writer=MINE, devices=DEVICES, last_n=9).own
    assert set(last.preds) == {first.dot, make_dot(1, 1)}


def test_bad_21_what_the_new_log_lacks_by_dot_and_content_goes_out_with_its_old_dot():
    there, elsewhere, lost = change(1, b"there"), change(2, b"mine"), change(3, b"lost")
    new = held(there, change(2, b"of a copy of this phone"))
    made = carried([there, elsewhere, lost], new)
    assert [(each.via, each.sets[0][1]) for each in made] == [
        (Via("dot", MINE, 2), b"mine"),
        (Via("dot", MINE, 3), b"lost"),
    ]


def test_bad_21_a_change_that_carries_a_via_keeps_it_and_is_not_sent_again_where_the_log_has_it():
    old = change(4, b"once", via=Via("frame", FRAME))
    [made] = carried([old])
    assert made.via == Via("frame", FRAME)
    assert carried([old], Past({Name(OTHER, 1): named(made, DEVICES)}, {})) == []
    plain = change(5, b"twice")
    [made] = carried([plain], writer=NEW)
    assert carried([plain], Past({Name(NEW, 10): named(made, DEVICES)}, {})) == []
    for differs in (change(10, b"other", via=made.via), change(10, b"twice", via=made.via, record=Y)):
        assert len(carried([plain], Past({Name(NEW, 10): differs}, {}))) == 1, "another value, another record"


def test_bad_22_others_frames_are_offered_but_for_values_that_are_there():
    lost, there = change(1, b"lost"), change(2, b"there", record=Y)
    left = Past({Name(OTHER, 1): lost, Name(OTHER, 2): there}, {FRAME: (OTHER, (Name(OTHER, 1), Name(OTHER, 2)))})
    new = held(change(7, b"there", record=Y), device=NEW)
    done = rebase(left, [], new, mine=MINE, writer=MINE, devices=DEVICES, last_n=9)
    assert done.own == [], "nobody sends another's words by herself"
    [offer] = done.offers
    assert (offer.frame, offer.author, [each.sets[0][1] for each in offer.changes]) == (FRAME, OTHER, [b"lost"])


class Rows:
    """The kept rows of one vault, as far as the question goes."""

    def __init__(self, *kept):
        self.kept = dict(enumerate(kept))

    async def get_quarantined(self, vault):
        return list(self.kept.items())

    async def drop_quarantined(self, id_):
        del self.kept[id_]

    async def put_quarantined(self, vault, rows):
        self.kept.update({100 + place: row for place, row in enumerate(rows)})


def still_offered(*brought):
    lost = (change(1, b"lost"), change(3, b"was carried once", via=Via("dot", NEW, 2)))
    rows = Rows(Quarantined(0, OTHER, "rebased", 2, frame=FRAME, carried=lost))
    outcome = Outcome()
    outcome.brought = dict(brought)
    state = VaultState(FamilyLog().log, b"p" * 16, Keyring())
    asyncio.run(settle_quarantine(rows, 1, state, outcome))
    return [[each.n for each in row.carried] for row in rows.kept.values()]


def test_bad_22_what_its_author_or_somebody_else_has_brought_is_offered_no_more():
    mine, was = ((OTHER, 1), (X, (("dose", b"lost"),))), ((NEW, 2), (X, (("dose", b"was carried once"),)))
    assert still_offered(((OTHER, 9), (X, ()))) == [[1, 3]]
    assert still_offered(mine) == [[3]]
    assert still_offered(was) == [[1]]
    assert still_offered(mine, was) == []
    assert still_offered(((OTHER, 1), (X, (("dose", b"another word"),)))) == [[1, 3]]
