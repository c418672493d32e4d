"""What whoever opened a share may send back, and how far it has come: opaque notes behind a ticket of the open.

Nothing here logs, counts or stores who sends: a note's sender stands inside it. Spec: openapi/protocol/inbox.md,
"Readers' routes".
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from backend.http.docs import DOC, Body, Doc
from backend.http.limits import JSON, network, read_json
from backend.http.problems import ProblemError
from backend.inbox import store
from backend.ledger.store import Happened, append
from backend.notices.store import tell
from backend.ports import Ports
from backend.storage.engine import Transaction
from sync.wire.ids import DeviceId
from sync.wire.inbox import NOTE_BYTES, NewNote, NoteMark, NoteTaken, note_hash
from sync.wire.limits import NOTE_BODY_BYTES_MAX, NOTE_BYTES_MAX, NOTES_WAITING_BYTES_MAX
from sync.wire.share import ShareId, ticket_hash

PATH = "/s/notes/{ticket:str}"
NOBODY = DeviceId(b"")  # no device of the account caused it
_TICKET = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_read_note = msgspec.json.Decoder(NewNote).decode


def routes(ports: Ports) -> list[HTTPRouteHandler]:
    """The routes, over these ports."""
    engine = ports.engine

    doc = Doc(
        "Send a sealed note back to whoever shared",
        {201: Body(JSON, NoteTaken)},
        ("malformed", "not_found", "inbox_full", "storage_full"),
        Body(JSON, NewNote, "id: 16 random bytes; note: opaque."),
    )

    @post(PATH, status_code=201, opt={DOC: doc})
    async def send(request: Request[Any, Any, Any]) -> Response[Any]:
        now_ms = ports.now_ms()
        ports.addresses.take(network(request), now_ms)
        new = await read_json(request, _read_note, NOTE_BODY_BYTES_MAX)
        if len(new.id) != NOTE_BYTES or not 0 < len(new.note) <= NOTE_BYTES_MAX:
            raise ProblemError("malformed")
        async with engine.transaction() as tx:
            share = await store.share_of_ticket(tx, _hash(request), now_ms)
            if share is None:
                raise ProblemError("not_found")
            taken = await take(tx, share, new, now_ms)
        return Response(msgspec.json.encode(taken), status_code=201, media_type=JSON)

    async def take(tx: Transaction, share: ShareId, new: NewNote, now_ms: int) -> NoteTaken:
        hash_ = note_hash(new.note)
        held = await store.find_note(tx, share, new.id)
        if held is not None:
            number, sent_at, before = held
            if before != hash_:
                raise ProblemError("malformed")
            return NoteTaken(number, sent_at)  # the answer was lost, and the page asks again
        taken = await store.take_note(tx, share)
        if taken is None:
            raise ProblemError("inbox_full")
        happened = Happened("note_received", share, b"", taken.number, hash_)
        await append(tx, taken.account, happened, now_ms)  # from here on this account takes one note at a time
        if await store.waiting_bytes(tx, taken.account) + len(new.note) > NOTES_WAITING_BYTES_MAX:
            raise ProblemError("inbox_full")
        await store.write_note(tx, share, taken.number, new.id, hash_, new.note, now_ms)
        await tell(tx, taken.account, "note_received", NOBODY, now_ms)
        return NoteTaken(taken.number, now_ms)

    doc = Doc("How far the notes of a share have come, and answers", {200: Body(JSON, list[NoteMark])}, ("not_found",))

    @get(PATH, opt={DOC: doc})
    async def marks(request: Request[Any, Any, Any]) -> Response[Any]:
        now_ms = ports.now_ms()
        ports.addresses.take(network(request), now_ms)
        share = await store.share_of_ticket(engine.reading(), _hash(request), now_ms)
        if share is None:
            raise ProblemError("not_found")
        return Response(msgspec.json.encode(await store.read_marks(engine.reading(), share)), media_type=JSON)

    return [send, marks]


def _hash(request: Request[Any, Any, Any]) -> bytes:
    text = request.path_params["ticket"]
    if not _TICKET.match(text):
        raise ProblemError("not_found")
    return ticket_hash(text)
