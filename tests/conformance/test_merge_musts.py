"""The numbered MUSTs of openapi/protocol/merge.md that a vector does not say by itself, one sentence each."""

from pathlib import Path

import msgspec
import pytest

from sync.merge.change import GONE, LIFE, PERSON, SOURCE, VAULT_RECORD, Change, RecordId, Via, make_dot
from sync.merge.history import history
from sync.merge.life import Life
from sync.merge.record import Record
from sync.merge.snapshot import canonical_record, digests, record_digest, state_bytes, state_root
from sync.merge.view import delete_preds, disputed_keys, edit_preds, shown
from sync.vault.content import ContentVoid, decode_inside, encode_inside

ROOT = Path(__file__).parents[2]
RECORD = RecordId(b"synthetic record".ljust(32, b"."))
OTHER = RecordId(b"another record".ljust(32, b"."))
A1, A2, A3, B1, B2, C1 = make_dot(0, 1), make_dot(0, 2), make_dot(0, 3), make_dot(1, 1), make_dot(1, 2), make_dot(2, 1)
IMPORT = Via("import", b"e" * 32)


def change(dot, sets, preds=(), lane=PERSON, birth=False, via=None, at=0, record=RECORD):
    return Change(dot, record, birth, lane, via, tuple(sorted(preds)), tuple(sets.items()), at)


def record_of(*changes, id=RECORD):
    record = Record(id)
    for each in changes:
        assert record.apply(each)
    return record


IMPORTED = change(A1, {"code": b'"x"', "dosage": b"5"}, lane=SOURCE, birth=True, via=IMPORT)


def test_mrg_1_a_dot_orders_by_number_then_by_device():
    assert sorted([make_dot(0, 2), make_dot(9, 1), make_dot(1, 1)]) == [make_dot(1, 1), make_dot(9, 1), make_dot(0, 2)]


def test_mrg_2_a_change_that_still_stands_is_not_applied_again():
    record = record_of(IMPORTED, change(B1, {"dosage": b"10"}, [A1]))
    before = record.encode()
    assert not record.apply(change(B1, {"dosage": b"10"}, [A1]))
    assert not record.apply(IMPORTED)
    assert record.encode() == before


def test_mrg_2_a_change_under_a_later_one_of_its_author_is_not_applied_again():
    record = record_of(change(A1, {"n": b"1", "m": b"1"}), change(A2, {"n": b"2"}), change(B1, {"m": b"3"}, [A1]))
    before = record.encode()
    assert not record.apply(change(A1, {"n": b"1", "m": b"1"})), "also on the register where nothing tells of it"
    assert record.encode() == before


def test_mrg_4_only_the_display_time_differs_and_so_only_it_does():
    values = [
        [s.dot for s in record_of(change(A1, {"n": b"1"}, at=a), change(B1, {"n": b"2"}, at=b)).siblings("n", PERSON)]
        for a, b in ((0, 1), (1, 0), (4_102_444_800_000, -1))
    ]
    assert values == [[A1, B1]] * 3


def test_mrg_7_what_had_been_seen_is_read_back_from_the_disk():
    record = record_of(IMPORTED, change(B1, {"dosage": b"10"}, [A1]), change(C1, {LIFE: GONE}, [A1]))
    again = Record.decode(RECORD, record.encode())
    assert again.siblings(LIFE, PERSON)[0].seen == (A1,)
    assert again.unseen_by_deletion() == (B1,)


def test_mrg_12_a_birth_is_kept_once_and_an_edit_does_not_rewrite_it():
    record = record_of(IMPORTED)
    births = record.encode_births()
    assert record.apply(change(B1, {"dosage": b"10"}, [A1]))
    assert record.encode_births() == births
    again = Record.from_parts(RECORD, births, record.encode_overlay())
    assert canonical_record(again) == canonical_record(record)


def test_mrg_12_a_record_lists_the_registers_of_its_births_and_what_was_written_since():
    record = record_of(IMPORTED, change(B1, {"@note/1": b'"n"', "status": None}, [A1]))
    assert record.keys() == {"code", "dosage", "@note/1", "status"}


def test_mrg_14_a_sources_birth_does_not_stand_in_the_person_lane():
    record = record_of(IMPORTED)
    assert record.siblings("dosage", PERSON) == record.siblings("nobody named this", PERSON) == ()


def test_mrg_15_nothing_of_an_import_stands_on_life():
    record = record_of(change(A1, {LIFE: GONE, "n": b"1"}, lane=SOURCE, birth=True))
    assert record.apply(change(A2, {LIFE: GONE, "m": b"2"}, [A1], lane=SOURCE))
    assert (record.life(), record.keys()) == (Life.HERE, {"n", "m"})


def test_mrg_17_a_deleted_record_comes_back_whole():
    record = record_of(IMPORTED, change(B1, {"dosage": b"10"}, [A1]), change(C1, {LIFE: GONE}, [A1, B1]))
    assert record.life() is Life.GONE
    record.apply(change(B2, {LIFE: b'"here"'}, [C1]))
    assert record.life() is Life.HERE
    assert shown(record, "dosage").value == b"10"


def test_mrg_17_nothing_is_asked_of_a_record_that_nobody_deleted():
    assert record_of(IMPORTED).unseen_by_deletion() == ()


def test_mrg_18_an_edit_names_both_lanes_and_an_import_its_own():
    record = record_of(IMPORTED, change(B1, {"dosage": b"10"}, [A1]), change(C1, {"dosage": b"10"}, [A1]))
    assert edit_preds(record, "dosage", PERSON) == (A1, B1, C1)
    assert edit_preds(record, "dosage", SOURCE) == (A1,)
    assert edit_preds(record, "nobody named this", PERSON) == (A1,)


def test_mrg_19_a_deletion_names_all_that_is_live_and_what_stands_on_life():
    record = record_of(IMPORTED, change(B1, {"dosage": b"10"}, [A1]), change(C1, {LIFE: GONE}, [A1]))
    assert delete_preds(record) == (A1, B1, C1)
    assert record.live_dots() == (A1, B1)
    record.apply(change(B2, {LIFE: GONE}, delete_preds(record)))
    assert record.life() is Life.GONE


def test_mrg_19_a_restoration_names_what_stands_on_life():
    assert edit_preds(record_of(IMPORTED, change(C1, {LIFE: GONE}, [A1])), LIFE, PERSON) == (C1,)


def test_mrg_21_waiting_changes_lie_over_a_record_and_leave_it_alone():
    record = record_of(IMPORTED, change(B1, {"dosage": b"10"}, [A1]))
    before = record.encode()
    waiting = [change(C1, {"dosage": b"20"}, [A1]), change(make_dot(2, 2), {LIFE: GONE}), change(A2, {}, birth=True)]
    on_top = record.overlaid(waiting)
    assert shown(on_top, "dosage").disputed
    assert on_top.life() is Life.GONE_WHILE_EDITED
    assert record.encode() == before


def test_mrg_22_a_change_that_names_a_register_twice_makes_its_frame_void():
    for sets, void in (((("n", b"1"), ("n", b"2")), True), ((("m", b"1"), ("n", b"2")), False)):
        inside = encode_inside([Change(A1, RECORD, False, PERSON, None, (), sets, 0)], 0, [b"a" * 32], {})
        if void:
            with pytest.raises(ContentVoid, match="decode"):
                decode_inside(inside, b"a" * 32).named()
        else:
            assert decode_inside(inside, b"a" * 32).named()[0].sets == sets


def test_mrg_23_the_person_lane_is_shown_over_the_source():
    record = record_of(IMPORTED, change(B1, {"dosage": None}, [A1]))
    assert shown(record, "dosage")[:2] == (None, PERSON)
    assert shown(record, "code")[:2] == (b'"x"', SOURCE)
    assert shown(Record(RECORD), "code") is None


def test_mrg_24_equal_values_are_shown_as_one_and_differing_ones_as_disputed():
    record = record_of(change(B1, {"n": b"1", "m": b"1"}), change(C1, {"n": b"1", "m": b"1.0"}))
    assert not shown(record, "n").disputed
    assert shown(record, "m")[::3] == (b"1", True)
    assert [s.value for s in shown(record, "m").siblings] == [b"1", b"1.0"]
    assert disputed_keys(record) == ("m",)


def test_mrg_25_the_newer_copy_of_a_source_is_shown_and_else_the_higher_dot():
    later = change(B1, {"dosage": b"10"}, lane=SOURCE, birth=True, via=Via("import", b"n" * 32))
    record = record_of(later, IMPORTED)
    assert shown(record, "dosage").value == b"10"
    dates = {IMPORT: "2024-02", later.via: "2024-01"}
    assert shown(record, "dosage", lambda sibling: dates[sibling.via]).value == b"5"
    assert shown(record, "dosage", lambda sibling: "the same").value == b"10"


def test_mrg_26_a_state_reached_through_an_edit_that_a_newer_copy_names_holds_no_register_apart():
    record = record_of(IMPORTED, change(A2, {"dosage": b"7"}, [A1], lane=SOURCE))
    assert record.apply(change(B1, {"dosage": b"9"}, [A1, A2], lane=SOURCE, birth=True))
    assert msgspec.msgpack.decode(canonical_record(record))[2] == []


def test_mrg_27_the_digest_covers_value_via_time_and_what_was_seen():
    seen = {
        record_digest(record_of(change(A1, {"m": b"0"}), change(B1, {"n": value}, preds, via=via, at=at)))
        for value, preds, via, at in (
            (b"1", [A1], None, 0),
            (b"1.0", [A1], None, 0),
            (b"1", [], None, 0),
            (b"1", [A1], IMPORT, 0),
            (b"1", [A1], None, 1),
            (None, [A1], None, 0),
        )
    }
    assert len(seen) == 6


def test_mrg_28_a_root_needs_the_digests_alone_and_leaves_empty_records_out():
    one, two = record_of(IMPORTED), record_of(change(A2, {"n": b"1"}, record=OTHER), id=OTHER)
    known = digests([one, two, Record(VAULT_RECORD)])
    assert state_bytes(known) == OTHER + record_digest(two) + RECORD + record_digest(one)
    assert state_root(b"k", known) == state_root(b"k", digests([two, one])) != state_root(b"l", known)


def test_history_tells_what_each_change_replaced_and_what_stood_beside_it():
    changes = [IMPORTED, change(B1, {"dosage": b"10"}, [A1]), change(C1, {"dosage": b"20"}, [A1])]
    changes.append(change(B2, {"dosage": b"20", LIFE: GONE}, [B1, C1]))
    newer = change(A2, {"dosage": b"6"}, [A1], lane=SOURCE, birth=True)
    steps = [
        (step.change.dot, step.key, step.value, [s.dot for s in step.replaced], [s.dot for s in step.beside])
        for step in history(RECORD, [*changes, newer])
    ]
    assert steps == [
        (A1, "code", b'"x"', [], []),
        (A1, "dosage", b"5", [], []),
        (B1, "dosage", b"10", [], []),
        (C1, "dosage", b"20", [], [B1]),
        (B2, "dosage", b"20", [B1, C1], []),
        (B2, LIFE, GONE, [], []),
        (A2, "code", None, [A1], []),
        (A2, "dosage", b"6", [A1], []),
    ]


def test_a_change_of_another_record_is_our_own_mistake():
    with pytest.raises(AssertionError):
        Record(OTHER).apply(IMPORTED)


def test_bytes_that_no_record_wrote_are_refused():
    for data in (b"", b"\xc0", b"\x92\x90\x90", record_of(IMPORTED).encode()[:-1]):
        with pytest.raises(msgspec.DecodeError):
            Record.decode(RECORD, data)
