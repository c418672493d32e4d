"""What a phone makes of a ledger that a server shows: whether it goes on from what was read before, or what is wrong.

Pure: rows, what was kept, a time go in; entries and at most one finding come out. It proves that nothing read before
was altered, taken out or moved; it cannot prove that everything was written down. Spec: openapi/protocol/ledger.md,
LED-8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sync.wire.codec import Malformed
from sync.wire.ids import AccountId
from sync.wire.ledger import (
    OPENINGS,
    LedgerEntry,
    LedgerHead,
    LedgerRow,
    first_hash,
    next_hash,
    opener_digest,
    read_entry,
)
from sync.wire.limits import LEDGER_DAYS

ALTERED, CUT, REBUILT, FORKED = "altered", "cut", "rebuilt", "forked"
_DAY_MS = 86_400_000


class Kept(NamedTuple):
    """The head that this phone last read: L_n, n, and when entry n was written."""

    number: int
    hash: bytes
    at_ms: int


class Found(NamedTuple):
    """What is wrong, and at which number it shows first."""

    code: str
    number: int


class Read(NamedTuple):
    """What could be read, oldest first, with the openers; and what is wrong, if anything is."""

    entries: list[tuple[LedgerEntry, bytes | None]]
    found: Found | None


def read_ledger(
    account: AccountId,
    base: LedgerHead,
    head: LedgerHead,
    rows: Sequence[LedgerRow],
    kept: Kept | None,
    now_ms: int,
    others: Sequence[Kept] = (),
) -> Read:
    """All of a ledger from its base on. `kept`: the head that this phone last read; `others`: heads that other phones
    of the account had read before these rows were asked for; `now_ms`: its own clock."""
    old_ms = now_ms - LEDGER_DAYS * _DAY_MS
    entries: list[tuple[LedgerEntry, bytes | None]] = []
    hashes = {base.number: base.hash}
    at_ms, altered = 0, None
    number, chained = base.number, base.hash
    for row in rows:
        number += 1
        try:
            entry = read_entry(row.entry)
        except Malformed:
            return Read(entries, Found(ALTERED, number))
        in_order = entry.number == number and entry.at_ms >= at_ms
        if altered is None and not (in_order and _opener_fits(entry, row.opener, old_ms)):
            altered = number
        chained = hashes[number] = next_hash(chained, row.entry)
        at_ms = entry.at_ms
        entries.append((entry, row.opener))
    if base.number == 0 and base.hash != first_hash(account):
        altered = altered or 1
    if altered is None and (number, chained) != (head.number, head.hash):
        altered = number
    found = _found(altered, hashes, base, number, entries[0][0] if entries else None, kept, old_ms)
    return Read(entries, found or _forked(hashes, number, others))


def _found(
    altered: int | None,
    hashes: dict[int, bytes],
    base: LedgerHead,
    number: int,
    first: LedgerEntry | None,
    kept: Kept | None,
    old_ms: int,
) -> Found | None:
    """The first of the findings about this phone's own reading that holds."""
    if altered is not None:
        return Found(ALTERED, altered)
    if kept is not None and number < kept.number:
        return Found(CUT, number)
    if base.number > 0 and (first is None or first.at_ms > old_ms):
        return Found(CUT, base.number)
    if kept is not None and kept.number < base.number and kept.at_ms > old_ms:
        return Found(CUT, kept.number)
    if kept is not None and hashes.get(kept.number, kept.hash) != kept.hash:
        return Found(REBUILT, kept.number)
    return None


def _forked(hashes: dict[int, bytes], number: int, others: Sequence[Kept]) -> Found | None:
    """Where another phone has read something else, or more than this one is shown."""
    places = [one.number for one in others if one.number > number or hashes.get(one.number, one.hash) != one.hash]
    return Found(FORKED, min(places)) if places else None


def _opener_fits(entry: LedgerEntry, opener: bytes | None, old_ms: int) -> bool:
    if entry.kind not in OPENINGS:
        return opener is None
    if opener is None:
        return entry.at_ms <= old_ms  # it went with the three years
    return opener_digest(opener) == entry.digest
