"""A note from whoever had a link, as records: what the citizen accepts is a file like any other, from a stranger.

Pure. Invariants: nothing that a sender wrote is an id, a reference or a code; the same note gives the same records; it
can touch no record of another source. Spec: openapi/protocol/inbox.md, INB-12 and INB-13.
"""

from __future__ import annotations

import base64

from sync.fhir.exact import canonical
from sync.fhir.registers import Resource
from sync.fhir.summary.assertions import BASE

INBOX_KEY_URL = BASE + "StructureDefinition/inbox-key"
NOTE_SYSTEM = BASE + "CodeSystem/from-a-link"
NOTE_CODE = "note-from-a-link"
_LOINC_NOTE = {"system": "http://loinc.org", "code": "34109-9", "display": "Note"}


def with_inbox_key(bundle: Resource, public_key: bytes) -> Resource:
    """The document with the key that readers seal notes to (INB-1)."""
    extension = {"url": INBOX_KEY_URL, "valueBase64Binary": base64.b64encode(public_key).decode()}
    return bundle | {"meta": bundle.get("meta", {}) | {"extension": [extension]}}


def source_words(sender: str, label: str | None) -> str:
    """What the source of a note is called."""
    return f"{sender}, who had the link {label or 'of a summary'}"


def note_bundle(
    note: bytes, sender: str, text: str, paper: tuple[str, str, bytes] | None, sent_at: str, label: str | None
) -> bytes:
    """The file that is imported. `note`: 32 bytes that follow from the note; `paper`: name, type, bytes; `sent_at`: RFC
    3339."""
    parts = [("text/plain; charset=utf-8", "A note", text.encode())] if text.strip() else []
    if paper is not None:
        parts.append((paper[1], paper[0], paper[2]))
    entries = []
    for place, (type_, title, data) in enumerate(parts):
        body = base64.b64encode(data).decode()
        attachment = {"contentType": type_, "data": body, "title": title, "creation": sent_at}
        resource: Resource = {
            "resourceType": "DocumentReference",
            "status": "current",
            "type": {"coding": [_LOINC_NOTE, {"system": NOTE_SYSTEM, "code": NOTE_CODE}], "text": "Note"},
            "date": sent_at,
            "author": [{"display": sender}],
            "description": text.strip() if type_.startswith("text/plain") else title,
            "content": [{"attachment": attachment}],
        }
        entries.append({"fullUrl": _url(note, place), "resource": resource})
    entries.append(
        {
            "fullUrl": _url(note, len(parts)),
            "resource": {
                "resourceType": "Provenance",
                "target": [{"reference": str(entry["fullUrl"])} for entry in entries],
                "recorded": sent_at,
                "agent": [{"who": {"display": f"{sender}: from someone who had this link ({label or 'summary'})"}}],
            },
        }
    )
    return canonical({"resourceType": "Bundle", "type": "collection", "entry": entries})


def _url(note: bytes, place: int) -> str:
    """A UUID (RFC 9562, version 8) that follows from the note."""
    raw = bytearray(note[:15] + bytes([place]))
    raw[6], raw[8] = raw[6] & 0x0F | 0x80, raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"urn:uuid:{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_from_a_link(resource: Resource) -> bool:
    """Whether a record was a note of somebody who had a link, as its own words say."""
    told = resource.get("type")
    codings = told.get("coding") if isinstance(told, dict) else None
    return any(isinstance(one, dict) and one.get("system") == NOTE_SYSTEM for one in codings or ())
