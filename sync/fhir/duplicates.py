"""Records that may be one: shown as one where nothing differs, proposed as duplicates where something does.

What it is: a reading of a vault. What it is not: a merger. Nothing is written, no record is joined with another; a
person answers (`@pair/…`, `@into`).

Invariants: two records are shown as one only if they are equal but for id, meta and text, where a reference counts as
equal only when its targets are; what one file lists twice stays two; a record that holds something of its own (a note,
a dispute, an open question) is never hidden behind another. A business identifier never makes two records one. Records
of one origin (a file, a phone) are never proposed. Spec: openapi/protocol/import.md, "Duplicates".
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sync.fhir import conflicts, envelope
from sync.fhir.alike import Facts, facts_of, why_alike
from sync.fhir.envelope import VaultView
from sync.fhir.exact import loads_or_none
from sync.fhir.persons import vault_persons
from sync.fhir.references import Index
from sync.fhir.repetitions import parse_key
from sync.fhir.sources import newer_in
from sync.fhir.view import DISPUTE, NOTE, is_deleted, not_same_as, untouched, values
from sync.merge.change import VAULT_RECORD, RecordId, ordinal_of
from sync.merge.record import Record

_REFERENCE = re.compile(rb'"reference":"((?:[^"\\]|\\.)*)"')  # in canonical JSON a key alone is followed by `":"`
_PLAIN = re.compile(rb"[ !#-\[\]-~]*")  # printable ASCII without a quotation mark and a backslash
_PASSED_OVER = frozenset(("id", "meta", "text"))
_PERSON = b"the vault's subject"  # every Patient that was accepted as the subject is one target


class DuplicatePair(NamedTuple):
    """Two records that may be one; `a` is the lower id. `why`: for people."""

    a: RecordId
    b: RecordId
    why: str


class _Body(NamedTuple):
    """A record without its references: the digest of the rest, and where each reference leads (else as written)."""

    digest: bytes
    targets: tuple[RecordId | bytes, ...]


class Look:
    """What both questions read of a vault, once: for who asks both."""

    def __init__(self, view: VaultView) -> None:
        self.index = Index(view)
        self.newer = newer_in(view)
        self.persons = frozenset(vault_persons(view))
        self.there: dict[RecordId, Record] = {}
        self.shown: dict[RecordId, dict[str, bytes]] = {}
        for record in sorted(view.records(), key=lambda one: one.id):
            if record.id == VAULT_RECORD or record.unknown or envelope.is_envelope(record) or is_deleted(record):
                continue
            self.there[record.id] = record
            self.shown[record.id] = values(record, self.newer)

    def origins(self, record: Record) -> frozenset[object]:
        """The files that hold a record; for one that a person wrote, the phone it was written on."""
        files = frozenset(place for place, _ in self.index.places(record.id))
        return files or frozenset(("phone", ordinal_of(birth.dot)) for birth in record.births[:1])

    @functools.cached_property
    def groups(self) -> tuple[tuple[RecordId, ...], ...]:
        """Records that are shown as one, see `same`."""
        return _same(self)

    @functools.cached_property
    def colours(self) -> dict[RecordId, bytes]:
        """A colour for each record: equal for two if and only if nothing differs, followed through their references.

        Partition refinement: records begin with the colour of what they say apart from references, and those of one
        colour whose targets have different ones part, until nothing changes. So circles of references need no care.
        """
        bodies = {id_: _body(self, id_) for id_ in self.there}
        colours = {id_: body.digest for id_, body in bodies.items()}
        kinds = len(set(colours.values()))
        while kinds < len(bodies):
            colours = {
                id_: _hash(body.digest, *(_colour_of(self, target, colours) for target in body.targets))
                for id_, body in bodies.items()
            }
            parted = len(set(colours.values()))
            if parted == kinds:
                break
            kinds = parted
        return colours


def same(view: VaultView | Look) -> tuple[tuple[RecordId, ...], ...]:
    """Groups of two and more records that are shown as one, each in the order of their ids."""
    return (view if isinstance(view, Look) else Look(view)).groups


def propose(view: VaultView | Look) -> list[DuplicatePair]:
    """Pairs that a person has to be asked about, one for any two groups that are shown as one; by their ids."""
    vault = view if isinstance(view, Look) else Look(view)
    group: dict[RecordId, tuple[RecordId, ...]] = {id_: found for found in vault.groups for id_ in found}
    facts: dict[RecordId, Facts] = {}
    buckets: dict[tuple[str, ...], list[RecordId]] = defaultdict(list)
    for id_, record in vault.there.items():
        found = facts_of(record, vault.shown, vault.index)
        if found is not None:
            facts[id_] = found
            for key in found.keys():
                buckets[key].append(id_)
    asked: dict[tuple[RecordId, RecordId], DuplicatePair] = {}
    origins: dict[RecordId, frozenset[object]] = {}
    for id_ in {id_ for ids in buckets.values() if len(ids) > 1 for id_ in ids}:
        # Two things that one file lists apart stay apart, also where another file lists the two again.
        members = (vault.origins(vault.there[member]) for member in group.get(id_, (id_,)))
        origins[id_] = frozenset().union(*members)
    for ids in buckets.values():
        for a, b in _of_other_origins(ids, origins):
            ours, theirs = group.get(a, (a,)), group.get(b, (b,))
            first, second = sorted((ours[0], theirs[0]))
            if first == second or (first, second) in asked:
                continue
            why = why_alike(facts[a], facts[b])
            if why is not None and not _settled(vault, ours, theirs) and not _equal(vault, a, b):
                asked[first, second] = DuplicatePair(first, second, why)
    return [asked[pair] for pair in sorted(asked)]


def _of_other_origins(
    ids: list[RecordId], origins: dict[RecordId, frozenset[object]]
) -> Iterator[tuple[RecordId, RecordId]]:
    """Every pair whose origins have nothing in common, in the order of `ids`.

    Pairs of one origin are never formed: a file with twenty thousand values of one kind would have millions.
    """
    if len(ids) < 2:
        return
    places: dict[frozenset[object], list[int]] = defaultdict(list)
    for place, id_ in enumerate(ids):
        places[origins[id_]].append(place)
    others = {ours: [theirs for theirs in places if not ours & theirs] for ours in places}
    for place, a in enumerate(ids):
        after = (at for theirs in others[origins[a]] for at in places[theirs] if at > place)
        for at in sorted(after):
            yield a, ids[at]


def _same(vault: Look) -> tuple[tuple[RecordId, ...], ...]:
    by_colour: dict[bytes, list[RecordId]] = defaultdict(list)
    for id_, colour in vault.colours.items():
        by_colour[colour].append(id_)
    groups = []
    for ids in by_colour.values():
        if len(ids) > 1:
            groups.extend(_layers(vault, ids))
    return tuple(sorted(groups))


def _layers(vault: Look, ids: list[RecordId]) -> list[tuple[RecordId, ...]]:
    """Equal records as groups with at most one of each origin: the second of a file goes with the second of another."""
    layers: list[tuple[set[object], list[RecordId]]] = []
    starts: dict[frozenset[object], int] = {}  # the layers before have one of these origins already, and keep it
    for id_ in ids:
        record = vault.there[id_]
        if _holds_its_own(vault, record):
            continue
        origins = vault.origins(record)
        start = starts.get(origins, 0)
        while start < len(layers) and layers[start][0] & origins:
            start += 1
        starts[origins] = start
        for taken, members in itertools.islice(layers, start, None):
            if not taken & origins and not any(_not_same(vault, id_, other) for other in members):
                taken |= origins
                members.append(id_)
                break
        else:
            layers.append((set(origins), [id_]))
    return [tuple(members) for _, members in layers if len(members) > 1]


def _colour_of(vault: Look, target: RecordId | bytes, colours: dict[RecordId, bytes]) -> bytes:
    if target in vault.persons:
        return _PERSON
    return colours.get(RecordId(target), target)


def _body(vault: Look, id_: RecordId) -> _Body:
    parts: list[tuple[str, float, str, bytes]] = []
    for key, value in vault.shown[id_].items():
        repetition = parse_key(key)
        if repetition is not None:
            parts.append((repetition.element, *repetition.order, value))
        elif key not in _PASSED_OVER:
            parts.append((key, 0, "", value))
    parts.sort()
    targets: list[RecordId | bytes] = []

    def lead(match: re.Match[bytes]) -> bytes:
        written = match[1]
        # Most references are written without an escape: what they say is what stands there.
        plain = _PLAIN.fullmatch(written) is not None
        text = written.decode() if plain else loads_or_none(b'"' + written + b'"')
        found = vault.index.resolve(id_, text)
        # Whether it leads to a record or nowhere is part of what is compared; an id is never as long as a text may be.
        targets.append(found if found is not None else b"as written: " + written)
        return b'"reference":""'

    pieces: list[bytes] = []
    for element, _, _, value in parts:
        pieces += element.encode(), _REFERENCE.sub(lead, value) if b'"reference":"' in value else value
    return _Body(_hash(*pieces), tuple(targets))


def _equal(vault: Look, a: RecordId, b: RecordId) -> bool:
    """True if nothing differs, so that there is nothing to ask; that they are shown apart has another reason."""
    return vault.colours[a] == vault.colours[b]


def _holds_its_own(vault: Look, record: Record) -> bool:
    if untouched(record):
        return False
    if any(key.startswith((NOTE, DISPUTE)) for key in record.keys()):
        return True
    return conflicts.find(record, vault.newer) is not None


def _settled(vault: Look, ours: Iterable[RecordId], theirs: Iterable[RecordId]) -> bool:
    return any(_not_same(vault, a, b) for a in ours for b in theirs)


def _not_same(vault: Look, a: RecordId, b: RecordId) -> bool:
    return b in not_same_as(vault.there[a]) or a in not_same_as(vault.there[b])


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join([len(part).to_bytes(4, "big") + part for part in parts])).digest()
