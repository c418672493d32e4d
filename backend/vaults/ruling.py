"""What the server does with one item that a phone hands in: store it, know it already, or refuse it with a word.

Pure: the fold, the server's own counts, what the store was asked for beforehand, and the hand-in go in; a verdict comes
out. First reason wins:

1. already stored: the same signed bytes stand in the log (the phone gets the same acknowledgement again)
2. device_forked: another frame stands at this number of the device's chain
3. signature   4. seen   5. the log's own judge: version, chain or cas, rights, epoch, limits, owner
   (rights aside: grace, for frames written before their author heard of the loss)
6. until, wraps, quota: of first-hand items; a replay after a restore is judged by the log alone, but for the vault's
   bytes in all, and nobody frees her own items from an end date or from the bounds of grace by calling them a replay

Shape and size are looked at before (reading.py). Not here: SQL, a clock, what phones see with keys. Spec:
openapi/protocol/sync.md, "What is refused".
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from sync.log.reading import ReadItem, is_verified
from sync.log.state import NO_CHAIN, LogState, NeedsNewerApp, Ruling
from sync.wire import limits
from sync.wire.card import RECOVERY, device_id
from sync.wire.exchange import Keybox, Wrap
from sync.wire.ids import DeviceId, ItemHash, LogHash, PersonId
from sync.wire.item import OWNER, Add, Entry, Frame, Item, first_log_hash

DAY_MS = 86_400_000


class Bounds(msgspec.Struct, frozen=True):
    """What the operator allows: bytes a person a day in one vault, bytes of a vault, vaults founded by an account."""

    person_day_bytes_max: int
    vault_bytes_max: int
    vaults_an_account_max: int


class Usage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a person has appended first-hand on `day` (days since 1970 UTC)."""

    day: int
    bytes: int
    entries: int


class Grace(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A device's late frames: the entry's seq, when the server stored it, how many frames and bytes since."""

    seq: int
    at_ms: int
    frames: int
    bytes: int


class Facts(msgspec.Struct, array_like=True):
    """What the server counts beside a log; none of it is computed by phones. `wishes`: cards that lack a key.

    `lost`: how many lost entries are held for owners.
    """

    usage: dict[PersonId, Usage] = {}
    grace: dict[DeviceId, Grace] = {}
    wishes: tuple[DeviceId, ...] = ()
    lost: int = 0


class StoredFrame(NamedTuple):
    """A frame that the log holds, and where."""

    seq: int
    hash: ItemHash
    item: Item


class Known(NamedTuple):
    """What the log already holds of what a hand-in names: L at seqs, frames by device and fseq, entries by hash."""

    log_hashes: dict[int, LogHash]
    frames: dict[tuple[DeviceId, int], StoredFrame]
    entries: dict[ItemHash, int]


class HandIn(NamedTuple):
    """Who hands items in, how, and with which wraps."""

    device: DeviceId
    replay: bool
    wraps: tuple[Wrap, ...]
    keybox: Keybox | None
    now_ms: int


class Verdict(NamedTuple):
    """`code`: why the item is refused. `seq`: where it stands already. `ruling`: the judge's word on what to append."""

    code: str | None = None
    seq: int | None = None
    ruling: Ruling | None = None
    proof: Item | None = None
    in_grace: bool = False


def item_bytes(item: Item) -> int:
    """What an item counts: its signed bytes and its signature."""
    return len(item.signed) + len(item.signature)


def seqs_to_know(state: LogState, reads: list[ReadItem]) -> set[int]:
    """Seqs whose L is needed to check what items claim to have seen, beyond the fold's own."""
    return {read.seen_seq for read in reads if 0 < read.seen_seq < state.seq}


def frames_to_know(state: LogState, reads: list[ReadItem]) -> list[tuple[DeviceId, int]]:
    """Frames (device, fseq) that the log holds already under numbers that items use."""
    return [
        (read.author, read.body.header.fseq)
        for read in reads
        if isinstance(read.body, Frame) and read.body.header.fseq <= state.chain.get(read.author, NO_CHAIN).fseq
    ]


def rule(
    state: LogState,
    facts: Facts,
    log_bytes: int,
    read: ReadItem,
    verified: bool,
    known: Known,
    hand: HandIn,
    bounds: Bounds,
) -> Verdict:
    """The server's word on one item that would stand at `state.seq` + 1. Changes nothing.

    `verified`: the signature was found good before; if not, it is looked at again with the fold's own keys, because a
    card may have been added meanwhile. `log_bytes`: what the vault's log holds so far.
    """
    body = read.body
    if isinstance(body, Entry) and read.hash in known.entries:
        return Verdict(seq=known.entries[read.hash])
    if isinstance(body, Frame):
        stored = known.frames.get((read.author, body.header.fseq))
        if stored is not None and stored.hash == read.hash:
            return Verdict(seq=stored.seq)
        if stored is not None:
            # The stored frame goes to its own author only: to anyone else it would be a way to read without a right.
            return Verdict("device_forked", proof=stored.item if hand.device == read.author else None)
    if not verified and not is_verified(state.table, read):
        return Verdict("signature")
    if not _saw_this_log(state, read, known):
        return Verdict("seen")
    try:
        ruling = state.judge(read)
    except NeedsNewerApp:
        return Verdict("version")  # what follows such an entry could not be judged here
    if ruling.reason is not None:
        if ruling.reason == "rights" and _is_late(state, read):
            if _grace_is_over(facts, read, hand.now_ms) and not _is_handed_back(state, read, hand):
                return Verdict("grace_over")
            full = hand.replay and not _fits(log_bytes, read, bounds)
            return Verdict("quota") if full else Verdict(ruling=ruling, in_grace=True)
        stale = ruling.reason == "epoch" and isinstance(body, Frame)
        return Verdict("epoch_stale" if stale else ruling.reason)
    until = state.table.until(read.author)
    if until is not None and hand.now_ms > until and not _is_handed_back(state, read, hand):
        return Verdict("until")
    fits = _fits(log_bytes, read, bounds)
    if hand.replay:
        return Verdict(ruling=ruling) if fits else Verdict("quota")
    if isinstance(body, Entry) and not _wraps_are_there(state, body, ruling, hand):
        return Verdict("wraps")
    if not fits or not _within_day(state, facts, read, hand.now_ms, bounds):
        return Verdict("quota")
    return Verdict(ruling=ruling)


def apply(state: LogState, facts: Facts, read: ReadItem, verdict: Verdict, hand: HandIn) -> None:
    """Takes an item that `rule` lets in into the fold and the counts."""
    assert verdict.ruling is not None
    size = item_bytes(read.item)
    if verdict.in_grace:
        before = facts.grace.get(read.author) or Grace(state.lost_rights[read.author], hand.now_ms, 0, 0)
        facts.grace[read.author] = Grace(before.seq, before.at_ms, before.frames + 1, before.bytes + size)
    state.append(read, verdict.ruling)
    if not hand.replay and not verdict.in_grace:
        person = state.table.cards[read.author].person
        used = _used_today(facts, person, hand.now_ms)
        is_entry = isinstance(read.body, Entry)
        today = {p: u for p, u in facts.usage.items() if u.day == used.day}
        facts.usage = today | {person: Usage(used.day, used.bytes + size, used.entries + is_entry)}
    if isinstance(read.body, Entry):
        for device, seq in state.lost_rights.items():
            if device not in facts.grace or facts.grace[device].seq != seq:
                facts.grace[device] = Grace(seq, hand.now_ms, 0, 0)
        facts.wishes = tuple(device for device in facts.wishes if state.table.role(device) is not None)


def _saw_this_log(state: LogState, read: ReadItem, known: Known) -> bool:
    if read.seen_seq == state.seq:
        return read.seen_L == state.log_hash
    if read.seen_seq == 0:
        return read.seen_L == first_log_hash(state.vault)
    return known.log_hashes.get(read.seen_seq) == read.seen_L


def _is_late(state: LogState, read: ReadItem) -> bool:
    """A frame of a card that had the right to write when it last looked at the log."""
    row = state.table.cards.get(read.author)
    lost_at = state.lost_rights.get(read.author)
    return (
        isinstance(read.body, Frame)
        and row is not None
        and row.kind != RECOVERY
        and lost_at is not None
        and read.seen_seq < lost_at
    )


def _is_handed_back(state: LogState, read: ReadItem, hand: HandIn) -> bool:
    """True for a replayed item that a live card of another person hands in.

    Nothing in an item shows that a server once held it, so that its own author's word for it is worth nothing. Whoever
    has an end date, or has lost a right, is not alone: the log lists an owner, whose phone can hand it in.
    """
    giver = state.table.cards.get(hand.device)
    return hand.replay and giver is not None and giver.live and giver.person != state.table.cards[read.author].person


def _grace_is_over(facts: Facts, read: ReadItem, now_ms: int) -> bool:
    grace = facts.grace.get(read.author)
    return grace is not None and (
        grace.frames >= limits.GRACE_FRAMES_MAX
        or grace.bytes + item_bytes(read.item) > limits.GRACE_BYTES_MAX
        or now_ms - grace.at_ms > limits.GRACE_DAYS * DAY_MS
    )


def _wraps_are_there(state: LogState, entry: Entry, ruling: Ruling, hand: HandIn) -> bool:
    """An entry that starts an epoch wraps it for every card that is live after it; one that adds a card, for that."""
    assert ruling.table is not None
    live = ruling.table.live()
    if entry.epoch is not None:
        needed, epoch = set(live), entry.epoch.id
        if state.epoch is not None and (hand.keybox is None or hand.keybox.epoch != epoch):
            return False
    else:
        assert state.epoch is not None  # the first entry starts one, or it is not good
        added = {device_id(edit.card.card) for edit in entry.edits if isinstance(edit, Add)}
        needed, epoch = {device for device in added if device in live}, state.epoch.id
    return needed <= {wrap.device for wrap in hand.wraps if wrap.epoch == epoch}


def _used_today(facts: Facts, person: PersonId, now_ms: int) -> Usage:
    day = now_ms // DAY_MS
    used = facts.usage.get(person)
    return used if used is not None and used.day == day else Usage(day, 0, 0)


def _fits(log_bytes: int, read: ReadItem, bounds: Bounds) -> bool:
    """True if the vault stays within its bytes in all: what a server once held, it can hold again."""
    return log_bytes + item_bytes(read.item) <= bounds.vault_bytes_max


def _within_day(state: LogState, facts: Facts, read: ReadItem, now_ms: int, bounds: Bounds) -> bool:
    size = item_bytes(read.item)
    row = state.table.cards.get(read.author)
    if row is None:
        return True  # the creator, in the first entry
    used = _used_today(facts, row.person, now_ms)
    if used.bytes + size > bounds.person_day_bytes_max:
        return False
    by_owner = state.table.people[row.person].role == OWNER
    return by_owner or not isinstance(read.body, Entry) or used.entries < limits.ENTRIES_A_DAY_MAX
