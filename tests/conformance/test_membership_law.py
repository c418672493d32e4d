"""MUSTs of membership.md that a vector cannot show, or only at great length."""

import msgspec

from sync.log.membership import CardRow, PersonRow, Table
from sync.log.reading import read_item
from sync.log.state import LogState
from sync.wire import limits
from sync.wire.codec import encode
from sync.wire.ids import VaultId
from sync.wire.item import ENTRY, Item
from tests.vectors.log_steps import DROPPED, FAMILY, UNTIL, add, drop, entry, new_epoch
from tests.vectors.log_story import Story, keys_of, person

FRAME_OF_NURSE = {"frame": {"author": "nurse 1"}}


def played(*steps, start=FAMILY):
    story = Story()
    assert set(story.play([*start, *steps])) <= {"ok"}
    return story


def test_mem_1_a_card_stays_in_the_table_with_its_person_and_place_after_it_was_dropped():
    story = played(start=DROPPED)
    row = story.state.table.cards[keys_of("carer 1").id]
    assert (row.person, row.live, row.ordinal) == (person("carer"), False, 3)
    assert person("carer") in story.state.table.people


def test_mem_1_what_is_changed_for_a_person_holds_for_all_her_cards():
    story = played(entry("carer 1", add("carer 2", "editor")), entry("mum 1", ("role", "carer", "viewer")))
    assert {story.state.table.role(keys_of(card).id) for card in ("carer 1", "carer 2")} == {0}


def test_mem_2_a_vault_is_founded_under_no_id_but_the_hash_of_its_genesis():
    made = Story().make(FAMILY[0])
    elsewhere = LogState.empty(VaultId(bytes(32)))
    entry_there = msgspec.structs.replace(
        read_item(made).body, vault=elsewhere.vault, prev=elsewhere.vault, seen_L=elsewhere.log_hash
    )
    there = read_item(Item(ENTRY, encode(entry_there), made.signature))
    assert elsewhere.judge(there).reason == "rights"


def test_mem_13_a_log_lists_1024_cards_in_its_life():
    row = CardRow(person("mum"), 0, 1, bytes(32), 0, False)
    people = [bytes([i]) * 16 for i in range(limits.DEVICES_EVER_MAX // limits.CARDS_EVER_A_PERSON_MAX)]
    cards = {
        bytes([i, j]) * 16: msgspec.structs.replace(row, person=whose)
        for i, whose in enumerate(people)
        for j in range(limits.CARDS_EVER_A_PERSON_MAX)
    }
    table = Table(cards, {whose: PersonRow(0, None) for whose in people})
    assert not table.crowded()
    table.cards[b"\xff" * 32] = msgspec.structs.replace(row, person=person("sam"))
    assert table.crowded()


def test_mem_15_a_void_entry_leaves_the_table_as_it_was():
    story = played()
    before = msgspec.msgpack.encode(story.state.table)
    assert story.take(story.make(entry("dad 1", add("sam 1", "viewer"), drop("mum 1"), epoch=new_epoch(2)))) == "rights"
    assert msgspec.msgpack.encode(story.state.table) == before


def test_mem_17_grace_begins_at_the_entry_that_took_the_right_and_not_for_recovery_cards():
    story = played(
        entry("carer 1", add("carer code", "editor")),
        entry("mum 1", drop("carer 1"), drop("carer code"), epoch=new_epoch(2)),
    )
    assert story.state.lost_rights == {keys_of("carer 1").id: story.state.seq}


def test_mem_17_who_lost_the_right_twice_has_grace_from_the_second_time():
    story = played(*(entry("mum 1", ("role", "carer", role)) for role in ("viewer", "editor", "viewer")))
    assert story.state.lost_rights == {keys_of("carer 1").id: story.state.seq}


def test_mem_18_an_end_date_in_the_past_voids_nothing():
    started = entry("mum 1", add("night nurse", "editor", person="night", until=0))
    story = played(started, {"frame": {"author": "night nurse"}})
    assert story.state.table.until(keys_of("night nurse").id) == 0
    assert story.state.table.until(keys_of("nurse 1").id) == UNTIL
    assert story.take(story.make(FRAME_OF_NURSE)) == "ok"
