"""Where records came from: the files of a vault as sources, and which copy of a source is the newest.

What it is: readings of envelopes for lists and views. What it is not: a proof. A source's name is what the file says of
itself or what a person called it; the lane proves who imported, not who issued. Nothing is written here.

Invariants: of two copies the one whose file is dated later is the newer; what a newer copy dropped is told as no longer
in the latest copy, never hidden as if it had not been. Spec: openapi/protocol/import.md, "Newer copies" and "Sources".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from sync.fhir.envelope import SOURCE_NAME, Envelope, Facts, VaultView, envelopes, is_envelope, read_facts
from sync.fhir.exact import loads_or_none
from sync.fhir.labels import date_words
from sync.fhir.partial_dates import compare, rank
from sync.fhir.view import is_deleted
from sync.merge.change import PERSON, SOURCE, RecordId, Via
from sync.merge.record import Record
from sync.merge.register import Sibling
from sync.merge.view import Newer

UNNAMED = "a file without a name"


Listing = Callable[[RecordId], list[Record]]  # the files that list a record, as their envelopes


class Source(NamedTuple):
    """One imported file. `newest`: its date as the file wrote it. `records`: how many of its records are there."""

    id: RecordId
    name: str
    newest: str | None
    records: int


def sources(view: VaultView) -> list[Source]:
    """Every imported file, the newest first."""
    found = []
    for one in envelopes(view):
        if is_deleted(one.record):
            continue
        records = [view.record(RecordId(bytes.fromhex(line.record))) for line in one.lines]
        there = sum(record is not None and not record.unknown and not is_deleted(record) for record in records)
        found.append(Source(one.id, name_of(one.record, one.facts), one.facts.date, there))
    found.sort(key=lambda source: source.id)
    return sorted(found, key=lambda source: rank(source.newest), reverse=True)


def name_of(record: Record, facts: Facts) -> str:
    """What a source is called: what a person calls it (the lowest dot's word), else what the file says of itself."""
    for sibling in record.siblings(SOURCE_NAME, PERSON):
        name = None if sibling.value is None else loads_or_none(sibling.value)
        if isinstance(name, str) and name:
            return name
    return facts.publisher or UNNAMED


def source_of(view: VaultView, record: Record, listing: Listing | None = None) -> str | None:
    """`St. Anna, 12 Mar 2024`: the newest file that wrote to a record; None for a person's own. `listing`: `listing_in`
    of the same view."""
    return _words(newest_file(view, record, listing))


def source_among(files: Iterable[Record]) -> str | None:
    """The same of a record that these envelopes hold."""
    return _words(_newest(files))


def _words(newest: tuple[str, str | None] | None) -> str | None:
    if newest is None:
        return None
    words, date = newest
    return f"{words}, {date_words(date)}" if date else words


def newest_file(view: VaultView, record: Record, listing: Listing | None = None) -> tuple[str, str | None] | None:
    """The name and the date of the newest file that wrote to a record; None for a person's own.

    Of a record that the exit brought over, the newest file that lists it.
    """
    found = _files_of(view, record)
    if not found and any(birth.lane == SOURCE and _by_exit(birth.via) for birth in record.births):
        found = (listing_in(view) if listing is None else listing)(record.id)
    return _newest(found)


def _newest(found: Iterable[Record]) -> tuple[str, str | None] | None:
    files = [(envelope, facts) for envelope in found if (facts := read_facts(envelope)) is not None]
    if not files:
        return None
    envelope, facts = max(files, key=lambda pair: rank(pair[1].date))
    return name_of(envelope, facts), facts.date


def listing_in(view: VaultView, read: Iterable[Envelope] | None = None) -> Listing:
    """Which files list a record; found out once, when it is first asked. `read`: every envelope, for who has them."""
    by_record: dict[str, list[Record]] = {}
    known = False

    def files(id_: RecordId) -> list[Record]:
        nonlocal known
        if not known:
            known = True
            for one in envelopes(view) if read is None else read:
                for line in one.lines:
                    by_record.setdefault(line.record, []).append(one.record)
        return by_record.get(id_.hex(), [])

    return files


def _by_exit(via: Via | None) -> bool:
    return via is not None and via.kind == "vault"


def newer_in(view: VaultView) -> Newer:
    """Sorts a source's copies for display by the date of their files; copies without one come first.

    A copy that was adopted from a void frame has the date of the file whose envelope was adopted with it.
    """
    dates: dict[Via | None, tuple[int, int]] = {None: rank(None)}
    carried: dict[Via, set[str | None]] | None = None

    def newness(sibling: Sibling) -> tuple[int, int]:
        nonlocal carried
        via = sibling.via
        if via not in dates:
            assert via is not None, "None is in the table"
            facts = read_facts(view.record(RecordId(via.ref))) if via.kind == "import" else None
            date = None if facts is None else facts.date
            if via.kind == "frame":
                carried = _carried(view) if carried is None else carried
                known = carried.get(via, set())
                date = next(iter(known)) if len(known) == 1 else None
            dates[via] = rank(date)
        return dates[via]

    return newness


def dropped(record: Record) -> dict[str, bytes]:
    """What a source's newer copy no longer has, of what came in with the record: register key to what it said."""
    found: dict[str, bytes] = {}
    for birth in record.births:
        for key, value in birth.body.items() if birth.lane == SOURCE else ():
            standing = record.siblings(key, SOURCE)
            if not key.startswith("@") and standing and all(sibling.value is None for sibling in standing):
                found[key] = value
    return found


def not_in_latest(view: VaultView) -> dict[RecordId, RecordId]:
    """Records that the latest copy of their document no longer lists, with the envelope of that copy.

    Copies of one document have the same Bundle.identifier or the same Composition record. They stay in the vault.
    """
    series: dict[str, list[Envelope]] = {}
    for one in envelopes(view):
        for name in _series(one):
            series.setdefault(name, []).append(one)
    listed: dict[str, list[Envelope]] = {}
    for one in envelopes(view):
        for line in one.lines:
            listed.setdefault(line.record, []).append(one)
    found: dict[RecordId, RecordId] = {}
    for copies in series.values():
        latest = max(copies, key=lambda one: (rank(one.facts.date), one.id))
        for line in (line for one in copies for line in one.lines):
            if all(compare(one.facts.date, latest.facts.date) == -1 for one in listed[line.record]):
                found[RecordId(bytes.fromhex(line.record))] = latest.id
    return found


def _series(one: Envelope) -> set[str]:
    names = {"composition " + line.record for line in one.lines if line.type == "Composition"}
    for key in one.record.keys():
        for sibling in one.record.siblings(key, SOURCE) if key.startswith("identifier") else ():
            if sibling.value is not None:
                names.add("identifier " + sibling.value.decode())
    return names


def _files_of(view: VaultView, record: Record) -> list[Record]:
    vias = {birth.via for birth in record.births if birth.lane == SOURCE}
    vias.update(sibling.via for _, standing in record.overlay(SOURCE) for sibling in standing)
    found = (view.record(RecordId(via.ref)) for via in vias if via is not None and via.kind == "import")
    return [one for one in found if one is not None]


def _carried(view: VaultView) -> dict[Via, set[str | None]]:
    found: dict[Via, set[str | None]] = {}
    for record in view.records():
        facts = read_facts(record) if is_envelope(record) else None
        for birth in record.births if facts is not None else ():
            if birth.via is not None and birth.via.kind == "frame" and facts is not None:
                found.setdefault(birth.via, set()).add(facts.date)
    return found
