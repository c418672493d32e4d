"""The membership table: which cards are in a vault, whose they are, and what an entry may change in it.

Three roles, one kind of entry. Role and end date belong to the person; a card belongs to one person for ever. The
rules, in the order of the protocol's text:

* a person once named gets further cards only from a card of hers, at her own role and end date;
* an owner adds new persons, one card each, and owners carry no end date;
* anyone may drop cards of her own person; an owner may drop others', but not the subject's;
* roles, subject, version and purge are the owners', within what protects the subject;
* a dropped id never returns; there is always an owner's phone; cards are counted after the whole entry;
* a recovery card signs only the entry that drops it, which adds and drops cards of her own person and nothing else.

What it is not: a log (state.py), a clock, a store. Spec: openapi/protocol/membership.md.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from sync.wire import limits
from sync.wire.card import RECOVERY, read_card
from sync.wire.card import device_id as id_of_card
from sync.wire.codec import Malformed
from sync.wire.ids import DeviceId, PersonId
from sync.wire.item import (
    OWNER,
    Add,
    Drop,
    Entry,
    EntryEdit,
    Purge,
    SetRole,
    SetSubject,
    SetVersion,
    vault_id,
)


class CardRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A card that is or was in the vault. `ordinal`: position of its `add` in this log, from 0."""

    person: PersonId
    kind: int
    key_type: int
    signing_key: bytes
    ordinal: int
    live: bool


class PersonRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A person who has, or had, a card. `until`: milliseconds since 1970 UTC, or None."""

    role: int
    until: int | None


class Table(msgspec.Struct, array_like=True):
    """Who is in the vault. Every card there ever was stays, so that late items can be verified."""

    cards: dict[DeviceId, CardRow] = {}
    people: dict[PersonId, PersonRow] = {}
    subject: PersonId | None = None
    version: int = limits.VERSION_AT_FOUNDING
    purged: int = 0

    def copy(self) -> Table:
        """A table that can be changed without changing this one; rows are immutable."""
        return Table(dict(self.cards), dict(self.people), self.subject, self.version, self.purged)

    def live(self) -> dict[DeviceId, CardRow]:
        """The cards that are in the vault now."""
        return {device: row for device, row in self.cards.items() if row.live}

    def cards_of(self, person: PersonId | None) -> list[DeviceId]:
        """The live cards of a person, recovery cards among them."""
        return [device for device, row in self.cards.items() if row.live and row.person == person]

    def role(self, device: DeviceId) -> int | None:
        """The role of a live card's person; None for a card that is not in the vault."""
        row = self.cards.get(device)
        return self.people[row.person].role if row and row.live else None

    def until(self, device: DeviceId) -> int | None:
        """The end date of a card's person, in milliseconds since 1970 UTC."""
        row = self.cards.get(device)
        return self.people[row.person].until if row else None

    def owner_phones(self) -> list[DeviceId]:
        """Live cards of owners, recovery cards not counted."""
        return [d for d, row in self.live().items() if row.kind != RECOVERY and self.people[row.person].role == OWNER]

    def crowded(self) -> bool:
        """True past a limit on cards: live or ever, of the vault or of one person."""
        live = Counter(row.person for row in self.cards.values() if row.live)
        ever = Counter(row.person for row in self.cards.values())
        return (
            live.total() > limits.CARDS_MAX
            or max(live.values(), default=0) > limits.CARDS_A_PERSON_MAX
            or ever.total() > limits.DEVICES_EVER_MAX
            or max(ever.values(), default=0) > limits.CARDS_EVER_A_PERSON_MAX
        )


def judge_entry(
    table: Table, entry: Entry, first: bool, epoch: tuple[int, int], epochs_seen: set[bytes], seq: int
) -> tuple[str | None, Table]:
    """Judges the edits and epoch of an entry on a table; gives the reason (None: good) and the table afterwards.

    `epoch`: number and suite in force. `epochs_seen`: ids of all epochs so far. `seq`: where the entry would stand.
    Reasons: rights, epoch, limits, owner.
    """
    after = table.copy()
    if first:
        reason = _found(after, entry)
        if reason:
            return reason, table
        me, owner = entry.genesis.person, True  # type: ignore[union-attr]  # _found has looked at genesis
    else:
        row = table.cards.get(entry.author)
        if entry.genesis is not None or row is None or not row.live:
            return "rights", table
        me, owner = row.person, table.people[row.person].role == OWNER
        if row.kind == RECOVERY and not _is_farewell(table, me, entry):
            return "rights", table
        for edit in entry.edits:
            reason = _apply(after, me, owner, edit, seq)
            if reason:
                return reason, table
    if entry.epoch:
        number, suite = epoch
        step = entry.epoch.number - number
        known = entry.epoch.suite in limits.SUITES_KNOWN and entry.epoch.suite >= suite
        steps_max = 1 if first else limits.EPOCH_STEP_MAX
        if not owner or not 1 <= step <= steps_max or not known or entry.epoch.id in epochs_seen:
            return "epoch", table
    elif first or (owner and any(isinstance(edit, Drop) for edit in entry.edits)):
        return "epoch", table
    if after.crowded():
        return "limits", table
    if not after.owner_phones():
        return "owner", table
    return None, after


def _is_farewell(table: Table, me: PersonId, entry: Entry) -> bool:
    """The one entry that a recovery card signs: it drops that card, and besides only adds and drops cards of hers.

    Whoever finds an owner's recovery sheet could else remove everybody in the one entry that the sheet is good for.
    """

    def is_hers(edit: EntryEdit) -> bool:
        if isinstance(edit, Add):
            return edit.person == me
        row = table.cards.get(edit.device) if isinstance(edit, Drop) else None
        return row is not None and row.person == me

    return Drop(entry.author) in entry.edits and all(is_hers(edit) for edit in entry.edits)


def _found(table: Table, entry: Entry) -> str | None:
    """The first entry: genesis names the vault; the creator is owner; her recovery card may come along."""
    genesis, edits = entry.genesis, entry.edits
    if (
        genesis is None
        or vault_id(genesis) != entry.vault
        or genesis.creator != entry.author
        or len(edits) not in (1, 2)
    ):
        return "rights"
    for position, edit in enumerate(edits):
        if not isinstance(edit, Add) or (edit.person, edit.role, edit.until) != (genesis.person, OWNER, None):
            return "rights"
        reason = _add_card(table, edit)
        if reason:
            return reason
        device = id_of_card(edit.card.card)
        is_recovery = table.cards[device].kind == RECOVERY
        if is_recovery != (position == 1) or (position == 0 and device != genesis.creator):
            return "rights"
    if genesis.subject:
        table.subject = genesis.person
    return None


def _add_card(table: Table, edit: Add) -> str | None:
    device = id_of_card(edit.card.card)
    if device in table.cards:
        return "rights"  # a dropped id never returns
    try:
        card = read_card(edit.card)
    except Malformed:
        return "rights"  # a card that does not prove itself is nobody's
    row = CardRow(edit.person, card.kind, card.key_type, card.signing_key, len(table.cards), True)
    table.cards[device] = row
    table.people[edit.person] = PersonRow(edit.role, edit.until)
    return None


def _apply(table: Table, me: PersonId, owner: bool, edit: EntryEdit, seq: int) -> str | None:
    """Applies one edit to `table`, or gives the reason why not."""
    if isinstance(edit, Add):
        known = table.people.get(edit.person)
        if known is not None:
            if edit.person != me or known != PersonRow(edit.role, edit.until):
                return "rights"
        elif not owner or (edit.role == OWNER and edit.until is not None):
            return "rights"
        return _add_card(table, edit)
    if isinstance(edit, Drop):
        row = table.cards.get(edit.device)
        if row is None or not row.live:
            return "rights"
        if row.person != me and (not owner or row.person == table.subject):
            return "rights"
        table.cards[edit.device] = msgspec.structs.replace(row, live=False)
        return None
    if not owner:
        return "rights"
    if isinstance(edit, SetRole):
        lowers_subject = edit.person == table.subject != me and edit.role != OWNER
        if not table.cards_of(edit.person) or lowers_subject:
            return "rights"
        until = None if edit.role == OWNER else table.people[edit.person].until
        table.people[edit.person] = PersonRow(edit.role, until)
    elif isinstance(edit, SetSubject):
        if (table.subject is not None and table.cards_of(table.subject)) or not table.cards_of(edit.person):
            return "rights"
        table.subject = edit.person
        table.people[edit.person] = PersonRow(OWNER, None)
    elif isinstance(edit, Purge):
        if table.subject not in (None, me) or not table.purged < edit.seq < seq:
            return "rights"
        table.purged = edit.seq
    elif isinstance(edit, SetVersion):
        if edit.version <= table.version:
            return "rights"
        table.version = edit.version
    return None
