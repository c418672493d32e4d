"""Checkpoints and blobs as they will travel: judged and vectored, not yet made or served by anything.

A claim is a signed cache of the state at `seq`; an entry's `purge` names its hash. Spec:
openapi/protocol/checkpoint.md.
"""

from __future__ import annotations

import msgspec

from crypto.public.hashing import labelled_hash
from sync.wire.codec import Exact, Malformed
from sync.wire.ids import DeviceId, EpochId, ItemHash, LogHash, VaultId
from sync.wire.limits import INTEGER_MAX

CLAIM_LABEL = "claim"
SEGMENT_BYTES_MAX = 262_144  # bytes of one segment's ciphertext


class ChainHead(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where one device's frames stand: last fseq, last good n, hash of the last frame."""

    device: DeviceId
    fseq: int
    n: int
    head: ItemHash


class Segment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One immutable encrypted part of a checkpoint: the hash of its ciphertext and its padded size in bytes."""

    id: bytes
    size: int


class Claim(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a checkpoint claims: state `root` at `seq` of a log with hash `log_hash`, its vector, segments, live
    blobs."""

    vault: VaultId
    seq: int
    log_hash: LogHash
    entry_head: ItemHash
    epoch: EpochId
    vector: tuple[ChainHead, ...]
    root: bytes
    segments: tuple[Segment, ...]
    blobs: tuple[bytes, ...]


_claim = Exact(Claim)
_HASH = 32


def read_claim(claim: bytes) -> Claim:
    """A claim from its signed bytes, sizes and order checked; whether it is true is for a replay of the log to say.

    Devices and blobs ascend, each once, so that equal states make equal claims. Raises: Malformed.
    """
    read: Claim = _claim.read(claim)
    devices, blobs = [head.device for head in read.vector], list(read.blobs)
    hashes = [read.vault, read.log_hash, read.entry_head, read.epoch, read.root, *devices, *blobs]
    hashes += [head.head for head in read.vector] + [segment.id for segment in read.segments]
    if any(len(h) != _HASH for h in hashes):
        raise Malformed("an id of another length")
    numbers = [read.seq, *(n for head in read.vector for n in (head.fseq, head.n))]
    if not all(0 <= n <= INTEGER_MAX for n in numbers):
        raise Malformed("a number out of range")
    if not all(0 < segment.size <= SEGMENT_BYTES_MAX for segment in read.segments):
        raise Malformed("a segment of an impossible size")
    if devices != sorted(set(devices)) or blobs != sorted(set(blobs)):
        raise Malformed("not in order, or one twice")
    return read


def claim_hash(claim: bytes) -> bytes:
    """The hash that a purge names: H("claim", claim bytes), 32 bytes."""
    return labelled_hash(CLAIM_LABEL, claim)
