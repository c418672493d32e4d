"""Importing: from a file taken apart to the edits that bring it into a vault.

What it is: the ids by which the same thing is known again, the comparison with what the vault's source lane holds, and
the edits. What it is not: a writer (the caller stages the edits, all or none), a reader of bytes (bundle.py) or a judge
of the person lane: whether a newer copy asks a question is for conflicts.py.

Invariants: one file imported twice gives no edit the second time; two phones that import one file offline give the same
records the same ids and registers; a person's word is never overwritten, for imports write the source lane alone; an
older copy than the vault holds is not written over it, but kept in its envelope; nothing is written for a file that is
held. Spec: openapi/protocol/import.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from sync.fhir import envelope, exact, persons, references
from sync.fhir.bundle import NotUnderstood, ParsedBundle, ParsedEntry, place
from sync.fhir.envelope import VaultView, copy_date, copy_in_record, digest_of, record_id, values_of
from sync.fhir.partial_dates import compare, rank
from sync.fhir.registers import join, resplit, split
from sync.fhir.remarks import taken_out
from sync.merge.change import SOURCE, Edit, RecordId, Via
from sync.merge.record import Record
from sync.merge.view import edit_preds

_HOST = re.compile(r"https?://([^/?#]+)", re.IGNORECASE)


class ImportPlan(msgspec.Struct, frozen=True):
    """What importing a file comes to. `edits`: to be staged together, in order; empty if `held` is not.

    `unchanged` counts the `older` too: copies older than the vault's, kept in the envelope. `envelope`: the record id
    of the file, by which it is given back.
    """

    edits: tuple[Edit, ...]
    added: int
    updated: int
    unchanged: int
    older: int
    held: tuple[NotUnderstood, ...]
    not_understood: tuple[NotUnderstood, ...]
    envelope: RecordId


def envelope_id(parsed: ParsedBundle) -> RecordId:
    """The record id of a file's envelope."""
    return record_id(["Bundle", "envelope", parsed.digest.hex()])


def import_keys(parsed: ParsedBundle, *, absolute_urls: bool = True) -> dict[int, list[Any]]:
    """The import key of every entry, by its index.

    `absolute_urls` False: a fullUrl alone never makes a record; for what a stranger sends (a clinician's note).
    """
    document = document_key(parsed)
    keys: dict[int, list[Any]] = {}
    seen: dict[bytes, int] = {}
    for entry in parsed.entries:
        kind, id_ = entry.resource["resourceType"], entry.resource.get("id")
        if absolute_urls and references.is_absolute(entry.full_url):
            key = [kind, "url", entry.full_url]
        elif entry.full_url:
            key = [kind, "fullUrl", document, entry.full_url]
        elif isinstance(id_, str) and id_:
            key = [kind, "id", document, id_]
        else:
            key = [kind, "index", parsed.digest.hex(), entry.index]
        text = exact.canonical(key)
        occurrence = seen.get(text, 0)
        seen[text] = occurrence + 1
        keys[entry.index] = [*key, occurrence]
    return keys


def document_key(parsed: ParsedBundle) -> list[str]:
    """What tells one document from others: Bundle.identifier, else the digest of the whole file."""
    identifier = parsed.head.get("identifier")
    if isinstance(identifier, dict):
        system, value = identifier.get("system", ""), identifier.get("value")
        if isinstance(value, str) and value and isinstance(system, str):
            return ["identifier", system, value]
    return ["digest", parsed.digest.hex()]


def date_of(parsed: ParsedBundle) -> str | None:
    """The date of a file's copies: Bundle.timestamp, else Composition.date, else the newest meta.lastUpdated in it.

    The last holds because a file was made no earlier than the newest thing in it was changed.
    """
    if rank(parsed.head.get("timestamp")) != rank(None):
        return str(parsed.head["timestamp"])
    for entry in parsed.entries:
        if entry.resource["resourceType"] == "Composition" and rank(entry.resource.get("date")) != rank(None):
            return str(entry.resource["date"])
    metas = [parsed.head.get("meta"), *(entry.resource.get("meta") for entry in parsed.entries)]
    dates = [meta["lastUpdated"] for meta in metas if isinstance(meta, dict) and "lastUpdated" in meta]
    newest = max(dates, key=rank, default=None)
    return newest if rank(newest) != rank(None) else None


def plan(
    parsed: ParsedBundle,
    view: VaultView,
    *,
    same_person: bool = False,
    source_name: str | None = None,
    absolute_urls: bool = True,
) -> ImportPlan:
    """What has to be written to bring a file into a vault; writes nothing itself.

    `same_person`: a person has said that the file is about this vault's subject. `source_name`: what a person calls
    where it came from.
    """
    id_ = envelope_id(parsed)
    parsed, remarks = taken_out(parsed) if absolute_urls else (parsed, {})
    ids = {index: record_id(key) for index, key in import_keys(parsed, absolute_urls=absolute_urls).items()}
    known_persons = frozenset(persons.vault_persons(view))
    person = persons.person_of(parsed, frozenset(index for index, one in ids.items() if one in known_persons))
    asked = [why for why in (person.why, persons.why_another(parsed, person, view)) if why is not None]
    if asked and not same_person:
        held = (NotUnderstood("the file", " ".join(asked)),)
        return ImportPlan((), 0, 0, 0, 0, held, parsed.not_understood, id_)
    date = date_of(parsed)
    person_id = ids.get(person.entry) if person.entry is not None else None
    made = envelope.registers_of(parsed, ids, date, person_id, publisher_of(parsed))
    known = view.record(id_)
    via = Via("import", id_)
    edits: list[Edit] = []
    dates: dict[str, list[str]] | None = None  # read only if a copy differs from what is held
    added = updated = older = 0
    for entry in parsed.entries:
        record = view.record(ids[entry.index])
        if record is None or not any(birth.lane == SOURCE for birth in record.births):
            sets = {**split(entry.resource), **remarks.get(entry.index, {})}
            edits.append(Edit(ids[entry.index], True, SOURCE, via, _preds(record, sets), tuple(sorted(sets.items()))))
            added += 1
            keep = not _comes_back(sets, entry)
        elif known is not None and envelope.is_envelope(known):
            continue  # This very file came in before: where the vault now holds another copy, a later one brought it.
        else:
            sets_changed = _changed(record, entry, date, view)
            keep = bool(sets_changed)
            new = {key: said for key, said in remarks.get(entry.index, {}).items() if key not in record.keys()}
            if sets_changed and dates is None:
                dates = _dates_by_record(view)
            if sets_changed and any(compare(date, other) == -1 for other in (dates or {}).get(record.id.hex(), ())):
                older += 1
                sets_changed = {}
            sets_changed |= new
            if sets_changed:
                preds = _preds(record, sets_changed)
                edits.append(Edit(record.id, False, SOURCE, via, preds, tuple(sorted(sets_changed.items()))))
                updated += 1
            if not keep:
                keep = copy_in_record(record, digest_of(entry.body)) is None
        if keep:
            made[envelope.copy_key(entry.index)] = entry.body
    edits.extend(envelope.edits_of(id_, made, known))
    if source_name and (name := envelope.name_edit(id_, source_name, known)) is not None:
        edits.append(name)
    told = (*parsed.not_understood, *_leading_nowhere(parsed, ids, view))
    unchanged = len(parsed.entries) - added - updated
    return ImportPlan(tuple(edits), added, updated, unchanged, older, (), told, id_)


def publisher_of(parsed: ParsedBundle) -> str | None:
    """Who made a file, as far as it says so: custodian, else author of the Composition, else the host of its
    fullUrls."""
    scope = persons.scope_of(parsed)
    by_index = {entry.index: entry for entry in parsed.entries}
    for entry in parsed.entries:
        if entry.resource["resourceType"] == "Composition":
            authors = entry.resource.get("author")
            for reference in (entry.resource.get("custodian"), *(authors if isinstance(authors, list) else ())):
                name = _name_behind(reference, entry, by_index, scope)
                if name:
                    return name
    for entry in parsed.entries:
        if entry.full_url and (host := _HOST.match(entry.full_url)):
            return host[1]
    titles = (
        entry.resource.get("title") for entry in parsed.entries if entry.resource["resourceType"] == "Composition"
    )
    return next((title for title in titles if isinstance(title, str) and title.strip()), None)


def _name_behind(reference: Any, entry: ParsedEntry, entries: dict[int, ParsedEntry], scope: Any) -> str | None:
    if not isinstance(reference, dict):
        return None
    text = reference.get("reference")
    target = scope.find(text, entry.full_url) if isinstance(text, str) else None
    if target is not None:
        resource = entries[target].resource
        if resource["resourceType"] == "PractitionerRole" and "organization" in resource:
            return _name_behind(resource["organization"], entries[target], entries, scope)
        names = [resource.get("name"), resource.get("deviceName")]
        for name in (names[0], *(one.get("name") for one in names[1] or () if isinstance(one, dict))):
            if isinstance(name, str) and name.strip():
                return name
    display = reference.get("display")
    return display if isinstance(display, str) and display.strip() else None


def _changed(record: Record, entry: ParsedEntry, date: str | None, view: VaultView) -> dict[str, bytes | None]:
    """The registers on which a copy says what none that stands says, or brings back what a newer one than that said.

    None for what the copy no longer has.
    """
    standing = {key: record.siblings(key, SOURCE) for key in record.keys() if not key.startswith("@")}
    held = {key: text for key in sorted(standing) if (text := _last(record, key)) is not None}
    new = resplit(entry.resource, held)
    sets: dict[str, bytes | None] = {}
    for key in {*standing, *new}:
        value = new.get(key)
        siblings = standing.get(key, ())
        told = {sibling.value for sibling in siblings} or {None}
        others = [sibling for sibling in siblings if sibling.value != value]
        if value not in told or (others and all(compare(date, copy_date(view, one)) == 1 for one in others)):
            sets[key] = value
    return sets


def _last(record: Record, key: str) -> bytes | None:
    found = values_of(record, key)
    return found[-1] if found else None


def _preds(record: Record | None, sets: dict[str, Any]) -> tuple[Any, ...]:
    if record is None:
        return ()
    return tuple(sorted({dot for key in sets for dot in edit_preds(record, key, SOURCE)}))


def _dates_by_record(view: VaultView) -> dict[str, list[str]]:
    """The dates of every file that a record came in with, changed or not; by the record's id in hex."""
    found: dict[str, list[str]] = {}
    for one in envelope.envelopes(view):
        for line in one.lines if one.facts.date is not None else ():
            found.setdefault(line.record, []).append(one.facts.date or "")
    return found


def _comes_back(sets: dict[str, bytes], entry: ParsedEntry) -> bool:
    return exact.canonical(join(sets)) == entry.body


def _leading_nowhere(parsed: ParsedBundle, ids: dict[int, RecordId], view: VaultView) -> Iterator[NotUnderstood]:
    """References that lead to nothing in the file or the vault, each target once."""
    scope = persons.scope_of(parsed)
    told: set[str] = set()
    index: references.Index | None = None
    for entry in parsed.entries:
        for element, reference in references.references_in(entry.resource):
            text = reference["reference"]
            if text in told or text.startswith("#") or scope.find(text, entry.full_url) is not None:
                continue
            based = references.absolute(text, entry.full_url) or text
            if ":" in based:  # A relative reference never leaves its file; an absolute one may lead into the vault.
                index = index or references.Index(view)
            if ":" not in based or index is None or index.resolve(ids[entry.index], based) is None:
                told.add(text)
                why = f"{element} points to {text}, which is not in the file. It is kept as written."
                yield NotUnderstood(place(entry.index, entry.resource), why)
