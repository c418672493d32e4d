"""Who is in a vault, changed: removed, given another role, handed the vault, let in again by a card already met.

Each is a wish that is stored first and sent when there is network: it survives being offline, a kill, and another
phone that was faster. Spec: openapi/protocol/people.md.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from sync.device.names import Names, device_key, name_edit, person_key
from sync.device.phone import Phone
from sync.device.reading import identity_of, read_record
from sync.device.refused import Refused
from sync.device.shut_out import PHONE_WORDS
from sync.device.staging import stage
from sync.device.store.rows import Rows
from sync.device.syncing import sync
from sync.device.wishes import met_cards, own_vaults, wish
from sync.merge.change import PERSON, VAULT_RECORD
from sync.vault.intents import AddCard, ChangeRole, DropCards, DropPerson, HandOver, Intent, meaning
from sync.vault.state import VaultState
from sync.wire.card import RECOVERY
from sync.wire.ids import DeviceId, PersonId

IntentOf = Callable[[VaultState, Names], Intent]
OFFLINE = ("unreachable", "server_error", *PHONE_WORDS)  # refusals after which a stored wish simply waits


def end_of_day(text: str, now_ms: int) -> int:
    """A date as the moment it ends, 24:00 UTC, in milliseconds since 1970. Raises: Refused(bad_date) also for a past
    one."""
    try:
        day = date.fromisoformat(text) + timedelta(days=1)
        end = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
    except (ValueError, OverflowError) as error:
        raise Refused("bad_date") from error
    if end <= now_ms:
        raise Refused("bad_date", "that day is over")
    return end


async def names_of(rows: Rows, number: int) -> Names:
    """The names of one vault, without reading its records."""
    return Names({VAULT_RECORD: await read_record(rows, number, VAULT_RECORD)})


async def remove(phone: Phone, number: int, wanted: str) -> bool:
    """Somebody with all her phones, or one phone; True once the log has it, False while it waits. Raises: Refused."""

    def intent(state: VaultState, names: Names) -> Intent:
        people, devices = _people(state, names), _devices(state, names)
        found = _exact(people, wanted) or _exact(devices, wanted) or _part({**people, **devices}, wanted)
        if len(found) != 1:
            raise Refused("ambiguous" if found else "unknown_member")
        return DropPerson(PersonId(found[0])) if found[0] in people else DropCards((DeviceId(found[0]),))

    return await _wish(phone, number, intent)


async def change_role(phone: Phone, number: int, wanted: str, role: int) -> bool:
    """Another role for a person; True once the log has it, False while it waits. Raises: Refused."""
    return await _wish(phone, number, lambda state, names: ChangeRole(_person(state, names, wanted), role))


async def hand_over(phone: Phone, number: int, wanted: str) -> bool:
    """The vault is about this person from now on; True once the log has it, False while it waits. Raises: Refused."""
    return await _wish(phone, number, lambda state, names: HandOver(_person(state, names, wanted)))


async def add_known(phone: Phone, number: int, wanted: str, role: int, until: int | None) -> bool:
    """Somebody who is in another vault on this phone, let in without a code: her person and one of her cards, already
    met; the others she adds herself. True once the log has it, False while it waits. Raises: Refused."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        [number] = await own_vaults(rows, identity, [number])
        state = await rows.get_vault(number)
        for other in await own_vaults(rows, identity):
            known, names = await rows.get_vault(other), await names_of(rows, other)
            people = _people(known, names)
            found = (_exact(people, wanted) or _part(people, wanted)) if other != number else []
            if len(found) > 1:
                raise Refused("ambiguous")
            if not found:
                continue
            person = PersonId(found[0])
            devices = [d for d in _devices(known, names) if known.log.table.cards[DeviceId(d)].person == person]
            cards = await met_cards(rows, other, {DeviceId(device) for device in devices})
            if not cards or person in state.log.table.people:
                raise Refused("unknown_member" if not cards else "there_already")
            latest = max(cards, key=lambda device: known.heard.get(device, 0))
            intent = AddCard(cards[latest], person, role, until)
            wish(state, identity, intent)
            await rows.put_vault(number, state)
            record = await read_record(rows, number, VAULT_RECORD)
            typed = {person_key(person): names.person(person)} | {device_key(d): names.device(d) for d in cards}
            new = {key: text for key, text in typed.items() if not record.siblings(key, PERSON)}
            await stage(phone, rows, identity, number, [name_edit(record, new)] if new else [])
            break
        else:
            raise Refused("unknown_member")
    return await carry_out(phone, number, intent)


def _person(state: VaultState, names: Names, wanted: str) -> PersonId:
    people = _people(state, names)
    found = _exact(people, wanted) or _part(people, wanted)
    if len(found) != 1:
        raise Refused("ambiguous" if found else "unknown_member")
    return PersonId(found[0])


def _people(state: VaultState, names: Names) -> dict[bytes, str]:
    table = state.log.table
    return {person: names.person(person) for person in table.people if table.cards_of(person)}


def _devices(state: VaultState, names: Names) -> dict[bytes, str]:
    """Phones only: a recovery card has no name, and leaves with its person or by a recovery."""
    return {device: names.device(device) for device, row in state.log.table.live().items() if row.kind != RECOVERY}


def _exact(named: dict[bytes, str], wanted: str) -> list[bytes]:
    return [id_ for id_, name in named.items() if wanted.casefold() == name.casefold() or wanted.lower() == id_.hex()]


def _part(named: dict[bytes, str], wanted: str) -> list[bytes]:
    return [
        id_
        for id_, name in named.items()
        if wanted and (wanted.lower() in id_.hex() or wanted.casefold() in name.casefold())
    ]


async def _wish(phone: Phone, number: int, intent_of: IntentOf) -> bool:
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        state = await rows.get_vault(number)
        intent = intent_of(state, await names_of(rows, number))
        if not wish(state, identity, intent):
            return True
        await rows.put_vault(number, state)
    return await carry_out(phone, number, intent)


async def carry_out(phone: Phone, number: int, intent: Intent) -> bool:
    """Sends a stored wish; True once the log has it, False while it waits for network or for another phone.

    Raises: Refused(wish_refused) if the table had changed meanwhile so that it does not allow it any more.
    """
    try:
        await sync(phone, [number])
    except Refused as refused:
        if refused.code not in OFFLINE:
            raise
        return False
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        state = await rows.get_vault(number)
        if state.removed:  # one's own leaving is the last thing that this phone hears
            return True
        if intent in state.intents:
            return False
        if meaning(intent, state.log, identity.device) is not None:
            raise Refused("wish_refused")
    return True
