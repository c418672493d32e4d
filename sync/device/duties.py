"""What a phone does by itself once it stands at the head of a log; all of it as intents, sent by the next request.

A clock takes part in one of them alone, the end date of a person: it makes an owner's phone ask, and never rules.
Spec: openapi/protocol/people.md, "Duties".
"""

from __future__ import annotations

from collections.abc import Iterator

from sync.device.identity import Identity
from sync.device.store.rows import Rows
from sync.merge.change import number_of
from sync.vault.intents import DropPerson, Intent, Rotate
from sync.vault.replay import Quarantined
from sync.vault.state import VaultState
from sync.wire.item import OWNER, VIEWER


def take_duties(state: VaultState, identity: Identity, now_ms: int) -> bool:
    """Adds what is due; True if something was added. `now_ms`: milliseconds since 1970 UTC by this phone's clock."""
    log = state.log
    if identity.device not in log.table.owner_phones():  # a recovery card has no duties
        return False
    if not state.at_head or state.removed or state.halted or log.table.role(identity.device) != OWNER:
        return False
    added = [intent for intent in _due(state, now_ms) if intent not in state.intents]
    state.intents = [*state.intents, *added]
    return bool(added)


async def set_aside_a_viewers(rows: Rows, number: int, state: VaultState, identity: Identity) -> None:
    """What was written before its author read that she may only read: kept where she sees it, not sent for ever."""
    if not state.at_head or state.removed or state.halted or state.log.table.role(identity.device) != VIEWER:
        return
    waiting = await rows.get_pending(number)
    if waiting and not await rows.get_flying(number):
        row = Quarantined(0, identity.device, "rights", len(waiting), tuple(waiting))
        await rows.put_quarantined(number, [row])
        await rows.drop_pending(number, [number_of(change.dot) for change in waiting])


def _due(state: VaultState, now_ms: int) -> Iterator[Intent]:
    """The first owner's phone to see it completes a drop by someone who may not start an epoch, with a new one; and
    drops the cards of a person whose end date has passed."""
    log = state.log
    for person, row in log.table.people.items():
        if row.until is not None and row.until <= now_ms and log.table.cards_of(person):
            yield DropPerson(person)
    if log.rotation_due and log.epoch is not None:
        yield Rotate(log.epoch.number)
