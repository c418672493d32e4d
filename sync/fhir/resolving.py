"""Settling a conflict: a change that names every sibling it settles.

What it is: each answer to a question of conflicts.py, as an Edit. What it is not: a judge of which answer is right.

Invariants: a resolution is refused if anything came to stand on its registers since the question was asked; it writes
whole registers, and only values that a person saw or typed. Spec: openapi/protocol/fhir.md, section "Conflicts".
"""

from __future__ import annotations

from typing import Any

from sync.fhir.conflicts import DELETED_WHILE_EDITED, DUPLICATE, VALUE, Conflict
from sync.fhir.editable import EditRefused, Sets, bad_value, refuse_broken
from sync.fhir.exact import canonical, is_exact
from sync.fhir.registers import Resource, is_set, join
from sync.fhir.repetitions import parse_key
from sync.fhir.table import TypeTable, registers_of
from sync.fhir.values import why_not
from sync.fhir.view import INTO, PAIR, values
from sync.merge.change import GONE, HERE, LIFE, PERSON, Dot, Edit, RecordId
from sync.merge.record import Record
from sync.merge.view import Newer, delete_preds, edit_preds


def resolve_take(record: Record, conflict: Conflict, n: int) -> Edit:
    """Take the n-th of the values, counted from 1. Of a deletion the first is the deletion itself.

    Raises: EditRefused no_such_value, conflict_stale.
    """
    if not 1 <= n <= len(conflict.values) or conflict.kind == DUPLICATE:
        raise EditRefused("no_such_value", f"there are {len(conflict.values)} values", "take one of those shown")
    if conflict.registers == (LIFE,):
        return delete(record, conflict) if n == 1 else keep(record, conflict)
    return _settled(record, conflict, dict(conflict.answers[n - 1]))


def resolve_value(record: Record, conflict: Conflict, told: Resource, newer: Newer | None = None) -> Edit:
    """Settle with a value of one's own: an object of all the elements in question; what it lacks is ABSENT.

    Raises: EditRefused bad_value, unknown_element, invariant, conflict_stale, no_such_value.
    """
    if conflict.kind == DUPLICATE or conflict.registers == (LIFE,):
        raise EditRefused("no_such_value", "this question is not about a value", "keep, delete, merge or not-same")
    shown = values(record, newer)
    table = registers_of(join(shown).get("resourceType"))
    if not isinstance(told, dict) or not is_exact(told):
        raise bad_value("the value", "it is an object of the elements in question")
    sets = _sets_of(table, conflict, told)
    after = {key: text for key, text in {**shown, **sets}.items() if text is not None}
    refuse_broken(join(shown), join(after))
    return _settled(record, conflict, sets)


def keep(record: Record, conflict: Conflict, newer: Newer | None = None) -> Edit:
    """Keep what is shown: the record that was deleted, the repetition that was removed, the person's value.

    Raises: EditRefused no_such_value for two records, or where several values dispute; conflict_stale.
    """
    if conflict.registers == (LIFE,):
        return _life(record, conflict, HERE)
    if conflict.kind in (DUPLICATE, VALUE):
        raise EditRefused("no_such_value", "there is no one value to keep", "take one of the values shown")
    shown = values(record, newer)
    return _settled(record, conflict, {key: shown.get(key) for key in conflict.registers})


def delete(record: Record, conflict: Conflict) -> Edit:
    """Let the deletion stand: of the record with all that its author had not seen, or of a repetition.

    Raises: EditRefused no_such_value where nothing was deleted; conflict_stale.
    """
    if conflict.registers == (LIFE,):
        return _life(record, conflict, GONE)
    if conflict.kind != DELETED_WHILE_EDITED:
        raise EditRefused("no_such_value", "nobody deleted this", "take one of the values shown")
    return _settled(record, conflict, dict.fromkeys(conflict.registers))


def merge(gone: Record, survivor: RecordId) -> Edit:
    """Say that a record is the same as another: it is deleted, and references to it lead to the survivor.

    Nothing is copied. `gone`: the record that goes. Raises: EditRefused bad_value for a record and itself.
    """
    if gone.id == survivor:
        raise bad_value("the record", "it is the same record already")
    preds = {*delete_preds(gone), *edit_preds(gone, INTO, PERSON)}
    sets = ((INTO, canonical(survivor.hex())), (LIFE, GONE))
    return Edit(gone.id, False, PERSON, None, tuple(sorted(preds)), sets)


def not_same(record: Record, other: RecordId) -> Edit:
    """Say that two records are not the same, so that nobody is asked again; written on either of the two."""
    key = PAIR + other.hex()
    return Edit(record.id, False, PERSON, None, edit_preds(record, key, PERSON), ((key, canonical(True)),))


def _settled(record: Record, conflict: Conflict, sets: Sets) -> Edit:
    assert set(sets) == set(conflict.registers), "an answer writes every register in question"
    preds: set[Dot] = set()
    for key in sets:
        preds.update(edit_preds(record, key, PERSON))
    if tuple(sorted(preds)) != conflict.dots:
        raise _stale()
    return Edit(record.id, False, PERSON, None, tuple(sorted(preds)), tuple(sorted(sets.items())))


def _life(record: Record, conflict: Conflict, word: bytes) -> Edit:
    preds = delete_preds(record)
    if preds != conflict.dots:
        raise _stale()
    return Edit(record.id, False, PERSON, None, preds, ((LIFE, word),))


def _stale() -> EditRefused:
    return EditRefused("conflict_stale", "something was written since the question was asked", "look at it again")


def _sets_of(table: TypeTable, conflict: Conflict, told: Resource) -> Sets:
    """The registers in question from an object of their elements; repetitions by their order."""
    sets: Sets = dict.fromkeys(conflict.registers)
    members: dict[str, Resource] = {}
    for name, given in told.items():
        key = table.register_of(name).key
        repetitions = sorted(
            (parsed.order, key) for key in conflict.registers if (parsed := parse_key(key)) and parsed.element == name
        )
        why = why_not(table, name, given)
        if why is not None:
            raise bad_value(name, why)
        if repetitions:
            _check_repetitions(name, given, len(repetitions))
            sets.update({key: canonical(item) for (_, key), item in zip(repetitions, given, strict=False)})
        elif key in sets:
            members.setdefault(key, {})[name] = given
        else:
            raise EditRefused("unknown_element", "the question is not about that element", "give those in question")
    sets.update({key: canonical(group) for key, group in members.items()})
    return sets


def _check_repetitions(name: str, given: Any, most: int) -> None:
    if not is_set({name: given}, name) or len(given) > most:
        raise bad_value(name, f"it is a list of at most {most} objects")
