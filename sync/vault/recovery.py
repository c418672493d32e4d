"""What a recovery code does in a vault: the one entry that its card signs, and when another phone bears it out.

The recovery card drops itself; with the same entry it lets the new phone and a new recovery card in and drops the
phones that are lost. Nothing else is ever signed by it. Pure: who asks, and over which wire, is
sync.device.recovering. Spec: openapi/protocol/recovery.md.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from crypto.public.errors import CryptoError
from sync.log.membership import Table
from sync.log.reading import ReadItem, read_item, verify_item
from sync.log.state import LogState, NeedsNewerApp
from sync.wire.card import DEVICE, RECOVERY, SignedCard, read_card
from sync.wire.card import device_id as id_of_card
from sync.wire.codec import Malformed
from sync.wire.ids import DeviceId, PersonId
from sync.wire.item import Add, Drop, Entry, EntryEdit, Item


class Recover(msgspec.Struct, frozen=True, array_like=True, tag="recover"):
    """A recovery card gives way to a new phone and a new recovery card; lost phones of its person go with it."""

    old: DeviceId
    phone: SignedCard
    recovery: SignedCard
    lost: tuple[DeviceId, ...]


class NewRecovery(msgspec.Struct, frozen=True, array_like=True, tag="new_recovery"):
    """Another recovery card for a person, in the place of all that she has."""

    card: SignedCard
    person: PersonId


def new_recovery_edits(wish: NewRecovery, table: Table) -> tuple[EntryEdit, ...]:
    """The edits that put the card in the place of her other recovery cards, in one entry; none if it was in before, or
    she is not in any more."""
    if id_of_card(wish.card.card) in table.cards or not table.cards_of(wish.person):
        return ()
    person = table.people[wish.person]
    old = recovery_cards(table, wish.person)
    return (Add(wish.card, wish.person, person.role, person.until), *(Drop(device) for device in old))


def recovery_edits(recover: Recover, table: Table) -> tuple[EntryEdit, ...]:
    """The edits of the recovery card's one entry on this table; none if it is no live card or the new phone is in.

    Lost phones are dropped as far as they are live and its own person's: the table allows it no others.
    """
    row = table.cards.get(recover.old)
    if row is None or not row.live or row.kind != RECOVERY or id_of_card(recover.phone.card) in table.cards:
        return ()
    person = table.people[row.person]
    adds = [Add(card, row.person, person.role, person.until) for card in (recover.phone, recover.recovery)]
    lost = [device for device in own_phones(table, row.person) if device in recover.lost]
    return (*adds, Drop(recover.old), *(Drop(device) for device in lost))


def own_phones(table: Table, person: PersonId) -> list[DeviceId]:
    """The live cards of a person that are phones, in the order in which they came."""
    return [device for device in table.cards_of(person) if table.cards[device].kind == DEVICE]


def recovery_cards(table: Table, person: PersonId) -> list[DeviceId]:
    """The live recovery cards of a person."""
    return [device for device in table.cards_of(person) if table.cards[device].kind == RECOVERY]


def witnesses(table: Table, me: DeviceId) -> list[DeviceId]:
    """Live phones that were in the vault before this one: they alone can bear out what a server showed it."""
    mine = table.cards[me].ordinal
    return [d for d, row in table.live().items() if row.kind == DEVICE and row.ordinal < mine]


def bears_out(read: ReadItem, table: Table, me: DeviceId, met: int) -> bool:
    """True for an item by such a phone whose author had read the log as far as it went when this phone met it.

    Its `seen_L`, which the caller has found to be this log's, covers every item up to there.
    """
    return read.author in witnesses(table, me) and read.seen_seq >= met


def fold(log: LogState, items: Iterable[Item], kem_keys: dict[DeviceId, bytes]) -> bool:
    """Takes items into `log` as the blind side does, and the KEM keys of the cards they add; False at a bad one.

    Enough to have the recovery card sign its entry again: what the frames say is not needed for it.
    """
    for item in items:
        try:
            read = read_item(item)
            verify_item(log.table, read)
            ruling = log.judge(read)
        except (CryptoError, Malformed, NeedsNewerApp):
            return False
        log.append(read, ruling)
        if ruling.reason is None and isinstance(read.body, Entry):
            added = [edit.card for edit in read.body.edits if isinstance(edit, Add)]
            kem_keys.update((id_of_card(card.card), read_card(card).kem_key) for card in added)
    return True
