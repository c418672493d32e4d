"""The envelope: one record an imported file, so that the file can be given back as it was.

What it is: what a file says around its records (head, order of entries, fullUrls, searches and requests, entries that
are no records), kept as registers of one record of type Bundle, and the reading of it. What it is not: a second copy
of the records; it names them, and the digest of each as this file had it. Only a copy that no birth holds is kept here.

Invariants: the envelope of a file is the same on every phone but for `@copy/…` registers, which depend on what the
phone held; its id is that of the file's bytes in canonical form, so every version of a document has its own. No time
of import is in it. A name that a person gives a source is that person's word: `@source`, person lane.
Spec: openapi/protocol/import.md, "The envelope".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, NewType, Protocol

import msgspec

from sync.fhir import exact
from sync.fhir.bundle import NotUnderstood, ParsedBundle
from sync.fhir.registers import join, split
from sync.merge.change import PERSON, SOURCE, Edit, RecordId, Via
from sync.merge.record import Record
from sync.merge.register import Sibling
from sync.merge.view import edit_preds

ENVELOPE = "@envelope"
SOURCE_NAME = "@source"
_ENTRIES, _KEPT, _COPY = "@entries/", "@kept/", "@copy/"
LINES_A_REGISTER = 500  # entries; some 100 KiB, so that one register never nears the limit of a value
EDIT_BYTES_AIM = 262_144  # bytes of values in one edit; a register larger than this has an edit of its own

Digest = NewType("Digest", str)  # hex of the first 16 bytes of SHA-256 over a resource's canonical JSON


class VaultView(Protocol):
    """What a vault shows: its records, and one by its id."""

    def record(self, id: RecordId, /) -> Record | None:
        """The record, or None if nothing is known of it."""

    def records(self) -> Iterable[Record]:
        """Every record that something is known of, deleted ones too."""


class Line(msgspec.Struct, frozen=True, rename="camel"):
    """One entry of a file that became a record. `extras`: canonical JSON of the entry without fullUrl and resource."""

    index: int
    record: str
    digest: str
    type: str
    id: str | None = None
    full_url: str | None = None
    extras: msgspec.Raw = msgspec.Raw(b"{}")


class Facts(msgspec.Struct, frozen=True, rename="camel"):
    """What is known of a file as a whole. `entries`: -1 if it has no list of entries. `person`: a record id in hex."""

    digest: str
    lone: bool = False
    entries: int = -1
    date: str | None = None
    person: str | None = None
    publisher: str | None = None
    lost: tuple[int, ...] = ()
    not_understood: tuple[NotUnderstood, ...] = ()


class Envelope(msgspec.Struct, frozen=True):
    """An envelope as it is read from its record."""

    id: RecordId
    record: Record
    facts: Facts
    lines: tuple[Line, ...]

    @property
    def person(self) -> RecordId | None:
        """The Patient record whose file this is."""
        return record_id_of(self.facts.person)


def digest_of(body: bytes) -> Digest:
    """The short digest of a resource's canonical JSON."""
    return Digest(hashlib.sha256(body).hexdigest()[:32])


def record_id(key: list[Any]) -> RecordId:
    """The record id of an import key: SHA-256 over `carnet/1/import`, a zero byte and the key's canonical JSON."""
    return RecordId(hashlib.sha256(b"carnet/1/import\0" + exact.canonical(key)).digest())


def record_id_of(text: str | None) -> RecordId | None:
    """A record id from its hex, or None."""
    try:
        raw = bytes.fromhex(text or "")
    except ValueError:
        return None
    return RecordId(raw) if len(raw) == 32 else None


def registers_of(
    parsed: ParsedBundle, ids: dict[int, RecordId], date: str | None, person: RecordId | None, publisher: str | None
) -> dict[str, bytes]:
    """The registers of a file's envelope, register key to canonical JSON, in the order they are written."""
    facts: dict[str, Any] = {"digest": parsed.digest.hex(), "lone": parsed.lone, "entries": parsed.entries_total}
    told = {"date": date, "person": None if person is None else person.hex(), "publisher": publisher}
    facts.update((key, value) for key, value in told.items() if value is not None)
    if parsed.lost:
        facts["lost"] = list(parsed.lost)
    if parsed.not_understood:
        facts["notUnderstood"] = [{"where": one.where, "why": one.why} for one in parsed.not_understood]
    made = split(parsed.head)
    made[ENVELOPE] = exact.canonical(facts)
    lines: list[dict[str, Any]] = []
    for entry in parsed.entries:
        kind, id_ = entry.resource["resourceType"], entry.resource.get("id")
        line: dict[str, Any] = {"index": entry.index, "record": ids[entry.index].hex(), "type": kind}
        line["digest"] = digest_of(entry.body)
        if isinstance(id_, str):
            line["id"] = id_
        if entry.full_url is not None:
            line["fullUrl"] = entry.full_url
        if entry.extras:
            line["extras"] = entry.extras
        lines.append(line)
    for start in range(0, len(lines), LINES_A_REGISTER):
        made[f"{_ENTRIES}{start // LINES_A_REGISTER:04}"] = exact.canonical(lines[start : start + LINES_A_REGISTER])
    for index, raw in parsed.kept.items():
        made[f"{_KEPT}{index:06}"] = raw
    return made


def copy_key(index: int) -> str:
    """The register that keeps the resource of this entry as the file had it."""
    return f"{_COPY}{index:06}"


def edits_of(id: RecordId, made: dict[str, bytes], held: Record | None) -> Iterator[Edit]:
    """The edits that bring these registers into a vault; none for what `held` says already.

    The first one is the birth; what would make it too large for one frame follows in further edits.
    """
    via = Via("import", id)
    birth = held is None or not held.births
    missing = [(key, value) for key, value in made.items() if held is None or value not in values_of(held, key)]
    pack: list[tuple[str, bytes]] = []
    room = EDIT_BYTES_AIM
    for key, value in missing:
        if pack and len(value) > room:
            yield _edit(id, birth, via, pack, held)
            pack, room, birth = [], EDIT_BYTES_AIM, False
        pack.append((key, value))
        room -= len(value)
    if pack:
        yield _edit(id, birth, via, pack, held)


def name_edit(id: RecordId, name: str, held: Record | None) -> Edit | None:
    """The edit by which a person names a source, or None if it is called so already."""
    value = exact.canonical(name)
    if held is None:
        return Edit(id, False, PERSON, None, (), ((SOURCE_NAME, value),))
    standing = {sibling.value for sibling in held.siblings(SOURCE_NAME, PERSON)}
    if standing == {value}:
        return None
    return Edit(id, False, PERSON, None, edit_preds(held, SOURCE_NAME, PERSON), ((SOURCE_NAME, value),))


def values_of(record: Record, key: str) -> list[bytes]:
    """What stands on one register of the source lane, absence left out."""
    return [sibling.value for sibling in record.siblings(key, SOURCE) if sibling.value is not None]


def is_envelope(record: Record) -> bool:
    """True if the record is an envelope; costs next to nothing."""
    return any(ENVELOPE in birth.body for birth in record.births)


def read_facts(record: Record | None) -> Facts | None:
    """What an envelope says of its file as a whole; None if it is no envelope, or not one that can be read."""
    if record is None or not is_envelope(record):
        return None
    for value in values_of(record, ENVELOPE):
        try:
            return msgspec.json.decode(value, type=Facts)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return None


def copy_date(view: VaultView, sibling: Sibling) -> str | None:
    """The date of the file that a source's copy came in with; None if nobody knows."""
    via = sibling.via
    facts = read_facts(view.record(RecordId(via.ref))) if via is not None and via.kind == "import" else None
    return None if facts is None else facts.date


def read(record: Record) -> Envelope | None:
    """An envelope with its entries, in the file's order; None if the record is none. What cannot be read is left
    out."""
    facts = read_facts(record)
    if facts is None:
        return None
    lines: dict[int, Line] = {}
    for key in sorted(key for key in record.keys() if key.startswith(_ENTRIES)):
        for value in values_of(record, key)[:1]:
            try:
                found = msgspec.json.decode(value, type=list[Line])
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            lines.update((line.index, line) for line in found if record_id_of(line.record) is not None)
    return Envelope(record.id, record, facts, tuple(lines[index] for index in sorted(lines)))


def envelopes(view: VaultView) -> list[Envelope]:
    """Every envelope of a vault, deleted ones too, in the order of their ids."""
    found = [read(record) for record in view.records() if is_envelope(record)]
    return sorted((one for one in found if one is not None), key=lambda one: one.id)


def kept(record: Record) -> dict[int, bytes]:
    """The entries of a file that are no records, by index, as canonical JSON."""
    found: dict[int, bytes] = {}
    for key in sorted(key for key in record.keys() if key.startswith(_KEPT)):
        for value in values_of(record, key)[:1]:
            found[int(key.removeprefix(_KEPT))] = value
    return found


def copies_of(record: Record, index: int) -> list[bytes]:
    """The resource of one entry as the file had it, where the envelope keeps it."""
    return values_of(record, copy_key(index))


def copy_in_record(record: Record, digest: str) -> bytes | None:
    """The copy of this digest, as canonical JSON, if a birth of the record or what stands in its source lane is it."""
    for birth in record.births:
        if birth.lane == SOURCE:
            body = exact.canonical(join(birth.body))
            if digest_of(body) == digest:
                return body
    standing = {key: found[-1] for key in record.keys() if (found := values_of(record, key))}
    body = exact.canonical(join(standing))
    return body if digest_of(body) == digest else None


def _edit(id: RecordId, birth: bool, via: Via, pack: list[tuple[str, bytes]], held: Record | None) -> Edit:
    sets: tuple[tuple[str, bytes | None], ...] = tuple(sorted(pack))
    if held is None:
        return Edit(id, birth, SOURCE, via, (), sets)
    preds = {dot for key, _ in pack for dot in edit_preds(held, key, SOURCE)}
    return Edit(id, birth, SOURCE, via, tuple(sorted(preds)), sets)
