"""What a phone does by itself once it stands at the head of a log; all of it as intents, sent by the next request."""

from __future__ import annotations

from sync.device.identity import Identity
from sync.vault.state import Rotate, VaultState
from sync.wire.item import OWNER


def take_duties(state: VaultState, identity: Identity) -> bool:
    """Adds what is due; True if something was added.

    The first owner phone to see a drop by someone who may not start an epoch completes it with a new one.
    """
    log = state.log
    if not state.at_head or state.halted or log.table.role(identity.device) != OWNER or log.epoch is None:
        return False
    rotate = Rotate(log.epoch.number)
    if log.rotation_due and rotate not in state.intents:
        state.intents = [*state.intents, rotate]
        return True
    return False
