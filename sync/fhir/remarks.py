"""Annotations and disputes in files: each is an entry of its own beside the record that it is about, out and in again.

What it is: the form of a person's remark in FHIR (a Communication whose `about` is the record), made on export and
recognised on import. What it is not: a change to the record itself, whose words stay its source's alone.

Invariants: what was exported and comes in again is the same remark on the same record, once, with the author and the
date that the file gives; it is that file's word, so it stands in the source lane; a Communication that is not such a
remark, or is about nothing in its file, is a record like any other. Spec: openapi/protocol/import.md, "Remarks".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from sync.fhir import exact, persons
from sync.fhir.bundle import ParsedBundle, ParsedEntry
from sync.fhir.envelope import record_id
from sync.fhir.partial_dates import rank
from sync.fhir.references import urn_of
from sync.fhir.registers import Resource
from sync.fhir.view import DISPUTE, NOTE, Remark, remarks
from sync.merge.record import Record
from sync.merge.register import Sibling

REMARK_SYSTEM = "https://carnet.example/fhir/NamingSystem/remark"
KIND_SYSTEM = "https://carnet.example/fhir/CodeSystem/remark-kind"
_KINDS = {
    "note": (NOTE, "Note by a person, not part of the record it is about"),
    "dispute": (DISPUTE, "A person says that something in the record it is about is wrong"),
}
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}\Z")

SaidBy = Callable[[Sibling], tuple[str | None, str | None]]  # who wrote it, by name, and when (RFC 3339)


def entries_of(record: Record, url: str, shown: Resource, said_by: SaidBy) -> Iterator[tuple[Remark, str, Resource]]:
    """The remarks of a record as they are exported: each with its fullUrl and its resource.

    `url`: the record's fullUrl in the same file. `shown`: its resource there, whose subject they share.
    """
    subject = shown.get("subject", shown.get("patient"))
    if shown.get("resourceType") == "Patient":
        subject = {"reference": url}
    for code, (prefix, words) in _KINDS.items():
        for remark in remarks(record, prefix):
            author, at = (remark.author, remark.at) if remark.from_file else said_by(remark.sibling)
            made: Resource = {
                "resourceType": "Communication",
                "identifier": [{"system": REMARK_SYSTEM, "value": remark.key.removeprefix(prefix)}],
                "status": "completed",
                "category": [{"coding": [{"system": KIND_SYSTEM, "code": code}], "text": words}],
            }
            if isinstance(subject, dict) and isinstance(subject.get("reference"), str):
                made["subject"] = {"reference": subject["reference"]}
            made["about"] = [{"reference": url}]
            if at is not None:
                made["sent"] = at
            if author is not None:
                made["sender"] = {"display": author}
            made["payload"] = [{"contentString": remark.text}]
            yield remark, urn_of(record_id(["Communication", "remark", record.id.hex(), remark.key])), made


def taken_out(parsed: ParsedBundle) -> tuple[ParsedBundle, dict[int, dict[str, bytes]]]:
    """A file without its remarks, which it keeps as written, and what they say, by the index of the entry they are
    about: register key to canonical JSON."""
    candidates = [(entry, said) for entry in parsed.entries if (said := _read(entry.resource)) is not None]
    if not candidates:
        return parsed, {}
    scope = persons.scope_of(parsed)
    found: dict[int, dict[str, bytes]] = {}
    out: set[int] = set()
    for entry, (reference, key, value) in candidates:
        about = scope.find(reference, entry.full_url)
        if about is not None and about not in {one.index for one, _ in candidates}:
            found.setdefault(about, {}).setdefault(key, value)
            out.add(entry.index)
    kept = dict(parsed.kept)
    kept.update((entry.index, _whole(entry)) for entry in parsed.entries if entry.index in out)
    entries = tuple(entry for entry in parsed.entries if entry.index not in out)
    return msgspec.structs.replace(parsed, entries=entries, kept=kept), found


def is_remark(resource: Resource) -> bool:
    """True for a resource that `entries_of` makes."""
    return _read(resource) is not None


def _read(resource: Resource) -> tuple[str, str, bytes] | None:
    """What a remark is about, the register it stands on and what it says there; None for what is no remark."""
    if resource.get("resourceType") != "Communication":
        return None
    token = _one(resource.get("identifier"), REMARK_SYSTEM, "value")
    category = resource.get("category")
    coding = category[0].get("coding") if isinstance(category, list) and category and _is_object(category[0]) else None
    kind = _KINDS.get(_one(coding, KIND_SYSTEM, "code") or "")
    about, payload = resource.get("about"), resource.get("payload")
    if kind is None or token is None or not _TOKEN.match(token):
        return None
    reference, text = _only(about).get("reference"), _only(payload).get("contentString")
    if not isinstance(reference, str) or not isinstance(text, str) or not text.strip():
        return None
    said: dict[str, Any] = {"text": text}
    sender = resource.get("sender")
    author = sender.get("display") if isinstance(sender, dict) else None
    if isinstance(author, str) and author.strip():
        said["author"] = author
    if rank(resource.get("sent")) != rank(None):
        said["at"] = resource["sent"]
    return reference, kind[0] + token, exact.canonical(said)


def _one(rows: Any, system: str, member: str) -> str | None:
    """The text of one member of the first row of a list that has this system."""
    if isinstance(rows, list) and rows and _is_object(rows[0]) and rows[0].get("system") == system:
        value = rows[0].get(member)
        return value if isinstance(value, str) else None
    return None


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _only(rows: Any) -> Resource:
    """The one object of a list; nothing of any other list."""
    return rows[0] if isinstance(rows, list) and len(rows) == 1 and _is_object(rows[0]) else {}


def _whole(entry: ParsedEntry) -> bytes:
    url = {} if entry.full_url is None else {"fullUrl": entry.full_url}
    return exact.canonical({**url, "resource": entry.resource, **entry.extras})
