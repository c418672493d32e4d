"""Where a reference leads: from what a file wrote to a record of the vault.

What it is: the rules by which a FHIR reference is found (fullUrl, relative to the fullUrl's base, type and id within
one file, urn, identifier alone), and an index of a vault for them. What it is not: a writer; references stay as they
were written. Nothing is fetched.

Invariants: a relative reference never leaves the file it came in, unless its base makes it absolute; `Patient/1` of two
files are two patients. What fits several records leads nowhere. A record that was merged into another leads there.
Source: FHIR R4, bundle.html "Resolving references in Bundles". Spec: openapi/protocol/import.md, "References".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

from sync.fhir import envelope
from sync.fhir.envelope import VaultView
from sync.fhir.exact import loads_or_none
from sync.fhir.partial_dates import rank
from sync.fhir.view import is_deleted, merged_into, resource_plain, values
from sync.merge.change import RecordId

_RELATIVE = re.compile(r"([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,256})\Z")
_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
_VERSION = re.compile(r"/_history/[^/]+\Z")
_HOPS_MAX = 16  # mergings one after another that a reference follows

Key = TypeVar("Key", bound=Hashable)


class Dangling(NamedTuple):
    """A reference that leads nowhere: the record it stands in, the element, and the reference as written."""

    record: RecordId
    element: str
    reference: str


class Scope(Generic[Key]):
    """The entries of one file, and how they name each other."""

    def __init__(self) -> None:
        self._urls: dict[str, Key] = {}
        self._ids: dict[str, set[Key]] = defaultdict(set)

    def add(self, key: Key, full_url: str | None, type_: str, id_: str | None) -> None:
        """Make one entry known; of several with one fullUrl the first is meant."""
        if full_url:
            self._urls.setdefault(full_url, key)
        if id_:
            self._ids[f"{type_}/{id_}"].add(key)

    def find(self, reference: str, own_url: str | None) -> Key | None:
        """The entry that `reference` names, as written in the entry with the fullUrl `own_url`."""
        if reference in self._urls:
            return self._urls[reference]
        based = absolute(reference, own_url)
        if based in self._urls:
            return self._urls[based]
        if _RELATIVE.match(reference):
            found = self._ids.get(reference, set())
            return next(iter(found)) if len(found) == 1 else None
        return None


class Index:
    """Every way in which references of a vault may name its records. Built once for many questions."""

    def __init__(self, view: VaultView, files: Iterable[envelope.Envelope] | None = None) -> None:
        """`files`: every envelope of the vault, for who has read them."""
        self._view = view
        self._scopes: dict[RecordId, Scope[RecordId]] = {}
        self._places: dict[RecordId, list[tuple[RecordId, str | None]]] = defaultdict(list)
        self._claims: dict[str, list[envelope.Line]] = defaultdict(list)
        self._urns: dict[str, RecordId] | None = None
        self._identifiers: dict[tuple[str, str], set[RecordId]] | None = None
        dated = [(rank(one.facts.date), one) for one in (envelope.envelopes(view) if files is None else files)]
        for _, one in sorted(dated, key=lambda pair: pair[0], reverse=True):
            scope = self._scopes[one.id] = Scope()
            for line in one.lines:
                id_ = RecordId(bytes.fromhex(line.record))
                scope.add(id_, line.full_url, line.type, line.id)
                self._places[id_].append((one.id, line.full_url))
                if line.full_url:
                    self._claims[line.full_url].append(line)

    def resolve(self, record: RecordId, reference: Any) -> RecordId | None:
        """The record that a reference standing in `record` leads to; None for `#contained` and for what leads nowhere.

        `reference`: a FHIR Reference, or its text. A record that was merged into another leads to that one.
        """
        text = reference.get("reference") if isinstance(reference, dict) else reference
        found: RecordId | None = None
        if isinstance(text, str) and text:
            if text.startswith("#"):
                return None
            found = self._by_text(record, _VERSION.sub("", text))
        elif isinstance(reference, dict) and isinstance(reference.get("identifier"), dict):
            found = self._by_identifier(reference["identifier"], reference.get("type"))
        return None if found is None else self._survivor(found)

    def places(self, record: RecordId) -> list[tuple[RecordId, str | None]]:
        """The files that hold a record, newest first: envelope and fullUrl."""
        return self._places.get(record, [])

    def _by_text(self, record: RecordId, text: str) -> RecordId | None:
        places = self.places(record)
        for envelope_id, own_url in places:
            found = self._scopes[envelope_id].find(text, own_url)
            if found is not None:
                return found
        for based in [text, *(absolute(text, own_url) for _, own_url in places)]:
            if based is not None and (made := self._made_by(based)) is not None:
                return made
        if text.startswith("urn:uuid:"):
            if self._urns is None:
                self._urns = {urn_of(one.id): one.id for one in self._view.records()}
            if text in self._urns:
                return self._urns[text]
        if places:
            return None
        # A person's own record stands in no file; what it names by type and id is meant in the vault as a whole.
        found_all = {one for scope in self._scopes.values() if (one := scope.find(text, None)) is not None}
        return found_all.pop() if len(found_all) == 1 else None

    def _made_by(self, url: str) -> RecordId | None:
        """The record that was made by this URL: only such a one answers to it elsewhere, for a file may use any."""
        for line in self._claims.get(url, ()):
            id_ = envelope.record_id([line.type, "url", url, 0])
            if bytes.fromhex(line.record) == id_:
                return id_
        return None

    def _by_identifier(self, identifier: dict[str, Any], type_: Any) -> RecordId | None:
        if self._identifiers is None:
            self._identifiers = defaultdict(set)
            for record in self._view.records():
                for pair in _identifiers(values(record)):
                    self._identifiers[pair].add(record.id)
        key = (str(identifier.get("system", "")), str(identifier.get("value", "")))
        found = self._identifiers.get(key, set()) if key[1] else set()
        if isinstance(type_, str) and len(found) > 1:
            found = {id_ for id_ in found if self._type(id_) == type_}
        return next(iter(found)) if len(found) == 1 else None

    def _type(self, id_: RecordId) -> Any:
        record = self._view.record(id_)
        value = None if record is None else loads_or_none(values(record).get("resourceType", b"null"))
        return value.get("resourceType") if isinstance(value, dict) else None

    def _survivor(self, id_: RecordId) -> RecordId:
        for _ in range(_HOPS_MAX):
            record = self._view.record(id_)
            into = merged_into(record) if record is not None and is_deleted(record) else None
            if into is None:
                return id_
            id_ = into
        return id_


def urn_of(record: RecordId) -> str:
    """The urn by which a record of one's own is named in exports: a UUID of version 8 (RFC 9562) from its id."""
    raw = bytearray(record[:16])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"urn:uuid:{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_absolute(url: str | None) -> bool:
    """True for an http or https URL."""
    return url is not None and _ABSOLUTE.match(url) is not None


def absolute(reference: str, own_url: str | None) -> str | None:
    """A relative reference made absolute by the base of the fullUrl of the entry it stands in; else None."""
    if own_url is None or not _RELATIVE.match(reference) or not _ABSOLUTE.match(own_url):
        return None
    base = re.sub(r"[A-Z][A-Za-z]{1,63}/[^/]+\Z", "", own_url)
    return base + reference if base != own_url else None


def references_in(resource: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every Reference with a text in a resource, with the path of the element it stands in."""
    if isinstance(resource, dict):
        if isinstance(resource.get("reference"), str):
            yield at, resource
        for key, value in resource.items():
            yield from references_in(value, f"{at}.{key}" if at else key)
    elif isinstance(resource, list):
        for value in resource:
            yield from references_in(value, at)


def dangling(view: VaultView, index: Index | None = None) -> list[Dangling]:
    """References of records that are there which lead nowhere, in the order of the records' ids."""
    index = index or Index(view)
    found = []
    for record in sorted(view.records(), key=lambda one: one.id):
        if envelope.is_envelope(record) or is_deleted(record):
            continue
        for element, reference in references_in(resource_plain(record)):
            text = reference["reference"]
            if not text.startswith("#") and index.resolve(record.id, reference) is None:
                found.append(Dangling(record.id, element, text))
    return found


def _identifiers(registers: dict[str, bytes]) -> Iterable[tuple[str, str]]:
    for key, text in registers.items():
        if key == "identifier" or key.startswith("identifier/"):
            value = loads_or_none(text)
            told = value.get("identifier", value) if isinstance(value, dict) else None
            for one in told if isinstance(told, list) else [told]:
                if isinstance(one, dict) and isinstance(one.get("value"), str):
                    yield (str(one.get("system", "")), one["value"])
