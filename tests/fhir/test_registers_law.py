"""Splitting and joining: whatever a resource holds comes back, under keys that stay (FHI-6 to FHI-19)."""

import json
import os
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.fhir.exact import canonical, loads
from sync.fhir.registers import join, resplit, split
from sync.fhir.repetitions import TOKEN_CHARACTERS, added_token, content_tokens, named, parse_key, repetition_key
from sync.fhir.table import registers_of, types
from tests.fhir.test_exact_json import texts, values

element_names = st.sampled_from(
    sorted({name for type_ in types() for r in registers_of(type_).registers() for e in r.elements
            for name in registers_of(type_).names_of(e)})
)  # fmt: skip
names = st.one_of(
    element_names,
    element_names.map(lambda name: "_" + name),
    texts,
    st.sampled_from(["onset", "onset[x]", "@life", "identifier/0.x", "?", "", "_", "into", "resourceType", "valueX"]),
)
objects = st.dictionaries(texts, values, max_size=3)
items = st.one_of(values, st.lists(st.one_of(objects, values), max_size=4), st.lists(objects, min_size=1, max_size=5))
resources = st.builds(
    lambda members, type_: {**members, **({} if type_ is None else {"resourceType": type_})},
    st.dictionaries(names, items, max_size=8),
    st.one_of(st.none(), st.sampled_from(types()), st.sampled_from(["Unknown", "lower", 5, None])),
)


@given(resources)
def test_whatever_is_split_is_joined_again(resource):
    """FHI-10, FHI-19."""
    parts = split(resource)
    assert canonical(join(parts)) == canonical(resource)
    assert all(canonical(loads(text)) == text for text in parts.values())
    assert not any(key.startswith("@") for key in parts)


@given(resources, resources)
@settings(max_examples=80)
def test_a_newer_copy_is_joined_again_whatever_was_there_before(resource, other):
    previous = split({**other, **resource})
    for key in list(previous):
        if len(previous) % 2 and parse_key(key) is not None:
            del previous[key]
    assert canonical(join(resplit(resource, previous))) == canonical(resource)


def patient(*numbers, **more):
    return loads(json.dumps({"resourceType": "Patient", "identifier": [{"value": n} for n in numbers], **more}))


def test_a_repetition_that_stays_keeps_its_key_when_another_goes_or_comes():
    first = split(patient("a", "b", "c"))
    key_of = {json.loads(text).get("value"): key for key, text in first.items() if parse_key(key)}
    without = resplit(patient("b", "c"), first)
    assert without == {key: text for key, text in first.items() if key != key_of["a"]}
    grown = resplit(patient("b", "c", "d"), without)
    assert grown.items() > without.items()
    assert len(grown) == len(without) + 1


def test_a_copy_in_another_order_comes_back_in_that_order():
    first = split(patient("a", "b"))
    turned = resplit(patient("b", "a"), first)
    assert join(turned) == patient("b", "a")
    assert {parse_key(key).token for key in turned if parse_key(key)} == {
        parse_key(key).token for key in first if parse_key(key)
    }


def test_equal_repetitions_are_two_and_stay_two():
    parts = split(patient("a", "a"))
    assert len([key for key in parts if parse_key(key)]) == 2
    assert join(parts) == patient("a", "a")


def test_one_token_at_two_places_is_shown_once():
    """FHI-17."""
    parts = split(patient("a"))
    [key] = [key for key in parts if parse_key(key)]
    parts[repetition_key("identifier", 7, parse_key(key).token)] = parts[key]
    assert join(parts) == patient("a")


def test_repetitions_are_ordered_by_place_as_a_number_then_by_token():
    """FHI-16."""
    token = added_token("identifier", b"seed")
    keys = [repetition_key("identifier", place, token[:-1] + end) for place, end in ((10, "w"), (9, "g"), (9, "Q"))]
    parts = {key: canonical({"value": str(place)}) for place, key in enumerate(keys)}
    assert [item["value"] for item in join(parts)["identifier"]] == ["2", "1", "0"]


def test_a_contained_resource_is_told_by_its_id():
    one = {"resourceType": "Medication", "id": "med", "status": "active"}
    assert content_tokens("contained", [one]) == content_tokens("contained", [{**one, "status": "inactive"}])
    assert content_tokens("contained", [one]) != content_tokens("contained", [{**one, "id": "other"}])


def test_malformed_lists_stay_whole():
    for identifier in ([], [None], ["x"], [{}, None], {}, "x", None):
        resource = {"resourceType": "Patient", "identifier": identifier}
        assert set(split(resource)) == {"resourceType", "identifier"}
    with_sibling = {"resourceType": "Patient", "identifier": [{"value": "x"}], "_identifier": [None]}
    assert set(split(with_sibling)) == {"resourceType", "identifier"}


def test_a_primitive_and_its_sibling_are_one_register():
    resource = {"resourceType": "Patient", "birthDate": "1970", "_birthDate": {"id": "x"}}
    assert split(resource)["birthDate"] == canonical({"birthDate": "1970", "_birthDate": {"id": "x"}})


def test_choices_are_found_with_and_without_a_schema():
    assert "onset[x]" in split({"resourceType": "Condition", "onsetString": "x", "_onsetString": {"id": "y"}})
    assert "effective[x]" in split({"resourceType": "FromALaterVersion", "effectiveDateTime": "2024"})
    assert "effectiveX" in split({"resourceType": "FromALaterVersion", "effectiveX": "2024"})


def test_tokens_are_short_and_urlsafe_and_those_added_are_others():
    [token] = content_tokens("note", [{"text": "x"}])
    assert len(token) == TOKEN_CHARACTERS == len(added_token("note", b"x"))
    assert parse_key(repetition_key("note", 0, token)) == ("note", 0, token)
    assert content_tokens("note", [{"text": "x"}], {token}) == [content_tokens("note", [{"text": "x"}] * 2)[1]]


def test_a_repetition_is_named_by_token_beginning_or_place():
    """FHI-28."""
    keys = [f"note/{place}.{token}" for place, token in enumerate(["abc" + "-" * 19, "abd" + "-" * 19, "2" + "-" * 21])]
    assert named(keys, "abc") == [keys[0]]
    assert named(keys, "ab") == keys[:2]
    assert named(keys, "2") == [keys[1]]
    assert named(keys, "abd" + "-" * 19) == [keys[1]]
    assert named(keys, keys[2]) == [keys[2]]
    assert named(keys, "0") == []
    assert named(keys, "") == []
    assert named(keys, "9") == []


def test_registers_of_a_newer_table_and_a_foreign_app_are_shown_as_far_as_they_can_be_read():
    """FHI-11."""
    parts = {
        "status": b'"active"',
        "broken": b"{",
        "note/odd form": b'{"text":"x"}',
        "note/0.broken": b"{",
        "dosage": b'{"dosage":[{"text":"x"}]}',
        "@note/x": b'{"text":"y"}',
        "@life": b'"gone"',
    }
    assert join(parts) == {"status": "active", "dosage": [{"text": "x"}], "note": [{"text": "x"}]}


def test_every_resource_of_the_examples_comes_back():
    folder = os.environ.get("CARNET_EXAMPLES")
    texts_ = [path.read_bytes() for path in sorted(Path(folder).rglob("*.json"))] if folder else [b'{"entry":[]}']
    for text in texts_:
        file = loads(text)
        for resource in [file, *(entry["resource"] for entry in file.get("entry", []) if "resource" in entry)]:
            parts = split(resource)
            assert canonical(join(parts)) == canonical(resource)
            assert resplit(resource, parts) == parts
