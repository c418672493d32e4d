"""The canonical bytes of a state, and its root: what two phones compare to know that they hold the same.

What it is: one encoding that depends on the state alone, never on the order in which it was reached. What it is not:
how a phone keeps its records (record.py), or a checkpoint's segments. The key of the root is an argument: nothing here
knows an epoch.

The root is computed from one digest a record, so that a phone that keeps them digests again only what has changed, and
a root over 10,000 records hashes 640 kB. Spec: openapi/protocol/merge.md, "Canonical state".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from sync.merge.change import LANES, ORDINAL_BITS, ORDINAL_MASK, Dot, RecordId, Via
from sync.merge.record import Record
from sync.merge.register import Sibling

RECORD_LABEL = b"carnet/1/record\0"
STATE_LABEL = b"carnet/1/state\0"

_encode = msgspec.msgpack.Encoder().encode


def _dot(dot: Dot) -> tuple[int, int]:
    return dot & ORDINAL_MASK, dot >> ORDINAL_BITS


def _via(via: Via | None) -> tuple[str, bytes, int] | None:
    return None if via is None else (via.kind, via.ref, via.n)


def _sibling(sibling: Sibling) -> tuple[Any, ...]:
    return _dot(sibling.dot), sibling.value, [_dot(pred) for pred in sibling.seen], _via(sibling.via), sibling.at


def canonical_record(record: Record) -> bytes:
    """The canonical msgpack of one record: [id, births, registers], the same for every phone with the same state.

    birth = [dot, lane, via, at, seen, [[key, value], …]]; register = [lane, key, [sibling, …]], only those on which
    other dots stand than their lane's births; sibling = [dot, value, seen, via, at]; dot = [ordinal, n].
    """
    births = [
        (_dot(birth.dot), birth.lane, _via(birth.via), birth.at, [_dot(pred) for pred in birth.seen],
         sorted(birth.body.items()))
        for birth in record.births
    ]  # fmt: skip
    # Keys sort by code point, which is the order of their UTF-8 bytes.
    registers = [
        (lane, key, [_sibling(sibling) for sibling in standing])
        for lane in LANES
        for key, standing in sorted(record.overlay(lane))
    ]
    return _encode((record.id, births, registers))


def record_digest(record: Record) -> bytes:
    """32 bytes: SHA-256 over a label and the canonical bytes of one record."""
    return hashlib.sha256(RECORD_LABEL + canonical_record(record)).digest()


def digests(records: Iterable[Record]) -> dict[RecordId, bytes]:
    """The digest of each record of which something is known."""
    return {record.id: record_digest(record) for record in records if not record.unknown}


def state_bytes(digest_of: Mapping[RecordId, bytes]) -> bytes:
    """Every record as id ‖ digest, 64 bytes each, ascending by id."""
    return b"".join(id + digest_of[id] for id in sorted(digest_of))


def state_root(key: bytes, digest_of: Mapping[RecordId, bytes]) -> bytes:
    """32 bytes: HMAC-SHA256 (RFC 2104) under the epoch's root key over a label and the state bytes."""
    return hmac.digest(key, STATE_LABEL + state_bytes(digest_of), "sha256")
