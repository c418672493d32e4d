"""A further phone of the same person: it shows a code, a phone that is in already types it, both meet under it.

The new phone believes what it is told only as far as its first sync proves it: it is linked once it has read the log
up to the head that it was welcomed with. Spec: openapi/protocol/linking.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from crypto.public.errors import BadCode
from crypto.secret.secret import Secret
from sync.device.access import enrol, enrolment_signature, refusal
from sync.device.identity import Identity, get_identity, new_identity, put_identity
from sync.device.names import Names, device_key, name_edit
from sync.device.phone import Phone
from sync.device.reading import identity_of, read_record
from sync.device.refused import Refused
from sync.device.staging import stage
from sync.device.syncing import sync
from sync.device.transport import Answered, Transport, Unreachable
from sync.log.state import LogState
from sync.merge.change import PERSON, VAULT_RECORD
from sync.vault.enrolment import LinkRefused, Rendezvous, code_for, open_hello, open_welcome, rendezvous, seal_post
from sync.vault.keyring import Keyring
from sync.vault.state import AddCard, VaultState
from sync.wire.ids import DeviceId, PersonId
from sync.wire.limits import LINK_SECONDS
from sync.wire.link import HELLO, LINK_KIND, WELCOME, Head, Hello, SealedPost, Welcome

POLL_SECONDS = 1.0  # between two looks for the welcome


async def show_code(phone: Phone, server: str, device_name: str) -> str:
    """Makes the new phone's card, posts it sealed, gives the code to show. Raises: Refused."""
    async with phone.store.transaction() as rows:
        known = await get_identity(rows)
        if known is not None and (known.account is not None or known.link_kind != LINK_KIND):
            raise Refused("store_exists")
    identity = new_identity(server, device_name, "", phone.draw(32), phone.draw(32))
    code = code_for(Secret(phone.draw(16)), identity.device)
    identity.link_code, identity.link_kind = code, LINK_KIND
    async with phone.store.transaction() as rows:
        await put_identity(rows, identity)
    place = rendezvous(code)
    post = seal_post(place, Hello(LINK_KIND, identity.card, device_name, ""), phone.draw(32))
    transport = phone.connect(server)
    try:
        await transport.call("PUT", _path(place, HELLO), msgspec.json.encode(post))
    except (Answered, Unreachable) as error:
        raise refusal(error) from error
    finally:
        await transport.close()
    return code


async def wait_to_be_let_in(phone: Phone, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> list[str]:
    """Waits for the welcome, joins the account, reads the vaults; gives their ids. Raises: Refused(link_expired, …)."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
    if identity.link_code is None:
        raise Refused("store_exists")
    place = rendezvous(identity.link_code)
    transport = phone.connect(identity.server)
    try:
        welcome = await _await_welcome(transport, place, pause)
        if welcome.account is None or welcome.enrolment is None:
            raise Refused("link_unreadable")
        await enrol(transport, welcome.account, welcome.approver, welcome.enrolment, identity.keys)
    except (Answered, Unreachable) as error:
        raise refusal(error) from error
    finally:
        await transport.close()
    identity.account, identity.person_name, identity.link_code = welcome.account, welcome.person_name, None
    async with phone.store.transaction() as rows:
        await put_identity(rows, identity)
        for number, head in enumerate(welcome.vaults, 1):
            state = VaultState(LogState.empty(head.vault), welcome.person, Keyring())
            state.expected = (head.seq, head.log_hash)
            await rows.put_vault(number, state)
    await sync(phone)
    await _name_this_phone(phone)
    return [head.vault.hex() for head in welcome.vaults]


async def _await_welcome(transport: Transport, place: Rendezvous, pause: Callable[[float], Awaitable[None]]) -> Welcome:
    for _ in range(int(LINK_SECONDS / POLL_SECONDS)):
        try:
            answer = await transport.call("GET", _path(place, WELCOME))
        except Answered as error:
            if error.code != "not_found":
                raise
            await pause(POLL_SECONDS)
            continue
        try:
            return open_welcome(place, msgspec.json.decode(answer, type=SealedPost))
        except LinkRefused as error:
            raise Refused(error.code) from error
        except msgspec.DecodeError as error:
            raise Refused("link_unreadable") from error
    raise Refused("link_expired")


async def _name_this_phone(phone: Phone) -> None:
    """The new phone writes its own name into each vault that does not hold it yet: it is heard from."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        for number in await rows.vaults():
            record = await read_record(rows, number, VAULT_RECORD)
            key = device_key(identity.device)
            state = await rows.get_vault(number)
            if not record.siblings(key, PERSON) and (state.log.table.role(identity.device) or 0) > 0:
                await stage(phone, rows, identity, number, [name_edit(record, {key: identity.device_name})])
    await sync(phone)


class Approved(NamedTuple):
    """The phone that was let in, and as whom."""

    device: DeviceId
    name: str
    person: PersonId
    role: int


async def approve(phone: Phone, code: str, only: list[int] | None = None) -> Approved:
    """Lets the phone that shows this code in as one's own. Raises: Refused."""
    try:
        place = rendezvous(code)
    except BadCode as error:
        known = {"mistyped": "code_mistyped", "swapped": "code_swapped"}
        raise Refused(known.get(error.reason, "bad_code")) from error
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        numbers = [n for n in await rows.vaults() if only is None or n in only]
    if not numbers or identity.account is None:
        raise Refused("no_vault")
    transport = phone.connect(identity.server)
    try:
        hello, device = await _hello(transport, place)
        await _add_card(phone, identity, numbers, hello, device)
        welcome = await _welcome(phone, identity, numbers, device)
        post = seal_post(place, welcome, phone.draw(32))
        await transport.call("PUT", _path(place, WELCOME), msgspec.json.encode(post))
    except Answered as error:
        if error.code == "not_found":
            raise Refused("link_not_found") from error
        raise refusal(error) from error
    except Unreachable as error:
        raise refusal(error) from error
    finally:
        await transport.close()
    return Approved(device, hello.device_name, welcome.person, welcome.role)


async def _hello(transport: Transport, place: Rendezvous) -> tuple[Hello, DeviceId]:
    answer = await transport.call("GET", _path(place, HELLO))
    try:
        hello, device = open_hello(place, msgspec.json.decode(answer, type=SealedPost))
    except LinkRefused as error:
        raise Refused(error.code) from error
    except msgspec.DecodeError as error:
        raise Refused("link_unreadable") from error
    if hello.kind != LINK_KIND:
        raise Refused("link_unreadable")
    return hello, device


async def _add_card(phone: Phone, identity: Identity, numbers: list[int], hello: Hello, device: DeviceId) -> None:
    """Stores the wish in each vault and syncs until the log lists the card; the new phone itself says its name."""
    async with phone.store.transaction() as rows:
        for number in numbers:
            state = await rows.get_vault(number)
            if device in state.log.table.cards:
                continue
            person = state.log.table.cards[identity.device].person
            row = state.log.table.people[person]
            state.intents = [*state.intents, AddCard(hello.card, person, row.role, row.until)]
            await rows.put_vault(number, state)
    await sync(phone, numbers)
    async with phone.store.transaction() as rows:
        for number in numbers:
            if device not in (await rows.get_vault(number)).log.table.live():
                raise Refused("not_member")


async def _welcome(phone: Phone, identity: Identity, numbers: list[int], device: DeviceId) -> Welcome:
    assert identity.account is not None
    heads, person, role = [], None, 0
    async with phone.store.transaction() as rows:
        for number in numbers:
            state = await rows.get_vault(number)
            person = state.log.table.cards[identity.device].person
            role = state.log.table.people[person].role
            name = Names({VAULT_RECORD: await read_record(rows, number, VAULT_RECORD)}).vault()
            heads.append(Head(state.vault, name, state.log.seq, state.log.log_hash))
    assert person is not None
    signature = enrolment_signature(identity.keys, device, identity.account)
    return Welcome(identity.device, person, identity.person_name, role, tuple(heads), identity.account, signature)


def _path(place: Rendezvous, which: str) -> str:
    return f"/v1/links/{place.link.hex()}/{which}"
