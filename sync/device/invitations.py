"""Vaults that list this phone's card though nobody told it of them.

The server's word counts for nothing: the phone reads the vault's log as far as the entry that adds its card. If the
card that signed that entry is one which a vault on this phone lists under its own person, the vault is entered by
itself; else it is listed, at most INVITATIONS_MAX of them, until a person accepts it. (A stranger's vault may claim
anybody in its first entry.) Spec: openapi/protocol/people.md, PPL-12 and PPL-13.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crypto.public.errors import CryptoError
from sync.device.access import ask_once
from sync.device.identity import Identity
from sync.device.phone import Phone
from sync.device.store.rows import Rows
from sync.device.transport import Transport
from sync.device.wishes import add_own, is_mine, own_cards
from sync.log.reading import read_item, verify_item
from sync.log.state import LogState, NeedsNewerApp
from sync.vault.keyring import Keyring
from sync.vault.state import VaultState
from sync.wire.card import device_id as id_of_card
from sync.wire.codec import Malformed
from sync.wire.exchange import Items, VaultAnswer, VaultAsk
from sync.wire.ids import DeviceId, PersonId, VaultId
from sync.wire.item import Add, Entry, Item

INVITATIONS_MAX = 16  # listed at a time
LOOKED_AT_MAX = 48  # vaults that nobody asked for and that are read in one sync; the rest waits for another
_PAGES_MAX = 64  # of one vault, up to the entry that adds this card
_INVITATIONS = 16  # number of the store's singleton


class Invitation(msgspec.Struct, frozen=True, array_like=True):
    """A vault whose log lists this phone's card: who added it, and as which person."""

    vault: VaultId
    adder: DeviceId
    person: PersonId


_decoder = msgspec.msgpack.Decoder(list[Invitation])


async def invitations(rows: Rows) -> list[Invitation]:
    """What waits for a person to accept it."""
    body = await rows.get_single(_INVITATIONS)
    return _decoder.decode(body) if body is not None else []


async def _keep(rows: Rows, listed: list[Invitation]) -> None:
    await rows.put_single(_INVITATIONS, msgspec.msgpack.encode(listed))


async def look_at(
    phone: Phone, transport: Transport, token: str, identity: Identity, offered: Sequence[VaultId]
) -> list[int]:
    """Looks at vaults that the server says list this card; gives the local numbers of those entered by themselves. An
    invitation into one that it names no more is forgotten.

    Raises: Unreachable, Answered.
    """
    async with phone.store.transaction() as rows:
        kept = await invitations(rows)
        if not offered and not kept:
            return []
        held = {(await rows.get_vault(number)).vault for number in await rows.vaults()}
    listed = {invitation.vault: invitation for invitation in kept if invitation.vault in offered}
    new = [vault for vault in offered if vault not in held and vault not in listed]
    start = int.from_bytes(phone.draw(4), "big") % max(len(new), 1)  # however many there are, each has its turn
    for vault in (new[start:] + new[:start])[:LOOKED_AT_MAX]:
        invitation = await who_added(transport, token, identity, vault)
        if invitation is not None:
            listed[vault] = invitation
    entered = []
    async with phone.store.transaction() as rows:
        for invitation in list(listed.values()):
            if invitation.vault in held:
                del listed[invitation.vault]
            elif await _is_hers(rows, identity, invitation.adder):
                del listed[invitation.vault]
                entered.append(await enter(rows, identity, invitation))
        rest = list(listed.values())[:INVITATIONS_MAX]
        if rest != kept:
            await _keep(rows, rest)
    return entered


async def _is_hers(rows: Rows, identity: Identity, card: DeviceId) -> bool:
    """True for a card that a vault on this phone lists under its own person, and that none of them has dropped."""
    listed = False
    for number in await rows.vaults():
        state = await rows.get_vault(number)
        row = state.log.table.cards.get(card)
        if row is not None and not row.live:
            return False
        mine = state.log.table.cards.get(identity.device)
        if row is not None and mine is not None and is_mine(state, identity):
            listed = listed or row.person == mine.person
    return listed


async def enter(rows: Rows, identity: Identity, invitation: Invitation) -> int:
    """The vault on this phone, unread; its person's other cards are brought along. Gives its local number."""
    number = await rows.next_vault()
    state = VaultState(LogState.empty(invitation.vault), invitation.person, Keyring())
    state.intents = add_own(await own_cards(rows, identity), invitation.person)
    await rows.put_vault(number, state)
    return number


async def accept(rows: Rows, identity: Identity, invitation: Invitation) -> int:
    """What a person has said yes to; gives the vault's local number."""
    await _keep(rows, [other for other in await invitations(rows) if other != invitation])
    return await enter(rows, identity, invitation)


async def who_added(transport: Transport, token: str, identity: Identity, vault: VaultId) -> Invitation | None:
    """Reads a log, verified and judged, up to the good entry that adds this phone's card; None if there is none.

    Nothing is stored: what is read here is read again once the vault has been entered.
    """
    log = LogState.empty(vault)
    for _ in range(_PAGES_MAX):
        messages = await ask_once(transport, token, [VaultAsk(vault, log.seq, log.log_hash, 0)])
        items = [item for message in messages if isinstance(message, Items) for item in message.items]
        for item in items:
            if not isinstance(item, Item):
                return None  # nothing was handed in, so nothing may come back as a hash
            try:
                read = read_item(item)
                verify_item(log.table, read)
                ruling = log.judge(read)
            except (Malformed, CryptoError, NeedsNewerApp):
                return None
            log.append(read, ruling)
            if isinstance(read.body, Entry) and ruling.reason is None:
                for edit in read.body.edits:
                    if isinstance(edit, Add) and id_of_card(edit.card.card) == identity.device:
                        return Invitation(vault, read.author, edit.person)
        if not items or not any(isinstance(message, VaultAnswer) and message.more for message in messages):
            return None
    return None
