"""Notes as the server knows them: JSON of the readers' and the owner's routes. Opaque bytes, numbers, times.

Not here: what a note says (sync/vault/note.py), how it is sealed (crypto/secret/notes.py). Spec:
openapi/protocol/inbox.md.
"""

from __future__ import annotations

import msgspec

from crypto.public.hashing import labelled_hash

NOTE_BYTES = 16  # of a note's id
TICKET_HEADER = "Carnet-Inbox"
HASH_LABEL = "share note hash"


class NewNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /s/notes/{ticket}. `id`: 16 random bytes."""

    id: bytes
    note: bytes


class NoteTaken(msgspec.Struct, frozen=True):
    """What the sender hears. `sent_at`: milliseconds since 1970 UTC."""

    number: int
    sent_at: int


class NoteMark(msgspec.Struct, frozen=True):
    """How far a note has come, for its sender. Times: milliseconds since 1970 UTC, null while it has not."""

    id: bytes
    number: int
    sent_at: int
    fetched_at: int | None
    opened_at: int | None
    answered_at: int | None
    answer: bytes | None


class NoteWaiting(msgspec.Struct, frozen=True):
    """GET /v1/notes: one that the owner's phone is not done with. `size`: its bytes, sealed."""

    share: bytes
    number: int
    id: bytes
    sent_at: int
    size: int
    fetched_at: int | None
    opened_at: int | None
    answered_at: int | None


class SealedNote(msgspec.Struct, frozen=True):
    """GET /v1/shares/{share}/notes/{number}."""

    id: bytes
    note: bytes


class NoteChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """PATCH of a note: what is named changes. `done`: its bytes go for good. `answer`: null takes it away."""

    opened: bool = False
    done: bool = False
    answer: bytes | msgspec.UnsetType | None = msgspec.UNSET


def note_hash(sealed: bytes) -> bytes:
    """How the ledger names a note's bytes."""
    return labelled_hash(HASH_LABEL, sealed)
