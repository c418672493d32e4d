"""Records of a vault, each opened and read when it is first asked for: most commands ask for few.

What it is: rows of the store as they were fetched, sealed, and the records that were made of them. What it is not: a
connection; it goes on to work when the transaction has ended. The stamp of a record names the very rows that it is made
of: every row is sealed under 12 random bytes of its own, so that what is written anew has another stamp.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import msgspec

from crypto.public.errors import CryptoError
from sync.device.refused import Refused
from sync.device.store.rows import NONCE_BYTES, Rows
from sync.merge.change import RecordId
from sync.merge.record import Record

_Pending = list[tuple[int, bytes]]  # a waiting change's number and its sealed body, in order


class Records(Mapping[RecordId, Record]):
    """The records of one vault: what the log has settled, with these waiting changes on top; read by id."""

    def __init__(
        self, rows: Rows, vault: int, sealed: Mapping[int, tuple[bytes, bytes]], waiting: Mapping[int, _Pending]
    ) -> None:
        self._rows, self._vault = rows, vault
        self._sealed, self._waiting = sealed, waiting
        self._opened: dict[int, Record] = {}

    @property
    def handles(self) -> list[int]:
        """Every record's place in the store, ascending."""
        return sorted(self._sealed.keys() | self._waiting.keys())

    def stamp(self, handle: int) -> bytes:
        """What changes when anything of the record is written anew."""
        settled = self._sealed.get(handle)
        rows = [body for _, body in self._waiting.get(handle, ())]
        if settled is not None:
            rows[:0] = settled
        return b"".join([row[:NONCE_BYTES] for row in rows])

    def handle(self, id_: RecordId) -> int:
        """A record's place in the store."""
        return self._rows.handle(id_)

    def at(self, handle: int) -> Record:
        """The record at a place. Raises: Refused(store_damaged), KeyError."""
        found = self._opened.get(handle)
        if found is None:
            try:
                found = self._opened[handle] = self._open(handle)
            except (CryptoError, msgspec.DecodeError) as error:
                raise Refused("store_damaged") from error
        return found

    def _open(self, handle: int) -> Record:
        changes = [self._rows.open_pending(self._vault, n, body) for n, body in self._waiting.get(handle, ())]
        settled = self._sealed.get(handle)
        if settled is None and not changes:
            raise KeyError(handle)
        record = Record(changes[0].record) if settled is None else self._rows.open_record(self._vault, handle, *settled)
        return record.overlaid(changes) if changes else record

    def __getitem__(self, id_: RecordId) -> Record:
        return self.at(self.handle(id_))

    def __contains__(self, id_: object) -> bool:
        handle = self.handle(RecordId(id_)) if isinstance(id_, bytes) else -1
        return handle in self._sealed or handle in self._waiting

    def __iter__(self) -> Iterator[RecordId]:
        return (self.at(handle).id for handle in self.handles)

    def __len__(self) -> int:
        return len(self._sealed.keys() | self._waiting.keys())


async def read_records(rows: Rows, vault: int) -> tuple[Records, Records]:
    """The records of a vault as they are shown, and as the log has settled them."""
    sealed = await rows.sealed_records(vault)
    waiting: dict[int, _Pending] = defaultdict(list)
    for n, handle, body in await rows.sealed_pending(vault):
        waiting[handle].append((n, body))
    settled = Records(rows, vault, sealed, {})
    return (Records(rows, vault, sealed, waiting) if waiting else settled), settled
