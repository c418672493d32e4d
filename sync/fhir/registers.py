"""A resource taken apart into registers, and put together again.

What it is: the two ways between a FHIR resource (a JSON object with exact numbers) and its registers, register key to
canonical JSON text. What it is not: a validator; it takes any JSON object, and what it does not understand it keeps.

Invariants: ``canonical(join(split(r))) == canonical(r)`` for every JSON object r; `resplit` has the same law; keys that
begin with `@` are never elements. A register's value is the object of its elements, `{"status":"active"}`, a
repetition's value the repetition itself. Spec: openapi/protocol/fhir.md, sections "Register table" and "Repetitions".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sync.fhir.exact import canonical, loads_or_none
from sync.fhir.repetitions import Repetition, content_tokens, parse_key, repetition_key
from sync.fhir.table import Register, registers_of

Resource = dict[str, Any]
_FIRST = {"resourceType": 0, "id": 1, "meta": 2}  # as FHIR's own examples begin; equality does not look at it


def split(resource: Resource) -> dict[str, bytes]:
    """The registers of a resource: key to canonical JSON text, absent elements left out. Takes any JSON object."""
    table = registers_of(resource.get("resourceType"))
    registers: dict[str, Register] = {}
    members: dict[str, Resource] = {}
    for name, value in resource.items():
        register = table.register_of(name)
        registers[register.key] = register
        members.setdefault(register.key, {})[name] = value
    made: dict[str, bytes] = {}
    for key, group in members.items():
        if registers[key].repeating and is_set(group, key):
            values = group[key]
            for position, (token, value) in enumerate(zip(content_tokens(key, values), values, strict=True)):
                made[repetition_key(key, position, token)] = canonical(value)
        else:
            made[key] = canonical(group)
    return made


def resplit(resource: Resource, previous: Mapping[str, bytes]) -> dict[str, bytes]:
    """The registers of a newer copy, in which a repetition that `previous` holds keeps its key.

    What is new gets its place, or the next one after what stands before it. An element whose kept keys would change
    the copy's order of repetitions gets fresh keys instead: a newer copy must come back as it was written, and equal
    tokens are one repetition for every reader.
    """
    made = split(resource)
    held: dict[tuple[str, str], str] = {}
    for key in previous:
        repetition = parse_key(key)
        if repetition is not None and repetition.position is not None:
            held.setdefault((repetition.element, repetition.token), key)
    fresh: dict[str, list[str]] = {}
    for key in made:
        repetition = parse_key(key)
        if repetition is not None:
            fresh.setdefault(repetition.element, []).append(key)
    for element, keys in fresh.items():
        kept = _kept(element, keys, held)
        if kept != keys and kept == sorted(kept, key=_order):
            values = [made.pop(key) for key in keys]
            made.update(zip(kept, values, strict=True))
    return made


def join(registers: Mapping[str, bytes]) -> Resource:
    """The resource of some registers. Keys of a newer table or a foreign app are shown as far as they can be read."""
    return assemble({key: loads_or_none(value) for key, value in registers.items() if not key.startswith("@")})


def assemble(registers: Mapping[str, Any]) -> Resource:
    """The resource of some registers whose values have been read; None for what cannot be read."""
    resource: Resource = {}
    repetitions: list[tuple[Repetition, Any]] = []
    for key in sorted(registers, key=lambda name: (_FIRST.get(name, len(_FIRST)), name)):
        if key.startswith("@"):
            continue
        repetition = parse_key(key)
        if repetition is not None:
            repetitions.append((repetition, registers[key]))
            continue
        value = registers[key]
        if value is None:
            continue
        if isinstance(value, dict):
            # Two registers can only name one element if two tables made them: the first key stays, as on every phone.
            for name, member in value.items():
                resource.setdefault(name, member)
        else:
            resource.setdefault(key, value)
    _add_repetitions(resource, repetitions)
    return resource


def is_set(group: Resource, element: str) -> bool:
    """True if an element can be kept as a set of repetitions: a list of objects, not empty, without `_element`."""
    values = group.get(element)
    return (
        len(group) == 1 and isinstance(values, list) and bool(values) and all(isinstance(item, dict) for item in values)
    )


def _kept(element: str, keys: list[str], held: Mapping[tuple[str, str], str]) -> list[str]:
    kept: list[str] = []
    last = -1
    for place, key in enumerate(keys):
        token = _token(key)
        old = held.get((element, token))
        known = parse_key(old) if old is not None else None
        if old is not None and known is not None and known.position is not None:
            kept.append(old)
            last = known.position
        else:
            last = max(place, last + 1)
            kept.append(repetition_key(element, last, token))
    return kept


def _add_repetitions(resource: Resource, repetitions: Iterable[tuple[Repetition, Any]]) -> None:
    shown: set[tuple[str, str]] = set()
    for repetition, value in sorted(repetitions, key=lambda pair: pair[0].order):
        if (repetition.element, repetition.token) in shown:
            continue
        shown.add((repetition.element, repetition.token))
        standing = resource.setdefault(repetition.element, []) if value is not None else None
        if isinstance(standing, list):
            standing.append(value)


def _token(key: str) -> str:
    repetition = parse_key(key)
    assert repetition is not None, "only repetition keys come here"
    return repetition.token


def _order(key: str) -> tuple[float, str]:
    repetition = parse_key(key)
    assert repetition is not None, "only repetition keys come here"
    return repetition.order
