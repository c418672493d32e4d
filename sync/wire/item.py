"""Items: what a log is made of. An entry says who may do what; a frame carries one device's sealed changes.

    item  = [kind, signed bytes, signature]
    entry = [v, vault, prev, seen_seq, seen_L, author, edits, epoch | nil, genesis | nil]
    frame = [[v, vault, device, fseq, prev, epoch, seen_seq, seen_L], salt, ciphertext]

Signed bytes travel as they were signed; nobody encodes them again. Hashes and chains cover them without the signature.
Not here: whether an item is good (log.state). Spec: openapi/protocol/log.md.
"""

from __future__ import annotations

import msgspec

from crypto.public.hashing import labelled_hash
from sync.wire.card import SignedCard
from sync.wire.codec import Exact, Malformed, encode
from sync.wire.ids import DeviceId, EpochId, ItemHash, LogHash, PersonId, VaultId
from sync.wire.limits import EDITS_AN_ENTRY_MAX, INTEGER_MAX

ENTRY = 0
FRAME = 1
ENTRY_LABEL = "entry"
FRAME_LABEL = "frame"

VIEWER = 0
EDITOR = 1
OWNER = 2
ROLE_WORDS = ("viewer", "editor", "owner")


class Item(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One item of a log: kind ENTRY or FRAME, the bytes that were signed, the author's signature."""

    kind: int
    signed: bytes
    signature: bytes


class Genesis(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a vault starts from; the vault's id is its hash. `subject`: the creator is the person it is about."""

    creator: DeviceId
    person: PersonId
    subject: bool
    nonce: bytes  # 16 random bytes


class Add(msgspec.Struct, frozen=True, array_like=True, tag="add", gc=False):
    """Puts a card into the vault under a person. `until`: milliseconds since 1970 UTC, or nil."""

    card: SignedCard
    person: PersonId
    role: int
    until: int | None


class Drop(msgspec.Struct, frozen=True, array_like=True, tag="drop", gc=False):
    """Takes a card out; its id never returns."""

    device: DeviceId


class SetRole(msgspec.Struct, frozen=True, array_like=True, tag="role", gc=False):
    """Gives a person another role."""

    person: PersonId
    role: int


class SetSubject(msgspec.Struct, frozen=True, array_like=True, tag="subject", gc=False):
    """Names the person whom the vault is about, and makes that person owner."""

    person: PersonId


class Purge(msgspec.Struct, frozen=True, array_like=True, tag="purge", gc=False):
    """Erases the bodies of frames up to `seq`; names the hash of the checkpoint's claim that stands for them."""

    seq: int
    claim: bytes


class SetVersion(msgspec.Struct, frozen=True, array_like=True, tag="version", gc=False):
    """Raises the protocol version of the vault."""

    version: int


EntryEdit = Add | Drop | SetRole | SetSubject | Purge | SetVersion


class Epoch(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The epoch that an entry starts: its number, its suite, the id that proves its key."""

    number: int
    suite: int
    id: EpochId


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Signed bytes of an entry. `prev`: hash of the previous entry, or the vault id for the first."""

    v: int
    vault: VaultId
    prev: bytes
    seen_seq: int
    seen_L: LogHash
    author: DeviceId
    edits: tuple[EntryEdit, ...]
    epoch: Epoch | None
    genesis: Genesis | None


class FrameHeader(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What anyone may read of a frame. `fseq` from 1; `prev`: hash of the device's frame before, 32 zero bytes
    first."""

    v: int
    vault: VaultId
    device: DeviceId
    fseq: int
    prev: bytes
    epoch: EpochId
    seen_seq: int
    seen_L: LogHash


class Frame(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Signed bytes of a frame: the header, 32 bytes of salt, the ciphertext with its tag."""

    header: FrameHeader
    salt: bytes
    ciphertext: bytes


NO_FRAME = bytes(32)  # `prev` of a device's first frame
CIPHERTEXT_BYTES_MIN = 256 + 16  # bytes: the floor of the padding, and the tag

_entry = Exact(Entry)
_frame = Exact(Frame)
_HASH = 32


def vault_id(genesis: Genesis) -> VaultId:
    """The id of the vault that starts from this genesis, 32 bytes."""
    return VaultId(labelled_hash("genesis", encode(genesis)))


def item_hash(signed: bytes) -> ItemHash:
    """The hash that chains name an item by: H("item", signed bytes), 32 bytes; the signature is not covered."""
    return ItemHash(labelled_hash("item", signed))


def first_log_hash(vault: VaultId) -> LogHash:
    """L_0 of a vault: the log before anything is in it."""
    return LogHash(labelled_hash("log", vault))


def next_log_hash(before: LogHash, seq: int, item: ItemHash) -> LogHash:
    """L_s from L_{s-1}: H("log", L_{s-1} ‖ u64 s ‖ item hash)."""
    return LogHash(labelled_hash("log", before, seq.to_bytes(8, "big"), item))


def read_entry(signed: bytes) -> Entry:
    """An entry from its signed bytes, its sizes checked. Raises: Malformed."""
    entry: Entry = _entry.read(signed)
    hashes = [entry.vault, entry.prev, entry.seen_L, entry.author]
    for edit in entry.edits:
        if isinstance(edit, Drop):
            hashes.append(edit.device)
        elif isinstance(edit, Purge):
            hashes.append(edit.claim)
    if entry.epoch:
        hashes.append(entry.epoch.id)
    people = [edit.person for edit in entry.edits if isinstance(edit, Add | SetRole | SetSubject)]
    if entry.genesis:
        hashes.append(entry.genesis.creator)
        people += [entry.genesis.person, PersonId(entry.genesis.nonce)]
    if any(len(h) != _HASH for h in hashes) or any(len(p) != 16 for p in people):
        raise Malformed("an id of another length")
    if any(isinstance(e, Add | SetRole) and not VIEWER <= e.role <= OWNER for e in entry.edits):
        raise Malformed("a role that does not exist")
    numbers = [entry.v, entry.seen_seq]
    for edit in entry.edits:
        if isinstance(edit, Add) and edit.until is not None:
            numbers.append(edit.until)
        elif isinstance(edit, Purge):
            numbers.append(edit.seq)
        elif isinstance(edit, SetVersion):
            numbers.append(edit.version)
    if entry.epoch:
        numbers += [entry.epoch.number, entry.epoch.suite]
    if not all(0 <= n <= INTEGER_MAX for n in numbers) or len(entry.edits) > EDITS_AN_ENTRY_MAX:
        raise Malformed("a number out of range")
    return entry


def read_frame(signed: bytes) -> Frame:
    """A frame from its signed bytes, its sizes checked; nothing is opened. Raises: Malformed."""
    frame: Frame = _frame.read(signed)
    header = frame.header
    hashes = (header.vault, header.device, header.prev, header.epoch, header.seen_L, frame.salt)
    if any(len(h) != _HASH for h in hashes):
        raise Malformed("an id or salt of another length")
    if header.fseq < 1 or not all(0 <= n <= INTEGER_MAX for n in (header.v, header.fseq, header.seen_seq)):
        raise Malformed("a number out of range")
    if len(frame.ciphertext) < CIPHERTEXT_BYTES_MIN:
        raise Malformed("a ciphertext shorter than the padding's floor")
    return frame
