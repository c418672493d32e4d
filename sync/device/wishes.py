"""Wishes about membership before they are sent: judged on the log as this phone holds it, then stored as intents.

Nothing here talks to a server; a wish that cannot hold is refused at once and in words, by the same judge that would
void it. Spec: openapi/protocol/people.md, PPL-2.
"""

from __future__ import annotations

from sync.device.identity import Identity
from sync.device.refused import Refused
from sync.device.store.rows import Rows
from sync.vault.intents import AddCard, ChangeRole, DropCards, DropPerson, HandOver, Intent, meaning, ruling
from sync.vault.state import VaultState
from sync.wire.card import SignedCard
from sync.wire.card import device_id as id_of_card
from sync.wire.codec import Malformed
from sync.wire.ids import DeviceId, PersonId
from sync.wire.item import ENTRY, OWNER, Add, read_entry


def is_mine(state: VaultState, identity: Identity) -> bool:
    """True for a vault that this phone is in, as far as it knows."""
    return not state.removed and state.log.table.role(identity.device) is not None


async def own_vaults(rows: Rows, identity: Identity, only: list[int] | None = None) -> list[int]:
    """Local numbers of the vaults that this phone is in. Raises: Refused(removed) if one of `only` is not."""
    numbers = await rows.vaults()
    mine = [number for number in numbers if is_mine(await rows.get_vault(number), identity)]
    if only is None:
        return mine
    if not set(only) <= set(mine):
        raise Refused("removed")
    return [number for number in mine if number in only]


def wish(state: VaultState, identity: Identity, intent: Intent) -> bool:
    """Adds a wish to `state`, which the caller stores; False if it holds already.

    Raises: Refused (removed, not_member, not_owner, subject_stays, has_subject, owner_until, too_many_phones,
    last_owner) if an entry of it would be void on the log as it stands here.
    """
    if state.removed:
        raise Refused("removed")
    means = meaning(intent, state.log, identity.device)
    if means is None:
        return False
    reason = ruling(means, state.log, identity.device)
    if reason is not None:
        raise Refused(_word(reason, intent, state, identity))
    if intent not in state.intents:
        state.intents = [*state.intents, intent]
    return True


def _word(reason: str, intent: Intent, state: VaultState, identity: Identity) -> str:
    """What a reason of the judge means for this wish."""
    table = state.log.table
    role = table.role(identity.device)
    if reason == "owner":
        return "last_owner"
    if reason == "limits":
        return "too_many_phones"
    if role is None:
        return "not_member"
    if role != OWNER:
        return "not_owner"
    if isinstance(intent, HandOver):
        return "has_subject"
    if isinstance(intent, AddCard):
        return "owner_until" if intent.role == OWNER and intent.until is not None else "not_hers"
    if isinstance(intent, DropCards | DropPerson | ChangeRole):
        return "subject_stays"
    return "not_member"


async def met_cards(rows: Rows, number: int, wanted: set[DeviceId]) -> dict[DeviceId, SignedCard]:
    """These cards as the vault's log has them: they may be added to another vault without being shown again."""
    found: dict[DeviceId, SignedCard] = {}
    for _, item, verdict in await rows.get_items(number, 0):
        if item.kind != ENTRY or verdict is not None:
            continue
        try:
            edits = read_entry(item.signed).edits
        except Malformed:
            continue
        cards = [edit.card for edit in edits if isinstance(edit, Add)]
        found.update((id_of_card(card.card), card) for card in cards if id_of_card(card.card) in wanted)
    return found


async def own_cards(rows: Rows, identity: Identity) -> dict[DeviceId, SignedCard]:
    """The other cards of this phone's person, recovery cards among them, as the vaults on this phone list them.

    Not one that any of these vaults has dropped: a lost phone must not come back by way of another vault.
    """
    found: dict[DeviceId, SignedCard] = {}
    dropped: set[DeviceId] = set()
    for number in await rows.vaults():
        state = await rows.get_vault(number)
        table = state.log.table
        dropped |= {device for device, row in table.cards.items() if not row.live}
        if is_mine(state, identity):
            hers = set(table.cards_of(table.cards[identity.device].person)) - {identity.device} - set(found)
            found.update(await met_cards(rows, number, hers))
    return {device: card for device, card in found.items() if device not in dropped}


def add_own(cards: dict[DeviceId, SignedCard], person: PersonId) -> list[Intent]:
    """The wishes that bring these cards in under one's own person, with her role and end date as they are then."""
    return [AddCard(card, person, 0, None) for card in cards.values()]
