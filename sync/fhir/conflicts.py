"""What waits for a person: one question a record.

What it is: the four kinds of conflict, found in a record's state and the register table: `value`, `source_changed`,
`deleted_while_edited`, `duplicate`. What it is not: a decision. Nothing is settled here, and nothing is asked that a
later edit has settled.

Invariants: the same state asks the same question under the same id on every phone; each value that stands is in one of
the answers; no answer holds a value that nobody wrote. Spec: openapi/protocol/fhir.md, section "Conflicts".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from sync.fhir.exact import canonical, loads_or_none
from sync.fhir.quiet import same
from sync.fhir.registers import join
from sync.fhir.repetitions import parse_key
from sync.fhir.table import TypeTable, registers_of
from sync.fhir.view import (
    DISPUTE,
    NOTE,
    Standing,
    is_deleted,
    merged_into,
    not_same_as,
    resource_plain,
    standings,
    unseen_changes,
)
from sync.merge.change import GONE, LIFE, PERSON, SOURCE, Dot, RecordId, Via, ordinal_of
from sync.merge.life import Life
from sync.merge.record import Record
from sync.merge.register import Sibling
from sync.merge.view import Newer, edit_preds

VALUE, SOURCE_CHANGED, DELETED_WHILE_EDITED, DUPLICATE = "value", "source_changed", "deleted_while_edited", "duplicate"
_NEVER_ASKED = frozenset(("meta", "id", "text", "resourceType"))  # of a source: facts about the copy, not the subject
_DOCUMENT = "Composition"  # it describes a file, which every new file does anew; each file is kept whole beside it
_NEWEST, _OLDER = (SOURCE, 0), (SOURCE, 1)  # the source speaks as one author, its older copies as another

Importer = Callable[[Dot], Any]  # who imported with a dot; the author's ordinal where nobody knows better


class ConflictValue(msgspec.Struct, frozen=True):
    """One answer. `value`: an object of the elements in question (what it lacks is ABSENT), for duplicates
    `{"id", "resource"}`. `dots`: whose words it is; several where equal ones stand."""

    value: dict[str, Any]
    dots: tuple[Dot, ...]
    lane: int
    via: Via | None
    at: int


class Conflict(msgspec.Struct, frozen=True):
    """One question about one record.

    `element`: of the first register in question. `registers`: every key in question. `answers`: what each of `values`
    writes, register key to value. `dots`: all that stands on the registers in question. `other`: of a duplicate.
    """

    id: str
    record: RecordId
    kind: str
    element: str
    registers: tuple[str, ...]
    values: tuple[ConflictValue, ...]
    answers: tuple[tuple[tuple[str, bytes | None], ...], ...]
    dots: tuple[Dot, ...]
    other: RecordId | None = None


class _Word(NamedTuple):
    """A value that somebody stands for on one place."""

    author: tuple[int, int]  # person lane: the device's ordinal; the source is one author
    value: bytes | None
    dots: tuple[Dot, ...]
    lane: int
    via: Via | None
    at: int


class _Question(NamedTuple):
    place: Standing
    kind: str
    words: tuple[_Word, ...]


def find(record: Record, newer: Newer | None = None, importer: Importer = ordinal_of) -> Conflict | None:
    """The question that a record asks, or None.

    `newer` orders a source's copies; `importer` says who imported with a dot, its device if nobody knows better.
    """
    if record.untouched:
        return None
    if record.life() is not Life.HERE:
        return None if is_deleted(record) else _deleted_while_edited(record, newer)
    places = standings(record, newer)
    shown = join({place.key: place.value for place in places if place.value is not None})
    table = registers_of(shown.get("resourceType"))
    asked = [one for place in places if (one := _asked_at(record, place, table, importer)) is not None]
    return _grouped(record, asked) if asked else None


def duplicate(a: Record, b: Record, newer: Newer | None = None) -> Conflict | None:
    """The question whether two records are one, or None if it is answered; the lower id is asked first."""
    first, second = sorted((a, b), key=lambda record: record.id)
    if is_deleted(first) or is_deleted(second) or merged_into(first) or merged_into(second):
        return None
    if second.id in not_same_as(first) or first.id in not_same_as(second):
        return None
    values = []
    for record in (first, second):
        birth = record.births[0] if record.births else None
        told = {"id": record.id.hex(), "resource": resource_plain(record, newer)}
        dots = () if birth is None else (birth.dot,)
        lane, via, at = (PERSON, None, 0) if birth is None else (birth.lane, birth.via, birth.at)
        values.append(ConflictValue(told, dots, lane, via, at))
    name = duplicate_id(first.id, second.id)
    return Conflict(name, first.id, DUPLICATE, "", (), tuple(values), (), (), second.id)


def duplicate_id(first: RecordId, second: RecordId) -> str:
    """The id of the question whether two records are one; `first` is the lower id."""
    return _id(first, DUPLICATE, second.hex(), ())


def _asked_at(record: Record, place: Standing, table: TypeTable, importer: Importer) -> _Question | None:
    if place.disputed:
        kind = VALUE
        told = {sibling.value for sibling in place.person}
        if parse_key(place.key) is not None and None in told and len(told) == 2:
            kind = DELETED_WHILE_EDITED
        return _Question(place, kind, _words(place, place.person))
    newest = place.source
    if newest is None or place.key in _NEVER_ASKED:
        return None
    seen = {dot for sibling in place.person for dot in sibling.seen}
    if newest.dot in seen:
        return None
    copies = _copies(record, place)
    if place.person:
        known = [value for dot, value in copies if dot in seen]
        if same(newest.value, place.value) or any(same(newest.value, value) for value in known):
            return None
        return _Question(place, SOURCE_CHANGED, (*_words(place, place.person), _source_word(newest)))
    if table.type == _DOCUMENT:
        return None
    critical = table.register_of(_element(place.key)).critical
    changed = [(dot, value) for dot, value in copies if not same(value, newest.value)]
    if not any(critical or importer(dot) != importer(newest.dot) for dot, _ in changed):
        return None
    others = [sibling for sibling in place.sources if not same(sibling.value, newest.value)]
    older = [_source_word(sibling)._replace(author=_OLDER) for sibling in others]
    if not older:
        dot, value = changed[-1]
        birth = next(birth for birth in record.births if birth.dot == dot)
        older = [_Word(_OLDER, value, (dot,), SOURCE, birth.via, birth.at)]
    return _Question(place, SOURCE_CHANGED, (*_merged(older), _source_word(newest)))


def _copies(record: Record, place: Standing) -> list[tuple[Dot, bytes | None]]:
    """What other copies of the source say or said: those that stand, and the births, whose bodies are kept."""
    told = {birth.dot: next(filter(None, map(birth.body.get, place.keys)), None) for birth in _source_births(record)}
    alone = len(place.keys) == 1
    told.update((sibling.dot, sibling.value) for sibling in place.sources if sibling.value is not None or alone)
    newest = place.source
    return [(dot, told[dot]) for dot in sorted(told) if newest is None or dot != newest.dot]


def _source_births(record: Record) -> list[Any]:
    return [birth for birth in record.births if birth.lane == SOURCE]


def _words(place: Standing, siblings: tuple[Sibling, ...]) -> tuple[_Word, ...]:
    words = [
        _Word((PERSON, ordinal_of(sibling.dot)), sibling.value, (sibling.dot,), PERSON, sibling.via, sibling.at)
        for sibling in siblings
    ]
    return _merged(words)


def _merged(words: list[_Word]) -> tuple[_Word, ...]:
    """Words that mean the same as one, the lowest dot's, with the dots of all."""
    merged: list[_Word] = []
    for word in sorted(words, key=lambda word: word.dots):
        index = next((place for place, other in enumerate(merged) if same(other.value, word.value)), None)
        if index is None:
            merged.append(word)
        else:
            merged[index] = merged[index]._replace(dots=(*merged[index].dots, *word.dots))
    return tuple(merged)


def _source_word(sibling: Sibling) -> _Word:
    return _Word(_NEWEST, sibling.value, (sibling.dot,), SOURCE, sibling.via, sibling.at)


def _grouped(record: Record, asked: list[_Question]) -> Conflict:
    asked.sort(key=lambda question: question.place.key)
    kinds = {question.kind for question in asked}
    kind = kinds.pop() if len(kinds) == 1 else VALUE
    answers: list[dict[str, _Word]] = []
    if len(asked) == 1:
        answers = [{asked[0].place.key: word} for word in asked[0].words]
    else:
        answers = _sides(asked)
    values = []
    written = []
    for answer in answers:
        sets: dict[str, bytes | None] = {}
        for question in asked:
            word = answer.get(question.place.key)
            sets.update(dict.fromkeys(question.place.keys))
            sets[question.place.key] = question.place.value if word is None else word.value
        mine = sorted(answer.values(), key=lambda word: word.dots)
        dots = tuple(sorted({dot for word in mine for dot in word.dots}))
        latest = max(mine, key=lambda word: word.at)
        told = join({key: value for key, value in sets.items() if value is not None})
        values.append(ConflictValue(told, dots, latest.lane, latest.via, latest.at))
        written.append(tuple(sorted(sets.items())))
    registers = tuple(sorted(key for question in asked for key in question.place.keys))
    standing = tuple(sorted({dot for key in registers for dot in edit_preds(record, key, PERSON)}))
    name = _id(record.id, kind, "\0".join(registers), standing)
    element = _element(asked[0].place.key)
    return Conflict(name, record.id, kind, element, registers, tuple(values), tuple(written), standing)


def _sides(asked: list[_Question]) -> list[dict[str, _Word]]:
    """Answers to a question about several registers: one an author, then one for each word that is in none of them.

    Where an author says nothing of a register, its answer leaves what is shown there.
    """
    authors: dict[tuple[int, int], dict[str, _Word]] = {}
    words = [(question.place.key, word) for question in asked for word in question.words]
    for key, word in sorted(words, key=lambda pair: (-pair[1].lane, pair[1].dots)):
        authors.setdefault(word.author, {})[key] = word
    sides = list(authors.values())
    for key, word in words:
        if all(side.get(key) != word for side in sides):
            sides.append({key: word})
    told: list[dict[str, bytes | None]] = []
    distinct = []
    for side in sides:
        value = {q.place.key: side[q.place.key].value if q.place.key in side else q.place.value for q in asked}
        if value not in told:
            told.append(value)
            distinct.append(side)
    return distinct


def _deleted_while_edited(record: Record, newer: Newer | None) -> Conflict:
    standing = record.siblings(LIFE, PERSON)
    gone = [sibling for sibling in standing if sibling.value == GONE]
    dots = tuple(sibling.dot for sibling in gone)
    values = [ConflictValue({}, dots, PERSON, gone[0].via, gone[0].at)]
    for dot, keys in sorted(unseen_changes(record).items()):
        told: dict[str, bytes] = {}
        word: Sibling | None = None
        lane = PERSON
        for key in keys:
            for of_lane in (SOURCE, PERSON):
                for sibling in record.siblings(key, of_lane):
                    if sibling.dot == dot:
                        word, lane = sibling, of_lane
                        told.update(_told(key, sibling.value))
        if word is not None:
            values.append(ConflictValue(join(told), (dot,), lane, word.via, word.at))
    values.extend(
        ConflictValue(resource_plain(record, newer), (sibling.dot,), PERSON, sibling.via, sibling.at)
        for sibling in standing
        if sibling.value != GONE
    )
    every = tuple(sorted({*dots, *record.live_dots(), *(sibling.dot for sibling in standing)}))
    name = _id(record.id, DELETED_WHILE_EDITED, LIFE, every)
    return Conflict(name, record.id, DELETED_WHILE_EDITED, LIFE, (LIFE,), tuple(values), (), every)


def _told(key: str, value: bytes | None) -> dict[str, bytes]:
    """What one register says, as an element; an annotation as the note it will be."""
    if value is None:
        return {}
    if key.startswith((NOTE, DISPUTE)):
        return {"note": canonical({"note": [loads_or_none(value)]})}
    return {key: value}


def _element(key: str) -> str:
    parsed = parse_key(key)
    return key if parsed is None else parsed.element


def _id(record: RecordId, kind: str, about: str, dots: tuple[Dot, ...]) -> str:
    """Twelve bytes in hex: enough that two questions of one vault never share an id."""
    parts = (b"carnet/1/conflict", record, kind.encode(), about.encode(), ",".join(map(str, dots)).encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:24]
