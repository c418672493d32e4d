"""Intents: what a person has decided about membership, and what that means as an entry on the table as it stands.

An intent is stored, never a signed entry: the entry is built at the head of the log and pushed alone, and on `cas`
built again. An intent that holds already, or that has lost its object, means nothing any more. Pure. Spec:
openapi/protocol/people.md, "Wishes".
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from sync.log.membership import Table, judge_entry
from sync.log.state import LogState
from sync.vault.recovery import NewRecovery, Recover, new_recovery_edits, recovery_edits
from sync.wire.card import SignedCard
from sync.wire.card import device_id as id_of_card
from sync.wire.ids import DeviceId, EpochId, PersonId
from sync.wire.item import OWNER, Add, Drop, Entry, EntryEdit, Epoch, SetRole, SetSubject

_ANY_EPOCH = EpochId(bytes(32))  # what an epoch is called has no part in whether it may be started


class AddCard(msgspec.Struct, frozen=True, array_like=True, tag="add"):
    """A card that its person, or an owner, has decided to let in.

    `role` and `until` are those of a person who is new; of one already named the table has them, and has them right
    also when they changed while the intent waited.
    """

    card: SignedCard
    person: PersonId
    role: int
    until: int | None


class DropCards(msgspec.Struct, frozen=True, array_like=True, tag="drop"):
    """Cards that are to leave the vault: one's own, or those of somebody an owner removes."""

    devices: tuple[DeviceId, ...]


class DropPerson(msgspec.Struct, frozen=True, array_like=True, tag="drop_person"):
    """Somebody who is to leave with every card she has by then."""

    person: PersonId


class ChangeRole(msgspec.Struct, frozen=True, array_like=True, tag="role"):
    """Another role for a person."""

    person: PersonId
    role: int


class HandOver(msgspec.Struct, frozen=True, array_like=True, tag="subject"):
    """The person whom the vault is about from now on."""

    person: PersonId


class Rotate(msgspec.Struct, frozen=True, array_like=True, tag="rotate"):
    """A new epoch is due after the one with this number."""

    after: int


Intent = AddCard | DropCards | DropPerson | ChangeRole | HandOver | Rotate | Recover | NewRecovery


class Meaning(NamedTuple):
    """What an intent means now: the edits of the entry, and whether it has to start an epoch."""

    edits: tuple[EntryEdit, ...]
    starts_epoch: bool


def meaning(intent: Intent, log: LogState, author: DeviceId) -> Meaning | None:
    """What an intent means on the table as it stands; None if nothing is left to do.

    An owner's drop starts an epoch; nobody else's may.
    """
    table = log.table
    owner = table.role(author) == OWNER
    if isinstance(intent, Rotate):
        due = owner and log.epoch is not None and log.epoch.number <= intent.after
        return Meaning((), True) if due else None
    edits = _edits(intent, table)
    if not edits:
        return None
    return Meaning(edits, owner and any(isinstance(edit, Drop) for edit in edits))


def ruling(means: Meaning, log: LogState, author: DeviceId) -> str | None:
    """Why an entry of this meaning would be void at the head of the log as it stands; None if it would be good.

    Reasons: rights, epoch, limits, owner (membership.md).
    """
    number, suite = (log.epoch.number, log.epoch.suite) if log.epoch else (0, 1)
    epoch = Epoch(number + 1, suite, _ANY_EPOCH) if means.starts_epoch else None
    entry = Entry(log.table.version, log.vault, log.entry_head, log.seq, log.log_hash, author, means.edits, epoch, None)
    return judge_entry(log.table, entry, False, (number, suite), set(log.epochs), log.seq + 1)[0]


def _edits(intent: Intent, table: Table) -> tuple[EntryEdit, ...]:
    if isinstance(intent, Recover):
        return recovery_edits(intent, table)
    if isinstance(intent, NewRecovery):
        return new_recovery_edits(intent, table)
    if isinstance(intent, AddCard):
        if id_of_card(intent.card.card) in table.cards:
            return ()
        known = table.people.get(intent.person)
        role, until = (known.role, known.until) if known else (intent.role, intent.until)
        return (Add(intent.card, intent.person, role, until),)
    if isinstance(intent, DropCards):
        return tuple(Drop(device) for device in intent.devices if device in table.live())
    if isinstance(intent, DropPerson):
        return tuple(Drop(device) for device in table.cards_of(intent.person))
    if isinstance(intent, ChangeRole):
        person = table.people.get(intent.person)
        there = person is not None and person.role != intent.role and table.cards_of(intent.person)
        return (SetRole(intent.person, intent.role),) if there else ()
    if isinstance(intent, HandOver):
        there = table.subject != intent.person and table.cards_of(intent.person)
        return (SetSubject(intent.person),) if there else ()
    return ()
