"""A record as it stands while one edit of it is made, and why an edit is refused.

What it is: what is shown of a record, laid out for a writer: where an element stands, what a register holds, what an
edit has to name. What it is not: the edits themselves (editing.py), a store, a clock.

Invariants: an edit names all that stands, on both lanes, on the registers it sets; every key of a repetition is
written together; nothing is edited over an open conflict; no edit breaks an invariant that held before.
Spec: openapi/protocol/fhir.md, section "Editing".
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from sync.fhir import invariants
from sync.fhir.exact import canonical, loads_or_none
from sync.fhir.registers import Resource, join
from sync.fhir.repetitions import named, parse_key
from sync.fhir.table import ODD_KEY, Register, registers_of
from sync.fhir.values import why_not_item
from sync.fhir.view import Standing, is_deleted, standings
from sync.merge.change import PERSON, VAULT_RECORD, Dot, Edit
from sync.merge.record import Record
from sync.merge.view import Newer, edit_preds

Sets = dict[str, bytes | None]
FIXED = frozenset(("resourceType", "id"))  # they say which resource this is


class EditRefused(Exception):
    """The edit is not made. `code` is a word, `detail` says why, `next` what to do instead; none holds a value.

    Codes: bad_value, unknown_element, not_editable, not_repeating, no_such_repetition, nothing_there, invariant,
    conflict_open, conflict_stale, no_such_value, record_deleted, not_deleted, record_unknown.
    """

    def __init__(self, code: str, detail: str, next: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.next = next


class Editable:
    """A record as it stands while one edit of it is made. Raises EditRefused where it cannot be edited at all."""

    def __init__(self, record: Record, newer: Newer | None = None) -> None:
        refuse_gone(record)
        self.record = record
        self.places = standings(record, newer)
        self.values = {place.key: place.value for place in self.places if place.value is not None}
        self.table = registers_of(join(self.values).get("resourceType"))

    def find(self, element: str) -> tuple[str, Register]:
        """The element that a name stands for and its register. Raises: EditRefused unknown_element, not_editable."""
        register = self.table.register_of(element)
        found = self.table.element_of(element)
        if found in FIXED:
            raise EditRefused("not_editable", f"{element} says which resource this is", "make a new record instead")
        if found is None and (register.key == ODD_KEY or register.key not in self.values):
            raise EditRefused(
                "unknown_element",
                f"{self.table.type or 'the resource'} has no such element",
                "use a name of FHIR R4, such as note or onsetDateTime",
            )
        return (found or element), register

    def members(self, key: str) -> Resource:
        """The elements that stand in a register."""
        value = loads_or_none(self.values[key]) if key in self.values else None
        return value if isinstance(value, dict) else {}

    def repetitions(self, element: str) -> list[str]:
        """The keys of an element's repetitions in the order they are shown."""
        found = []
        for key in self.values:
            parsed = parse_key(key)
            if parsed is not None and parsed.element == element:
                found.append((parsed.order, key))
        return [key for _, key in sorted(found)]

    def check_repeating(self, element: str, value: Any) -> None:
        """Raises: EditRefused not_repeating, bad_value; None stands for a removal."""
        if self.table.repeats(element) is False:
            raise EditRefused("not_repeating", f"{element} does not repeat", "set or unset the element")
        why = None if value is None else why_not_item(self.table, element, value)
        if why is not None:
            raise bad_value(element, why)

    def items(self, register: Register, element: str) -> list[Any]:
        """The items of a list that is no set of repetitions."""
        items = self.members(register.key).get(element, [])
        if not isinstance(items, list) or "_" + element in self.members(register.key):
            raise EditRefused("not_repeating", f"{element} is no plain list in this record", "set the element whole")
        return items

    def with_items(self, register: Register, element: str, items: list[Any]) -> Sets:
        """The register of a list with other items."""
        members = {key: value for key, value in self.members(register.key).items() if key != element}
        if items:
            members[element] = items
        return {register.key: canonical(members) if members else None}

    def with_repetition(self, register: Register, element: str, repetition: str, value: Any) -> Sets:
        """The registers after one repetition got a value, or none. Raises: EditRefused no_such_repetition."""
        keys = self.repetitions(element) if register.repeating and register.key not in self.values else None
        items = [] if keys is not None else self.items(register, element)
        names = keys if keys is not None else [f"/.{place}" for place in range(1, len(items) + 1)]
        found = named(names, repetition)
        if len(found) != 1:
            how = "several repetitions begin so" if found else f"{element} has no such repetition"
            raise EditRefused("no_such_repetition", how, f"give its token or a place from 1 to {len(names)}")
        if keys is not None:
            return {found[0]: None if value is None else canonical(value)}
        place = names.index(found[0])
        return self.with_items(
            register, element, [*items[:place], *([] if value is None else [value]), *items[place + 1 :]]
        )

    def edit(self, sets: Sets) -> Edit:
        """The edit of these registers. Raises: EditRefused conflict_open, invariant."""
        preds: set[Dot] = set()
        wanted: Sets = {}
        for place in self.places:
            touched = [key for key in place.keys if key in sets]
            if touched and place.disputed:
                raise conflict_open(place)
            # All keys of a repetition change together, or another copy's key would keep the old value alive.
            wanted.update(dict.fromkeys(place.keys if touched else ()))
        wanted.update(sets)
        after = {key: value for key, value in {**self.values, **wanted}.items() if value is not None}
        refuse_broken(join(self.values), join(after))
        for key in wanted:
            preds.update(edit_preds(self.record, key, PERSON))
        if "text" in wanted:
            # A narrative speaks of the whole record, so that it is current until something its writer had not seen.
            preds.update(sibling.dot for place in self.places for sibling in place.person)
        sorted_sets = tuple(sorted(wanted.items()))
        return Edit(self.record.id, False, PERSON, None, tuple(sorted(preds)), sorted_sets)


def refuse_gone(record: Record) -> None:
    """Raises: EditRefused record_unknown, record_deleted."""
    if record.unknown or record.id == VAULT_RECORD:
        raise EditRefused("record_unknown", "there is no such record", "list the records")
    if is_deleted(record):
        raise EditRefused("record_deleted", "the record is deleted", "restore it first")


def refuse_broken(before: Resource, after: Resource) -> None:
    """Refuse what breaks an invariant more often than before. Raises: EditRefused invariant, naming it."""
    old = Counter(key for key, _ in invariants.broken(before)) if before else Counter()
    for key, human in invariants.broken(after):
        old[key] -= 1
        if old[key] < 0 and invariants.refused(key):
            raise EditRefused(
                "invariant",
                f"{key}: {human}",
                "change what belongs together in one edit: give the whole register as the value",
            )


def bad_value(name: str, why: str) -> EditRefused:
    """The refusal of a value, for the caller to raise."""
    return EditRefused("bad_value", f"{name}: {why}", "give the value as FHIR's JSON has it")


def conflict_open(place: Standing) -> EditRefused:
    """The refusal of an edit over a conflict, for the caller to raise."""
    parsed = parse_key(place.key)
    element = place.key if parsed is None else parsed.element
    return EditRefused("conflict_open", f"{element} is in conflict", "resolve the conflict first")
