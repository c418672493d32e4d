"""What enters a phone: items of the log, one after the other, into the fold, the vector and the records.

The one way in: items from the server, a file or a cable all pass here. Order of looking at an item: its signature
(one that does not verify is not part of any log: nothing from it on is taken), the blind judge (log.state), then what
needs keys: open, decode, limits, dots, rights on @vault, preds. Pure: the caller loads the records and stores the
outcome in one transaction. Spec: openapi/protocol/phone.md, "Reading", and log.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import NamedTuple

import msgspec

from crypto.public.errors import CryptoError
from sync.log.reading import ReadItem, read_item, verify_item
from sync.log.state import NeedsNewerApp
from sync.merge.change import Change, Dot, RecordId, make_dot, number_of
from sync.merge.record import Record
from sync.vault.content import Content, ContentVoid, WireChange, decode_inside, resolve
from sync.vault.frames import open_frame
from sync.vault.rollback import owners_in_both
from sync.vault.state import VaultState
from sync.wire.card import device_id as id_of_card
from sync.wire.card import read_card
from sync.wire.codec import Malformed
from sync.wire.ids import DeviceId, ItemHash, LogHash
from sync.wire.item import EDITOR, OWNER, Add, Drop, Entry, Frame, Item


class Opened(NamedTuple):
    """An item read and, if it is a frame whose key is held, opened. `void`: what opening it found."""

    read: ReadItem | None
    content: Content | None
    void: str | None


class Stored(NamedTuple):
    """An item as the phone keeps it. `verdict`: why it is void, None if it is good."""

    seq: int
    item: Item
    log_hash: LogHash
    verdict: str | None


class Quarantined(msgspec.Struct, frozen=True, array_like=True):
    """What a phone keeps outside the state and shows.

    A void frame of the log (`seq`, `frame`); changes of one's own that were set aside (`changes`); or what another log
    held and this one lacks (`carried`, records by id): of another's `frame`, or one's own.
    """

    seq: int
    device: DeviceId
    why: str
    count: int
    changes: tuple[Change, ...] = ()
    frame: ItemHash | None = None
    carried: tuple[WireChange, ...] = ()


class Finding(msgspec.Struct, frozen=True, array_like=True):
    """What the server or a member was caught at, with the item that proves it."""

    kind: str
    seq: int
    proof: Item | None


class Outcome:
    """What reading some items came to; the caller stores it with the state, or none of it."""

    def __init__(self) -> None:
        self.items: list[Stored] = []
        self.touched: set[RecordId] = set()
        self.births: dict[Dot, RecordId] = {}
        self.own_read: list[tuple[ItemHash, str | None]] = []  # own frames met in the log, with their verdicts
        self.quarantined: list[Quarantined] = []
        # What good changes say, under their own names and under the old dots that they name as what they were.
        self.brought: dict[tuple[DeviceId, int], tuple[RecordId, tuple[tuple[str, bytes | None], ...]]] = {}
        self.findings: list[Finding] = []
        self.stopped: str | None = None  # signature, key_missing, newer_version, cloned


def open_items(items: Iterable[Item], state: VaultState) -> list[Opened]:
    """Reads and opens items ahead of judging them, so that the caller can load what they name.

    An item that cannot even be attributed is given as Opened(None, …): nothing from it on can be taken.
    """
    opened = []
    for item in items:
        try:
            read = read_item(item)
        except Malformed:
            opened.append(Opened(None, None, None))
            break
        content, void = None, None
        if isinstance(read.body, Frame):
            key = state.keyring.get(read.body.header.epoch)
            if key is not None:
                try:
                    content = decode_inside(open_frame(read.body, key), read.author)
                except ContentVoid as why:
                    void = why.reason
        opened.append(Opened(read, content, void))
    return opened


def names_needed(opened: Iterable[Opened], state: VaultState) -> tuple[set[RecordId], set[Dot]]:
    """The records named by id, and the dots that name records by birth: what `replay` must be given."""
    ids: set[RecordId] = set()
    dots: set[Dot] = set()
    ordinals = state.ordinals
    for item in opened:
        if (content := item.content) is None:
            continue
        for ref in content.inside.records:
            if isinstance(ref, bytes):
                ids.add(RecordId(ref))
            elif (ordinal := ordinals.get(content.devices[ref[0]])) is not None:
                dots.add(make_dot(ordinal, ref[1]))
    return ids, dots


def replay(
    state: VaultState,
    device: DeviceId,
    opened: Iterable[Opened],
    records: MutableMapping[RecordId, Record],
    births: Mapping[Dot, RecordId],
    own_hashes: set[ItemHash],
    log_hash_at: Callable[[int], LogHash | None],
) -> Outcome:
    """Takes items into `state` and `records`, in order, until one cannot be taken.

    `records`: every record that `names_needed` asked for and the log holds; new ones are added. `own_hashes`: frames of
    this phone that have been sent. `log_hash_at`: the log's hash at a seq before these items, None if it is not at
    hand.
    """
    out = Outcome()
    log = state.log
    heads = {log.seq: log.log_hash}  # of what is read here; those before, `log_hash_at` knows

    def born(dot: Dot) -> RecordId | None:
        return out.births.get(dot) or births.get(dot)

    for item in opened:
        read = item.read
        seq = log.seq + 1
        try:
            if read is None:
                raise Malformed("an item nobody can be named for")
            verify_item(log.table, read)
        except (CryptoError, Malformed):
            out.stopped = "signature"
            out.findings.append(Finding("signature", seq, read.item if read else None))
            break
        mine = read.author == device and state.rebuilding is None
        if mine and isinstance(read.body, Frame) and read.hash not in own_hashes:
            out.stopped = "cloned"
            out.findings.append(Finding("cloned", seq, read.item))
            break
        body = read.body
        try:
            ruling = log.judge(read)
        except NeedsNewerApp:
            out.stopped = "newer_version"
            break
        verdict, changes = ruling.reason, []
        if verdict is None and isinstance(body, Frame):
            if item.content is None and item.void is None:
                out.stopped = "key_missing"
                break
            verdict = item.void
            if item.content is not None:
                try:
                    changes = _judge_content(state, item.content, born)
                except ContentVoid as why:
                    verdict = why.reason
        held = heads.get(read.seen_seq) or log_hash_at(read.seen_seq)
        if held is not None and held != read.seen_L:
            out.findings.append(Finding("seen", seq, read.item))
        log.append(read, ruling)
        heads[log.seq] = log.log_hash
        out.items.append(Stored(seq, read.item, log.log_hash, verdict))
        if state.expected and state.expected[0] == seq:
            if state.expected[1] != log.log_hash:
                out.findings.append(Finding("two_histories", seq, read.item))
            state.expected = None
        if isinstance(body, Frame):
            if read.author == device:
                out.own_read.append((read.hash, verdict))
            elif verdict is not None:
                out.quarantined.append(Quarantined(seq, read.author, verdict, len(item.content or ()), frame=read.hash))
            if verdict is None:
                _apply(state, out, read.author, changes, records)
        elif isinstance(body, Entry) and verdict is None:
            state.spoken = state.spoken or (bool(state.lost) and read.author in owners_in_both(state))
            state.epoch_top = max(state.epoch_top, log.epoch.number if log.epoch else 0)
            for edit in body.edits:
                if isinstance(edit, Add):
                    state.kem_keys[id_of_card(edit.card.card)] = read_card(edit.card).kem_key
                elif isinstance(edit, Drop):
                    state.dropped_ever.add(edit.device)
    return out


def _judge_content(state: VaultState, content: Content, born: Callable[[Dot], RecordId | None]) -> list[Change]:
    table, author = state.log.table, content.devices[0]
    role = table.role(author)

    def may_write_vault(keys: Sequence[str]) -> bool:
        """`@vault` is the owners'; but a device's name is also its own person's, if she may write at all."""
        if role == OWNER:
            return True
        mine = {f"device/{card.hex()}" for card in table.cards_of(table.cards[author].person)}
        return role == EDITOR and bool(keys) and all(key in mine for key in keys)

    return resolve(content, state.vector.get(author, 0), state.ordinals, state.vector, born, may_write_vault)


def _apply(
    state: VaultState, out: Outcome, author: DeviceId, changes: list[Change], records: MutableMapping[RecordId, Record]
) -> None:
    for change in changes:
        id_, via = change.record, change.via
        record = records.get(id_)
        if record is None:
            record = records[id_] = Record(id_)
        record.apply(change)
        out.touched.add(id_)
        if change.birth:
            out.births[change.dot] = id_
        if via is None:
            pass
        elif via.kind == "frame" and state.log.table.role(author) == OWNER:
            state.adopted.add(ItemHash(via.ref))  # only owners decide: else an editor hides what one would adopt
        elif via.kind == "dot":
            out.brought[DeviceId(via.ref), via.n] = (id_, change.sets)
        out.brought[author, number_of(change.dot)] = (id_, change.sets)
    if changes:
        state.vector[author] = number_of(changes[-1].dot)
