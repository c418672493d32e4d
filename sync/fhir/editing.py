"""What a person does to a record, as an Edit that has no dot yet.

What it is: pure functions from a record, as it is shown, to the one change that does what was asked; a refusal where
it cannot be. What it is not: it writes nothing, has no clock and no device; whoever calls gives the edit its dot.

Invariants: an edit names all that stands, on both lanes, on the registers it sets; a register in conflict is not
edited over; no edit makes a resource break an invariant that it did not break before, and one that an import brought
in is no reason to refuse another. Spec: openapi/protocol/fhir.md, section "Editing".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sync.fhir.editable import FIXED, Editable, EditRefused, Sets, bad_value, refuse_broken, refuse_gone
from sync.fhir.exact import canonical, is_exact
from sync.fhir.registers import Resource, is_set, split
from sync.fhir.repetitions import added_token, content_tokens, parse_key, repetition_key
from sync.fhir.table import Register, TypeTable, is_type_name, registers_of
from sync.fhir.values import why_not
from sync.fhir.view import DISPUTE, NOTE
from sync.merge.change import GONE, HERE, LIFE, PERSON, Edit, RecordId
from sync.merge.record import Record
from sync.merge.view import Newer, delete_preds, edit_preds


def new(resource: Resource, record_id: RecordId) -> Edit:
    """A record of a person's own, made whole.

    Raises: EditRefused bad_value, unknown_element, invariant.
    """
    if not isinstance(resource, dict) or not is_type_name(resource.get("resourceType")):
        raise EditRefused("bad_value", "a resource is an object with a resourceType", "name the type of the resource")
    table = registers_of(resource["resourceType"])
    _check_members(table, {name: value for name, value in resource.items() if name not in FIXED}, ())
    if not isinstance(resource.get("id", "x"), str):
        raise bad_value("id", "its datatype is id")
    refuse_broken({}, resource)
    return Edit(record_id, True, PERSON, None, (), tuple(sorted(split(resource).items())))


def set_element(record: Record, element: str, value: Any, *, newer: Newer | None = None) -> Edit:
    """Give one element a value; of a tied group the whole register is written, the other elements as they stand.

    `element`: a FHIR name, `onsetDateTime` or `onset[x]`. A list given for a set of repetitions replaces all of them;
    those that are in it as they were stay the same repetitions. Where elements only make sense together, the value may
    be the whole register: an object that has `element` itself, and nothing but elements of its register.

    Raises: EditRefused.
    """
    now = Editable(record, newer)
    name, register = now.find(element)
    if register.repeating:
        return now.edit(_set_repetitions(now, register.key, value))
    members = _whole_register(now.table, register, name, value)
    if members is None:
        members = _without(now, register, element, name)
        members.update(_named_member(now, register, element, name, value))
    _check_members(now.table, members, now.members(register.key))
    return now.edit({register.key: canonical(members)})


def unset(record: Record, element: str, *, newer: Newer | None = None) -> Edit:
    """Remove one element; a set of repetitions as a whole.

    Raises: EditRefused, nothing_there if it is not there.
    """
    now = Editable(record, newer)
    name, register = now.find(element)
    if register.repeating:
        keys = [*now.repetitions(register.key), *([register.key] if register.key in now.values else [])]
        sets: Sets = dict.fromkeys(keys)
    else:
        standing = now.members(register.key)
        members = _without(now, register, element, name)
        sets = {} if members == standing else {register.key: canonical(members) if members else None}
    if not sets:
        raise EditRefused("nothing_there", f"{element} has no value", "look at the record as it is now")
    return now.edit(sets)


def add(record: Record, element: str, value: Any, token_seed: bytes, *, newer: Newer | None = None) -> tuple[Edit, str]:
    """Add one repetition: the edit, and the token that names the repetition from now on (its place, in plain lists).

    `token_seed`: bytes that no other addition has, of the device id, the number of its change and a place in it.

    Raises: EditRefused.
    """
    now = Editable(record, newer)
    _, register = now.find(element)
    now.check_repeating(element, value)
    if register.repeating and register.key not in now.values:
        keys = now.repetitions(element)
        # Not only what is shown counts: a key that was once used is never taken for another repetition.
        used = [parse_key(key) for key in sorted(record.keys())]
        position = max((r.position for r in used if r and r.element == element and r.position is not None), default=-1)
        token = added_token(element, token_seed)
        key = repetition_key(element, min(position + 1, 999_999_999), token)
        assert key not in keys, "a token seed was used twice"
        return now.edit({key: canonical(value)}), token
    items = now.items(register, element)
    return now.edit(now.with_items(register, element, [*items, value])), str(len(items) + 1)


def change_repetition(record: Record, element: str, repetition: str, value: Any, *, newer: Newer | None = None) -> Edit:
    """Give one repetition another value. `repetition`: its token, a beginning of it, or its place as shown, from 1.

    Raises: EditRefused.
    """
    now = Editable(record, newer)
    _, register = now.find(element)
    now.check_repeating(element, value)
    return now.edit(now.with_repetition(register, element, repetition, value))


def remove_repetition(record: Record, element: str, repetition: str, *, newer: Newer | None = None) -> Edit:
    """Remove one repetition, named as for `change_repetition`.

    Raises: EditRefused.
    """
    now = Editable(record, newer)
    _, register = now.find(element)
    now.check_repeating(element, None)
    return now.edit(now.with_repetition(register, element, repetition, None))


def delete(record: Record) -> Edit:
    """Delete the record: every live dot is named, nothing else is dropped.

    Raises: EditRefused record_deleted, record_unknown.
    """
    refuse_gone(record)
    return Edit(record.id, False, PERSON, None, delete_preds(record), ((LIFE, GONE),))


def restore(record: Record) -> Edit:
    """Bring a deleted record back, whole.

    Raises: EditRefused not_deleted.
    """
    if not any(sibling.value == GONE for sibling in record.siblings(LIFE, PERSON)):
        raise EditRefused("not_deleted", "the record is not deleted", "there is nothing to restore")
    return Edit(record.id, False, PERSON, None, delete_preds(record), ((LIFE, HERE),))


def annotate(record: Record, text: str, token_seed: bytes) -> Edit:
    """Append a note of one's own; a source's text stays as it is.

    Raises: EditRefused.
    """
    return _remark(record, NOTE, text, token_seed)


def dispute(record: Record, text: str, token_seed: bytes) -> Edit:
    """Say that something in the record is wrong, beside what it says.

    Raises: EditRefused.
    """
    return _remark(record, DISPUTE, text, token_seed)


def _set_repetitions(now: Editable, element: str, value: Any) -> Sets:
    why = why_not(now.table, element, value)
    if why is None and not is_set({element: value}, element):
        why = "it is a list of objects"
    if why is not None:
        raise bad_value(element, why)
    old = now.repetitions(element)
    left = list(old)
    kept: list[str | None] = []
    for item in value:
        text = canonical(item)
        key = next((key for key in left if now.values[key] == text), None)
        if key is not None:
            left.remove(key)
        kept.append(key)
    stays = [key for key in kept if key is not None]
    if None in kept[: len(stays)] or stays != [key for key in old if key in stays]:
        stays = []  # Order is the place of the first sight: a list in another order is a list of new repetitions.
    sets: Sets = {key: None for key in old if key not in stays}
    if element in now.values:
        sets[element] = None
    parsed = [parse_key(key) for key in sorted(now.record.keys())]
    taken = {part.token for part in parsed if part is not None and part.element == element}
    fresh = value[len(stays) :]
    ends = parse_key(stays[-1]) if stays else None
    first = 0 if ends is None or ends.position is None else ends.position + 1
    for place, (token, item) in enumerate(zip(content_tokens(element, fresh, taken), fresh, strict=True)):
        sets[repetition_key(element, first + place, token)] = canonical(item)
    return sets


def _whole_register(table: TypeTable, register: Register, name: str, value: Any) -> Resource | None:
    """The value itself if it is an object of the register's elements that has `name` among them."""
    if not isinstance(value, dict) or not value:
        return None
    elements = {table.element_of(key) for key in value}
    if name not in elements or not elements <= set(register.elements):
        return None
    return value if len(register.elements) > 1 or name.endswith("[x]") else None


def _without(now: Editable, register: Register, element: str, name: str) -> Resource:
    """What stands in a register but for one element: with its `_sibling`, unless the sibling alone is named."""
    members = now.members(register.key).items()
    if element.startswith("_"):
        return {key: value for key, value in members if key != element}
    return {key: value for key, value in members if now.table.element_of(key) != name}


def _named_member(now: Editable, register: Register, element: str, name: str, value: Any) -> Resource:
    if not element.endswith("[x]"):
        return {element: value}
    standing = [key for key in now.members(register.key) if now.table.element_of(key) == name and key[0] != "_"]
    if len(standing) == 1 and why_not(now.table, standing[0], value) is None:
        return {standing[0]: value}
    names = " or ".join(now.table.names_of(name)[:4])
    raise EditRefused("bad_value", f"{element} has several datatypes", f"name the one you mean: {names}")


def _check_members(table: TypeTable, members: Resource, standing: Iterable[str]) -> None:
    """Raises: EditRefused. What stands already under an unknown name may stay."""
    if not is_exact(members):
        raise bad_value("a value", "numbers must keep their text")
    chosen: set[str] = set()
    for name, value in members.items():
        element = table.element_of(name)
        if element is None:
            if name not in standing:
                raise EditRefused(
                    "unknown_element",
                    f"{table.type} has no such element",
                    "use a name of FHIR R4, without own additions",
                )
            continue
        why = why_not(table, name, value)
        if why is not None:
            raise bad_value(name, why)
        if element.endswith("[x]") and not name.startswith("_"):
            if element in chosen:
                raise bad_value(element, "only one of its datatypes can stand")
            chosen.add(element)


def _remark(record: Record, prefix: str, text: str, token_seed: bytes) -> Edit:
    refuse_gone(record)
    if not isinstance(text, str) or not text.strip():
        raise bad_value("the text", "it is empty")
    key = prefix + added_token(prefix, token_seed)
    return Edit(record.id, False, PERSON, None, edit_preds(record, key, PERSON), ((key, canonical({"text": text})),))
