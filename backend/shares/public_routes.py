"""The data plane: what anybody who holds a link may ask, by the rules of SMART Health Links.

A passcode's try is taken in one transaction, checked outside any, and settled in another; an open is counted, with the
sealed record of who asked, before it is answered. What is not live is nowhere, whatever the reason. Nothing here logs,
counts or stores who asked but inside that record. Spec: openapi/protocol/shares.md, "The data plane".
"""

from __future__ import annotations

import asyncio
import datetime
import re
from typing import Any, NoReturn

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from backend.access.tokens import new_secret_text
from backend.http.docs import DOC, Body, Doc, Parameter
from backend.http.limits import JSON, header, network, read_json
from backend.http.problems import ProblemError
from backend.inbox.store import INBOX_PLACE
from backend.ledger.store import Happened, append
from backend.notices.store import tell
from backend.ports import Ports
from backend.shares import store
from backend.shares.emergency import tell_owners
from backend.shares.passcodes import Busy, Passcodes
from backend.shares.store import Counted, Live, Try
from backend.storage.engine import Transaction
from crypto.public.sealing import seal
from sync.wire.inbox import TICKET_HEADER
from sync.wire.ledger import Kind, opener_digest
from sync.wire.limits import EMBEDDED_CHARS_MAX, SHARE_POLL_SECONDS, SMALL_BODY_BYTES_MAX, TICKET_SECONDS
from sync.wire.share import (
    OPENED,
    WRONG_PASSCODE,
    Manifest,
    ManifestFile,
    ManifestRequest,
    Opener,
    opening_info,
    pad_opener,
    ticket_hash,
    token_hash,
)

JOSE = "application/jose"
RECIPIENT_CHARS_MAX = 256
RECIPIENT = Parameter("recipient", "query", "Who asks, in words that the share's owner will read.")
PUBLIC = "/s"
TURN_MS = 2_000  # a server that dies holds a share's turn so long; one that is slower only loses it
TURN_ASKED_MAX, TURN_PAUSE_SECONDS = 40, 0.025  # how long one server waits for another's check
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_read_request = msgspec.json.Decoder(ManifestRequest).decode


def routes(ports: Ports, passcodes: Passcodes) -> list[HTTPRouteHandler]:
    """The routes, over these ports."""
    engine = ports.engine

    doc = Doc(
        "Open a share: its manifest",
        {200: Body(JSON, Manifest, "Retry-After says when to ask again for a share that may change.")},
        ("malformed", "passcode_needed", "passcode_wrong", "not_found"),
        Body(JSON, ManifestRequest, "recipient: 1 to 256 characters."),
    )

    @post(PUBLIC + "/{token:str}", status_code=200, opt={DOC: doc})
    async def manifest(request: Request[Any, Any, Any]) -> Response[Any]:
        now_ms = ports.now_ms()
        ports.addresses.take(network(request), now_ms)
        asked = await read_json(request, _read_request, SMALL_BODY_BYTES_MAX)
        _check_recipient(asked.recipient)
        token = token_hash(_token(request, "token"))
        live = await store.read_live(engine.reading(), token, now_ms)
        if live is None or live.direct:
            raise ProblemError("not_found")
        if live.passcode_hash is None:
            async with engine.transaction() as tx:
                return await answer(tx, await store.count_open(tx, token, now_ms, False), request, asked, now_ms)
        tries = _tries(live, now_ms)
        if tries <= 0:
            raise ProblemError("not_found")
        if asked.passcode is None:
            raise ProblemError("passcode_needed", remainingAttempts=tries)
        try:
            async with passcodes.turn(token):
                return await with_passcode(request, asked, asked.passcode, token, now_ms)
        except Busy:
            raise ProblemError("unavailable", retry_after=1) from None

    async def take_try(token: bytes) -> Try:
        """A try, once no other server checks a passcode of the share. Raises: Busy, ProblemError `not_found`."""
        for _ in range(TURN_ASKED_MAX):
            now_ms = ports.now_ms()
            async with engine.transaction() as tx:
                taken = await store.take_try(tx, token, now_ms, now_ms + TURN_MS)
            if taken is not None:
                return taken
            live = await store.read_live(engine.reading(), token, now_ms)
            if live is None or _tries(live, now_ms) <= 0:
                raise ProblemError("not_found")
            await asyncio.sleep(TURN_PAUSE_SECONDS)
        raise Busy

    async def with_passcode(
        request: Request[Any, Any, Any], asked: ManifestRequest, passcode: str, token: bytes, now_ms: int
    ) -> Response[Any]:
        taken = await take_try(token)
        right = await passcodes.is_right(passcode, taken.salt, taken.hash)
        async with engine.transaction() as tx:
            if right:
                return await answer(tx, await store.count_right(tx, token, now_ms, taken.hash), request, asked, now_ms)
            counted = await store.count_wrong(tx, token)
            if counted is not None:
                await note(tx, counted, WRONG_PASSCODE, request, asked.recipient, (), now_ms)
        raise ProblemError("passcode_wrong", remainingAttempts=taken.left)

    async def answer(
        tx: Transaction, counted: Counted | None, request: Request[Any, Any, Any], asked: ManifestRequest, now_ms: int
    ) -> Response[Any]:
        """The manifest of a counted open, its record and its tickets written beside."""
        if counted is None:
            raise ProblemError("not_found")
        longest = EMBEDDED_CHARS_MAX if asked.embedded_length_max is None else asked.embedded_length_max
        files, tickets, types = [], [], []
        for place, (content_type, jwe, laid_at) in enumerate(await store.read_files(tx, counted.share)):
            types.append(content_type)
            laid = datetime.datetime.fromtimestamp(laid_at / 1000, datetime.UTC).isoformat(timespec="seconds")
            if len(jwe) <= longest:
                files.append(ManifestFile(content_type, laid, embedded=jwe))
            else:
                ticket = new_secret_text(ports.entropy)
                tickets.append((ticket_hash(ticket), counted.share, place, now_ms + TICKET_SECONDS * 1000))
                location = f"{ports.origin}{PUBLIC}/file/{ticket}"
                files.append(ManifestFile(content_type, laid, location=location))
        if tickets:
            await store.write_tickets(tx, tickets, now_ms)
        await note(tx, counted, OPENED, request, asked.recipient, tuple(types), now_ms)
        body = msgspec.json.encode(Manifest(files, "can-change" if counted.long_term else "finalized"))
        headers = {"Retry-After": str(SHARE_POLL_SECONDS)} if counted.long_term else {}
        return Response(body, media_type=JSON, headers=headers | await inbox(tx, counted, now_ms))

    async def inbox(tx: Transaction, counted: Counted, now_ms: int) -> dict[str, str]:
        """The header with which whoever opened a share may send something back."""
        if not counted.inbox:
            return {}
        ticket = new_secret_text(ports.entropy)
        ends = now_ms + TICKET_SECONDS * 1000
        await store.write_tickets(tx, [(ticket_hash(ticket), counted.share, INBOX_PLACE, ends)], now_ms)
        return {TICKET_HEADER: ticket}

    doc = Doc(
        "Fetch the file of a direct share",
        {200: Body(JOSE, None)},
        ("malformed", "not_found"),
        parameters=(RECIPIENT,),
    )

    @get(PUBLIC + "/{token:str}", opt={DOC: doc})
    async def direct(request: Request[Any, Any, Any]) -> Response[Any]:
        now_ms = ports.now_ms()
        ports.addresses.take(network(request), now_ms)
        recipient = request.query_params.get("recipient", "")
        _check_recipient(recipient)
        token = token_hash(_token(request, "token"))
        async with engine.transaction() as tx:
            counted = await store.count_open(tx, token, now_ms, True)
            if counted is None:
                raise ProblemError("not_found")
            ((content_type, jwe, _),) = await store.read_files(tx, counted.share)
            await note(tx, counted, OPENED, request, recipient, (content_type,), now_ms)
            headers = await inbox(tx, counted, now_ms)
        return Response(jwe.encode(), media_type=JOSE, headers=headers)

    doc = Doc("Fetch a file of a manifest, for an hour", {200: Body(JOSE, None)}, ("not_found",))

    @get(PUBLIC + "/file/{ticket:str}", opt={DOC: doc})
    async def fetch(request: Request[Any, Any, Any]) -> Response[Any]:
        now_ms = ports.now_ms()
        ports.addresses.take(network(request), now_ms)
        jwe = await store.read_ticket(engine.reading(), ticket_hash(_token(request, "ticket")), now_ms)
        if jwe is None:
            raise ProblemError("not_found")
        return Response(jwe.encode(), media_type=JOSE)

    async def note(
        tx: Transaction,
        counted: Counted,
        outcome: str,
        request: Request[Any, Any, Any],
        recipient: str,
        types: tuple[str, ...],
        now_ms: int,
    ) -> None:
        """Writes the record of an opening, sealed to the share's owner, whose phones are told of it."""
        address = request.client.host if request.client else ""
        opener = pad_opener(Opener(recipient, address, header(request, b"user-agent"), types))
        sealed = seal(counted.log_key, opening_info(counted.share, counted.number, outcome), opener)
        await store.drop_old_openings(tx, now_ms)
        await store.write_opening(tx, counted.share, counted.number, now_ms, outcome, sealed)
        # Accounts are locked in their order by the telling; the ledger's is one of them.
        if outcome == OPENED and counted.emergency_vault is not None:
            await tell_owners(tx, counted.emergency_vault, now_ms)
        elif outcome == OPENED:
            await tell(tx, counted.account, "share_opened", None, now_ms)
        kind: Kind = "share_opened" if outcome == OPENED else "passcode_wrong"
        happened = Happened(kind, counted.share, b"", counted.number, opener_digest(sealed))
        await append(tx, counted.account, happened, now_ms)

    return [manifest, direct, fetch]


def _token(request: Request[Any, Any, Any], name: str) -> str:
    text = request.path_params[name]
    if not _TOKEN.match(text):
        _nowhere()
    return str(text)


def _tries(live: Live, now_ms: int) -> int:
    """The tries that are left, with the one that comes back if the passcode that is being checked is right."""
    return live.tries + (live.checking_until > now_ms)


def _nowhere() -> NoReturn:
    raise ProblemError("not_found")


def _check_recipient(recipient: str) -> None:
    if not 0 < len(recipient) <= RECIPIENT_CHARS_MAX or not recipient.strip():
        raise ProblemError("malformed")
