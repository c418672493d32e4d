"""A record that is read at once says what it says when every register is weighed, and a birth gives back its bytes."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.fhir import view
from sync.fhir.exact import loads_or_none
from sync.fhir.repetitions import repetition_key
from sync.merge.change import PERSON, SOURCE, Change, RecordId, make_dot
from sync.merge.record import Record
from tests.property.merge_checks import built
from tests.property.merge_worlds import make_world

ID = RecordId(b"r" * 32)
GARBAGE = [b"", b" 1", b"1 ", b'1,"x":2', b'"\xff"', b"{", b"nul", b"\xef\xbb\xbf1", b'{"a":1,"a":2}', b"[" * 5000]
VALUES = [b"1.50", b'"text"', b"null", b"1e2", b'{"a":[1,{"b":"\\u00e9"}]}', '{"ä":"😀"}'.encode()]
KEYS = ["status", "@note/1", "ä", 'a"b', "back\\slash", "\ud800", "", "onset[x]", "note/0." + "A" * 22]


def of_two_places(ordinal, n, index):
    """Repetitions of which several keys name the same one."""
    return repetition_key("note", n, f"{ordinal}{index}".ljust(22, "A")[:22])


def weighed(record):
    """What is shown, every register looked at by itself."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(view, "_edits_of_one_birth", lambda _: None)
        return view.values(record)


@pytest.mark.parametrize("seed", range(250))
def test_a_record_read_at_once_says_what_it_says_register_by_register(seed):
    below = random.Random(seed).randrange
    record = built(make_world(below, steps=2 + seed % 9, repetition_key=of_two_places).changes)
    told = weighed(record)
    assert view.values(record) == told
    assert view.members(record, loads_or_none) == {key: loads_or_none(value) for key, value in told.items()}


@given(st.dictionaries(st.sampled_from(KEYS), st.sampled_from([*VALUES, *GARBAGE]), max_size=5), st.booleans())
@settings(max_examples=300, derandomize=True, database=None, deadline=None)
def test_a_birth_gives_back_the_bytes_it_was_given_whatever_they_are(body, edited):
    record = Record(ID)
    record.apply(Change(make_dot(0, 1), ID, True, SOURCE, None, (), tuple(body.items()), 0))
    if edited:
        record.apply(Change(make_dot(1, 1), ID, False, PERSON, None, (make_dot(0, 1),), (("status", b"true"),), 0))
    assert record.births[0].body == body
    elements = {key: value for key, value in body.items() if not key.startswith("@")} | (
        {"status": b"true"} if edited else {}
    )
    assert view.members(record, loads_or_none) == {key: loads_or_none(value) for key, value in elements.items()}


def test_values_that_are_no_texts_of_their_own_are_kept_apart():
    for value in GARBAGE:
        record = Record(ID)
        record.apply(Change(make_dot(0, 1), ID, True, PERSON, None, (), (("status", value), ("x", b"1")), 0))
        kept = Record.from_parts(ID, record.encode_births(), record.encode_overlay())
        assert kept.births[0].body == {"status": value, "x": b"1"}
        assert isinstance(kept.births[0].said, dict) == (value != b'{"a":1,"a":2}')
