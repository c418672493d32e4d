"""The exit at the end of a random world: a person founds a vault from what one of her phones shows; her other phones
are invited into it by the server's word, which they look into. What must hold then."""

from sync.device.names import person_key
from sync.device.reading import read_vault
from sync.device.vaults import exit_vault
from sync.merge.change import LANES, VAULT_RECORD
from tests.simulation.shipped import VAULT

ROUNDS = 3  # the vault is made, her other cards are let in, and everyone reads it


async def audit_exit(rng, phones):
    """What went wrong, each a sentence."""
    looks = [(phone, await phone.look()) for phone in phones.values()]
    inside = [(phone, look) for phone, look in looks if look.role is not None and not look.removed and not look.open]
    if not inside:
        return []
    leaver, hers = rng.choice(inside)
    told = await _standing(leaver, VAULT)
    vault = await exit_vault(leaver.phone, "Exit", VAULT)
    mine = [phone for phone, look in inside if look.person == hers.person]
    for _ in range(ROUNDS):
        for phone in mine:
            await phone.sync()
    wrong = []
    for phone in mine:
        number = await _number_of(phone, vault)
        if number is None:
            wrong.append(f"{phone.name} was not let into the vault that another phone of hers left for")
        elif await _standing(phone, number) != told:
            wrong.append(f"{phone.name} shows other values after the exit")
        elif not await _names_herself_alone(phone, number):
            wrong.append(f"{phone.name} brought names of others over")
    return wrong


async def _number_of(phone, vault):
    async with phone.phone.store.transaction() as rows:
        found = [number for number in await rows.vaults() if (await rows.get_vault(number)).vault == vault]
    return found[0] if found else None


async def _standing(phone, number):
    """Every record with what stands on each of its registers, and whether it is deleted."""
    async with phone.phone.store.transaction() as rows:
        vault = await read_vault(rows, number)
    return {
        record.id: (
            record.life(),
            {(lane, key, s.value) for lane in LANES for key in record.keys() for s in record.siblings(key, lane)},
        )
        for record in vault.shown.values()
        if record.id != VAULT_RECORD
    }


async def _names_herself_alone(phone, number):
    async with phone.phone.store.transaction() as rows:
        vault = await read_vault(rows, number)
    named = {key for key in vault.shown[VAULT_RECORD].keys() if key.startswith("person/")}
    return named <= {person_key(vault.state.person)} and len(vault.state.log.table.people) == 1
