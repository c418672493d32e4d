"""Proving a recovery code on a phone that is in, without using it: two groups typed back, or a rehearsal.

In a rehearsal its card must be the live recovery card of one's own person, and the key of each vault must lie there
for it. The token that this takes is a notice on every phone of hers, as any token for that card is. Spec:
openapi/protocol/recovery.md.
"""

from __future__ import annotations

from crypto.secret.secret import Secret
from sync.device.access import access_token, ask_once, enrol, enrolment_signature, refusal
from sync.device.identity import Identity, put_identity
from sync.device.names import Names
from sync.device.phone import Phone
from sync.device.reading import identity_of, read_record
from sync.device.recovering import card_identity
from sync.device.refused import Refused
from sync.device.store.rows import Rows
from sync.device.syncing import sync
from sync.device.transport import Answered, Transport, Unreachable
from sync.merge.change import VAULT_RECORD
from sync.vault.keyring import Keyring
from sync.vault.recovery import recovery_cards, witnesses
from sync.vault.state import VaultState
from sync.wire.exchange import VaultAnswer, VaultAsk


async def confirm_recovery(phone: Phone, answers: dict[int, str]) -> bool:
    """Compares what was typed back; True once both groups are right, and then they are forgotten. Raises: Refused."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        if not identity.recovery_check:
            raise Refused("no_recovery")
        if any(_plain(answers.get(place, "")) != _plain(group) for place, group in identity.recovery_check.items()):
            return False
        await _confirmed(rows)
    return True


def _plain(group: str) -> str:
    """A group as it is compared: letters that look alike are one."""
    return group.strip().upper().translate(str.maketrans("OIL", "011"))


async def _confirmed(rows: Rows) -> None:
    """The paper is there. Where no phone is left that could bear out what a server showed, what is here is the measure
    from now on: a person who has just recovered has looked."""
    identity = await identity_of(rows)
    identity.recovery_check, identity.recovery_kept = {}, None
    await put_identity(rows, identity)
    for number in await rows.vaults():
        state = await rows.get_vault(number)
        known = identity.device in state.log.table.cards
        if state.unproved and known and not witnesses(state.log.table, identity.device):
            state.unproved = False
            await rows.put_vault(number, state)


async def rehearse(phone: Phone, code: Secret) -> list[str]:
    """Proves the code; gives the names of vaults in which its person has no recovery card.

    Raises: Refused (code_dead, code_revoked, recovery_waits, no_store, unreachable, server_error).
    """
    await sync(phone)
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
    card = card_identity(identity.server, code)
    opened, without = await _vaults(phone, identity, card)
    transport = phone.connect(identity.server)
    try:
        token = await _token(phone, transport, identity, card)
        missing = await _unopened(transport, token, card, opened, wish=False)
        if missing:
            await _unopened(transport, token, card, missing, wish=True)
            await sync(phone)  # this phone holds the key, and lays it beside what does not open
            missing = await _unopened(transport, token, card, missing, wish=False)
    except (Answered, Unreachable) as error:
        raise refusal(error) from error
    finally:
        await transport.close()
    if missing:
        raise Refused("recovery_waits")
    async with phone.store.transaction() as rows:
        await _confirmed(rows)
    return without


async def _vaults(phone: Phone, identity: Identity, card: Identity) -> tuple[list[VaultState], list[str]]:
    """The vaults that the card is to open, and the names of those where its person has none. Raises: Refused."""
    opened, without = [], []
    async with phone.store.transaction() as rows:
        for number in await rows.vaults():
            state = await rows.get_vault(number)
            table = state.log.table
            if identity.device not in table.live():
                continue
            mine = recovery_cards(table, table.cards[identity.device].person)
            if card.device in mine:
                opened.append(state)
            elif mine:
                raise Refused("code_dead", "another code is in force")
            else:
                without.append(Names({VAULT_RECORD: await read_record(rows, number, VAULT_RECORD)}).vault())
    if not opened:
        raise Refused("code_dead")
    return opened, without


async def _token(phone: Phone, transport: Transport, identity: Identity, card: Identity) -> str:
    """A token for the card; if the server has never heard of it, this phone enrols it."""
    try:
        return await access_token(phone, transport, card, renew=True)
    except Answered as answer:
        if answer.code == "revoked":
            raise Refused("code_revoked") from answer
        if answer.code != "assertion_invalid" or identity.account is None:
            raise
    signature = enrolment_signature(identity.keys, card.device, identity.account)
    await enrol(transport, identity.account, identity.device, signature, card.keys)
    return await access_token(phone, transport, card, renew=True)


async def _unopened(
    transport: Transport, token: str, card: Identity, states: list[VaultState], *, wish: bool
) -> list[VaultState]:
    """The vaults whose head key does not open for the card. `wish`: ask the other phones for it."""
    asks = [VaultAsk(s.vault, s.log.seq, s.log.log_hash, 0, key_missing=wish) for s in states]
    found = {m.vault: m for m in await ask_once(transport, token, asks) if isinstance(m, VaultAnswer)}
    return [state for state in states if not _opens(found.get(state.vault), state, card)]


def _opens(answer: VaultAnswer | None, state: VaultState, card: Identity) -> bool:
    """True if a wrap of this answer opens the key of the epoch that this phone's own log stands in."""
    key, epoch = answer.key if answer else None, state.log.epoch
    if key is None or epoch is None or key.epoch != epoch.id:
        return False
    return Keyring().learn(key, epoch.suite, state.vault, card.device, card.keys.kem)
