"""What lies beside a log: where a wrap or keybox goes, and which lost entries are kept.

Pure. One place holds what came with the entry and is never replaced; everyone else has one place of her own, replaced
only by herself, so that nobody can take a good wrap away or fill the places with noise. Spec: openapi/protocol/sync.md,
"Wraps" and "Lost entries".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from sync.wire import limits
from sync.wire.exchange import Keybox, Wrap
from sync.wire.ids import DeviceId, EpochId, ItemHash

WITH_ENTRY = b""  # the slot of what came with the entry


def slot_for(taken: Collection[bytes], giver: bytes, with_entry: bool) -> bytes | None:
    """The slot that a wrap or keybox takes, or None if there is no room for another giver."""
    if with_entry and not taken:
        return WITH_ENTRY
    return giver if giver in taken or len(taken) < limits.WRAPS_A_CARD_MAX else None


def place_wraps(
    wraps: Iterable[Wrap],
    taken: dict[DeviceId, set[bytes]],
    live: Collection[DeviceId],
    epoch: EpochId,
    giver: bytes,
    with_entry: bool,
) -> list[tuple[Wrap, bytes]]:
    """The wraps that are laid, with their slots: of the head epoch, for live cards, one a card."""
    laid = {wrap.device: wrap for wrap in wraps if wrap.epoch == epoch and wrap.device in live}
    placed = [(wrap, slot_for(taken.get(device, ()), giver, with_entry)) for device, wrap in laid.items()]
    return [(wrap, slot) for wrap, slot in placed if slot is not None]


def sizes_hold(wraps: Iterable[Wrap], keybox: Keybox | None) -> bool:
    """True if wraps and keybox have the sizes that sealing gives them."""
    return all(len(wrap.sealed) == limits.WRAP_BYTES for wrap in wraps) and (
        keybox is None or (len(keybox.salt) == 32 and len(keybox.sealed) <= limits.KEYBOX_BYTES_MAX)
    )


def make_room(held: list[tuple[ItemHash, bytes]], giver: bytes) -> ItemHash | bool | None:
    """Room for one more lost entry of `giver`: True (there is), a held one that must go, or None (no room).

    When all places are taken, who holds more than `giver` would gives up the newest of hers.
    """
    if len(held) < limits.LOST_ENTRIES_MAX:
        return True
    counts = Counter(slot for _, slot in held)
    greediest, count = counts.most_common(1)[0]
    if count <= counts[giver] + 1:
        return None
    return [entry for entry, slot in held if slot == greediest][-1]
