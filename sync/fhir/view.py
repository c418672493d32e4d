"""What is shown and exported of a record: its registers as FHIR, a person's word over the source's.

What it is: a reading of a merge record. What it is not: it changes nothing, asks nothing (conflicts.py) and knows no
citizen's words for things.

Invariants: what was not edited comes out exactly as it came in; a disputed register holds the lowest dot's value and
the extension SIBLINGS_URL lists every sibling; a removal that somebody disputes hides nothing; repetitions of one
token are one repetition; a generated narrative that a later change made stale is never shown as current.
Spec: openapi/protocol/fhir.md, sections "Repetitions" and "Views".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from sync.fhir.exact import loads_or_none
from sync.fhir.narrative import written_anew
from sync.fhir.quiet import differ, same
from sync.fhir.registers import Resource, assemble
from sync.fhir.repetitions import parse_key
from sync.merge.change import GONE, LANES, LIFE, PERSON, SOURCE, Dot, RecordId
from sync.merge.life import Life
from sync.merge.record import Record
from sync.merge.register import Sibling, Siblings
from sync.merge.view import Newer, Shown

SIBLINGS_URL = "https://carnet.example/fhir/StructureDefinition/siblings"
NOTE, DISPUTE, PAIR, INTO = "@note/", "@dispute/", "@pair/", "@into"
_HEX = re.compile(r"[0-9a-f]{64}\Z")
_ABOUT_THE_COPY = frozenset(("meta", "id", "text"))  # registers that say nothing about the subject itself


class Standing(NamedTuple):
    """What stands on one register, or on all the keys of one repetition.

    `key`: where the shown value stands. `person`: people's siblings, less those that another of them had seen.
    `source`: the newest of `sources`. `disputed`: people's values differ in meaning.
    """

    keys: tuple[str, ...]
    key: str
    value: bytes | None
    lane: int
    person: Siblings
    source: Sibling | None
    sources: Siblings
    disputed: bool


def standings(record: Record, newer: Newer | None = None) -> list[Standing]:
    """Everything that stands in a record, ABSENT ones too, `@…` registers aside; in the order of their keys."""
    return [_standing(record, tuple(keys), newer) for keys in _places(record)]


def _places(record: Record) -> Iterable[list[str]]:
    """The keys of a record, `@…` registers aside, in order; those of one repetition together."""
    places: dict[tuple[str, str], list[str]] = {}
    for key in sorted(record.keys()):
        if not key.startswith("@"):
            repetition = parse_key(key)
            place = (key, "") if repetition is None else (repetition.element, "/" + repetition.token)
            places.setdefault(place, []).append(key)
    return places.values()


def registers(record: Record, newer: Newer | None = None) -> dict[str, Shown]:
    """What is shown, by register key: those with a value alone, one a repetition, with all its siblings."""
    return {
        place.key: Shown(place.value, place.lane, place.person or place.sources, place.disputed)
        for place in standings(record, newer)
        if place.value is not None
    }


def values(record: Record, newer: Newer | None = None) -> dict[str, bytes]:
    """The registers that are shown and their values: what `join` makes the resource of."""
    edits = _edits_of_one_birth(record)
    if edits is not None:
        body = {**record.births[0].body, **edits}
        return {key: value for key, value in body.items() if value is not None and not key.startswith("@")}
    out = {}
    for keys in _places(record):
        siblings = record.siblings(keys[0], PERSON) or record.siblings(keys[0], SOURCE)
        if len(keys) == 1 and len(siblings) == 1:
            key, value = keys[0], siblings[0].value  # one word is there: nothing has to be weighed
        else:
            place = _standing(record, tuple(keys), newer)
            key, value = place.key, place.value
        if value is not None:
            out[key] = value
    return out


def members(record: Record, read: Callable[[bytes], Any], newer: Newer | None = None) -> dict[str, Any]:
    """The registers that are shown and their values, read by `read`: what `assemble` makes the resource of.

    `read`: JSON text to a value, None for what cannot be read. Most records are read as one text.
    """
    edits = _edits_of_one_birth(record)
    said = b"" if edits is None else record.births[0].said
    told: dict[str, Any] | None = read(said) if said and isinstance(said, bytes) else None
    if edits is None or told is None:
        return {key: read(value) for key, value in values(record, newer).items()}
    for key, value in edits.items():
        if value is None:
            told.pop(key, None)
        else:
            told[key] = read(value)
    if isinstance(said, bytes) and b'"@' in said:
        return {key: value for key, value in told.items() if key[:1] != "@"}
    return told


def _edits_of_one_birth(record: Record) -> dict[str, bytes | None] | None:
    """What is shown in place of a birth's registers where nothing has to be weighed; None where something has."""
    edits: dict[str, bytes | None] = {}
    if record.untouched:
        return edits
    births = record.births
    if len(births) != 1:
        return None
    # Where a person's birth stands, a source's word is not shown.
    for lane in LANES if births[0].lane == SOURCE else (PERSON,):
        for key, standing in record.overlay(lane):
            if key[:1] == "@":
                continue
            # A repetition may stand under several keys.
            if len(standing) > 1 or "/" in key:
                return None
            edits[key] = standing[0].value
    return edits


def resource(record: Record, newer: Newer | None = None) -> Resource:
    """The resource as it is shown and exported, disputed registers listed in an extension."""
    disputed = [place for place in standings(record, newer) if place.disputed]
    made = resource_plain(record, newer)
    if disputed:
        extensions = made.get("extension")
        listed = [_siblings_extension(place) for place in disputed]
        made["extension"] = [*extensions, *listed] if isinstance(extensions, list) else listed
    return made


def resource_plain(record: Record, newer: Newer | None = None) -> Resource:
    """The resource as it is shown, without the extension that lists siblings; a stale narrative is written anew."""
    made = assemble(members(record, loads_or_none, newer))
    if "text" in made and narrative_is_stale(record, newer):
        made["text"] = written_anew(made)
    return made


def is_deleted(record: Record) -> bool:
    """True if the record is deleted, and nothing that the deleting person had not seen changes anything.

    A source's equal copy of a deleted record, imported on another phone, changes nothing.
    """
    life = record.life()
    if life is not Life.GONE_WHILE_EDITED:
        return life is Life.GONE
    if any(sibling.value != GONE for sibling in record.siblings(LIFE, PERSON)):
        return False
    return not unseen_changes(record)


def unseen_changes(record: Record) -> dict[Dot, list[str]]:
    """Which dots no deletion had seen, and on which registers each says something that was not there before."""
    unseen = frozenset(record.unseen_by_deletion())
    found: dict[Dot, list[str]] = {}
    for key in sorted(record.keys() - {LIFE}) if unseen else ():
        for lane in LANES:
            standing = record.siblings(key, lane)
            seen = [sibling.value for sibling in standing if sibling.dot not in unseen]
            for sibling in standing:
                # A birth stands on registers of which it says nothing; a source's equal copy says nothing new.
                silent = sibling.value is None and any(birth.dot == sibling.dot for birth in record.births)
                if sibling.dot in unseen and not (silent and not any(seen)):
                    told = lane == SOURCE and any(same(sibling.value, value) for value in seen)
                    if not told:
                        found.setdefault(sibling.dot, []).append(key)
    return found


def narrative_is_stale(record: Record, newer: Newer | None = None) -> bool:
    """True if the shown narrative was generated and a person has changed something that its writer had not seen."""
    places = {place.key: place for place in standings(record, newer)}
    text = places.get("text")
    if text is None or text.value is None or not _generated(text.value):
        return False
    writers = text.person if text.lane == PERSON else text.sources
    seen = {dot for sibling in writers for dot in (sibling.dot, *sibling.seen)}
    return any(
        sibling.dot not in seen and not (place.source is not None and same(sibling.value, place.source.value))
        for place in places.values()
        if place.key not in _ABOUT_THE_COPY
        for sibling in place.person
    )


class Remark(NamedTuple):
    """A person's annotation or dispute. `sibling` says who wrote it and when, but of one that came in with a file
    (`from_file`) who imported it: `author` (a name) and `at` (RFC 3339) are then what that file says."""

    key: str
    text: str
    sibling: Sibling
    from_file: bool
    author: str | None
    at: str | None


def remarks(record: Record, prefix: str) -> list[Remark]:
    """The annotations (NOTE) or disputes (DISPUTE) of a record, by dot; one that a person wrote goes before the same
    from a file."""
    found: dict[tuple[str, str], Remark] = {}
    for key in sorted(key for key in record.keys() if key.startswith(prefix)):
        for lane in (PERSON, SOURCE):
            for sibling in record.siblings(key, lane):
                value = None if sibling.value is None else loads_or_none(sibling.value)
                if isinstance(value, dict) and isinstance(value.get("text"), str):
                    author, at = (value.get(name) for name in ("author", "at"))
                    remark = Remark(key, value["text"], sibling, lane == SOURCE, _text(author), _text(at))
                    found.setdefault((key, value["text"]), remark)
    return sorted(found.values(), key=lambda remark: (remark.sibling.dot, remark.key))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def merged_into(record: Record) -> RecordId | None:
    """The record that a person said a deleted one is the same as, so that references lead there; the lowest dot's."""
    for sibling in record.siblings(INTO, PERSON):
        survivor = None if sibling.value is None else _record_id(loads_or_none(sibling.value))
        if survivor is not None:
            return survivor
    return None


def not_same_as(record: Record) -> set[RecordId]:
    """The records that a person said are not the same as this one."""
    found = set()
    for key in sorted(record.keys()):
        other = _record_id(key.removeprefix(PAIR)) if key.startswith(PAIR) else None
        if other is not None and any(sibling.value is not None for sibling in record.siblings(key, PERSON)):
            found.add(other)
    return found


def _record_id(text: Any) -> RecordId | None:
    return RecordId(bytes.fromhex(text)) if isinstance(text, str) and _HEX.match(text) else None


def _standing(record: Record, keys: tuple[str, ...], newer: Newer | None) -> Standing:
    people = _standing_people(record, keys)
    copies = [(key, sibling) for key in keys for sibling in record.siblings(key, SOURCE)]
    source = max(copies, key=lambda copy: _newness(copy[1], newer, len(keys)), default=None)
    siblings = tuple(sibling for _, sibling in people)
    sources = tuple(sorted((sibling for _, sibling in copies), key=lambda sibling: sibling.dot))
    if people:
        # The lowest dot that has a value: while a removal is disputed, what it would remove stays in sight.
        key, chosen = next((pair for pair in people if pair[1].value is not None), people[0])
        lane = PERSON
        disputed = differ(sibling.value for sibling in siblings)
    else:
        assert source is not None, "a key stands on at least one lane"
        key, chosen = source
        lane, disputed = SOURCE, False
    newest = None if source is None else source[1]
    return Standing(keys, key, chosen.value, lane, siblings, newest, sources, disputed)


def _standing_people(record: Record, keys: tuple[str, ...]) -> list[tuple[str, Sibling]]:
    """People's siblings on a register, ascending by dot; for the keys of one repetition, as if they were one."""
    if len(keys) == 1:
        return [(keys[0], sibling) for sibling in record.siblings(keys[0], PERSON)]
    births = {birth.dot for birth in record.births}
    by_dot: dict[Dot, tuple[str, Sibling]] = {}
    for key in keys:
        for sibling in record.siblings(key, PERSON):
            silent = sibling.value is None and (sibling.dot in births or sibling.dot in by_dot)
            if not silent:
                by_dot[sibling.dot] = (key, sibling)
    seen = {dot for _, sibling in by_dot.values() for dot in sibling.seen}
    return [by_dot[dot] for dot in sorted(by_dot) if dot not in seen]


def _newness(sibling: Sibling, newer: Newer | None, keys: int) -> tuple[Any, ...]:
    # Of several keys of one repetition, one that a copy dropped says nothing while another holds it.
    present = keys > 1 and sibling.value is not None
    return (present, sibling.dot) if newer is None else (present, newer(sibling), sibling.dot)


def _generated(text: bytes) -> bool:
    narrative = loads_or_none(text)
    inner = narrative.get("text") if isinstance(narrative, dict) else None
    return isinstance(inner, dict) and inner.get("status") in ("generated", "extensions")


def _siblings_extension(place: Standing) -> Resource:
    """Every sibling of a register as text, so that any type of value stays exact."""
    parts: list[Resource] = [{"url": "register", "valueString": place.key}]
    for sibling in place.person:
        told = (
            {"url": "absent", "valueBoolean": True}
            if sibling.value is None
            else {"url": "value", "valueString": sibling.value.decode()}
        )
        parts.append({"url": "sibling", "extension": [told]})
    return {"url": SIBLINGS_URL, "extension": parts}
