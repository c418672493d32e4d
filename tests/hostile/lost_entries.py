"""A log, the copy that a server was put back to, and a phone that knew the one and reads the other."""

from __future__ import annotations

from sync.log.reading import read_item
from sync.log.state import decode_state, encode_state
from sync.vault.keyring import Keyring
from sync.vault.rollback import has_spoken, lose, prevs, settle
from sync.vault.state import VaultState
from sync.wire.item import EDITOR, OWNER, Item
from tests.hostile.family_log import DAD, MUM, SAM, FamilyLog, add, card, drop


class Recorded(FamilyLog):
    """The same log, with its items kept."""

    def __init__(self, *, subject: bool = True) -> None:
        self.items: list[Item] = []
        super().__init__(subject=subject)
        self.dad, self.sam, self.tablet = card(20), card(21), card(22)
        assert self.entry(self.mum, add(self.dad, DAD, OWNER)) is None
        assert self.entry(self.mum, add(self.sam, SAM, EDITOR)) is None

    def _take(self, item: Item) -> str | None:
        self.items.append(item)
        return super()._take(item)

    def copy(self) -> Recorded:
        """The log as an operator's backup has it."""
        made = Recorded.__new__(Recorded)
        made.__dict__ |= self.__dict__
        made.log, made.items = decode_state(encode_state(self.log)), list(self.items)
        return made

    def reads(self):  # type: ignore[no-untyped-def]
        """Its entries, as good ones."""
        return [(read_item(item), None) for item in self.items]


def rebased(knew: Recorded, now: Recorded) -> VaultState:
    """A phone that has left the log it knew for the one that the server holds now."""
    state = VaultState(now.log, MUM, Keyring())
    lost = [read_item(item) for item in knew.items if item not in now.items]
    state.owners_before = {d for d in knew.log.table.live() if knew.log.table.role(d) == OWNER}
    lose(state, lost)
    state.dropped_ever |= {device for device, row in knew.log.table.cards.items() if not row.live}
    state.spoken = has_spoken(state, now.reads(), prevs(state))
    settle(state)
    return state


def removal_lost() -> tuple[Recorded, Recorded]:
    """A log in which Sam was removed, and the copy that the server was put back to."""
    knew = Recorded()
    old = knew.copy()
    assert knew.entry(knew.mum, drop(knew.sam), epoch=2, name=b"after the removal") is None
    return knew, old
