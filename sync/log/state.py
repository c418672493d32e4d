"""The blind fold of a log, and the judge: what every server and every phone computes alike, from the log alone.

It knows the log's hash chain, the membership table, every device's frame chain and the epochs. It does not know which
side it runs on, a clock, a key, or what is inside a frame. First reason wins:

1. version   the item is of another version than the vault
2. chain     a frame that does not follow its device's last one; of an entry `cas`: it does not follow the last one
3. rights    a card that may not write this (membership.py has the table for entries)
4. epoch     a frame under another epoch than the head's; an entry that starts, or fails to start, one wrongly
5. limits, owner   of an entry, counted after the whole of it

What needs keys (open, decode, limits, dots, rights on @vault, preds) follows in sync.vault.content; signatures and
duplicates are looked at before. A void item stays in the log, in its chain and in L. Spec: openapi/protocol/log.md.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from sync.log.membership import Table, judge_entry
from sync.log.reading import ReadItem
from sync.wire.card import RECOVERY
from sync.wire.ids import DeviceId, EpochId, LogHash, VaultId
from sync.wire.item import EDITOR, NO_FRAME, OWNER, Drop, Entry, Epoch, Frame, first_log_hash, next_log_hash
from sync.wire.limits import PROTOCOL_VERSION


class NeedsNewerApp(Exception):
    """The vault's version is, or would be after this entry, one that this code does not know: nothing is ruled on."""


class Chain(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where a device's frames stand: the last fseq and the hash of that frame."""

    fseq: int
    head: bytes


NO_CHAIN = Chain(0, NO_FRAME)


class Ruling(NamedTuple):
    """The judge's word on an item: why it is void (None: good), and the table after a good entry."""

    reason: str | None
    table: Table | None = None


class LogState(msgspec.Struct, array_like=True):
    """The fold of a log up to `seq`: all that the next ruling needs, and nothing else.

    `entry_head`: hash of the last good entry, the vault id before any. `epochs`: id to (number, seq of its entry).
    `lost_rights`: seq of the entry that took a device's right to write. `rotation_due`: someone who may not start an
    epoch has dropped a card, or an owner's phone started one on leaving, and no owner has rotated since.
    """

    vault: VaultId
    seq: int
    log_hash: LogHash
    entry_head: bytes
    table: Table
    epoch: Epoch | None = None
    epochs: dict[EpochId, tuple[int, int]] = {}
    chain: dict[DeviceId, Chain] = {}
    lost_rights: dict[DeviceId, int] = {}
    rotation_due: bool = False
    entry_seq: int = 0

    @classmethod
    def empty(cls, vault: VaultId) -> LogState:
        """The log of a vault before anything is in it: L_0."""
        return cls(vault, 0, first_log_hash(vault), bytes(vault), Table())

    def judge(self, read: ReadItem) -> Ruling:
        """Rules on an item that would stand at `seq` + 1. Pure: changes nothing.

        Raises: NeedsNewerApp at a good entry that raises the version past PROTOCOL_VERSION, and ever after. A phone
        stops before that entry and says so; a server refuses it, for it could not judge what follows.
        """
        if self.table.version > PROTOCOL_VERSION:
            raise NeedsNewerApp()
        if read.version != self.table.version or read.vault != self.vault or read.body is None:
            return Ruling("version")
        body = read.body
        if isinstance(body, Entry):
            if body.prev != self.entry_head:
                return Ruling("cas")
            number, suite = (self.epoch.number, self.epoch.suite) if self.epoch else (0, 0)
            first = self.entry_seq == 0
            reason, table = judge_entry(self.table, body, first, (number, suite), set(self.epochs), self.seq + 1)
            if reason is None and table.version > PROTOCOL_VERSION:
                raise NeedsNewerApp()
            return Ruling(reason, None if reason else table)
        header = body.header
        chain = self.chain.get(header.device, NO_CHAIN)
        if header.fseq != chain.fseq + 1 or header.prev != chain.head:
            return Ruling("chain")
        row = self.table.cards.get(header.device)
        if row is None or not row.live or row.kind == RECOVERY or self.table.people[row.person].role < EDITOR:
            return Ruling("rights")
        if self.epoch is None or header.epoch != self.epoch.id:
            return Ruling("epoch")
        return Ruling(None)

    def append(self, read: ReadItem, ruling: Ruling) -> None:
        """Takes an item and its ruling into the fold. A frame that keys show to be void counts here all the same."""
        self.seq += 1
        self.log_hash = next_log_hash(self.log_hash, self.seq, read.hash)
        body = read.body
        if isinstance(body, Frame):
            chain = self.chain.get(body.header.device, NO_CHAIN)
            if body.header.fseq == chain.fseq + 1 and body.header.prev == chain.head and ruling.reason != "version":
                self.chain[body.header.device] = Chain(body.header.fseq, read.hash)
        elif isinstance(body, Entry) and ruling.table is not None:
            before, self.table = self.table, ruling.table
            self.entry_head, self.entry_seq = read.hash, self.seq
            by_owner = before.role(body.author) == OWNER or before.role(body.author) is None
            if not by_owner and any(isinstance(edit, Drop) for edit in body.edits):
                self.rotation_due = True
            if body.epoch:
                row = self.table.cards[body.author]
                # Who leaves has drawn the key herself; a recovery card's was drawn by the phone that it lets in.
                self.epoch, self.rotation_due = body.epoch, not row.live and row.kind != RECOVERY
                self.epochs[body.epoch.id] = (body.epoch.number, self.seq)
            for device, row in before.cards.items():
                if row.kind != RECOVERY and _may_write(before, device) and not _may_write(self.table, device):
                    self.lost_rights[device] = self.seq


def _may_write(table: Table, device: DeviceId) -> bool:
    """True for a live card of an editor or owner."""
    role = table.role(device)
    return role is not None and role >= EDITOR


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(LogState)


def encode_state(state: LogState) -> bytes:
    """The fold as bytes, for a store of one's own; never sent, so its layout may change with a migration."""
    return _encoder.encode(state)


def decode_state(data: bytes) -> LogState:
    """The fold from its bytes. Raises: msgspec.DecodeError for bytes of another layout."""
    return _decoder.decode(data)
