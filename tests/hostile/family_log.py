"""A log of a family, written by hand: any card may sign any entry, and the judge that phones and server share rules."""

from __future__ import annotations

from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.log.reading import read_item, verify_item
from sync.log.state import LogState
from sync.vault.entries import CardKeys, found_vault, make_card
from sync.wire.card import DEVICE, RECOVERY
from sync.wire.codec import encode
from sync.wire.ids import EpochId, PersonId
from sync.wire.item import ENTRY, ENTRY_LABEL, Add, Drop, Entry, EntryEdit, Epoch, Item

MUM, DAD, SAM, ANN = (PersonId(name.ljust(16, b"\0")) for name in (b"mum", b"dad", b"sam", b"ann"))


def card(number: int, kind: int = DEVICE) -> CardKeys:
    """A card that is the same in every run."""
    seed = number.to_bytes(32, "big")
    return make_card(kind, SigningKey.from_seed(1, Secret(seed)), KemKey.from_seed(Secret(seed)))


def add(keys: CardKeys, person: PersonId, role: int, until: int | None = None) -> Add:
    """The edit that lets a card in."""
    return Add(keys.signed, person, role, until)


def drop(keys: CardKeys) -> Drop:
    """The edit that takes a card out."""
    return Drop(keys.device)


class FamilyLog:
    """A vault that mum has founded, about herself unless `subject` is False."""

    def __init__(self, *, subject: bool = True) -> None:
        self.mum, self.recovery = card(1), card(2, RECOVERY)
        key = Secret(bytes(32))
        vault, built = found_vault(
            self.mum, MUM, subject=subject, recovery=self.recovery, nonce=bytes(16), key=key, salt=bytes(32)
        )
        self.log = LogState.empty(vault)
        assert self._take(built.item) is None

    def entry(
        self, author: CardKeys, *edits: EntryEdit, epoch: int | None = None, suite: int = 1, name: bytes = b"fresh"
    ) -> str | None:
        """Why an entry at the head of the log is void; None if it is good. `epoch`: the number of one it starts."""
        log = self.log
        started = Epoch(epoch, suite, EpochId(name.ljust(32, b"\0"))) if epoch is not None else None
        body = Entry(1, log.vault, log.entry_head, log.seq, log.log_hash, author.device, edits, started, None)
        signed = encode(body)
        return self._take(Item(ENTRY, signed, author.signing.sign(ENTRY_LABEL, signed)))

    def _take(self, item: Item) -> str | None:
        read = read_item(item)
        verify_item(self.log.table, read)
        ruling = self.log.judge(read)
        self.log.append(read, ruling)
        return ruling.reason
