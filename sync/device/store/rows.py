"""The rows of the phone's store inside one transaction: sealed on the way in, opened on the way out.

Each sealed body is bound to its table and its place (associated data), so that rows cannot be moved about in the file.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from crypto.public.errors import CryptoError
from crypto.secret.aead import StoreCipher
from sync.device.store.engine import Transaction
from sync.device.store.schema import erase
from sync.merge.change import Change, Dot, RecordId, number_of
from sync.merge.record import Record
from sync.vault.outgoing import Flying
from sync.vault.replay import Finding, Quarantined, Stored
from sync.vault.state import VaultState, decode_vault, encode_vault
from sync.wire.ids import LogHash
from sync.wire.item import Item

NONCE_BYTES = 12  # random bytes that a sealed body begins with
_CHUNK = 500  # values bound in one statement; SQLite's own limit is far above

_change = msgspec.msgpack.Decoder(Change)
_flying = msgspec.msgpack.Decoder(Flying)
_stored = msgspec.msgpack.Decoder(tuple[Item, str | None])
_quarantined = msgspec.msgpack.Decoder(Quarantined)
_finding = msgspec.msgpack.Decoder(Finding)
_encode = msgspec.msgpack.Encoder().encode

PUT_SINGLE = "INSERT INTO single (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body"
GET_SINGLE = "SELECT body FROM single WHERE id = ?"
PUT_VAULT = "INSERT INTO vault (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body"
GET_VAULT = "SELECT body FROM vault WHERE id = ?"
LIST_VAULTS = "SELECT id FROM vault WHERE id NOT IN (SELECT vault FROM rebuild) ORDER BY id"
LAST_VAULT = "SELECT coalesce(max(id), 0) FROM vault"
PUT_REBUILD = "INSERT INTO rebuild (vault, replaces) VALUES (?, ?)"
GET_REBUILDS = "SELECT replaces, vault FROM rebuild"
DROP_REBUILD = "DELETE FROM rebuild WHERE vault = ?"
DROP_VAULT = (
    "DELETE FROM vault WHERE id = ?",
    "DELETE FROM item WHERE vault = ?",
    "DELETE FROM record WHERE vault = ?",
    "DELETE FROM overlay WHERE vault = ?",
    "DELETE FROM birth WHERE vault = ?",
    "DELETE FROM glance WHERE vault = ?",
    "DELETE FROM pending WHERE vault = ?",
    "DELETE FROM flying WHERE vault = ?",
    "DELETE FROM quarantine WHERE vault = ?",
    "DELETE FROM finding WHERE vault = ?",
)
PUT_ITEM = "INSERT INTO item (vault, seq, body, head) VALUES (?, ?, ?, ?)"
GET_ITEMS = "SELECT seq, body FROM item WHERE vault = ? AND seq > ? ORDER BY seq LIMIT ?"
GET_HEADS = "SELECT seq, head FROM item WHERE vault = ? AND seq IN ({})"
PUT_RECORD = "INSERT INTO record (vault, handle, body) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body"
PUT_OVERLAY = (
    "INSERT INTO overlay (vault, handle, body) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body"
)
GET_RECORDS = (
    "SELECT r.handle, r.body, o.body FROM record r JOIN overlay o ON o.vault = r.vault AND o.handle = r.handle"
    " WHERE r.vault = ? AND r.handle IN ({})"
)
ALL_RECORDS = (
    "SELECT r.handle, r.body, o.body FROM record r JOIN overlay o ON o.vault = r.vault AND o.handle = r.handle"
    " WHERE r.vault = ? ORDER BY r.handle"
)
PUT_BIRTH = "INSERT INTO birth (vault, dot, handle) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
GET_BIRTHS = "SELECT dot, handle FROM birth WHERE vault = ? AND dot IN ({})"
PUT_GLANCES = "INSERT INTO glance (vault, pack, body) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body"
GET_GLANCES = "SELECT pack, body FROM glance WHERE vault = ? ORDER BY pack"
PUT_PENDING = "INSERT INTO pending (vault, n, handle, body) VALUES (?, ?, ?, ?)"
GET_PENDING = "SELECT n, body FROM pending WHERE vault = ? ORDER BY n"
GET_PENDING_PLACES = "SELECT n, handle, body FROM pending WHERE vault = ? ORDER BY n"
GET_PENDING_OF = "SELECT n, body FROM pending WHERE vault = ? AND handle = ? ORDER BY n"
COUNT_PENDING = "SELECT count(*) FROM pending WHERE vault = ?"
DROP_PENDING = "DELETE FROM pending WHERE vault = ? AND n = ?"
PUT_FLYING = "INSERT INTO flying (vault, fseq, body) VALUES (?, ?, ?)"
GET_FLYING = "SELECT fseq, body FROM flying WHERE vault = ? ORDER BY fseq"
DROP_FLYING = "DELETE FROM flying WHERE vault = ? AND fseq = ?"
PUT_QUARANTINE = "INSERT INTO quarantine (vault, body) VALUES (?, ?)"
GET_QUARANTINE = "SELECT id, body FROM quarantine WHERE vault = ? ORDER BY id"
DROP_QUARANTINE = "DELETE FROM quarantine WHERE id = ?"
PUT_FINDING = "INSERT INTO finding (vault, unread, body) VALUES (?, 1, ?)"
GET_FINDINGS = "SELECT id, unread, body FROM finding WHERE vault = ? ORDER BY id"
READ_FINDING = "UPDATE finding SET unread = 0 WHERE id = ?"
MOVE_BIRTHS = "UPDATE birth SET vault = ? WHERE vault = ?"
MOVES = (
    ("SELECT seq, body, head FROM item WHERE vault = ? ORDER BY seq", PUT_ITEM, ("item", "head")),
    ("SELECT handle, body FROM record WHERE vault = ?", PUT_RECORD, ("record",)),
    ("SELECT handle, body FROM overlay WHERE vault = ?", PUT_OVERLAY, ("overlay",)),
)


class Rows:
    """Reads and writes of one transaction. `vault` is always the vault's local number."""

    def __init__(self, tx: Transaction, cipher: StoreCipher, handle_key: bytes) -> None:
        self._tx = tx
        self._cipher = cipher
        self._handle_key = handle_key

    def _seal(self, table: str, place: Sequence[int], body: bytes) -> bytes:
        return self._cipher.seal(os.urandom(NONCE_BYTES), _aad(table, place), body)

    def _open(self, table: str, place: Sequence[int], sealed: bytes) -> bytes:
        return self._cipher.open(_aad(table, place), sealed)

    def handle(self, record: RecordId) -> int:
        """63 bits of a keyed hash of a record's id: its place in the tables, without meaning to who has no key."""
        digest = hashlib.blake2b(record, key=self._handle_key, digest_size=8).digest()
        return int.from_bytes(digest, "big") >> 1

    async def erase(self) -> None:
        """Nothing is left, not even the key that all rows are sealed under."""
        await erase(self._tx)

    # Singletons: identity, token.

    async def put_single(self, id_: int, body: bytes) -> None:
        """Stores the one body with this number."""
        await self._tx.execute(PUT_SINGLE, id_, self._seal("single", [id_], body))

    async def get_single(self, id_: int) -> bytes | None:
        """The body with this number, None if there is none."""
        rows = await self._tx.fetch(GET_SINGLE, id_)
        return self._open("single", [id_], rows[0][0]) if rows else None

    # Vaults.

    async def vaults(self) -> list[int]:
        """Local numbers of all vaults, those aside whose log is still being read anew."""
        return [row[0] for row in await self._tx.fetch(LIST_VAULTS)]

    async def next_vault(self) -> int:
        """A local number that no vault has."""
        return (await self._tx.fetch(LAST_VAULT))[0][0] + 1

    async def put_rebuild(self, vault: int, replaces: int) -> None:
        """Under `vault` the log of `replaces` is read anew."""
        await self._tx.execute(PUT_REBUILD, vault, replaces)

    async def rebuilds(self) -> dict[int, int]:
        """Where each vault's log is being read anew, by the number that is shown."""
        return dict(tuple(row) for row in await self._tx.fetch(GET_REBUILDS))

    async def drop_rebuild(self, vault: int) -> None:
        """The number is one like any other from now on."""
        await self._tx.execute(DROP_REBUILD, vault)

    async def drop_vault(self, vault: int) -> None:
        """Forgets everything under a local number."""
        for statement in DROP_VAULT:
            await self._tx.execute(statement, vault)

    async def get_vault(self, vault: int) -> VaultState:
        """What is remembered of a vault. Raises: LookupError."""
        rows = await self._tx.fetch(GET_VAULT, vault)
        if not rows:
            raise LookupError("no such vault")
        return decode_vault(self._open("vault", [vault], rows[0][0]))

    async def put_vault(self, vault: int, state: VaultState) -> None:
        """Stores what is remembered of a vault."""
        await self._tx.execute(PUT_VAULT, vault, self._seal("vault", [vault], encode_vault(state)))

    async def move_vault(self, vault: int, to: int) -> None:
        """Log, records and what is kept beside them go under another local number that holds nothing; not the state."""
        for statement, put, columns in MOVES:
            for place, *bodies in await self._tx.fetch(statement, vault):
                opened = [self._open(name, [vault, place], body) for name, body in zip(columns, bodies, strict=True)]
                sealed = [self._seal(name, [to, place], body) for name, body in zip(columns, opened, strict=True)]
                await self._tx.execute(put, to, place, *sealed)
        for _, row in await self.get_quarantined(vault):
            await self.put_quarantined(to, [row])
        await self.put_findings(to, [finding for _, _, finding in await self.get_findings(vault)])
        await self._tx.execute(MOVE_BIRTHS, to, vault)
        await self.drop_vault(vault)

    # The log.

    async def put_items(self, vault: int, items: Iterable[Stored]) -> None:
        """Appends items of the log as they came."""
        await self._tx.execute_many(
            PUT_ITEM,
            [
                (
                    vault,
                    s.seq,
                    self._seal("item", [vault, s.seq], _encode((s.item, s.verdict))),
                    self._seal("head", [vault, s.seq], s.log_hash),
                )
                for s in items
            ],
        )

    async def get_items(self, vault: int, after: int, limit: int = -1) -> list[tuple[int, Item, str | None]]:
        """Items behind a seq, in order, with their verdicts."""
        rows = await self._tx.fetch(GET_ITEMS, vault, after, limit)
        return [(seq, *_stored.decode(self._open("item", [vault, seq], body))) for seq, body in rows]

    async def get_heads(self, vault: int, seqs: Iterable[int]) -> dict[int, LogHash]:
        """The log's hash at each of these places, as far as they are held."""
        found: dict[int, LogHash] = {}
        for part in _parts(seqs):
            for seq, head in await self._tx.fetch(GET_HEADS.format(_marks(part)), vault, *part):
                found[seq] = LogHash(self._open("head", [vault, seq], head))
        return found

    # Records.

    async def put_records(self, vault: int, records: Iterable[Record], born: set[RecordId]) -> None:
        """Stores records' overlays, and the bodies of those that are new or were born again."""
        bodies, overlays = [], []
        for record in records:
            handle = self.handle(record.id)
            if record.id in born:
                body = record.id + record.encode_births()
                bodies.append((vault, handle, self._seal("record", [vault, handle], body)))
            overlays.append((vault, handle, self._seal("overlay", [vault, handle], record.encode_overlay())))
        await self._tx.execute_many(PUT_RECORD, bodies)
        await self._tx.execute_many(PUT_OVERLAY, overlays)

    def open_record(self, vault: int, handle: int, body: bytes, overlay: bytes) -> Record:
        """A record from its two sealed bodies. Raises: CryptoError, msgspec.DecodeError."""
        opened = self._open("record", [vault, handle], body)
        return Record.from_parts(RecordId(opened[:32]), opened[32:], self._open("overlay", [vault, handle], overlay))

    async def get_records(self, vault: int, ids: Iterable[RecordId]) -> dict[RecordId, Record]:
        """The settled state of these records, as far as the log holds them."""
        found = await self._by_handle(vault, [self.handle(id_) for id_ in ids])
        return {record.id: record for record in found.values()}

    async def _by_handle(self, vault: int, handles: Iterable[int]) -> dict[int, Record]:
        found: dict[int, Record] = {}
        for part in _parts(handles):
            for row in await self._tx.fetch(GET_RECORDS.format(_marks(part)), vault, *part):
                found[row[0]] = self.open_record(vault, *row)
        return found

    async def sealed_records(self, vault: int) -> dict[int, tuple[bytes, bytes]]:
        """The two sealed bodies of every record, by its handle."""
        return {handle: (body, over) for handle, body, over in await self._tx.fetch(ALL_RECORDS, vault)}

    async def get_glances(self, vault: int) -> dict[int, bytes]:
        """Packs of glances by their numbers; one that cannot be opened is as none, for it can be made anew."""
        found = {}
        for pack, body in await self._tx.fetch(GET_GLANCES, vault):
            with contextlib.suppress(CryptoError):
                found[pack] = self._open("glance", [vault, pack], body)
        return found

    async def put_glances(self, vault: int, packs: Mapping[int, bytes]) -> None:
        """Keeps packs of glances in the place of those before."""
        rows = [(vault, pack, self._seal("glance", [vault, pack], body)) for pack, body in packs.items()]
        await self._tx.execute_many(PUT_GLANCES, rows)

    async def put_births(self, vault: int, births: Mapping[Dot, RecordId]) -> None:
        """Remembers which record a dot is a birth of."""
        await self._tx.execute_many(PUT_BIRTH, [(vault, dot, self.handle(id_)) for dot, id_ in births.items()])

    async def get_births(self, vault: int, dots: Iterable[Dot]) -> tuple[dict[Dot, RecordId], dict[RecordId, Record]]:
        """The records that these dots are births of: by dot, and the records themselves."""
        handles: dict[Dot, int] = {}
        for part in _parts(dots):
            handles.update((Dot(d), h) for d, h in await self._tx.fetch(GET_BIRTHS.format(_marks(part)), vault, *part))
        found = await self._by_handle(vault, set(handles.values()))
        records = {record.id: record for record in found.values()}
        return {dot: found[handle].id for dot, handle in handles.items() if handle in found}, records

    # One's own waiting changes and frames.

    async def put_pending(self, vault: int, changes: Iterable[Change]) -> None:
        """Adds changes that wait to be sent."""
        rows = []
        for change in changes:
            n = number_of(change.dot)
            rows.append((vault, n, self.handle(change.record), self._seal("pending", [vault, n], _encode(change))))
        await self._tx.execute_many(PUT_PENDING, rows)

    async def get_pending(self, vault: int, record: RecordId | None = None) -> list[Change]:
        """Waiting changes in order, of one record or of all."""
        if record is None:
            rows = await self._tx.fetch(GET_PENDING, vault)
        else:
            rows = await self._tx.fetch(GET_PENDING_OF, vault, self.handle(record))
        return [self.open_pending(vault, n, body) for n, body in rows]

    def open_pending(self, vault: int, n: int, body: bytes) -> Change:
        """A waiting change from its sealed body. Raises: CryptoError, msgspec.DecodeError."""
        return _change.decode(self._open("pending", [vault, n], body))

    async def sealed_pending(self, vault: int) -> list[tuple[int, int, bytes]]:
        """Waiting changes in order: number, the record's handle, sealed body."""
        return [(n, handle, body) for n, handle, body in await self._tx.fetch(GET_PENDING_PLACES, vault)]

    async def count_pending(self, vault: int) -> int:
        """How many changes wait."""
        return (await self._tx.fetch(COUNT_PENDING, vault))[0][0]

    async def drop_pending(self, vault: int, numbers: Iterable[int]) -> None:
        """Takes out changes that the log has brought back, or that were set aside."""
        await self._tx.execute_many(DROP_PENDING, [(vault, n) for n in numbers])

    async def put_flying(self, vault: int, frames: Iterable[Flying]) -> None:
        """Stores frames before they are sent."""
        rows = [(vault, f.fseq, self._seal("flying", [vault, f.fseq], _encode(f))) for f in frames]
        await self._tx.execute_many(PUT_FLYING, rows)

    async def get_flying(self, vault: int) -> list[Flying]:
        """Frames that have not been read in the log yet, in order."""
        rows = await self._tx.fetch(GET_FLYING, vault)
        return [_flying.decode(self._open("flying", [vault, fseq], body)) for fseq, body in rows]

    async def drop_flying(self, vault: int, fseqs: Iterable[int]) -> None:
        """Takes out frames that were read in the log or refused."""
        await self._tx.execute_many(DROP_FLYING, [(vault, fseq) for fseq in fseqs])

    # What is kept outside the state and shown.

    async def put_quarantined(self, vault: int, rows: Iterable[Quarantined]) -> None:
        """Keeps void frames and changes set aside."""
        await self._tx.execute_many(
            PUT_QUARANTINE, [(vault, self._seal("quarantine", [vault], _encode(row))) for row in rows]
        )

    async def get_quarantined(self, vault: int) -> list[tuple[int, Quarantined]]:
        """What was kept, oldest first."""
        rows = await self._tx.fetch(GET_QUARANTINE, vault)
        return [(id_, _quarantined.decode(self._open("quarantine", [vault], body))) for id_, body in rows]

    async def drop_quarantined(self, id_: int) -> None:
        """Takes out what was adopted, declined, or has come by itself."""
        await self._tx.execute(DROP_QUARANTINE, id_)

    async def put_findings(self, vault: int, findings: Iterable[Finding]) -> None:
        """Keeps findings that are not kept yet, unread."""
        known = [finding for _, _, finding in await self.get_findings(vault)]
        new = [finding for finding in findings if finding not in known]
        await self._tx.execute_many(PUT_FINDING, [(vault, self._seal("finding", [vault], _encode(f))) for f in new])

    async def get_findings(self, vault: int) -> list[tuple[int, bool, Finding]]:
        """Findings, oldest first: number, unread, what was found."""
        rows = await self._tx.fetch(GET_FINDINGS, vault)
        return [
            (id_, bool(unread), _finding.decode(self._open("finding", [vault], body))) for id_, unread, body in rows
        ]

    async def read_finding(self, id_: int) -> None:
        """A person has read it."""
        await self._tx.execute(READ_FINDING, id_)


@functools.cache
def _packing(table: str, places: int) -> tuple[bytes, Callable[..., bytes]]:
    return b"carnet/1/row\0" + table.encode() + b"\0", struct.Struct(f">{places}Q").pack


def _aad(table: str, place: Sequence[int]) -> bytes:
    label, packed = _packing(table, len(place))
    return label + packed(*place)


def _parts(values: Iterable[Any]) -> list[list[Any]]:
    every = list(values)
    return [every[i : i + _CHUNK] for i in range(0, len(every), _CHUNK)]


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))
