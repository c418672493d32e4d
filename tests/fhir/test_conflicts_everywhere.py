"""Every pair of concurrent words on every register of the detailed types, and random ones (FHI-30, FHI-35, FHI-36)."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.fhir import editing, resolving
from sync.fhir.conflicts import DELETED_WHILE_EDITED, VALUE
from sync.fhir.exact import canonical
from sync.fhir.table import detailed_types, registers_of
from sync.fhir.view import SIBLINGS_URL, resource
from sync.merge.change import PERSON, SOURCE, Edit
from tests.fhir.fhir_family import FILE, Family, set_to
from tests.fhir.medicine import imported


def pieces(type_):
    table = registers_of(type_)
    for register in table.registers():
        if register.key not in ("resourceType", "id", "meta", "contained", "extension", "modifierExtension", "text"):
            yield register


def made_of(table, element, word):
    """Some value of an element that holds `word`, so that each author's words can be told."""
    name = table.names_of(element)[-1]
    simple = {"code": "x", "boolean": True, "integer": 1}
    datatype = table.datatype_of(element)
    if element.endswith("[x]"):
        name = next((n for n in table.names_of(element) if n.endswith(("String", "CodeableConcept", "DateTime"))), name)
        value = "2024" if name.endswith("DateTime") else word if name.endswith("String") else {"text": word}
    elif datatype in simple or datatype in ("dateTime", "date", "instant", "uri", "canonical", "string"):
        value = simple.get(datatype, word) if datatype in ("boolean", "integer") else word
    else:
        value = {"text": word}
    return {name: [value] if table.repeats(element) else value}


CASES = [(type_, register) for type_ in detailed_types() for register in pieces(type_)]


@pytest.mark.parametrize(("type_", "register"), CASES, ids=lambda part: part if isinstance(part, str) else part.key)
def test_two_words_on_one_register_are_both_asked_and_on_two_registers_are_both_there(type_, register):
    table = registers_of(type_)
    key = register.key if not register.repeating else f"{register.key}/0.{'A' * 22}"

    def word(text):
        if register.repeating:
            return canonical({"text": text})
        made = {}
        for element in register.elements:
            made.update(made_of(table, element, text))
        return canonical(made)

    def edit(value):
        return lambda record: Edit(record.id, False, PERSON, None, tuple(record.live_dots()), ((key, value),))

    words = [word("old"), word("one"), word("two"), None]
    for first in words[1:]:
        for second in words[1:]:
            family = Family()
            start = {"resourceType": canonical({"resourceType": type_}), key: words[0]}
            family.apply("A", Edit(family.record.id, True, SOURCE, FILE, (), tuple(sorted(start.items()))))
            family.apart(("B", edit(first)), ("C", edit(second)))
            question = family.question()
            if first == second:
                assert question is None
                continue
            assert question.kind in (VALUE, DELETED_WHILE_EDITED)
            answers = {dict(answer)[key] for answer in question.answers}
            assert answers == {first, second}
            shown = resource(family.record)
            assert SIBLINGS_URL in json.dumps(json.loads(canonical(shown)))
            for n, answer in enumerate(question.answers, 1):
                settled = Family()
                settled.record, settled.n = family.record.overlaid(()), dict(family.n)
                settled.apply("D", resolving.resolve_take(settled.record, question, n))
                assert settled.question() is None
                assert settled.record.siblings(key, PERSON)[0].value == dict(answer)[key]


WORDS = st.sampled_from(["1 mg", "2 mg", "3 mg", None])


ELEMENTS = st.sampled_from(["dosage", "status", "dateAsserted", "note"])


@given(st.lists(st.tuples(st.sampled_from("BCD"), ELEMENTS, WORDS), min_size=1, max_size=6), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_whatever_was_written_apart_is_in_some_answer_and_one_answer_settles_all(writes, choice):
    """FHI-35, FHI-36."""
    family = imported()

    def write(element, word):
        def make(record):
            if word is None:
                return editing.unset(record, element) if element in family.shown() else set_to(element, '"x"')(record)
            if element == "note":
                return editing.change_repetition(record, "note", "1", {"text": word})
            value = [{"text": word}] if element == "dosage" else word
            return editing.set_element(record, element, value)

        return make

    start = family.record
    edits = []
    for phone, element, word in writes:
        if not (word is None and element == "dateAsserted"):
            edits.append((phone, write(element, word)(start)))
    for phone, edit in edits:
        family.apply(phone, edit)
    question = family.question()
    if question is None:
        return
    for key in question.registers:
        standing = {sibling.value for sibling in family.record.siblings(key, PERSON)}
        assert standing <= {dict(answer)[key] for answer in question.answers}
    n = (choice - 1) % len(question.values) + 1
    family.apply("E", resolving.resolve_take(family.record, question, n))
    assert family.question() is None
    shown = family.shown()
    assert all(shown.get(name) == value for name, value in question.values[n - 1].value.items())
