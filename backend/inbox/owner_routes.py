"""What a share's owner does with notes: see what waits, fetch one, mark it, be done with it, answer.

Spec: openapi/protocol/inbox.md, "Owner routes"; who may is SHR-7.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, get, patch
from litestar.handlers import HTTPRouteHandler

from backend.access.guard import caller
from backend.http.docs import DOC, Body, Doc
from backend.http.limits import JSON, read_json
from backend.http.problems import ProblemError
from backend.inbox import store
from backend.ports import Ports
from backend.shares.owner_routes import OWNER, owned, share_of
from backend.shares.store import lock_share
from sync.wire.inbox import NoteChange, NoteWaiting, SealedNote
from sync.wire.limits import ANSWER_BYTES_MAX, SMALL_BODY_BYTES_MAX

PATH = "/v1/shares/{share:str}/notes/{note:str}"
_read_change = msgspec.json.Decoder(NoteChange).decode


def routes(ports: Ports) -> list[HTTPRouteHandler]:
    """The routes, over these ports."""
    engine = ports.engine

    doc = Doc(
        "What waits in the inboxes of one's shares",
        {200: Body(JSON, list[NoteWaiting])},
        ("token_invalid", "revoked"),
        token=True,
    )

    @get("/v1/notes", opt={DOC: doc})
    async def waiting(request: Request[Any, Any, Any]) -> Response[Any]:
        me = await caller(request, ports)
        async with engine.transaction() as tx:
            await store.drop_old_notes(tx, me.account, ports.now_ms())
            found = await store.read_waiting(tx, me.account)
        return Response(msgspec.json.encode(found), media_type=JSON)

    doc = Doc(
        "Fetch a sealed note",
        {200: Body(JSON, SealedNote)},
        ("token_invalid", "revoked", "not_found"),
        token=True,
        parameters=(OWNER,),
    )

    @get(PATH, opt={DOC: doc})
    async def fetch(request: Request[Any, Any, Any]) -> Response[Any]:
        me, share, number = await caller(request, ports), share_of(request), _number(request)
        async with engine.transaction() as tx:
            owned(request, me, await lock_share(tx, share))
            found = await store.fetch_note(tx, share, number, ports.now_ms())
            if found is None:
                raise ProblemError("not_found")
        return Response(msgspec.json.encode(SealedNote(*found)), media_type=JSON)

    doc = Doc(
        "Mark a note as opened, be done with it, or answer it",
        {204: None},
        ("malformed", "token_invalid", "revoked", "not_found", "storage_full"),
        Body(JSON, NoteChange),
        token=True,
        parameters=(OWNER,),
    )

    @patch(PATH, status_code=204, opt={DOC: doc})
    async def change(request: Request[Any, Any, Any]) -> None:
        me, share, number = await caller(request, ports), share_of(request), _number(request)
        wish = await read_json(request, _read_change, SMALL_BODY_BYTES_MAX)
        if isinstance(wish.answer, bytes) and not 0 < len(wish.answer) <= ANSWER_BYTES_MAX:
            raise ProblemError("malformed")
        now_ms = ports.now_ms()
        async with engine.transaction() as tx:
            owned(request, me, await lock_share(tx, share))
            if not await store.has_note(tx, share, number):
                raise ProblemError("not_found")
            if wish.opened:
                await store.mark_opened(tx, share, number, now_ms)
            if wish.done:
                await store.drop_note(tx, share, number)
            if wish.answer is not msgspec.UNSET:
                await store.write_answer(tx, share, number, wish.answer, now_ms)

    return [waiting, fetch, change]


def _number(request: Request[Any, Any, Any]) -> int:
    text = request.path_params["note"]
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ProblemError("not_found")
    return int(text)
