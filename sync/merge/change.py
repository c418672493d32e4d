"""A change: the one operation of the merge engine, and what a writer hands in before it has a dot.

What it is: frozen values, nothing else. What it is not: FHIR (register keys are what the writer named), crypto, a
clock. Spec: openapi/protocol/merge.md.

A *dot* names one change of one device. On the wire it is (device id, n); in memory it is one integer,
``n << 10 | ordinal``, where the ordinal is the position of the device's `add` in this log, counted from 0. Dots
compare as integers, so that "the lowest dot" means the same on every phone that reads the same log.
"""

from __future__ import annotations

from typing import NamedTuple, NewType

import msgspec

Dot = NewType("Dot", int)
RecordId = NewType("RecordId", bytes)  # 32 bytes; `@vault` has the reserved id VAULT_RECORD

ORDINAL_BITS = 10  # at most 1,024 devices in the life of one log (limits.DEVICES_EVER_MAX)
ORDINAL_MASK = (1 << ORDINAL_BITS) - 1

SOURCE = 0  # written by imports alone
PERSON = 1  # written by people
LANES = (SOURCE, PERSON)

LIFE = "@life"  # register of the person lane: GONE or HERE; no sibling means here
GONE = b'"gone"'
HERE = b'"here"'

VAULT_RECORD = RecordId(b"@vault".ljust(32, b"\0"))  # names of people, devices and vault; never exported


def make_dot(ordinal: int, n: int) -> Dot:
    """The dot of change number `n` (from 1) of the device with this ordinal in the log."""
    return Dot(n << ORDINAL_BITS | ordinal)


def ordinal_of(dot: Dot) -> int:
    """The position of the author's `add` in the log, from 0."""
    return dot & ORDINAL_MASK


def number_of(dot: Dot) -> int:
    """The author's own number of the change, from 1, strictly increasing in its history."""
    return dot >> ORDINAL_BITS


class Via(NamedTuple):
    """How a change came to be written, when its author did not type it.

    kind `import`: `ref` is the envelope's record id. kind `frame`: adopted, `ref` is the item hash of the void frame.
    kind `dot`: rebased, `ref` is the old author's device id and `n` its old number. kind `vault`: the exit, `ref` is
    the id of the vault that was left.
    """

    kind: str
    ref: bytes
    n: int = 0

    @property
    def carries(self) -> bool:
        """True if the change carries an older view, so that it must drop nothing but its preds."""
        return self.kind != "import"


class Edit(NamedTuple):
    """What a writer wants, before it has a dot: the same as a change without author and time."""

    record: RecordId
    birth: bool
    lane: int
    via: Via | None
    preds: tuple[Dot, ...]
    sets: tuple[tuple[str, bytes | None], ...]


class Change(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One change of one device.

    `birth`: the change makes the record whole; its dot stands on every register of its lane, absent ones too.
    `preds`: sorted dots that the author saw live. `sets`: register key to canonical JSON text, or None for ABSENT.
    `at`: wall-clock milliseconds since 1970 UTC, for display only; never ordered by.
    """

    dot: Dot
    record: RecordId
    birth: bool
    lane: int
    via: Via | None
    preds: tuple[Dot, ...]
    sets: tuple[tuple[str, bytes | None], ...]
    at: int
