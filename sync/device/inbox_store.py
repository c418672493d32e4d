"""Notes on this phone: what is kept of each, in the phone's own store, and what the server is still owed.

What it is: rows. What it is not: a request, an import. A note's content is kept apart from the list, because it may be
large; declined, it goes. Spec: openapi/protocol/inbox.md, INB-14.
"""

from __future__ import annotations

import msgspec

from sync.device.store.rows import Rows
from sync.vault.note import Note, NoteUnreadable, read_note

_INBOX = 25  # number of the store's singleton
_CONTENT = 1 << 32  # numbers of the singletons that hold the notes' content follow
NEW, OPENED, ACCEPTED, DECLINED = "new", "opened", "accepted", "declined"


class HeldNote(msgspec.Struct):
    """A note. `owed`: what the server has not heard yet. `record`: of an accepted one. Times: ms since 1970 UTC."""

    share: bytes
    number: int
    id: bytes
    hash: bytes
    sent_at: int
    state: str = NEW
    readable: bool = True
    answer: str | None = None
    record: bytes | None = None
    owes_opened: bool = False
    owes_done: bool = False
    owes_answer: bool = False

    def owes(self) -> bool:
        """Whether the server has to hear something."""
        return self.owes_opened or self.owes_done or self.owes_answer


class Inbox(msgspec.Struct):
    """All notes that this phone has fetched, in that order. `told`: the newest notice that it has asked after."""

    notes: list[HeldNote] = []
    told: int = 0


_inbox = msgspec.msgpack.Decoder(Inbox)


async def get_inbox(rows: Rows) -> Inbox:
    """What is kept on this phone."""
    body = await rows.get_single(_INBOX)
    return _inbox.decode(body) if body else Inbox()


async def put_inbox(rows: Rows, inbox: Inbox) -> None:
    """Keeps it."""
    await rows.put_single(_INBOX, msgspec.msgpack.encode(inbox))


async def put_content(rows: Rows, place: int, plain: bytes) -> None:
    """Keeps what a note holds, by its place in the list; empty bytes let go of it."""
    await rows.put_single(_CONTENT + place, plain)


async def get_content(rows: Rows, place: int) -> Note | None:
    """What a note says; None for one that is unreadable or declined."""
    try:
        return read_note(await rows.get_single(_CONTENT + place) or b"")
    except NoteUnreadable:
        return None
