"""Checkpoints and blobs as they will travel: judged and vectored, not yet made or served by anything.

A claim is a signed cache of the state at `seq`; an entry's `purge` names its hash. Spec:
openapi/protocol/checkpoint.md.
"""

from __future__ import annotations

import msgspec

from crypto.public.hashing import labelled_hash
from sync.wire.codec import Exact
from sync.wire.ids import DeviceId, EpochId, ItemHash, LogHash, VaultId

CLAIM_LABEL = "claim"


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


read_claim = Exact(Claim).read


def claim_hash(claim: bytes) -> bytes:
    """The hash that a purge names: H("claim", claim bytes), 32 bytes."""
    return labelled_hash(CLAIM_LABEL, claim)
