"""What the server does with one item, as a pure function: SYN-30 to SYN-40 at their borders, without a database."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from backend.vaults.beside import WITH_ENTRY, make_room, place_wraps, slot_for
from backend.vaults.ruling import (
    DAY_MS,
    Bounds,
    Facts,
    Grace,
    HandIn,
    Known,
    StoredFrame,
    Usage,
    apply,
    frames_to_know,
    item_bytes,
    rule,
    seqs_to_know,
)
from sync.log.reading import read_item
from sync.wire import limits
from sync.wire.ids import PersonId
from sync.wire.item import EDITOR, Add, Drop, item_hash
from tests.api.phone_kit import CardKeys, epoch_of, founding, make_entry, make_frame, make_frames, noise, wraps_for

NOW = 20_000 * DAY_MS
WIDE = Bounds(10**9, 10**9, 10)
NOTHING = Known({}, {}, {})


@pytest.fixture
def world() -> SimpleNamespace:
    """Mum's vault with dad as an editor until tomorrow."""
    mum, dad = CardKeys("mum"), CardKeys("dad")
    person, other = PersonId(noise("mum", length=16)), PersonId(noise("dad", length=16))
    book, item, epoch, _ = founding(mum, person)
    book.take(item)
    assert book.take(make_entry(book, mum, (Add(dad.signed, other, EDITOR, NOW + 1),))) is None
    return SimpleNamespace(mum=mum, dad=dad, person=person, other=other, book=book, epoch=epoch, facts=Facts())


def ruled(
    world, item, *, known=NOTHING, now=NOW, replay=False, bounds=WIDE, size=0, verified=True, wraps=(), device=None
):
    hand = HandIn(device or world.mum.id, replay, wraps, None, now)
    return rule(world.book.state, world.facts, size, read_item(item), verified, known, hand, bounds)


def test_ruling_changes_nothing(world):
    before = world.book.state.log_hash, world.book.state.seq
    for item in make_frames(world.book, world.mum, 2):
        ruled(world, item)
    assert (world.book.state.log_hash, world.book.state.seq, world.facts) == (*before, Facts())


def test_the_end_date_is_the_last_millisecond(world):
    """SYN-36."""
    frame = make_frame(world.book, world.dad)
    assert ruled(world, frame, now=NOW + 1).code is None
    assert ruled(world, frame, now=NOW + 2).code == "until"
    assert ruled(world, frame, now=NOW + 2, replay=True).code is None


def test_an_end_date_is_outlasted_only_in_the_hands_of_another_person(world):
    """SYN-23: not in her own, another card of hers', a stranger's, or those of a card that is listed no more."""
    tablet, gone = CardKeys("dads tablet"), CardKeys("gone")
    sam = PersonId(noise("sam", length=16))
    for author, edit in (
        (world.dad, Add(tablet.signed, world.other, EDITOR, NOW + 1)),
        (world.mum, Add(gone.signed, sam, EDITOR, None)),
        (world.mum, Drop(gone.id)),
    ):
        epoch = epoch_of(2) if isinstance(edit, Drop) else None
        assert world.book.take(make_entry(world.book, author, (edit,), epoch=epoch)) is None
    frame = make_frame(world.book, world.dad)
    for device in (world.dad.id, tablet.id, gone.id, noise("stranger")):
        assert ruled(world, frame, now=NOW + 2, replay=True, device=device).code == "until"
        assert ruled(world, frame, now=NOW + 1, replay=True, device=device).code is None
    assert ruled(world, frame, now=NOW + 2, replay=True, device=world.mum.id).code is None


def test_a_signature_is_looked_at_again_when_it_was_not_found_good(world):
    """SYN-33: the card may have been added meanwhile; a bad one stays bad."""
    frame = make_frame(world.book, world.mum)
    assert ruled(world, frame, verified=False).code is None
    bad = type(frame)(frame.kind, frame.signed, bytes(64))
    assert ruled(world, bad, verified=False).code == "signature"
    assert ruled(world, bad, verified=False, replay=True).code == "signature"


def test_what_is_stored_comes_before_every_other_reason(world):
    """SYN-31, SYN-32: also before a signature."""
    stored, other = make_frame(world.book, world.mum, tag=1), make_frame(world.book, world.mum, tag=2)
    known = Known({}, {(world.mum.id, 1): StoredFrame(7, item_hash(stored.signed), stored)}, {})
    bad = type(stored)(stored.kind, stored.signed, bytes(64))
    assert ruled(world, bad, known=known, verified=False).seq == 7
    forked = ruled(world, other, known=known)
    assert (forked.code, forked.proof) == ("device_forked", stored)
    assert ruled(world, other, known=known, device=world.dad.id).proof is None


def test_the_quota_counts_to_the_byte(world):
    """SYN-38, LIM-5."""
    frame = make_frame(world.book, world.dad)
    size = item_bytes(frame)
    world.facts.usage[world.other] = Usage(NOW // DAY_MS, 1_000, 0)
    assert ruled(world, frame, bounds=Bounds(1_000 + size, 10**9, 1)).code is None
    assert ruled(world, frame, bounds=Bounds(999 + size, 10**9, 1)).code == "quota"
    assert ruled(world, frame, bounds=Bounds(size, 10**9, 1), now=NOW + DAY_MS, replay=True).code is None
    assert ruled(world, frame, bounds=Bounds(10**9, 5_000 + size, 1), size=5_000).code is None
    for replay in (False, True):
        assert ruled(world, frame, bounds=Bounds(10**9, 4_999 + size, 1), size=5_000, replay=replay).code == "quota"


def test_only_first_hand_items_are_counted(world):
    """SYN-23, SYN-38."""
    frame = read_item(make_frame(world.book, world.mum))
    for replay, counted in ((True, 0), (False, item_bytes(frame.item))):
        state, facts = world.book.copy().state, Facts()
        hand = HandIn(world.mum.id, replay, (), None, NOW)
        apply(state, facts, frame, rule(state, facts, 0, frame, True, NOTHING, hand, WIDE), hand)
        assert sum(u.bytes for u in facts.usage.values()) == counted


def test_yesterdays_counts_are_forgotten(world):
    """SYN-38: the counts stay as small as the vault has people."""
    frame = read_item(make_frame(world.book, world.mum))
    world.facts.usage = {PersonId(noise(n, length=16)): Usage(NOW // DAY_MS - 1, 1, 1) for n in range(50)}
    hand = HandIn(world.mum.id, False, (), None, NOW)
    apply(
        world.book.state,
        world.facts,
        frame,
        rule(world.book.state, world.facts, 0, frame, True, NOTHING, hand, WIDE),
        hand,
    )
    assert list(world.facts.usage) == [world.person]


@pytest.mark.parametrize(
    ("grace", "over"),
    [
        (Grace(9, NOW, limits.GRACE_FRAMES_MAX - 1, 0), False),
        (Grace(9, NOW, limits.GRACE_FRAMES_MAX, 0), True),
        (Grace(9, NOW - limits.GRACE_DAYS * DAY_MS, 0, 0), False),
        (Grace(9, NOW - limits.GRACE_DAYS * DAY_MS - 1, 0, 0), True),
        (Grace(9, NOW, 0, limits.GRACE_BYTES_MAX), True),
    ],
)
def test_grace_ends_where_it_says(world, grace, over):
    """SYN-39."""
    from sync.wire.item import VIEWER, SetRole

    frame = make_frame(world.book, world.dad)
    world.book.take(make_entry(world.book, world.mum, (SetRole(world.other, VIEWER),)))
    world.facts.grace[world.dad.id] = grace
    known = Known({2: world.book.L[2]}, {}, {})
    assert ruled(world, frame, known=known).code == ("grace_over" if over else None)
    assert ruled(world, frame, known=known, replay=True).in_grace
    hers = ruled(world, frame, known=known, replay=True, device=world.dad.id)
    assert hers.code == ("grace_over" if over else None)
    assert ruled(world, frame, known=known, replay=True, bounds=Bounds(10**9, 10, 1)).code == "quota"


def test_what_has_to_be_looked_up_is_little(world):
    """A push at the head asks the store for nothing."""
    frames = [read_item(f) for f in make_frames(world.book, world.mum, 5)]
    state = world.book.state
    assert (seqs_to_know(state, frames), frames_to_know(state, frames)) == (set(), [])


def test_a_slot_is_the_entrys_once_and_a_persons_ever_after():
    """SYN-19."""
    assert slot_for((), b"mum", True) == WITH_ENTRY
    assert slot_for({WITH_ENTRY}, b"mum", True) == b"mum"
    assert slot_for((), b"mum", False) == b"mum"
    full = {bytes([n]) for n in range(limits.WRAPS_A_CARD_MAX)}
    assert slot_for(full, b"stranger", False) is None
    assert slot_for(full, bytes([3]), False) == bytes([3])


def test_a_card_is_wrapped_once_a_request(world):
    """SYN-19."""
    twice = wraps_for(world.epoch.id, [world.mum.id], giver=1) + wraps_for(world.epoch.id, [world.mum.id], giver=2)
    assert place_wraps(twice, {}, {world.mum.id}, world.epoch.id, b"x", False) == [(twice[1], b"x")]


def test_room_for_lost_entries_is_shared():
    """SYN-24."""
    held = [(bytes([n]), b"greedy") for n in range(limits.LOST_ENTRIES_MAX)]
    assert make_room(held[:-1], b"greedy") is True
    assert make_room(held, b"greedy") is None
    assert make_room(held, b"other") == held[-1][0]
    half = held[: limits.LOST_ENTRIES_MAX // 2] + [
        (bytes([1, n]), b"other") for n in range(limits.LOST_ENTRIES_MAX // 2)
    ]
    assert make_room(half, b"other") is None
