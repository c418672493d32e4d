"""What a phone hears about one vault: a code or a page of the log, the head's key, wishes, lost entries.

A page is bounded in bytes and read in pieces, each its own read: a slow phone holds neither memory nor a database
transaction. Items never change, so a page read in pieces is the page. Spec: openapi/protocol/sync.md, "The answer".
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

from backend.storage.engine import Reading
from backend.vaults import store
from backend.vaults.append import Outcome
from backend.vaults.store import Standing, Vault
from sync.wire import limits
from sync.wire.exchange import Items, Key, VaultAnswer, VaultAsk
from sync.wire.ids import DeviceId, ItemHash, LogHash
from sync.wire.item import OWNER, Item, first_log_hash

PIECE_BYTES = 262_144  # bytes of items in one message of an answer, roughly; bounds memory a request
PIECE_ITEMS_MAX = 1_024
SHORT_BYTES = 16_384  # bytes of items that are read where they are asked for: what one edit of another phone brings


def standing_answer(
    ask: VaultAsk, vault: Vault | None, standing: Standing | None, device: DeviceId
) -> VaultAnswer | None:
    """The answer to a phone that stands elsewhere than this log: ahead of it, or on another. None: it stands on it.

    `behind` comes before `removed`: whoever holds what a restore lost may be the only one. `standing` is the log at the
    phone's cursor, or None past the head.
    """
    head, log_hash = (vault.state.seq, vault.state.log_hash) if vault else (0, first_log_hash(ask.vault))
    if standing is None:
        return VaultAnswer(ask.vault, "behind", (), head, log_hash, False)
    if standing.log_hash == ask.log_hash:
        return None
    is_live = vault is not None and vault.state.table.role(device) is not None
    return VaultAnswer(ask.vault, "diverged" if is_live else "removed", (), ask.cursor, ask.log_hash, False)


class Page(NamedTuple):
    """The items after `start` up to `end`. `held`: seq to hash of those that this request carried."""

    vault: Vault
    start: Standing
    end: Standing
    held: dict[int, ItemHash]


async def answer_vault(
    db: Reading, ask: VaultAsk, vault: Vault | None, start: Standing, outcome: Outcome | None, device: DeviceId
) -> tuple[VaultAnswer, Page | None]:
    """What is said about one vault whose log the phone stands on, and what follows it from `start` on, if anything."""
    code = outcome.code if outcome else None
    acks = outcome.acks if outcome else ()
    role = vault.state.table.role(device) if vault else None
    if vault is None or role is None:
        # Who is not in the vault hears what was stored and nothing else; why a vault was not founded is the one more.
        founding = vault is None and ask.items and code is not None
        return VaultAnswer(ask.vault, code if founding else "removed", acks, ask.cursor, ask.log_hash, False), None
    state, facts = vault.state, vault.facts
    end = await store.page_end(db, vault, start, limits.PAGE_BYTES_MAX)
    key = None
    if state.epoch is not None and (ask.epoch_held < state.epoch.number or ask.key_missing):
        wraps, boxes = await store.read_key(db, vault.number, state.epoch.id, device)
        key = Key(state.epoch.number, state.epoch.id, wraps, boxes)
    lost = await store.read_lost(db, vault.number, ask.cursor) if facts.lost and role == OWNER else ()
    answer = VaultAnswer(
        ask.vault,
        code,
        acks,
        end.seq,
        end.log_hash,
        end.seq < state.seq,
        outcome.proof if outcome else None,
        key,
        tuple(card for card in facts.wishes if card != device),
        lost,
    )
    page = Page(vault, start, end, outcome.held if outcome else {})
    return answer, page if end.seq > start.seq else None


async def pieces(db: Reading, page: Page) -> AsyncIterator[Items]:
    """The items of a page; those that this request carried as their hashes, which needs no read."""
    vault, start, end, held = page
    own = sorted(seq for seq in held if start.seq < seq <= end.seq)
    seq, turn = start.seq, 0
    average = (end.bytes - start.bytes) // max(1, end.seq - start.seq)
    count_max = min(PIECE_ITEMS_MAX, max(1, PIECE_BYTES // max(1, average)))
    short = end.bytes - start.bytes <= SHORT_BYTES
    while seq < end.seq:
        hashes: list[Item | bytes] = []
        while turn < len(own) and own[turn] == seq + 1:
            hashes.append(held[own[turn]])
            seq, turn = seq + 1, turn + 1
        if hashes:
            yield Items(tuple(hashes))
            continue
        until = own[turn] - 1 if turn < len(own) else end.seq
        items = await store.read_items(db, vault, seq, until, count_max, short=short)
        assert items, "a log has no holes"
        yield Items(tuple(items))
        seq += len(items)


def no_standing(ask: VaultAsk) -> Standing | None:
    """Where a phone stands on a vault of which nothing is stored: at L_0, or past it."""
    return Standing(0, LogHash(first_log_hash(ask.vault)), 0) if ask.cursor == 0 else None
