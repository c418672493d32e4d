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
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sync.fhir import conflicts, envelope
from sync.fhir.alike import Facts, why_alike
from sync.fhir.envelope import VaultView
from sync.fhir.exact import loads_or_none
from sync.fhir.glance import Around, Glance, digest_of, make_glance
from sync.fhir.references import Index
from sync.fhir.sources import newer_in
from sync.merge.change import VAULT_RECORD, RecordId, ordinal_of
from sync.merge.record import Record

_PLAIN = re.compile(rb"[ !#-\[\]-~]*")  # printable ASCII without a quotation mark and a backslash
_PERSON = b"the vault's subject"  # every Patient that was accepted as the subject is one target


class DuplicatePair(NamedTuple):
    """Two records that may be one; `a` is the lower id. `why`: for people."""

    a: RecordId
    b: RecordId
    why: str


class Look:
    """What both questions read of a vault, once: for who asks both.

    `kept`: glances of records as they are, that stand alone; the records in `others` have none yet. Without them every
    record's is made. `made`: those that were made and stand alone, for who keeps them.
    """

    def __init__(
        self,
        view: VaultView,
        kept: Mapping[RecordId, Glance] | None = None,
        others: Iterable[Record] = (),
        importer: conflicts.Importer = ordinal_of,
    ) -> None:
        self.view = view
        others = [one for one in (view.records() if kept is None else others) if one.id != VAULT_RECORD]
        known = kept or {}
        files = [view.record(glance.id) for glance in known.values() if glance.is_envelope]
        files += [record for record in others if envelope.is_envelope(record)]
        read = [envelope.read(record) for record in files if record is not None]
        self.envelopes = sorted((one for one in read if one is not None), key=lambda one: one.id)
        self.index = Index(view, self.envelopes)
        self.newer = newer_in(view)
        self.made: list[Glance] = []
        self.glances = dict(known)
        around = Around(view, self.newer, importer, self.index.resolve)
        for record in others:
            if not record.unknown:
                glance, alone = make_glance(record, around)
                self.glances[record.id] = glance
                if alone:
                    self.made.append(glance)
        self.there = {
            id_: self.glances[id_]
            for id_ in sorted(self.glances)
            if not self.glances[id_].deleted and not self.glances[id_].is_envelope
        }
        named = {one.person for one in self.envelopes if one.person is not None}
        typed = {glance.id for glance in self.glances.values() if glance.is_typed_patient}
        self.persons = frozenset(id_ for id_ in named | typed if id_ in self.glances and not self.glances[id_].deleted)

    def origins(self, id_: RecordId) -> frozenset[object]:
        """The files that hold a record; for one that a person wrote, the phone it was written on."""
        found = self._origins.get(id_)
        if found is None:
            files = tuple(place for place, _ in self.index.places(id_))
            origin = self.there[id_].origin
            told: tuple[object, ...] = files or (() if origin is None else (("phone", origin),))
            # Thousands of records have the same, which are then one object: quick to compare.
            found = self._origins[id_] = self._sets.setdefault(told, frozenset(told))
        return found

    @functools.cached_property
    def _origins(self) -> dict[RecordId, frozenset[object]]:
        return {}

    @functools.cached_property
    def _sets(self) -> dict[tuple[object, ...], frozenset[object]]:
        return {}

    @functools.cached_property
    def groups(self) -> tuple[tuple[RecordId, ...], ...]:
        """Records that are shown as one, see `same`."""
        return _same(self)

    @functools.cached_property
    def colours(self) -> dict[RecordId, bytes]:
        """A colour for each record: equal for two if and only if nothing differs, followed through their references.

        Partition refinement: records begin with the colour of what they say apart from references, and those of one
        colour whose targets have different ones part, until nothing changes. So circles of references need no care. A
        colour that one record alone has stays as it is: there is nobody to part from.
        """
        colours = {id_: glance.digest for id_, glance in self.there.items()}
        counted = Counter(colours.values())
        shared = [id_ for id_, colour in colours.items() if counted[colour] > 1]
        targets = {id_: self._targets(id_) for id_ in shared}
        kinds = len(counted)
        while shared:
            parted = {
                id_: digest_of(self.there[id_].digest, *(_colour_of(self, target, colours) for target in targets[id_]))
                for id_ in shared
            }
            colours.update(parted)
            now = len(counted) - len({self.there[id_].digest for id_ in shared}) + len(set(parted.values()))
            if now == kinds:
                break
            kinds = now
        return colours

    def _targets(self, id_: RecordId) -> list[RecordId | bytes]:
        """Where each reference of a record leads; of those that lead nowhere what is written."""
        found: list[RecordId | bytes] = []
        for written in self.there[id_].references:
            # Most references are written without an escape: what they say is what stands there.
            plain = _PLAIN.fullmatch(written) is not None
            text = written.decode() if plain else loads_or_none(b'"' + written + b'"')
            target = self.index.resolve(id_, text)
            # Whether it leads to a record or nowhere is part of what is compared; an id is never as long as a text may
            # be.
            found.append(target if target is not None else b"as written: " + written)
        return found


def same(view: VaultView | Look) -> tuple[tuple[RecordId, ...], ...]:
    """Groups of two and more records that are shown as one, each in the order of their ids."""
    return (view if isinstance(view, Look) else Look(view)).groups


def propose(view: VaultView | Look) -> list[DuplicatePair]:
    """Pairs that a person has to be asked about, one for any two groups that are shown as one; by their ids."""
    vault = view if isinstance(view, Look) else Look(view)
    group: dict[RecordId, tuple[RecordId, ...]] = {id_: found for found in vault.groups for id_ in found}
    facts: dict[RecordId, Facts | None] = {}
    buckets: dict[int, list[RecordId]] = defaultdict(list)
    for id_, glance in vault.there.items():
        for key in glance.meets:
            buckets[key].append(id_)
    asked: dict[tuple[RecordId, RecordId], DuplicatePair] = {}
    origins: dict[RecordId, frozenset[object]] = {}
    for id_ in {id_ for ids in buckets.values() if len(ids) > 1 for id_ in ids}:
        # Two things that one file lists apart stay apart, also where another file lists the two again.
        members = group.get(id_)
        origins[id_] = frozenset().union(*map(vault.origins, members)) if members else vault.origins(id_)
    for ids in buckets.values():
        for a, b in _of_other_origins(ids, origins):
            ours, theirs = group.get(a, (a,)), group.get(b, (b,))
            first, second = sorted((ours[0], theirs[0]))
            if first == second or (first, second) in asked:
                continue
            for id_ in (a, b):
                if id_ not in facts:
                    facts[id_] = vault.there[id_].facts()
            said, other = facts[a], facts[b]
            why = why_alike(said, other) if said is not None and other is not None else None
            if why is not None and not _settled(vault, ours, theirs) and not _equal(vault, a, b):
                asked[first, second] = DuplicatePair(first, second, why)
    return [asked[pair] for pair in sorted(asked)]


def _of_other_origins(
    ids: list[RecordId], origins: dict[RecordId, frozenset[object]]
) -> Iterator[tuple[RecordId, RecordId]]:
    """Every pair whose origins have nothing in common, in the order of `ids`.

    Pairs of one origin are never formed: a file with twenty thousand values of one kind would have millions.
    """
    if len(ids) < 2 or all(origins[id_] is origins[ids[0]] for id_ in ids):
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
        if vault.there[id_].holds_its_own:
            continue
        origins = vault.origins(id_)
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


def _equal(vault: Look, a: RecordId, b: RecordId) -> bool:
    """True if nothing differs, so that there is nothing to ask; that they are shown apart has another reason."""
    return vault.colours[a] == vault.colours[b]


def _settled(vault: Look, ours: Iterable[RecordId], theirs: Iterable[RecordId]) -> bool:
    return any(_not_same(vault, a, b) for a in ours for b in theirs)


def _not_same(vault: Look, a: RecordId, b: RecordId) -> bool:
    return b in vault.there[a].not_same or a in vault.there[b].not_same
