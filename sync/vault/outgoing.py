"""What leaves a phone: waiting changes cut into frames and sealed, late.

Frames are sealed when they are sent, and sent again byte for byte until they are read in the log. Nothing is sealed
while older frames are unread, while the phone is not at the head of the log, or without the head epoch's key. Spec:
openapi/protocol/phone.md, "Seal late".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from crypto.public.errors import CryptoError
from crypto.secret.signing import SigningKey
from sync.log.reading import read_item, verify_item
from sync.log.state import NO_CHAIN
from sync.merge.change import Change, Dot, RecordId, number_of
from sync.vault.content import encode_inside
from sync.vault.frames import seal_frame
from sync.vault.rollback import held_back
from sync.vault.state import VaultState
from sync.wire.codec import Malformed
from sync.wire.ids import DeviceId, ItemHash, LogHash
from sync.wire.item import EDITOR, Frame, FrameHeader, Item, item_hash
from sync.wire.limits import CHANGES_A_FRAME_MAX

INSIDE_BYTES_AIM = 196_608  # bytes before deflate: JSON shrinks to about a third, so some 64 KiB sealed


class Flying(NamedTuple):
    """A sealed frame of one's own that has not been read in the log yet, and the numbers of its changes."""

    fseq: int
    item: Item
    numbers: tuple[int, ...]


def may_seal(state: VaultState, device: DeviceId) -> bool:
    """True if a frame sealed now would be good as far as this phone can know."""
    role = state.log.table.role(device)
    whole = state.at_head and not state.key_missing and state.rebuilding is None and not held_back(state)
    ready = whole and not state.removed and state.halted is None
    return ready and role is not None and role >= EDITOR and state.head_key is not None


def proves_fork(
    state: VaultState, device: DeviceId, proof: Item, own: Mapping[ItemHash, Item], head_seen: LogHash | None
) -> bool:
    """True if a frame shows that this phone's card signs elsewhere too: its own signature, in this log, on a frame that
    it has not read and does not know, at a place in its chain where one that it handed in should stand.

    `own`: what it handed in. `head_seen`: its log's hash where that frame's author stood, None if that is not held: a
    frame from a log that was left proves nothing about this one.
    """
    try:
        read = read_item(proof)
        verify_item(state.log.table, read)
    except (CryptoError, Malformed):
        return False
    if not isinstance(read.body, Frame) or read.vault != state.vault or read.author != device or read.hash in own:
        return False
    frames = [read_item(item).body for item in own.values()]
    places = {frame.header.fseq for frame in frames if isinstance(frame, Frame)}
    beyond = read.body.header.fseq > state.log.chain.get(device, NO_CHAIN).fseq
    return beyond and read.body.header.fseq in places and head_seen in (None, read.seen_L)


def cut(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Changes in their order, cut so that one frame stays a good size to send and to read."""
    batch: list[Change] = []
    size = 0
    for change in changes:
        weight = 64 + 8 * len(change.preds)
        for key, value in change.sets:
            weight += len(key) + (0 if value is None else len(value))
        if batch and (size + weight > INSIDE_BYTES_AIM or len(batch) >= CHANGES_A_FRAME_MAX):
            yield batch
            batch, size = [], 0
        batch.append(change)
        size += weight
    if batch:
        yield batch


def seal_changes(
    state: VaultState,
    device: DeviceId,
    signing: SigningKey,
    changes: Sequence[Change],
    births: Mapping[RecordId, Dot],
    salt: Callable[[], bytes],
) -> list[Flying]:
    """Waiting changes as a chain of frames on top of what the log holds of this device.

    `births`: a birth dot of each record that the log holds and a change names. `salt`: 32 fresh random bytes a call.
    """
    log, key = state.log, state.head_key
    assert log.epoch is not None, "may_seal was not asked"
    assert key is not None, "may_seal was not asked"
    chain = log.chain.get(device, NO_CHAIN)
    fseq, prev = chain.fseq, chain.head
    sealed: list[Flying] = []
    devices = state.devices
    author = log.table.cards[device].ordinal
    for batch in cut(changes):
        fseq += 1
        header = FrameHeader(log.table.version, log.vault, device, fseq, prev, log.epoch.id, log.seq, log.log_hash)
        item = seal_frame(header, encode_inside(batch, author, devices, births), key, salt(), signing)
        sealed.append(Flying(fseq, item, tuple(number_of(change.dot) for change in batch)))
        prev = item_hash(item.signed)
    return sealed
