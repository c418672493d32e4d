"""SQL of vaults: heads, items, who is listed, wraps and keyboxes, lost entries.

An item's `place` is the vault's number and its seq in one integer: a log lies together and in order, without a second
index. L at every seq is kept beside the item, so that a cursor is checked by one read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from backend.access.store import CALLER_COLUMNS, CALLER_TABLES, TokenRow
from backend.storage.engine import Reading, Row, Transaction
from backend.storage.names import hold_name
from backend.vaults.ruling import Facts, StoredFrame
from sync.log.membership import Table
from sync.log.reading import ReadItem
from sync.log.state import LogState, decode_state, encode_state
from sync.wire.exchange import Keybox, Wrap
from sync.wire.ids import AccountId, DeviceId, EpochId, ItemHash, LogHash, VaultId
from sync.wire.item import OWNER, Entry, Frame, Item, first_log_hash, item_hash

SEQ_BITS = 32  # bits of a place that hold the seq; the vault's number stands above them
ORDINAL_BITS = 10  # bits of a writer that hold the card's ordinal: limits.DEVICES_EVER_MAX

_HEAD = "v.vault, v.number, v.bytes, v.state, v.facts"
HEADS_OF_DEVICE = f"SELECT {_HEAD} FROM members m JOIN vaults v ON v.number = m.vault WHERE m.device = $1 AND m.live"  # noqa: S608
BEARER_AND_HEADS = (
    f"SELECT {CALLER_COLUMNS}, {_HEAD} FROM {CALLER_TABLES}"  # noqa: S608
    " LEFT JOIN members m ON m.device = t.device AND m.live LEFT JOIN vaults v ON v.number = m.vault"
    " WHERE t.token_hash = $1"
)
HEAD = f"SELECT {_HEAD} FROM vaults v WHERE v.vault = $1"  # noqa: S608
HEAD_LOCKED = HEAD + " FOR UPDATE OF v"
HEAD_MAKE = (
    "INSERT INTO vaults (vault, account, made_at, bytes, state, facts) VALUES ($1, $2, $3, $4, $5, $6) RETURNING number"
)
HEAD_WRITE = "UPDATE vaults SET bytes = $2, state = $3, facts = $4 WHERE number = $1"
ACCOUNT_LOCK = "SELECT account FROM accounts WHERE account = $1 FOR UPDATE"
VAULTS_COUNT = "SELECT count(*) FROM vaults WHERE account = $1"

ITEM_WRITE = (
    "INSERT INTO items (place, kind, bytes, writer, fseq, entry_hash, log_hash, signature, signed)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
)
STANDING = "SELECT log_hash, bytes FROM items WHERE place = $1"
PAGE_END = "SELECT place FROM items WHERE place > $1 AND place <= $2 AND bytes > $3 ORDER BY place LIMIT 1"
ITEMS = "SELECT kind, signed, signature FROM items WHERE place > $1 AND place <= $2 ORDER BY place LIMIT $3"
FRAME = "SELECT place, signed, signature FROM items WHERE writer = $1 AND fseq = $2"
ENTRY_PLACE = "SELECT place FROM items WHERE entry_hash = $1"

MEMBER_WRITE = (
    "INSERT INTO members (device, vault, live, owner) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (device, vault) DO UPDATE SET live = excluded.live, owner = excluded.owner"
)

WRAP_SLOTS = "SELECT device, slot FROM wraps WHERE vault = $1 AND epoch = $2"
WRAP_WRITE = (
    "INSERT INTO wraps (vault, epoch, device, slot, sealed) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (vault, epoch, device, slot) DO UPDATE SET sealed = excluded.sealed"
)
WRAPS = "SELECT sealed FROM wraps WHERE vault = $1 AND epoch = $2 AND device = $3 ORDER BY slot"
KEYBOX_SLOTS = "SELECT slot FROM keyboxes WHERE vault = $1 AND epoch = $2"
KEYBOX_WRITE = (
    "INSERT INTO keyboxes (vault, epoch, slot, salt, sealed) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (vault, epoch, slot) DO UPDATE SET salt = excluded.salt, sealed = excluded.sealed"
)
KEYBOXES = "SELECT salt, sealed FROM keyboxes WHERE vault = $1 AND epoch = $2 ORDER BY slot"

ACCOUNT_OF_DEVICE = "SELECT account FROM devices WHERE device = $1"

LOST = "SELECT entry_hash, slot FROM lost_entries WHERE vault = $1 ORDER BY at_seq, entry_hash"
LOST_SINCE = "SELECT signed, signature FROM lost_entries WHERE vault = $1 AND at_seq >= $2 ORDER BY at_seq, entry_hash"
LOST_WRITE = (
    "INSERT INTO lost_entries (vault, entry_hash, slot, at_seq, signature, signed) VALUES ($1, $2, $3, $4, $5, $6)"
)
LOST_DROP = "DELETE FROM lost_entries WHERE vault = $1 AND entry_hash = $2"

_TOKEN_FIELDS = len(TokenRow._fields)
_encode_facts = msgspec.msgpack.Encoder().encode
_decode_facts = msgspec.msgpack.Decoder(Facts).decode


class Vault(msgspec.Struct):
    """A vault as it is stored: its number (0: not yet), its log's bytes, the fold, the server's own counts."""

    number: int
    bytes: int
    state: LogState
    facts: Facts


class Standing(NamedTuple):
    """The log at one seq: L there, and the bytes up to it."""

    seq: int
    log_hash: LogHash
    bytes: int


def new_vault(vault: VaultId) -> Vault:
    """A vault of which nothing is stored."""
    return Vault(0, 0, LogState.empty(vault), Facts())


def place_of(number: int, seq: int) -> int:
    """Where an item lies."""
    return number << SEQ_BITS | seq


def seq_of(place: int) -> int:
    """The seq of an item that lies there."""
    return place & ((1 << SEQ_BITS) - 1)


def _vault(row: Row) -> Vault:
    return Vault(row[1], row[2], decode_state(row[3]), _decode_facts(row[4]))


async def heads_of_device(db: Reading, device: DeviceId) -> dict[VaultId, Vault]:
    """Every vault whose log lists this card as live."""
    return {row[0]: _vault(row) for row in await db.fetch(HEADS_OF_DEVICE, device)}


async def token_and_heads(db: Reading, token_hash: bytes) -> tuple[TokenRow | None, dict[VaultId, Vault]]:
    """What `token_row` and `heads_of_device` give, in one read: what every sync asks."""
    rows = await db.fetch(BEARER_AND_HEADS, token_hash)
    if not rows:
        return None, {}
    heads = [row[_TOKEN_FIELDS:] for row in rows if row[_TOKEN_FIELDS] is not None]
    return TokenRow(*rows[0][:_TOKEN_FIELDS]), {head[0]: _vault(head) for head in heads}


async def read_head(db: Reading, vault: VaultId) -> Vault | None:
    """One vault, whoever asks."""
    rows = await db.fetch(HEAD, vault)
    return _vault(rows[0]) if rows else None


async def lock_head(tx: Transaction, vault: VaultId) -> Vault | None:
    """One vault, locked until the transaction ends: the lock makes commit order the log's order.

    A vault that is not there yet has no row to lock: its name is held, so that two foundings of it queue.
    """
    rows = await tx.fetch(HEAD_LOCKED, vault)
    if not rows:
        await hold_name(tx, vault)
        rows = await tx.fetch(HEAD_LOCKED, vault)
    return _vault(rows[0]) if rows else None


async def lock_founder(tx: Transaction, account: AccountId) -> None:
    """Locks an account until the transaction ends, so that its foundings are counted one after the other."""
    await tx.fetch(ACCOUNT_LOCK, account)


async def count_vaults(tx: Transaction, account: AccountId) -> int:
    """How many vaults a locked account has founded."""
    return int((await tx.fetch(VAULTS_COUNT, account))[0][0])


async def make_head(tx: Transaction, vault: Vault, account: AccountId, now_ms: int) -> None:
    """Stores a new vault's head and gives it its number."""
    state, facts = encode_state(vault.state), _encode_facts(vault.facts)
    rows = await tx.fetch(HEAD_MAKE, vault.state.vault, account, now_ms, vault.bytes, state, facts)
    vault.number = rows[0][0]


async def write_heads(tx: Transaction, vaults: Iterable[Vault]) -> None:
    """Stores the heads of vaults: their folds and counts."""
    rows = [(vault.number, vault.bytes, encode_state(vault.state), _encode_facts(vault.facts)) for vault in vaults]
    await tx.execute_many(HEAD_WRITE, rows)


class NewItem(NamedTuple):
    """An item to be stored at `seq`: L there, and the log's bytes with it."""

    seq: int
    read: ReadItem
    log_hash: LogHash
    bytes: int
    ordinal: int  # of the author's card


async def write_items(tx: Transaction, vault: Vault, items: Sequence[NewItem]) -> None:
    """Stores items at the head of a log."""
    rows = []
    for new in items:
        item, body = new.read.item, new.read.body
        writer = vault.number << ORDINAL_BITS | new.ordinal
        fseq = body.header.fseq if isinstance(body, Frame) else None
        entry_hash = new.read.hash if isinstance(body, Entry) else None
        place = place_of(vault.number, new.seq)
        rows.append((place, item.kind, new.bytes, writer, fseq, entry_hash, new.log_hash, item.signature, item.signed))
    await tx.execute_many(ITEM_WRITE, rows)


async def standing_at(db: Reading, vault: Vault, seq: int) -> Standing:
    """The log at a seq between 0 and the head."""
    if seq == vault.state.seq:
        return Standing(seq, vault.state.log_hash, vault.bytes)
    if seq == 0:
        return Standing(0, first_log_hash(vault.state.vault), 0)
    log_hash, bytes_ = (await db.fetch(STANDING, place_of(vault.number, seq)))[0]
    return Standing(seq, log_hash, bytes_)


async def page_end(db: Reading, vault: Vault, start: Standing, bytes_max: int) -> Standing:
    """The last item of a page that starts after `start` and holds at most so many bytes, but one item at least."""
    head = vault.state.seq
    if vault.bytes - start.bytes <= bytes_max:
        return Standing(head, vault.state.log_hash, vault.bytes)
    first, last = place_of(vault.number, start.seq), place_of(vault.number, head)
    rows = await db.scan(PAGE_END, first, last, start.bytes + bytes_max)
    over = seq_of(rows[0][0])
    return await standing_at(db, vault, max(over - 1, start.seq + 1))


async def read_items(
    db: Reading, vault: Vault, after: int, until: int, count_max: int, *, short: bool = False
) -> list[Item]:
    """Items after one seq, up to and with another, at most so many. `short`: they are few, and small."""
    first, last = place_of(vault.number, after), place_of(vault.number, until)
    read = db.fetch if short else db.scan
    return [Item(*row) for row in await read(ITEMS, first, last, count_max)]


async def read_frame_at(db: Reading, vault: Vault, device: DeviceId, fseq: int) -> StoredFrame:
    """The frame that stands at a number of a device's chain."""
    ordinal = vault.state.table.cards[device].ordinal
    place, signed, signature = (await db.fetch(FRAME, vault.number << ORDINAL_BITS | ordinal, fseq))[0]
    return StoredFrame(seq_of(place), item_hash(signed), Item(1, signed, signature))


async def seq_of_entry(db: Reading, vault: Vault, entry: ItemHash) -> int | None:
    """Where an entry stands in this vault's log, if it does."""
    rows = await db.fetch(ENTRY_PLACE, entry)
    return seq_of(rows[0][0]) if rows and rows[0][0] >> SEQ_BITS == vault.number else None


async def write_members(tx: Transaction, number: int, before: Table, after: Table) -> tuple[DeviceId, ...]:
    """Brings the index of listed cards up to date; gives those that are not listed any more."""
    were, are = before.live(), after.live()
    dropped = tuple(were.keys() - are.keys())
    changed = [device for device in are if device not in were or before.role(device) != after.role(device)]
    rows = [(device, number, True, after.role(device) == OWNER) for device in changed]
    await tx.execute_many(MEMBER_WRITE, rows + [(device, number, False, False) for device in dropped])
    return dropped


async def accounts_of(db: Reading, devices: Iterable[DeviceId]) -> set[AccountId]:
    """The accounts that these cards are or were last enrolled in."""
    return {row[0] for device in devices for row in await db.fetch(ACCOUNT_OF_DEVICE, device)}


async def wrap_slots(db: Reading, number: int, epoch: EpochId) -> dict[DeviceId, set[bytes]]:
    """Who has laid wraps of an epoch, by card."""
    slots: dict[DeviceId, set[bytes]] = {}
    for device, slot in await db.fetch(WRAP_SLOTS, number, epoch):
        slots.setdefault(device, set()).add(slot)
    return slots


async def write_wraps(tx: Transaction, number: int, laid: Sequence[tuple[Wrap, bytes]]) -> None:
    """Lays wraps in their slots."""
    await tx.execute_many(WRAP_WRITE, [(number, w.epoch, w.device, slot, w.sealed) for w, slot in laid])


async def keybox_slots(db: Reading, number: int, epoch: EpochId) -> set[bytes]:
    """Who has laid keyboxes of an epoch."""
    return {row[0] for row in await db.fetch(KEYBOX_SLOTS, number, epoch)}


async def write_keybox(tx: Transaction, number: int, box: Keybox, slot: bytes) -> None:
    """Lays a keybox in its slot."""
    await tx.execute(KEYBOX_WRITE, number, box.epoch, slot, box.salt, box.sealed)


async def read_key(
    db: Reading, number: int, epoch: EpochId, device: DeviceId
) -> tuple[tuple[bytes, ...], tuple[Keybox, ...]]:
    """Every wrap of an epoch for a card, and every keybox under it; what came with the entry first."""
    wraps = tuple(row[0] for row in await db.fetch(WRAPS, number, epoch, device))
    boxes = tuple(Keybox(epoch, salt, sealed) for salt, sealed in await db.fetch(KEYBOXES, number, epoch))
    return wraps, boxes


async def lost_slots(db: Reading, number: int) -> list[tuple[ItemHash, bytes]]:
    """Hash and giver of every lost entry held, oldest first."""
    return [(row[0], row[1]) for row in await db.fetch(LOST, number)]


async def read_lost(db: Reading, number: int, since: int) -> tuple[Item, ...]:
    """The lost entries that were handed in when the log stood at `since` or later."""
    return tuple(Item(0, signed, signature) for signed, signature in await db.scan(LOST_SINCE, number, since))


async def write_lost(tx: Transaction, number: int, at_seq: int, laid: Sequence[tuple[ReadItem, bytes]]) -> None:
    """Keeps lost entries for owners."""
    rows = [(number, read.hash, slot, at_seq, read.item.signature, read.item.signed) for read, slot in laid]
    await tx.execute_many(LOST_WRITE, rows)


async def drop_lost(tx: Transaction, number: int, entries: Iterable[ItemHash]) -> None:
    """Lets lost entries go: they stand in the log again, or make room."""
    await tx.execute_many(LOST_DROP, [(number, entry) for entry in entries])
