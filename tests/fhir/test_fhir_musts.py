"""MUSTs of openapi/protocol/fhir.md, told with keys and bytes as they stand in a vault: no name of the code's own."""

import base64
import hashlib

import pytest

from sync.fhir import editing, resolving
from sync.fhir.conflicts import SOURCE_CHANGED, VALUE
from sync.fhir.editing import EditRefused
from sync.fhir.exact import canonical
from sync.fhir.registers import join, split
from sync.fhir.view import merged_into, not_same_as, remarks, resource
from sync.merge.change import PERSON, Edit, RecordId
from tests.fhir.fhir_family import RECORD, Family, fhir, set_to

PATIENT = '{"resourceType":"Patient","id":"p","meta":{"versionId":"1"},"identifier":[{"value":"1"},{"value":"2"}]}'
OTHER = RecordId(b"\xab" * 32)


def imported(text=PATIENT):
    family = Family()
    family.imported("A", text)
    return family


def token(use, *parts):
    digest = hashlib.sha256(b"\0".join((b"carnet/1/" + use, *parts))).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def write(family, phone, key, text):
    """A person's change of one register, as another app would write it."""
    stands = [s.dot for lane in (0, 1) for s in family.record.siblings(key, lane)]
    return family.apply(phone, Edit(RECORD, False, PERSON, None, tuple(sorted(stands)), ((key, text),)))


def test_fhi_5_a_value_that_cannot_be_read_is_carried_and_shown_as_nothing():
    family = imported()
    write(family, "B", "gender", b"{not JSON")
    assert [s.value for s in family.record.siblings("gender", PERSON)] == [b"{not JSON"]
    assert "gender" not in resource(family.record)


def test_fhi_11_registers_are_joined_in_one_order_and_what_stands_stays():
    parts = {
        "b": b'{"x":"of b","only":1}',
        "a": b'{"x":"of a"}',
        "meta": b'{"meta":{}}',
        "resourceType": b'{"resourceType":"Patient"}',
        "id": b'{"id":"p"}',
        "word": b'"no object"',
        "@life": b'{"x":"never"}',
    }
    made = join(parts)
    assert list(made) == ["resourceType", "id", "meta", "x", "only", "word"]
    assert (made["x"], made["word"]) == ("of a", "no object")


def test_fhi_12_a_key_that_the_table_does_not_have_is_kept_and_shown():
    family = imported()
    write(family, "B", "fromANewerTable", b'{"fromANewerTable":[1,2]}')
    assert canonical(resource(family.record)["fromANewerTable"]) == b"[1,2]"
    family.apply("C", editing.set_element(family.record, "gender", "female"))
    assert canonical(resource(family.record)["fromANewerTable"]) == b"[1,2]"


def test_fhi_15_an_added_repetition_is_named_by_its_seed_and_comes_after_all_that_was_ever_there():
    family = imported()
    family.apply("B", editing.remove_repetition(family.record, "identifier", "2"))
    edit, named = editing.add(family.record, "identifier", fhir('{"value":"3"}'), b"a seed of its own")
    assert named == token(b"repetition-added", b"identifier", b"a seed of its own")
    assert [key for key, _ in edit.sets] == [f"identifier/2.{named}"], "0 and 1 were taken, though 1 was removed"


def test_fhi_17_an_edit_and_a_removal_reach_a_repetition_at_all_of_its_places():
    word = token(b"repetition", b"identifier", b'{"value":"1"}', b"0")
    places = [f"identifier/{place}.{word}" for place in (0, 7)]
    family = imported('{"resourceType":"Patient","identifier":[{"value":"1"}]}')
    family.apply("A", Edit(RECORD, False, 0, None, (), ((places[1], b'{"value":"1"}'),)))
    assert canonical(resource(family.record)["identifier"]) == b'[{"value":"1"}]'
    edit = editing.change_repetition(family.record, "identifier", "1", fhir('{"value":"x"}'))
    assert {key for key, _ in edit.sets} == set(places)
    write(family, "B", places[0], None)
    assert "identifier" not in resource(family.record), "removed at one place, it is shown at none"


def test_fhi_19_no_token_key_or_position_is_in_what_is_shown():
    family = imported()
    edit, named = editing.add(family.record, "identifier", fhir('{"value":"3"}'), b"seed")
    family.apply("B", edit)
    shown = canonical(resource(family.record)).decode()
    tokens = {key.partition(".")[2] for key in family.record.keys() if "/" in key}
    assert len(tokens) == 3
    assert named in tokens
    assert not any(word in shown for word in tokens)
    assert resource(family.record)["identifier"] == [{"value": "1"}, {"value": "2"}, {"value": "3"}]


def test_fhi_20_beside_an_edit_the_rest_is_shown_as_it_came():
    family = imported()
    family.apply("B", editing.set_element(family.record, "gender", "female"))
    assert resource(family.record) == {**fhir(PATIENT), "gender": "female"}


@pytest.mark.parametrize("prefix", ["@note/", "@dispute/"])
def test_fhi_22_a_remark_stands_under_its_key_as_a_text(prefix):
    family = imported()
    make = editing.annotate if prefix == "@note/" else editing.dispute
    edit = make(family.record, "not so", b"seed")
    [(key, text)] = edit.sets
    assert key.startswith(prefix)
    assert (len(key), text) == (len(prefix) + 22, b'{"text":"not so"}')
    family.apply("B", edit)
    assert [remark.text for remark in remarks(family.record, prefix)] == ["not so"]


def test_fhi_22_what_is_said_of_two_records_stands_under_their_ids():
    family = imported()
    family.apply("B", edit := resolving.not_same(family.record, OTHER))
    assert edit.sets == (("@pair/" + "ab" * 32, b"true"),)
    assert not_same_as(family.record) == {OTHER}
    family.apply("B", edit := resolving.merge(family.record, OTHER))
    assert dict(edit.sets) == {"@into": b'"' + b"ab" * 32 + b'"', "@life": b'"gone"'}
    assert merged_into(family.record) == OTHER


def test_fhi_26_an_edit_over_a_conflict_is_refused_and_a_deletion_is_not():
    family = imported()
    family.apart(("B", set_to("gender", '"female"')), ("C", set_to("gender", '"male"')))
    with pytest.raises(EditRefused) as refused:
        editing.set_element(family.record, "gender", "other")
    assert refused.value.code == "conflict_open"
    family.apply("B", editing.delete(family.record))
    with pytest.raises(EditRefused) as refused:
        editing.set_element(family.record, "language", "de")
    assert refused.value.code == "record_deleted"


def test_fhi_34_registers_in_conflict_for_different_reasons_are_one_question_under_value():
    text = '{"resourceType":"Patient","gender":"female","birthDate":"1970-01-01"}'
    family = imported(text)
    family.apply("B", editing.set_element(family.record, "birthDate", "1970-01-02"))
    family.newer_copy("A", text.replace("1970-01-01", "1971-01-01"))
    assert family.question().kind == SOURCE_CHANGED
    family.apart(("B", set_to("gender", '"other"')), ("C", set_to("gender", '"male"')))
    question = family.question()
    assert (question.kind, question.registers) == (VALUE, ("birthDate", "gender"))


def test_fhi_10_whatever_is_split_is_joined_again_also_what_is_no_fhir():
    for text in ("{}", '{"x":null}', '{"resourceType":5,"":[{}],"@a":1}', '{"identifier":[null,{}]}'):
        assert canonical(join(split(fhir(text)))) == canonical(fhir(text))
