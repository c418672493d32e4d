"""Exact JSON: nothing is lost on the way through, and what is not JSON is refused (FHI-1 to FHI-5)."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.fhir.exact import ExactJsonError, Number, canonical, is_exact, loads, loads_or_none, number, pretty

NUMBERS = ["5.40", "5.4", "1e2", "1E+400", "-0", "0", "-0.0", "12345678901234567890123456789", "1.0e-7"]

digits = st.text("0123456789", min_size=1, max_size=30)
numbers = st.builds(
    lambda sign, whole, part, power: sign + (whole.lstrip("0") or "0") + part + power,
    st.sampled_from(["", "-"]),
    digits,
    st.one_of(st.just(""), digits.map(lambda text: "." + text)),
    st.one_of(st.just(""), st.builds("{}{}{}".format, st.sampled_from("eE"), st.sampled_from(["", "+", "-"]), digits)),
).map(number)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_keeps_its_text(text):
    assert canonical(loads(text)) == text.encode()


def test_a_letter_is_kept_as_it_was_composed():
    """FHI-4."""
    one, two, ligature = "\u00e9", "e\u0301", "\ufb01"
    for text in (one, two, ligature, "\u212b"):
        assert loads(canonical(text)) == text
        assert canonical(text) == f'"{text}"'.encode()
        assert canonical({text: text}) == f'{{"{text}":"{text}"}}'.encode()
    assert loads(canonical({one: one, two: two})) == {one: one, two: two}, "two names, not one twice"


def test_numbers_of_other_texts_are_other_numbers():
    assert len({loads(text) for text in NUMBERS}) == len(NUMBERS)
    assert loads("5.40") != loads("5.4")
    assert loads("1") != 1
    assert repr(loads("1e2")) == "Number(1e2)"


@given(values)
def test_what_is_written_is_read_back_equal(value):
    assert loads(canonical(value)) == value
    assert loads(pretty(value)) == value
    assert canonical(loads(canonical(value))) == canonical(value)


@given(values)
def test_the_same_value_has_one_canonical_form_and_other_readers_agree(value):
    text = canonical(value)
    assert canonical(loads(json.dumps(json.loads(text, parse_float=str, parse_int=str)))) == canonical(
        loads(json.dumps(json.loads(pretty(value), parse_float=str, parse_int=str)))
    )


def test_keys_are_sorted_by_code_point_and_text_is_not_escaped_beyond_need():
    assert canonical(loads('{"\\ud800\\udc00":1,"\\uffff":2,"é":3,"a":4,"Z":5}')) == (
        '{"Z":5,"a":4,"é":3,"\uffff":2,"\U00010000":1}'.encode()
    )
    assert canonical('/\u2028\x7f<\x01\n"\\') == '"/\u2028\x7f<\\u0001\\n\\"\\\\"'.encode()


def test_a_byte_order_mark_is_passed_over():
    assert loads(b"\xef\xbb\xbf{}") == {}
    assert loads("\ufeff[]") == []


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("not_utf8", b'"\xff"'),
        ("not_utf8", b'"\xed\xa0\x80"'),
        ("not_json", b""),
        ("not_json", b"{'a':1}"),
        ("not_json", b"[1,]"),
        ("not_json", b"[01]"),
        ("not_json", b"[.5]"),
        ("not_json", b'["\t"]'),
        ("not_json", b'"\\u12"'),
        ("not_a_number", b"[NaN]"),
        ("not_a_number", b"[-Infinity]"),
        ("trailing", b"{} {}"),
        ("lone_surrogate", b'["\\ud800"]'),
        ("lone_surrogate", b'{"\\udc00":1}'),
        ("lone_surrogate", '"\ud800"'),
        ("too_deep", b"[" * 65 + b"]" * 65),
        ("too_deep", b"[" * 100_000),
        ("too_deep", b'{"a":' * 70 + b"1" + b"}" * 70),
        ("duplicate_key", b'{"status":1,"status":1}'),
    ],
)
def test_what_is_not_json_is_refused_by_name(code, data):
    with pytest.raises(ExactJsonError) as refused:
        loads(data)
    assert refused.value.code == code
    assert refused.value.where


def test_a_refusal_names_an_element_and_never_a_text_of_somebody():
    with pytest.raises(ExactJsonError) as refused:
        loads('{"Synthetic Person 1":1,"Synthetic Person 1":2}')
    assert "Synthetic" not in str(refused.value)


def test_sixty_four_levels_are_read_and_brackets_in_texts_do_not_count():
    assert loads("[" * 64 + "]" * 64)
    assert loads('["' + "[" * 500 + '\\"[{"]') == ["[" * 500 + '"[{']


def test_an_unclosed_text_of_a_megabyte_is_refused_at_once():
    with pytest.raises(ExactJsonError):
        loads("[" * 65 + '"' + '\\"' * 500_000)


def test_floats_have_lost_their_text():
    assert is_exact(loads('{"a":[1.5,null,true,"x"]}'))
    assert not is_exact({"a": [1.5]})
    assert not is_exact({1: "a"})
    with pytest.raises(TypeError):
        canonical({"a": object()})


def test_what_cannot_be_read_is_nothing_to_a_view():
    """FHI-5."""
    assert loads_or_none(b"{") is None
    assert loads_or_none(b"[5.40]") == [Number("5.40")]


def test_the_examples_come_back_as_they_were():
    folder = os.environ.get("CARNET_EXAMPLES")
    files = (
        sorted(Path(folder).rglob("*.json"))
        if folder
        else [Path(__file__).parents[2] / "openapi/registers/default.json"]
    )
    for path in files:
        value = loads(path.read_bytes())
        assert loads(canonical(value)) == value == loads(pretty(value))
        told = json.loads(path.read_bytes().decode("utf-8-sig"), parse_float=str, parse_int=str)
        assert json.loads(canonical(value), parse_float=str, parse_int=str) == told
