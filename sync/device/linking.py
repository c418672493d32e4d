"""Letting a phone in: it shows a code, a phone that is in already types it, both meet under it.

A further phone of the same person and the first one of another differ only in who is named, and in whose account the
phone is: another person has her own. The new phone believes what it is told only as far as its first sync proves it: it
is linked once it has read the log up to the head that it was welcomed with. Spec: openapi/protocol/linking.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from crypto.public.errors import BadCode
from crypto.public.keys import ED25519
from crypto.secret.secret import Secret
from sync.device.access import enrol, enrolment_signature, refusal
from sync.device.founding import begin_account
from sync.device.identity import Identity, get_identity, new_identity, put_identity
from sync.device.names import Names, device_key, name_edit, person_key
from sync.device.phone import Phone
from sync.device.reading import identity_of, read_record
from sync.device.refused import Refused
from sync.device.staging import stage
from sync.device.syncing import sync
from sync.device.transport import Answered, Transport, Unreachable
from sync.device.wishes import own_vaults, wish
from sync.log.state import LogState
from sync.merge.change import PERSON, VAULT_RECORD
from sync.vault.enrolment import LinkRefused, Rendezvous, code_for, open_hello, open_welcome, rendezvous, seal_post
from sync.vault.intents import AddCard
from sync.vault.keyring import Keyring
from sync.vault.state import VaultState
from sync.wire.card import device_id as id_of_card
from sync.wire.ids import DeviceId, PersonId
from sync.wire.item import VIEWER
from sync.wire.limits import LINK_SECONDS
from sync.wire.link import HELLO, JOIN_KIND, LINK_KIND, WELCOME, Head, Hello, SealedPost, Welcome

POLL_SECONDS = 1.0  # between two looks for the welcome


async def show_code(phone: Phone, server: str, device_name: str, *, key_type: int = ED25519) -> str:
    """Makes the card of a person's further phone, posts it sealed, gives the code to show. Raises: Refused."""
    async with phone.store.transaction() as rows:
        known = await get_identity(rows)
        if known is not None and (known.account is not None or known.link_kind != LINK_KIND):
            raise Refused("store_exists")
    identity = new_identity(server, device_name, "", phone.draw(32), phone.draw(32), key_type=key_type)
    identity.link_kind = LINK_KIND
    return await _post_hello(phone, identity)


async def show_join_code(
    phone: Phone, server: str, person_name: str, device_name: str, *, key_type: int | None = None
) -> tuple[str, str | None]:
    """The first phone of a person whom somebody else lets in: an account of her own, then a code to show like any.

    Gives that code and her recovery code, which is shown this once: None when the phone has waited before and goes on
    with what it made then, so that `key_type` must be what it was. None: that, or Ed25519. Raises: Refused.
    """
    async with phone.store.transaction() as rows:
        known = await get_identity(rows)
    waiting = known is not None and known.link_kind == JOIN_KIND and known.link_code is not None
    if known is not None and not (waiting and known.server == server and key_type in (None, known.key_type)):
        raise Refused("store_exists")
    recovery_code = None
    if known is not None:
        identity = known
        identity.person_name, identity.device_name = person_name, device_name
    else:
        seeds = phone.draw(32), phone.draw(32)
        identity = new_identity(server, device_name, person_name, *seeds, key_type=key_type or ED25519)
        _, recovery, recovery_code = await begin_account(phone, identity)
        identity.link_kind, identity.recovery_card = JOIN_KIND, recovery.signed
    return await _post_hello(phone, identity), recovery_code


async def _post_hello(phone: Phone, identity: Identity) -> str:
    """Draws a code, posts what it leads to, and keeps it with who this phone is.

    In this order: a phone that could not post anything has made nothing, and shows its recovery code the next time.
    """
    assert identity.link_kind is not None
    code = code_for(Secret(phone.draw(16)), identity.device)
    identity.link_code = code
    place = rendezvous(code)
    hello = Hello(identity.link_kind, identity.card, identity.device_name, identity.person_name)
    post = seal_post(place, hello, phone.draw(32))
    transport = phone.connect(identity.server)
    try:
        await transport.call("PUT", _path(place, HELLO), msgspec.json.encode(post))
    except (Answered, Unreachable) as error:
        raise refusal(error) from error
    finally:
        await transport.close()
    async with phone.store.transaction() as rows:
        await put_identity(rows, identity)
    return code


async def wait_to_be_let_in(phone: Phone, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> list[str]:
    """Waits for the welcome, joins the account if it is one's own phone that lets it in, reads the vaults; gives their
    ids.

    Raises: Refused(link_expired, …).
    """
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
    if identity.link_code is None:
        raise Refused("store_exists")
    place = rendezvous(identity.link_code)
    transport = phone.connect(identity.server)
    try:
        welcome = await _await_welcome(transport, place, pause)
        if identity.link_kind == LINK_KIND:
            if welcome.account is None or welcome.enrolment is None:
                raise Refused("link_unreadable")
            await enrol(transport, welcome.account, welcome.approver, welcome.enrolment, identity.keys)
            identity.account, identity.person_name = welcome.account, welcome.person_name
    except (Answered, Unreachable) as error:
        raise refusal(error) from error
    finally:
        await transport.close()
    await _enter(phone, identity, welcome)
    await sync(phone)
    await _name_this_phone(phone)
    return [head.vault.hex() for head in welcome.vaults]


async def _enter(phone: Phone, identity: Identity, welcome: Welcome) -> None:
    """Stores the vaults that the welcome names, unread. Who has joined adds her recovery card herself: nobody else may
    add a card to a person once she is named."""
    own_cards = [AddCard(identity.recovery_card, welcome.person, VIEWER, None)] if identity.recovery_card else []
    identity.link_code, identity.recovery_card = None, None
    async with phone.store.transaction() as rows:
        await put_identity(rows, identity)
        for number, head in enumerate(welcome.vaults, 1):
            state = VaultState(LogState.empty(head.vault), welcome.person, Keyring())
            state.expected = (head.seq, head.log_hash)
            state.intents = list(own_cards)
            await rows.put_vault(number, state)


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
            row = state.log.table.cards.get(identity.device)
            if row is not None and row.person != state.person:
                state.person = row.person
                await rows.put_vault(number, state)
            if not record.siblings(key, PERSON) and (state.log.table.role(identity.device) or 0) > 0:
                await stage(phone, rows, identity, number, [name_edit(record, {key: identity.device_name})])
    await sync(phone)


class Approved(NamedTuple):
    """The phone that was let in, and as whom."""

    device: DeviceId
    name: str
    person: PersonId
    role: int


async def approve(
    phone: Phone, code: str, only: list[int] | None = None, *, role: int | None = None, until: int | None = None
) -> Approved:
    """Lets the phone that shows this code in: as one's own, or with `role` as the first one of another person.

    `only`: local numbers of vaults; without it all of one's own, or the only one for another person. `until`: her end
    date in milliseconds since 1970 UTC. Raises: Refused.
    """
    try:
        place = rendezvous(code)
    except BadCode as error:
        known = {"mistyped": "code_mistyped", "swapped": "code_swapped"}
        raise Refused(known.get(error.reason, "bad_code")) from error
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        numbers = await own_vaults(rows, identity, only)
    if not numbers or identity.account is None:
        raise Refused("no_vault")
    transport = phone.connect(identity.server)
    try:
        hello, device = await _hello(transport, place)
        joins = hello.kind == JOIN_KIND
        if joins and role is None:
            raise Refused("role_required")
        if not joins and (role is not None or until is not None):
            raise Refused("role_refused")
        if joins and only is None and len(numbers) > 1:
            raise Refused("which_vault")
        person = await _add_card(phone, identity, numbers, hello, device, role, until)
        await _name(phone, identity, numbers, hello, device, person)
        welcome = await _welcome(phone, identity, numbers, device)
        if not joins:
            signature = enrolment_signature(identity.keys, device, identity.account)
            welcome = msgspec.structs.replace(welcome, account=identity.account, enrolment=signature)
        post = seal_post(place, welcome, phone.draw(32))
        await transport.call("PUT", _path(place, WELCOME), msgspec.json.encode(post))
    except Answered as error:
        if error.code == "not_found":
            raise Refused("link_not_found") from error
        if error.code == "link_taken":
            raise Refused("link_answered") from error
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
    if hello.kind not in (LINK_KIND, JOIN_KIND):
        raise Refused("link_unreadable")
    return hello, device


async def _add_card(
    phone: Phone,
    identity: Identity,
    numbers: list[int],
    hello: Hello,
    device: DeviceId,
    role: int | None,
    until: int | None,
) -> PersonId:
    """Stores the wish in each vault and syncs until the log lists the card; gives the person it is listed under.

    A new person gets one id for all of these vaults; a card that is there already keeps whose it is.
    """
    person = PersonId(phone.draw(16))
    async with phone.store.transaction() as rows:
        states = {number: await rows.get_vault(number) for number in numbers}
        known = [row.person for state in states.values() if (row := state.log.table.cards.get(device)) is not None]
        for number, state in states.items():
            if role is None:
                person = state.log.table.cards[identity.device].person
            elif known:
                person = known[0]
            if wish(state, identity, AddCard(hello.card, person, role or VIEWER, until)):
                await rows.put_vault(number, state)
    try:
        await sync(phone, numbers)
    finally:
        listed = await _listed_or_forgotten(phone, numbers, device)
    if listed is None:
        raise Refused("not_now")
    return listed


async def _listed_or_forgotten(phone: Phone, numbers: list[int], device: DeviceId) -> PersonId | None:
    """The person whom every vault lists this card under; else None, and the wish to let it in is forgotten.

    The phone that shows the code is standing by: what is not done now is not to be done behind somebody's back.
    """
    persons: list[PersonId | None] = []
    async with phone.store.transaction() as rows:
        for number in numbers:
            state = await rows.get_vault(number)
            row = state.log.table.live().get(device)
            persons.append(row.person if row is not None else None)
            kept = [i for i in state.intents if not (isinstance(i, AddCard) and id_of_card(i.card.card) == device)]
            if kept != state.intents:
                state.intents = kept
                await rows.put_vault(number, state)
    return persons[-1] if all(persons) else None


async def _name(
    phone: Phone, identity: Identity, numbers: list[int], hello: Hello, device: DeviceId, person: PersonId
) -> None:
    """The names of somebody who has joined: an owner writes them, for she herself may not, or not yet.

    A further phone of one's own says its name itself, and is heard from by that.
    """
    if hello.kind != JOIN_KIND:
        return
    async with phone.store.transaction() as rows:
        for number in numbers:
            record = await read_record(rows, number, VAULT_RECORD)
            typed = {person_key(person): hello.person_name, device_key(device): hello.device_name}
            new = {key: text for key, text in typed.items() if text and not record.siblings(key, PERSON)}
            if new:
                await stage(phone, rows, identity, number, [name_edit(record, new)])
    await sync(phone, numbers)


async def _welcome(phone: Phone, identity: Identity, numbers: list[int], device: DeviceId) -> Welcome:
    """What the new phone is told of the vaults; whose account it joins is added for one's own."""
    heads, person, role = [], None, 0
    async with phone.store.transaction() as rows:
        for number in numbers:
            state = await rows.get_vault(number)
            person = state.log.table.cards[device].person
            role = state.log.table.people[person].role
            name = Names({VAULT_RECORD: await read_record(rows, number, VAULT_RECORD)}).vault()
            heads.append(Head(state.vault, name, state.log.seq, state.log.log_hash))
    assert person is not None
    return Welcome(identity.device, person, identity.person_name, role, tuple(heads), None, None)


def _path(place: Rendezvous, which: str) -> str:
    return f"/v1/links/{place.link.hex()}/{which}"
