"""half-repeated: a restore loses a removal, and a rotation by somebody who never saw it is to end the halt."""

from __future__ import annotations

from unittest.mock import patch

from sync.log.state import LogState
from sync.vault import rollback
from sync.vault.keyring import Keyring
from sync.vault.replay import open_items, replay
from sync.vault.rollback import held_back, to_repeat
from sync.vault.state import VaultState
from sync.wire.item import Drop
from tests.hostile.family_log import MUM
from tests.hostile.lost_entries import rebased, removal_lost


def test_a_phone_remembers_every_removal_that_it_reads() -> None:
    """BAD-51."""
    knew, _ = removal_lost()
    state = VaultState(LogState.empty(knew.log.vault), MUM, Keyring())
    replay(state, knew.mum.device, open_items(knew.items, state), {}, {}, set(), lambda seq: None)
    assert state.log.seq == knew.log.seq
    assert state.dropped_ever == {knew.sam.device}


def test_a_rotation_by_an_owner_who_never_saw_it_does_not_end_the_halt() -> None:
    """BAD-53."""
    knew, now = removal_lost()
    assert now.entry(now.dad, epoch=2, name=b"dad's") is None
    state = rebased(knew, now)
    assert state.spoken
    assert held_back(state), "half-repeated: a card seen dropped stays dropped for who saw it"
    assert to_repeat(state, knew.mum.device) == (Drop(knew.sam.device),)
    with patch.object(rollback, "undone", lambda state: []):
        assert not held_back(state), "and without the rule it would end"
