"""MUSTs of log.md that a vector cannot show."""

from pathlib import Path

import pytest

from crypto.public.errors import BadSignature
from sync.log.reading import read_item, verify_item
from sync.log.state import LogState, NeedsNewerApp, decode_state, encode_state
from sync.wire.codec import Malformed, encode
from sync.wire.ids import parse_device_id, parse_person_id, parse_vault_id
from sync.wire.item import Item
from sync.wire.limits import FRAME_BYTES_MAX
from tests.vectors.log_steps import DROPPED, FAMILY, add, drop, entry, new_epoch
from tests.vectors.log_story import Story, keys_of

ROOT = Path(__file__).parents[2]
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
FRAME_OF_CARER = {"frame": {"author": "carer 1"}}


def played(*steps):
    story = Story()
    assert set(story.play([*FAMILY, *steps])) <= {"ok"}
    return story


def flipped(item, at=0):
    """The item with one bit of its signature turned."""
    signature = bytearray(item.signature)
    signature[at] ^= 1
    return Item(item.kind, item.signed, bytes(signature))


@pytest.mark.parametrize("parse", [parse_vault_id, parse_device_id, parse_person_id])
def test_log_1_an_id_is_lower_case_hex_of_its_length(parse):
    length = 16 if parse is parse_person_id else 32
    assert parse("0a" * length) == b"\x0a" * length
    for wrong in ("0A" * length, "0a" * length + "0a", "0a" * (length - 1), " a" * length, "0x" + "0a" * (length - 1)):
        with pytest.raises(ValueError, match="hex"):
            parse(wrong)


def test_log_7_an_entry_passed_off_as_a_frame_is_no_item():
    item = played().items[-1]
    with pytest.raises(Malformed):
        read_item(Item(1 - item.kind, item.signed, item.signature))


def test_log_10_both_good_signatures_of_es256_name_the_same_item():
    story = played(entry("mum 1", add("mum es256", "owner")))
    item = story.make({"frame": {"author": "mum es256"}})
    s = P256_ORDER - int.from_bytes(item.signature[32:], "big")
    other = Item(item.kind, item.signed, item.signature[:32] + s.to_bytes(32, "big"))
    verify_item(story.state.table, read_item(other))
    assert read_item(other).hash == read_item(item).hash


def test_log_12_signed_bytes_beyond_the_limit_are_malformed():
    with pytest.raises(Malformed):
        read_item(Item(0, bytes(FRAME_BYTES_MAX + 1), bytes(64)))


@pytest.mark.parametrize("step", [FRAME_OF_CARER, entry("carer 1", add("carer 2", "editor"))])
def test_log_14_an_item_with_a_spoiled_signature_is_no_part_of_the_log(step):
    story = played()
    before = encode_state(story.state)
    assert story.take(flipped(story.make(step))) == "unverified"
    assert encode_state(story.state) == before
    assert story.take(story.make(step)) == "ok"


def test_log_15_what_another_card_signed_is_no_part_of_the_log():
    story = played()
    item = story.make(FRAME_OF_CARER)
    theirs = Item(item.kind, item.signed, keys_of("dad 1").signing.sign("frame", item.signed))
    with pytest.raises(BadSignature):
        verify_item(story.state.table, read_item(theirs))


def test_log_15_a_dropped_card_is_still_known_by_its_key():
    story = Story()
    story.play(DROPPED)
    item = story.make(FRAME_OF_CARER)
    verify_item(story.state.table, read_item(item))
    assert story.take(flipped(item)) == "unverified"


def test_log_16_judging_changes_nothing():
    story = played(FRAME_OF_CARER)
    for step in (FRAME_OF_CARER, entry("mum 1", drop("carer 1"), epoch=new_epoch(2)), entry("aunt 1", drop("mum 1"))):
        before = encode_state(story.state)
        read = read_item(story.make(step))
        assert story.state.judge(read) == story.state.judge(read)
        assert encode_state(story.state) == before


def test_log_22_a_void_item_counts_in_the_log_hash():
    story = played()
    before = story.state.log_hash
    assert story.take(story.make({"frame": {"author": "aunt 1"}})) == "rights"
    assert (story.state.seq, story.state.log_hash != before) == (len(FAMILY) + 1, True)


def test_log_23_a_false_seen_is_no_reason_to_void():
    story = played()
    other = Story()
    other.play(FAMILY[:1])
    behind = other.state.log_hash
    story.state.log_hash, kept = behind, story.state.log_hash
    item = story.make(FRAME_OF_CARER)  # says that L at the head is what it is not
    story.state.log_hash = kept
    assert read_item(item).seen_L != kept
    assert story.take(item) == "ok"


def test_log_24_after_a_version_nobody_here_knows_nothing_is_ruled_on():
    story = played()
    story.state.table.version = 2
    with pytest.raises(NeedsNewerApp):
        story.state.judge(read_item(story.make(FRAME_OF_CARER)))


def test_log_24_the_entry_that_raises_the_version_is_not_appended():
    story = played()
    before = encode_state(story.state)
    assert story.take(story.make(entry("mum 1", ("version", 9_000)))) == "needs_newer"
    assert encode_state(story.state) == before


def test_log_25_the_fold_is_kept_and_read_back_as_it_was():
    story = played(FRAME_OF_CARER, entry("mum 1", drop("carer 1"), epoch=new_epoch(2)))
    read_back = decode_state(encode_state(story.state))
    assert isinstance(read_back, LogState)
    assert read_back == story.state
    assert encode(read_back) == encode(story.state)
