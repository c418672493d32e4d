"""Accounts and devices: open one, enrol a card, list one's own, revoke one's own.

Another account's device is nowhere: the answer is the same 404 whether it exists or not. Spec:
openapi/protocol/accounts.md.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler

from backend.access.guard import caller
from backend.access.store import drop_tokens
from backend.accounts import store
from backend.accounts.proofs import ProofRefused, check_enrolled_card, check_enroller, check_new_account
from backend.http.docs import DOC, Body, Doc
from backend.http.limits import JSON, network, read_json
from backend.http.problems import ProblemError
from backend.ledger.store import Happened, append
from backend.notices.store import Kind, drop_notices, tell
from backend.ports import Ports
from backend.push.store import drop_target
from backend.storage.announcing import NOBODY, of_device
from sync.wire.account import AccountMade, DeviceInfo, Enrolment, NewAccount
from sync.wire.card import RECOVERY
from sync.wire.ids import ACCOUNT_BYTES, AccountId, parse_device_id
from sync.wire.limits import SMALL_BODY_BYTES_MAX

_read_account = msgspec.json.Decoder(NewAccount).decode
_read_enrolment = msgspec.json.Decoder(Enrolment).decode


def routes(ports: Ports) -> list[HTTPRouteHandler]:
    """The routes, over these ports."""
    engine, settings = ports.engine, ports.settings

    doc = Doc(
        "Open an account with its first card; the same card gets the same account",
        {201: Body(JSON, AccountMade)},
        ("malformed", "registration_closed", "rate_limited"),
        Body(JSON, NewAccount),
    )

    @post("/v1/accounts", opt={DOC: doc})
    async def open_account(request: Request[Any, Any, Any]) -> Response[Any]:
        now_ms = ports.now_ms()
        ports.addresses.take(network(request), now_ms)
        new = await read_json(request, _read_account, SMALL_BODY_BYTES_MAX)
        try:
            device, card = check_new_account(new, ports.origin)
        except ProofRefused:
            raise ProblemError("malformed") from None
        async with engine.transaction() as tx:
            await store.hold_card(tx, device)
            row = await store.read_device(tx, device)
            if row is not None and row.revoked_at is None:
                account = row.account
            elif settings.registration != "open":
                raise ProblemError("registration_closed")
            else:
                account = AccountId(ports.entropy(ACCOUNT_BYTES))
                await store.write_account(tx, account, now_ms)
                await drop_tokens(tx, device)
                await store.write_device(tx, device, account, card, new.card, now_ms)
        return Response(msgspec.json.encode(AccountMade(account)), status_code=201, media_type=JSON)

    doc = Doc(
        "Enrol a card in an account, by a device of it and by the card itself",
        {201: Body(JSON, AccountMade)},
        ("malformed", "not_found", "revoked", "card_enrolled", "too_many_devices", "rate_limited"),
        Body(JSON, Enrolment),
    )

    @post("/v1/devices", opt={DOC: doc})
    async def enrol(request: Request[Any, Any, Any]) -> Response[Any]:
        now_ms = ports.now_ms()
        ports.addresses.take(network(request), now_ms)
        enrolment = await read_json(request, _read_enrolment, SMALL_BODY_BYTES_MAX)
        try:
            device, card = check_enrolled_card(enrolment)
        except ProofRefused:
            raise ProblemError("malformed") from None
        async with engine.transaction() as tx:
            await store.lock_account(tx, enrolment.account)
            await store.hold_card(tx, device)
            # Who is not a live device of that account learns nothing about it: one answer for every reason.
            enroller = await store.read_device(tx, enrolment.enroller)
            if enroller is None or enroller.revoked_at is not None or enroller.account != enrolment.account:
                raise ProblemError("not_found")
            try:
                check_enroller(enrolment, device, (enroller.key_type, enroller.signing_key))
            except ProofRefused:
                raise ProblemError("not_found") from None
            if await store.was_revoked(tx, device, enrolment.account):
                # Whoever holds a revoked phone also holds the signatures that once enrolled it.
                raise ProblemError("revoked")
            row = await store.read_device(tx, device)
            live = row is not None and row.revoked_at is None
            if row is not None and live and row.account != enrolment.account:
                raise ProblemError("card_enrolled")
            if not live:
                if await store.live_devices(tx, enrolment.account) >= settings.devices_an_account_max:
                    raise ProblemError("too_many_devices")
                await drop_tokens(tx, device)
                # Told before it is enrolled: a new phone hears nothing about itself.
                kind: Kind = "new_recovery" if card.kind == RECOVERY else "new_device"
                await tell(tx, enrolment.account, kind, enrolment.enroller, now_ms)
                added = Happened(
                    "recovery_added" if card.kind == RECOVERY else "device_added", device, enrolment.enroller
                )
                await append(tx, enrolment.account, added, now_ms)
                await store.write_device(tx, device, enrolment.account, card, enrolment.card, now_ms)
        return Response(msgspec.json.encode(AccountMade(enrolment.account)), status_code=201, media_type=JSON)

    doc = Doc(
        "List the devices of one's own account",
        {200: Body(JSON, list[DeviceInfo])},
        ("token_invalid", "revoked"),
        token=True,
    )

    @get("/v1/devices", opt={DOC: doc})
    async def list_devices(request: Request[Any, Any, Any]) -> Response[Any]:
        me = await caller(request, ports)
        devices = [
            DeviceInfo(device, kind, enrolled_at, revoked_at is not None, device == me.device)
            for device, kind, enrolled_at, revoked_at in await store.list_devices(engine.reading(), me.account)
        ]
        return Response(msgspec.json.encode(devices), media_type=JSON)

    doc = Doc(
        "Revoke a device of one's own account, at once",
        {204: None},
        ("token_invalid", "revoked", "not_found"),
        token=True,
    )

    @delete("/v1/devices/{device:str}", opt={DOC: doc})
    async def revoke(request: Request[Any, Any, Any]) -> None:
        me = await caller(request, ports)
        try:
            device = parse_device_id(request.path_params["device"])
        except ValueError:
            raise ProblemError("not_found") from None
        now_ms = ports.now_ms()
        async with engine.transaction() as tx:
            await store.lock_account(tx, me.account)
            row = await store.read_device(tx, device)
            if row is None or row.account != me.account:
                raise ProblemError("not_found")
            if row.revoked_at is None:
                await store.revoke_device(tx, device, me.account, now_ms)
                tx.announce(of_device(device), NOBODY)
                await drop_notices(tx, device)
                await drop_target(tx, device)
                await tell(tx, me.account, "device_revoked", me.device, now_ms)
                await append(tx, me.account, Happened("device_revoked", device, me.device), now_ms)

    return [open_account, enrol, list_devices, revoke]
