"""A new phone from a recovery code: reads the vaults as the recovery card, and has that card sign its one entry.

Every step is stored before the next and holds when it is done twice, so that a phone that dies goes on by running it
again. The used code is kept for some days: a server that was restored to before the entry gets it again. Spec:
openapi/protocol/recovery.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from crypto.public.errors import BadCode
from crypto.public.keys import ED25519
from crypto.secret import recovery_code
from crypto.secret.secret import Secret
from sync.device.access import (
    access_token,
    devices_of,
    enrol,
    enrolment_signature,
    listed_vaults,
    open_account,
    refusal,
    revoke,
)
from sync.device.founding import recovery_card, two_groups
from sync.device.identity import (
    Identity,
    Recovery,
    get_identity,
    get_recovery,
    new_identity,
    put_identity,
    put_recovery,
)
from sync.device.invitations import who_added
from sync.device.names import device_key, name_edit
from sync.device.phone import Phone
from sync.device.reading import identity_of, read_record, read_vault
from sync.device.refused import Refused
from sync.device.staging import stage
from sync.device.store.rows import Rows
from sync.device.syncing import sync
from sync.device.transport import Answered, Transport, Unreachable
from sync.log.state import LogState
from sync.merge.change import PERSON, VAULT_RECORD
from sync.vault.keyring import Keyring
from sync.vault.recovery import Recover, own_phones
from sync.vault.state import VaultState
from sync.wire.ids import DeviceId, PersonId, VaultId
from sync.wire.item import EDITOR

_NOBODY_YET = PersonId(bytes(16))  # until the log says whose the card is


class OwnPhone(NamedTuple):
    """A phone of the person who is being recovered, as her vaults know it."""

    device: DeviceId
    name: str


# Says which of these phones are lost; None if nobody could be asked. Raises: Refused.
Choose = Callable[[Sequence[OwnPhone]], Sequence[DeviceId] | None]


class Recovered(NamedTuple):
    """What came of it. `recovery_code`: the new one, shown this once, None if it was shown before; the old one is dead.

    `asked`: somebody said which phones are lost. `waiting`: vaults that have not let this phone in yet.
    """

    device: DeviceId
    vaults: list[VaultId]
    recovery_code: str | None
    unproved: bool
    asked: bool
    waiting: int


def read_code(text: str) -> Secret:
    """What a recovery code says. Raises: Refused(code_mistyped, code_swapped, bad_code)."""
    try:
        return recovery_code.parse(text)
    except BadCode as error:
        known = {"mistyped": "code_mistyped", "swapped": "code_swapped"}
        raise Refused(known.get(error.reason, "bad_code")) from error


def card_identity(server: str, code: Secret) -> Identity:
    """The recovery card as one who asks a server: it gets tokens, reads, and signs its entry."""
    signing, kem = recovery_code.seeds(code)
    return Identity(server, recovery_card(code).signed, ED25519, signing, kem, "", "")


async def recover(
    phone: Phone, server: str, device_name: str, code: Secret, choose: Choose, *, key_type: int | None = None
) -> Recovered:
    """This store becomes a phone of the person whose code it is. Raises: Refused.

    `key_type`: of the new phone's card; None: what it was when this was begun, or Ed25519.
    """
    async with phone.store.transaction() as rows:
        begun, known = await get_recovery(rows), await get_identity(rows)
        if begun is not None and known is not None:
            server = known.server
        if begun is None and (known is not None or await rows.vaults()):
            raise Refused("store_exists")
        if begun is not None and (begun.old.reveal() != code.reveal() or (begun.done and begun.fresh is None)):
            raise Refused("store_exists")
        if known is not None and key_type not in (None, known.key_type):
            raise Refused("store_exists")
    card = card_identity(server, code)
    transport = phone.connect(server)
    try:
        if begun is None:
            await _begin(phone, transport, card, device_name, code, key_type or ED25519)
        async with phone.store.transaction() as rows:
            card.account = (await _recovery_of(rows)).account
        if undone := await _undone(phone):
            await _let_in(phone, transport, card, undone, choose)
        await _finish(phone, transport, card.device)
    except (Answered, Unreachable) as error:
        raise refusal(error) from error
    finally:
        await transport.close()
    return await _outcome(phone)


async def _begin(
    phone: Phone, transport: Transport, card: Identity, device_name: str, code: Secret, key_type: int
) -> None:
    """Finds account and vaults of the card, and stores who this phone will be. Raises: Refused(code_dead)."""
    known = True
    try:
        await access_token(phone, transport, card, renew=True)
    except Answered as answer:
        if answer.code not in ("revoked", "assertion_invalid"):
            raise
        known = False  # somebody revoked the card, or the server never had it: membership does not depend on that
    try:
        card.account = account = await open_account(transport, card.server, card.keys)
    except Answered as answer:
        raise Refused("code_dead") if answer.code == "registration_closed" else answer from answer
    token = await access_token(phone, transport, card)
    vaults = await _her_vaults(transport, token, card)
    if not vaults:
        if not known:
            await revoke(transport, card.device, token)
        raise Refused("code_dead")
    identity = new_identity(card.server, device_name, "", phone.draw(32), phone.draw(32), key_type=key_type)
    entropy = Secret(phone.draw(recovery_code.ENTROPY_BYTES))
    identity.recovery_check = two_groups(phone, recovery_code.encode(entropy.reveal()))
    identity.recovery_kept = entropy
    async with phone.store.transaction() as rows:
        await put_identity(rows, identity)
        await put_recovery(rows, Recovery(code, recovery_card(entropy).signed, entropy, account, phone.now_ms()))
        for number, vault in enumerate(vaults, 1):
            state = VaultState(LogState.empty(vault), _NOBODY_YET, Keyring())
            state.unproved = True
            await rows.put_vault(number, state)


async def _her_vaults(transport: Transport, token: str, card: Identity) -> list[VaultId]:
    """The vaults that list the card because a card of the same account added it; all that list it if there is none.

    A card is no secret: anybody may found a vault that lists it, and would be written to by whom it recovers. An
    account proves little, but who is in it was let in by a card that was. It is empty where the card had to be
    registered anew.
    """
    listed = await listed_vaults(transport, token)
    hers = await devices_of(transport, token)
    added = [await who_added(transport, token, card, vault) for vault in listed]
    known = [one.vault for one in added if one is not None and one.adder in hers]
    return known or listed


async def _undone(phone: Phone) -> list[int]:
    """The vaults whose log, as far as this phone has read it, does not list it."""
    async with phone.store.transaction() as rows:
        me = (await identity_of(rows)).device
        return [n for n in await rows.vaults() if me not in (await rows.get_vault(n)).log.table.live()]


async def _let_in(phone: Phone, transport: Transport, card: Identity, numbers: list[int], choose: Choose) -> None:
    """Reads as the recovery card, enrols, has the entry signed, and reads it as the new phone. Raises: Refused."""
    report = await sync(phone, numbers, card=card)
    async with phone.store.transaction() as rows:
        identity, recovery = await identity_of(rows), await _recovery_of(rows)
        states = {number: await rows.get_vault(number) for number in numbers}
        phones = await _own_phones(rows, card.device, states)
    waiting = [n for n, state in states.items() if card.device in state.log.table.live() and state.at_head]
    if not recovery.decided and waiting:
        lost = choose(phones)
        recovery.lost, recovery.decided = tuple(lost or ()), lost is not None
        async with phone.store.transaction() as rows:
            await put_recovery(rows, recovery)
    token = await access_token(phone, transport, card)
    for device in recovery.lost:
        await revoke(transport, device, token)  # before enrolling: an account holds so many phones and no more
    await _enrol(transport, card, identity, recovery)
    async with phone.store.transaction() as rows:
        for number in waiting:
            state = await rows.get_vault(number)
            recovery.met.setdefault(number, state.log.seq)
            state.intents = [Recover(card.device, identity.card, recovery.card, recovery.lost)]
            await rows.put_vault(number, state)
        await put_recovery(rows, recovery)
    if waiting:
        report = await sync(phone, waiting, card=card)
    identity.account = recovery.account
    async with phone.store.transaction() as rows:
        for number in numbers:
            state = await rows.get_vault(number)
            state.intents = []  # whatever is left could only be signed by the recovery card
            await rows.put_vault(number, state)
        await put_identity(rows, identity)
    mine = await sync(phone, numbers)
    if len(await _undone(phone)) == len(numbers):
        code = next((v.code for v in (*report.vaults, *mine.vaults) if v.code not in (None, "removed")), None)
        known = {"key_missing": "recovery_waits", None: "code_dead"}
        raise Refused(known.get(code, "not_now"), code or "")


async def _enrol(transport: Transport, card: Identity, identity: Identity, recovery: Recovery) -> None:
    """The new phone and the new recovery card join the account, wished by the old recovery card."""
    account = recovery.account
    new = [identity.keys, *([recovery_card(recovery.fresh)] if recovery.fresh else [])]
    for keys in new:
        await enrol(transport, account, card.device, enrolment_signature(card.keys, keys.device, account), keys)


async def _own_phones(rows: Rows, card: DeviceId, states: dict[int, VaultState]) -> list[OwnPhone]:
    """The phones of the card's person, over all vaults, under the names that these hold."""
    found: dict[DeviceId, OwnPhone] = {}
    for number, state in states.items():
        table = state.log.table
        if card in table.live():
            vault = await read_vault(rows, number)
            for device in own_phones(table, table.cards[card].person):
                found.setdefault(device, OwnPhone(device, vault.names.device(device)))
    return list(found.values())


async def _finish(phone: Phone, transport: Transport, old: DeviceId) -> None:
    """Names and person from the log; the old card leaves the account once no vault needs it any more."""
    undone = await _undone(phone)
    async with phone.store.transaction() as rows:
        identity, recovery = await identity_of(rows), await _recovery_of(rows)
        for number in await rows.vaults():
            state = await rows.get_vault(number)
            row = state.log.table.cards.get(identity.device)
            if row is None:
                continue
            state.person = row.person
            await rows.put_vault(number, state)
            identity.person_name = identity.person_name or (await read_vault(rows, number)).names.person(row.person)
        identity.account = recovery.account
        await put_identity(rows, identity)
        for number in await rows.vaults():
            await _name(phone, rows, identity, number)
    await sync(phone)
    if undone:
        return
    await revoke(transport, old, await access_token(phone, transport, identity))
    async with phone.store.transaction() as rows:
        recovery = await _recovery_of(rows)
        recovery.done = True
        await put_recovery(rows, recovery)


async def _name(phone: Phone, rows: Rows, identity: Identity, number: int) -> None:
    """This phone's name into a vault that does not hold it yet, if its person may write there."""
    key = device_key(identity.device)
    record = await read_record(rows, number, VAULT_RECORD)
    role = (await rows.get_vault(number)).log.table.role(identity.device)
    if role is not None and role >= EDITOR and not record.siblings(key, PERSON):
        await stage(phone, rows, identity, number, [name_edit(record, {key: identity.device_name})])


async def _outcome(phone: Phone) -> Recovered:
    async with phone.store.transaction() as rows:
        identity, recovery = await identity_of(rows), await _recovery_of(rows)
        states = [await rows.get_vault(number) for number in await rows.vaults()]
    code = recovery_code.encode(recovery.fresh.reveal()) if recovery.fresh else None
    vaults = [state.vault for state in states if identity.device in state.log.table.live()]
    unproved = any(state.unproved for state in states)
    return Recovered(identity.device, vaults, code, unproved, recovery.decided, len(states) - len(vaults))


async def code_was_shown(phone: Phone) -> None:
    """The new code has been printed: running the command again shows it no more, `recovery show` does."""
    async with phone.store.transaction() as rows:
        recovery = await _recovery_of(rows)
        recovery.fresh = None
        await put_recovery(rows, recovery)


async def _recovery_of(rows: Rows) -> Recovery:
    recovery = await get_recovery(rows)
    assert recovery is not None, "the caller has seen to it that a recovery was begun"
    return recovery
