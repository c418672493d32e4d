"""The first phone of a person: keys, account, first vault, recovery code.

The vault is whole in the store before the server hears of it; the first sync brings it there. Spec:
openapi/protocol/accounts.md, membership.md.
"""

from __future__ import annotations

from typing import NamedTuple

from crypto.public.keys import ED25519
from crypto.secret import recovery_code
from crypto.secret.secret import Secret
from sync.device.access import enrol, enrolment_signature, open_account, refusal
from sync.device.identity import Identity, get_identity, new_identity, put_identity
from sync.device.names import VAULT_NAME, device_key, name_edit, person_key
from sync.device.phone import Phone
from sync.device.refused import Refused
from sync.device.staging import stage
from sync.device.store.rows import Rows
from sync.device.transport import Answered, Unreachable
from sync.log.state import LogState
from sync.vault.entries import CardKeys, found_vault, make_card
from sync.vault.keyring import Keyring
from sync.vault.replay import open_items, replay
from sync.vault.state import VaultState
from sync.wire.card import RECOVERY
from sync.wire.ids import AccountId, DeviceId, PersonId, VaultId


class Founded(NamedTuple):
    """What `init` made; the recovery code is kept until somebody has confirmed it."""

    account: AccountId
    device: DeviceId
    person: PersonId
    vault: VaultId
    recovery_code: str

    def __repr__(self) -> str:
        return "<Founded>"  # the code opens everything


def recovery_card(code: Secret) -> CardKeys:
    """The card that a recovery code stands for."""
    return make_card(RECOVERY, *recovery_code.keys(code))


async def found(
    phone: Phone,
    server: str,
    person_name: str,
    device_name: str,
    vault_name: str,
    *,
    subject: bool,
    key_type: int = ED25519,
) -> Founded:
    """Keys, account, first vault. Raises: Refused (unreachable, server_error, store_exists)."""
    async with phone.store.transaction() as rows:
        if await rows.vaults() or await get_identity(rows) is not None:
            raise Refused("store_exists")
    identity = new_identity(server, device_name, person_name, phone.draw(32), phone.draw(32), key_type=key_type)
    account, recovery, code = await begin_account(phone, identity)
    person = PersonId(phone.draw(16))
    async with phone.store.transaction() as rows:
        if await get_identity(rows) is not None:
            raise Refused("store_exists")  # another command was quicker, and its keys are the only ones there are
        await put_identity(rows, identity)
        vault = await store_vault(phone, rows, identity, person, vault_name, subject=subject, recovery=recovery)
    return Founded(account, identity.device, person, vault, code)


async def begin_account(phone: Phone, identity: Identity) -> tuple[AccountId, CardKeys, str]:
    """An account with this phone's card and a recovery card in it; `identity` learns of both, nothing is stored yet.

    Gives the account, the recovery card, and its code, which `identity` keeps until it is confirmed.
    Raises: Refused (unreachable, server_error).
    """
    keys = identity.keys
    entropy = phone.draw(20)
    recovery = recovery_card(Secret(entropy))
    code = recovery_code.encode(entropy)
    transport = phone.connect(identity.server)
    try:
        account = await open_account(transport, identity.server, keys)
        signature = enrolment_signature(keys, recovery.device, account)
        await enrol(transport, account, keys.device, signature, recovery)
    except (Answered, Unreachable) as error:
        raise refusal(error) from error
    finally:
        await transport.close()
    identity.account = account
    identity.recovery_check, identity.recovery_kept = two_groups(phone, code), Secret(entropy)
    return account, recovery, code


def two_groups(phone: Phone, code: str) -> dict[int, str]:
    """Two groups of the code drawn at random, by position from 1: what `recovery confirm` asks for."""
    groups = code.split("-")
    first, second = (int.from_bytes(phone.draw(4), "big") for _ in range(2))
    one = first % len(groups)
    other = (one + 1 + second % (len(groups) - 1)) % len(groups)
    return {place + 1: groups[place] for place in sorted((one, other))}


async def store_vault(
    phone: Phone,
    rows: Rows,
    identity: Identity,
    person: PersonId,
    name: str,
    *,
    subject: bool,
    recovery: CardKeys | None,
) -> VaultId:
    """A new vault in the store, its first entry read into its own log at once.

    A server that lacks it answers `behind`, as one restored from before would, and is handed the log like any other.
    """
    key = Secret(phone.draw(32))
    vault, built = found_vault(
        identity.keys, person, subject=subject, recovery=recovery, nonce=phone.draw(16), key=key, salt=phone.draw(32)
    )
    keyring = Keyring()
    keyring.add(key)
    state = VaultState(LogState.empty(vault), person, keyring)
    outcome = replay(state, identity.device, open_items([built.item], state), {}, {}, set(), lambda _: None)
    number = await rows.next_vault()
    await rows.put_items(number, outcome.items)
    await rows.put_vault(number, state)
    names = {
        VAULT_NAME: name,
        person_key(person): identity.person_name,
        device_key(identity.device): identity.device_name,
    }
    await stage(phone, rows, identity, number, [name_edit(None, names)])
    return vault
