"""What a note says: read from what a stranger sealed, held to its form, and written as the page writes it.

Pure. Invariant: what is not exactly a note is `NoteUnreadable`, which says no more; nothing in a note is an id. Spec:
openapi/protocol/inbox.md, INB-3.
"""

from __future__ import annotations

import msgspec

from sync.wire.limits import NOTE_DOCUMENT_BYTES_MAX, NOTE_PLAIN_BYTES_MAX, NOTE_TEXT_CHARS_MAX

FROM_CHARS_MAX = NAME_CHARS_MAX = 256
STEP_BYTES = 4_096
BEGINNINGS = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
}


class NoteUnreadable(Exception):
    """What was sealed is no note."""


class Paper(msgspec.Struct, frozen=True):
    """A document of a note. `data`: its bytes."""

    name: str
    type: str
    data: bytes

    def __repr__(self) -> str:
        return "<Paper>"


class Note(msgspec.Struct, frozen=True, rename={"sender": "from"}):
    """A note. `sender`: who it is from, in the sender's own words."""

    sender: str
    text: str = ""
    document: Paper | None = None
    v: int = 1

    def __repr__(self) -> str:
        return "<Note>"


_decode = msgspec.json.Decoder(Note).decode


def read_note(plain: bytes) -> Note:
    """The note in opened bytes. Raises: NoteUnreadable."""
    if len(plain) > NOTE_PLAIN_BYTES_MAX or len(plain) % STEP_BYTES:
        raise NoteUnreadable
    try:
        note = _decode(plain)
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise NoteUnreadable from None
    if note.v != 1 or not note.sender.strip() or len(note.sender) > FROM_CHARS_MAX:
        raise NoteUnreadable
    if len(note.text) > NOTE_TEXT_CHARS_MAX or not (note.text.strip() or note.document):
        raise NoteUnreadable
    paper = note.document
    if paper is not None:
        begins = BEGINNINGS.get(paper.type, ())
        if len(paper.name) > NAME_CHARS_MAX or not 0 < len(paper.data) <= NOTE_DOCUMENT_BYTES_MAX:
            raise NoteUnreadable
        if not any(paper.data.startswith(begin) for begin in begins):
            raise NoteUnreadable
    return note


def write_note(note: Note) -> bytes:
    """A note as it is sealed: JSON, filled with spaces."""
    told: dict[str, object] = {"v": note.v, "from": note.sender, "text": note.text}
    if note.document is not None:
        told["document"] = note.document
    plain = msgspec.json.encode(told)
    return plain.ljust(-(-len(plain) // STEP_BYTES) * STEP_BYTES)
