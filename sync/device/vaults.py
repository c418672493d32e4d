"""Vaults of one phone: a further one founded, one accepted, one left.

A person keeps the id that she has in the vaults before, and her other cards come along without being shown again. Spec:
openapi/protocol/people.md, "Several vaults".
"""

from __future__ import annotations

from sync.device.founding import store_vault
from sync.device.invitations import accept, invitations
from sync.device.names import device_key, name_edit
from sync.device.people import carry_out, names_of
from sync.device.phone import Phone
from sync.device.reading import identity_of, read_record, read_vault
from sync.device.refused import Refused
from sync.device.staging import stage
from sync.device.store.rows import Rows
from sync.device.syncing import sync
from sync.device.wishes import add_own, own_cards, own_vaults, wish
from sync.merge.change import PERSON, VAULT_RECORD
from sync.vault.exit import carried_over
from sync.vault.intents import DropPerson
from sync.wire.ids import PersonId, VaultId
from sync.wire.item import EDITOR


async def new_vault(phone: Phone, name: str, *, subject: bool) -> tuple[int, VaultId]:
    """A further vault of this phone's person; gives its local number and id. Raises: Refused(no_store)."""
    async with phone.store.transaction() as rows:
        return await _found(phone, rows, name, subject=subject)


async def _found(phone: Phone, rows: Rows, name: str, *, subject: bool) -> tuple[int, VaultId]:
    identity = await identity_of(rows)
    if identity.account is None:
        raise Refused("no_store")
    before = await own_vaults(rows, identity) or await rows.vaults()
    person = (await rows.get_vault(before[0])).person if before else PersonId(phone.draw(16))
    cards = await own_cards(rows, identity)
    typed: dict[str, str] = {}
    for number in reversed(before):
        names = await names_of(rows, number)
        typed |= {device_key(device): said for device in cards if (said := names.typed_device(device))}
    vault = await store_vault(phone, rows, identity, person, name, subject=subject, recovery=None)
    number = max(await rows.vaults())
    state = await rows.get_vault(number)
    state.intents = add_own(cards, person)
    await rows.put_vault(number, state)
    if typed:
        record = await read_record(rows, number, VAULT_RECORD)
        await stage(phone, rows, identity, number, [name_edit(record, typed)])
    return number, vault


async def exit_vault(phone: Phone, name: str, left: int) -> VaultId:
    """A vault of this phone's person alone, from what this phone holds of another; that one stays as it is.

    For a vault whose key is withheld, whose subject has lost phone and code, or whose owners have turned on each other.
    Raises: Refused(no_store).
    """
    async with phone.store.transaction() as rows:
        old = await read_vault(rows, left)
        about_her = old.state.log.table.subject == old.state.person
        number, vault = await _found(phone, rows, name, subject=about_her)
        state = await rows.get_vault(number)
        identity = await identity_of(rows)
        author = state.log.table.cards[identity.device].ordinal
        changes = carried_over(old.shown.values(), old.state.vault, author, state.n)
        state.n += len(changes)
        await rows.put_pending(number, changes)
        await rows.put_vault(number, state)
    return vault


async def accept_vault(phone: Phone, wanted: str) -> VaultId:
    """Enters a vault that somebody else has let this phone into. Raises: Refused(no_invitation, ambiguous)."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        fitting = [one for one in await invitations(rows) if wanted and wanted.lower() in one.vault.hex()]
        if len(fitting) != 1:
            raise Refused("ambiguous" if fitting else "no_invitation")
        number = await accept(rows, identity, fitting[0])
    await sync(phone, [number])
    async with phone.store.transaction() as rows:
        record = await read_record(rows, number, VAULT_RECORD)
        state = await rows.get_vault(number)
        key = device_key(identity.device)
        if (state.log.table.role(identity.device) or 0) >= EDITOR and not record.siblings(key, PERSON):
            await stage(phone, rows, identity, number, [name_edit(record, {key: identity.device_name})])
    await sync(phone, [number])
    return fitting[0].vault


async def leave(phone: Phone, number: int) -> bool:
    """This phone's person leaves with every card of hers; True once the log has it, False while it waits.

    Raises: Refused (unsent, last_owner, removed). The records stay readable here.
    """
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        await own_vaults(rows, identity, [number])
        if await _unsent(rows, number):
            raise Refused("unsent")
        state = await rows.get_vault(number)
        intent = DropPerson(state.log.table.cards[identity.device].person)
        wish(state, identity, intent)
        await rows.put_vault(number, state)
    return await carry_out(phone, number, intent)


async def _unsent(rows: Rows, number: int) -> bool:
    return bool(await rows.count_pending(number) or await rows.get_flying(number))


async def invited(phone: Phone) -> list[dict[str, object]]:
    """Vaults that wait to be accepted, by the shape of the others, with who has let this phone in where it is known."""
    out: list[dict[str, object]] = []
    async with phone.store.transaction() as rows:
        for one in await invitations(rows):
            who = None
            for number in await rows.vaults():
                table = (await rows.get_vault(number)).log.table
                if one.adder in table.cards:
                    who = (await names_of(rows, number)).person(table.cards[one.adder].person)
            out.append(
                {
                    "id": one.vault.hex(),
                    "name": f"invitation by {who or 'somebody unknown'}",
                    "role": None,
                    "records": 0,
                    "cursor": 0,
                    "state_root": None,
                    "pending": 0,
                    "unproved": True,
                    "invitation": True,
                }
            )
    return out
