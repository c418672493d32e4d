"""A new recovery code on a phone that is in, also for a person who never had one; and a code shown again until it is
confirmed.

One entry in each vault adds the new recovery card and drops the old ones of its person, so that there is never a moment
with none. What is to happen in the account is done by the first sync after every vault has that entry. Spec:
openapi/protocol/recovery.md, "Another code".
"""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec

from crypto.secret import recovery_code
from crypto.secret.secret import Secret
from sync.device.access import access_token, enrol, enrolment_signature, revoke
from sync.device.founding import recovery_card, two_groups
from sync.device.identity import Identity, get_recovery, put_identity, put_recovery
from sync.device.phone import Phone
from sync.device.reading import identity_of
from sync.device.refused import Refused
from sync.device.store.rows import Rows
from sync.device.transport import Answered, Unreachable
from sync.device.wishes import is_mine, own_vaults, wish
from sync.vault.intents import AddCard
from sync.vault.recovery import NewRecovery, recovery_cards
from sync.vault.state import VaultState
from sync.wire.card import RECOVERY, SignedCard, read_card
from sync.wire.ids import DeviceId

_RENEWAL = 13  # number of the store's singleton


class Renewal(msgspec.Struct):
    """A new recovery card that the account does not have yet, as what its code says, and those that leave it then."""

    code: bytes
    old: list[DeviceId]

    def __repr__(self) -> str:
        return "<Renewal>"  # the code opens everything


_decoder: msgspec.msgpack.Decoder[Renewal] = msgspec.msgpack.Decoder(Renewal)


async def new_code(phone: Phone) -> str:
    """Another recovery code for this phone's person, wished into every vault that it is in. Raises: Refused (no_vault,
    too_many_phones, …); then nothing has changed.

    It is kept, sealed, before anybody sees it, until it is confirmed.
    """
    entropy = Secret(phone.draw(recovery_code.ENTROPY_BYTES))
    keys, code = recovery_card(entropy), recovery_code.encode(entropy.reveal())
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        numbers = await own_vaults(rows, identity)
        if not numbers:
            raise Refused("no_vault")
        old = set((await _renewal(rows) or Renewal(b"", [])).old)
        for number in numbers:
            state = await rows.get_vault(number)
            person = state.log.table.cards[identity.device].person
            old |= set(recovery_cards(state.log.table, person))
            state.intents = [intent for intent in state.intents if not _is_recovery(intent)]
            wish(state, identity, NewRecovery(keys.signed, person))
            await rows.put_vault(number, state)
        identity.recovery_check, identity.recovery_kept = two_groups(phone, code), entropy
        await put_identity(rows, identity)
        await rows.put_single(_RENEWAL, msgspec.msgpack.encode(Renewal(entropy.reveal(), sorted(old))))
        recovery = await get_recovery(rows)
        if recovery is not None:  # what the used code says again in a restored log is about the card that counts now
            recovery.card, recovery.fresh = keys.signed, None
            await put_recovery(rows, recovery)
    return code


def _is_recovery(intent: Any) -> bool:
    """A wish for a recovery card that a newer one takes the place of before it was ever sent."""
    if isinstance(intent, NewRecovery):
        return True
    return isinstance(intent, AddCard) and read_card(intent.card).kind == RECOVERY


async def shown_again(phone: Phone) -> str:
    """The code that nobody has confirmed yet. Raises: Refused (no_code_kept, code_dead if another one is in force)."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        if identity.recovery_kept is None:
            raise Refused("no_code_kept")
        card = recovery_card(identity.recovery_kept).device
        states = [await rows.get_vault(number) for number in await rows.vaults()]
        hers = [state for state in states if is_mine(state, identity)]
        dropped = [card in state.log.table.cards and card not in state.log.table.live() for state in hers]
        if hers and all(dropped):
            raise Refused("code_dead", "another code is in force")
    return recovery_code.encode(identity.recovery_kept.reveal())


async def settle_account(phone: Phone) -> None:
    """Enrols the new recovery card and takes the old ones out, once every vault lists it. Doing it twice changes
    nothing; what the account refuses, or no network allows, is tried again after the next sync."""
    async with phone.store.transaction() as rows:
        renewal = await _renewal(rows)
        if renewal is None:
            return
        identity, keys = await identity_of(rows), recovery_card(Secret(renewal.code))
        everywhere = True
        for number in await own_vaults(rows, identity):
            state = await rows.get_vault(number)
            if keys.device not in state.log.table.cards:
                everywhere = False
                await _wish_again(rows, number, state, identity, keys.signed)
    if not everywhere or identity.account is None:
        return
    transport = phone.connect(identity.server)
    try:
        token = await access_token(phone, transport, identity)
        for device in renewal.old:
            await revoke(transport, device, token)  # before enrolling: an account holds so many cards and no more
        signature = enrolment_signature(identity.keys, keys.device, identity.account)
        await enrol(transport, identity.account, identity.device, signature, keys)
    except (Answered, Unreachable):
        return
    finally:
        await transport.close()
    async with phone.store.transaction() as rows:
        await rows.put_single(_RENEWAL, b"")


async def _wish_again(rows: Rows, number: int, state: VaultState, identity: Identity, card: SignedCard) -> None:
    """A vault that was founded or entered meanwhile, and had the old card brought along, gets the new one too."""
    with contextlib.suppress(Refused):
        if wish(state, identity, NewRecovery(card, state.log.table.cards[identity.device].person)):
            await rows.put_vault(number, state)


async def _renewal(rows: Rows) -> Renewal | None:
    body = await rows.get_single(_RENEWAL)
    return _decoder.decode(body) if body else None
