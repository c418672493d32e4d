"""What a share's owner does with it: make, look, change, replace the files, read who opened it, revoke.

Two things are needed, a token of the account that made the share and the owner token. Whatever is wrong with either has
one answer, so that nobody learns which shares there are. Spec: openapi/protocol/shares.md, "Owner routes".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any

import msgspec
from litestar import Request, Response, delete, get, patch, put
from litestar.handlers import HTTPRouteHandler

from backend.access.guard import Caller, caller
from backend.http.docs import DOC, Body, Doc, Parameter
from backend.http.limits import JSON, header, read_json
from backend.http.problems import ProblemError
from backend.inbox.store import switch_inbox
from backend.ledger.store import Happened, append
from backend.ports import Ports
from backend.shares import store
from backend.shares.emergency import is_owner
from backend.shares.form import ShareMalformed, check_bounds, check_files, check_new, check_passcode, is_live
from backend.shares.store import ShareRow
from sync.wire.ledger import Kind
from sync.wire.limits import (
    OPENINGS_A_PAGE_MAX,
    PASSCODE_TRIES,
    SHARE_BODY_BYTES_MAX,
    SHARES_MAX,
    SMALL_BODY_BYTES_MAX,
)
from sync.wire.share import (
    OWNER_HEADER,
    SECRET_BYTES,
    SHARE_BYTES,
    NewShare,
    OpeningRecord,
    ShareChange,
    ShareFile,
    ShareId,
    ShareState,
    owner_hash,
)

PATH = "/v1/shares/{share:str}"
OWNER = Parameter(OWNER_HEADER, "header", "The owner token: 32 bytes in base64url.")
AFTER = Parameter("after", "query", "Records after this number.", required=False)
_decode_new = msgspec.json.Decoder(NewShare).decode
_read_change = msgspec.json.Decoder(ShareChange).decode
_read_files = msgspec.json.Decoder(list[ShareFile]).decode


def _read_new(body: bytes) -> tuple[bytes, NewShare]:
    """A new share, with a hash of its bytes: by that it is known when it is sent again."""
    return hashlib.sha256(body).digest(), _decode_new(body)


def routes(ports: Ports) -> list[HTTPRouteHandler]:
    """The routes, over these ports."""
    engine = ports.engine

    doc = Doc(
        "Make a share: its settings and its sealed files",
        {204: None},
        ("malformed", "token_invalid", "revoked", "not_found", "share_taken", "too_many_shares", "storage_full"),
        Body(JSON, NewShare),
        token=True,
    )

    @put(PATH, status_code=204, opt={DOC: doc})
    async def make(request: Request[Any, Any, Any]) -> None:
        me, share = await caller(request, ports), share_of(request)
        body_hash, new = await read_json(request, _read_new, SHARE_BODY_BYTES_MAX)
        now_ms = ports.now_ms()
        try:
            check_new(new)
        except ShareMalformed:
            raise ProblemError("malformed") from None
        async with engine.transaction() as tx:
            live = await store.live_shares(tx, me.account)  # from here on this account makes one at a time
            held = await store.read_share(tx, share)
            if held is not None:
                if held.account == me.account and hmac.compare_digest(held.body_hash, body_hash):
                    return  # the answer was lost, and the phone asks again
                raise ProblemError("share_taken")
            if new.emergency_vault is not None and not await is_owner(tx, new.emergency_vault, me.device):
                raise ProblemError("malformed")  # nobody has strangers told of anything
            if live >= SHARES_MAX:
                raise ProblemError("too_many_shares")
            if not await store.write_share(tx, share, me.account, new, body_hash, PASSCODE_TRIES, now_ms):
                raise ProblemError("share_taken")
            await store.write_files(tx, share, new.files, now_ms)
            await append(tx, me.account, Happened("share_made", share, me.device), now_ms)

    doc = Doc(
        "How a share stands",
        {200: Body(JSON, ShareState)},
        ("token_invalid", "revoked", "not_found"),
        token=True,
        parameters=(OWNER,),
    )

    @get(PATH, opt={DOC: doc})
    async def look(request: Request[Any, Any, Any]) -> Response[Any]:
        me, share = await caller(request, ports), share_of(request)
        row = owned(request, me, await store.read_share(engine.reading(), share))
        state = ShareState(
            row.long_term,
            row.direct,
            row.made_at,
            row.expires_at,
            row.opens_max,
            row.paused,
            row.revoked_at is not None,
            is_live(row, ports.now_ms()),
            row.opens,
            None if row.passcode_hash is None else row.tries,
            await store.file_sizes(engine.reading(), share),
            row.entitled,
            row.inbox,
        )
        return Response(msgspec.json.encode(state), media_type=JSON)

    doc = Doc(
        "Change a share's end, its maximum of opens or its passcode, pause it or let it go on",
        {204: None},
        ("malformed", "token_invalid", "revoked", "not_found"),
        Body(JSON, ShareChange, "What is not named stays; null takes an end, a maximum or a passcode away."),
        token=True,
        parameters=(OWNER,),
    )

    @patch(PATH, status_code=204, opt={DOC: doc})
    async def change(request: Request[Any, Any, Any]) -> None:
        me, share = await caller(request, ports), share_of(request)
        wish = await read_json(request, _read_change, SMALL_BODY_BYTES_MAX)
        try:
            passcode = None if wish.passcode is msgspec.UNSET else wish.passcode
            check_passcode(passcode)
        except ShareMalformed:
            raise ProblemError("malformed") from None
        async with engine.transaction() as tx:
            row = owned(request, me, await store.lock_share(tx, share))
            if row.revoked_at is not None:
                raise ProblemError("not_found")
            expires_at = row.expires_at if wish.expires_at is msgspec.UNSET else wish.expires_at
            opens_max = row.opens_max if wish.opens_max is msgspec.UNSET else wish.opens_max
            try:
                check_bounds(expires_at, opens_max)
                if row.direct and passcode is not None:
                    raise ShareMalformed
            except ShareMalformed:
                raise ProblemError("malformed") from None
            paused = row.paused if wish.paused is msgspec.UNSET else wish.paused
            await store.change_share(tx, share, expires_at, opens_max, paused)
            if wish.inbox is not msgspec.UNSET:
                await switch_inbox(tx, share, wish.inbox)
            changed = (expires_at, opens_max) != (row.expires_at, row.opens_max)
            if wish.passcode is not msgspec.UNSET:
                salt, hash_ = (None, None) if passcode is None else (passcode.salt, passcode.hash)
                changed |= hash_ != row.passcode_hash
                if hash_ != row.passcode_hash:  # the one that stands keeps its tries, however often it is told
                    await store.change_passcode(tx, share, salt, hash_, PASSCODE_TRIES)
            now_ms = ports.now_ms()
            if changed:
                await append(tx, me.account, Happened("share_changed", share, me.device), now_ms)
            if paused != row.paused:
                kind: Kind = "share_paused" if paused else "share_resumed"
                await append(tx, me.account, Happened(kind, share, me.device), now_ms)

    doc = Doc(
        "Replace all files of a share at once",
        {204: None},
        ("malformed", "token_invalid", "revoked", "not_found", "storage_full"),
        Body(JSON, list[ShareFile]),
        token=True,
        parameters=(OWNER,),
    )

    @put(f"{PATH}/files", status_code=204, opt={DOC: doc})
    async def replace(request: Request[Any, Any, Any]) -> None:
        me, share = await caller(request, ports), share_of(request)
        files = await read_json(request, _read_files, SHARE_BODY_BYTES_MAX)
        try:
            check_files(files)
        except ShareMalformed:
            raise ProblemError("malformed") from None
        async with engine.transaction() as tx:
            row = owned(request, me, await store.lock_share(tx, share))
            if row.revoked_at is not None:
                raise ProblemError("not_found")
            if row.direct and len(files) != 1:
                raise ProblemError("malformed")
            await store.write_files(tx, share, files, ports.now_ms())

    doc = Doc(
        "Who opened a share, sealed to its owner",
        {200: Body(JSON, list[OpeningRecord])},
        ("malformed", "token_invalid", "revoked", "not_found"),
        token=True,
        parameters=(OWNER, AFTER),
    )

    @get(f"{PATH}/openings", opt={DOC: doc})
    async def openings(request: Request[Any, Any, Any]) -> Response[Any]:
        me, share = await caller(request, ports), share_of(request)
        after = request.query_params.get("after", "0")
        if not (after.isascii() and after.isdecimal() and len(after) < 16):
            raise ProblemError("malformed")
        owned(request, me, await store.read_share(engine.reading(), share))
        rows = await store.read_openings(engine.reading(), share, int(after), ports.now_ms(), OPENINGS_A_PAGE_MAX)
        return Response(msgspec.json.encode([OpeningRecord(*row) for row in rows]), media_type=JSON)

    doc = Doc(
        "Revoke a share for good: its files are deleted at once",
        {204: None},
        ("token_invalid", "revoked", "not_found"),
        token=True,
        parameters=(OWNER,),
    )

    @delete(PATH, opt={DOC: doc})
    async def revoke(request: Request[Any, Any, Any]) -> None:
        me, share = await caller(request, ports), share_of(request)
        now_ms = ports.now_ms()
        async with engine.transaction() as tx:
            row = owned(request, me, await store.lock_share(tx, share))
            if row.revoked_at is None:
                await append(tx, me.account, Happened("share_revoked", share, me.device), now_ms)
            await store.revoke_share(tx, share, now_ms)
            await store.drop_old_openings(tx, now_ms)

    return [make, look, change, replace, openings, revoke]


def share_of(request: Request[Any, Any, Any]) -> ShareId:
    """The handle in a path. Raises: ProblemError `not_found`."""
    text = request.path_params["share"]
    try:
        if len(text) == 2 * SHARE_BYTES and text == text.lower():
            return ShareId(bytes.fromhex(text))
    except ValueError:
        pass
    raise ProblemError("not_found")


def owned(request: Request[Any, Any, Any], me: Caller, row: ShareRow | None) -> ShareRow:
    """The share, if the caller's account made it and the owner token fits. Raises: ProblemError `not_found`."""
    text = header(request, OWNER_HEADER.lower().encode())
    try:
        token = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        token = b""
    held = row.owner_hash if row is not None else bytes(SECRET_BYTES)
    fits = hmac.compare_digest(owner_hash(token), held)
    if row is None or not fits or row.account != me.account:
        raise ProblemError("not_found")
    return row
