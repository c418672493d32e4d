"""How much memory a replica takes that has just taken a batch: measured in a process of its own, over its start.

A peer holds the whole document in memory. Ours lives in the phone's SQLite store (sealed rows, the shipped `Rows`) and
a frame is taken as the phone takes it: the records that it names are read, written and let go.

    python -m infra.bench.memory FOLDER ours | pycrdt 0 | loro 1 | …
"""

from __future__ import annotations

import asyncio
import pickle
import sys
from pathlib import Path

from crypto.secret.aead import StoreCipher
from crypto.secret.secret import Secret
from infra.bench.engine_ours import AUTHOR, ORDINALS, RIGHT, Replica
from infra.bench.engine_peers import PEERS
from infra.bench.measure import resident_mib
from sync.device.store.engine import SqliteEngine
from sync.device.store.rows import Rows
from sync.device.store.schema import migrate
from sync.merge.change import Dot, make_dot, number_of
from sync.vault.content import decode_inside, resolve

VAULT = 1
_KEY = bytes(range(32))


class KeptReplica:
    """Our replica in its store: a transaction a frame."""

    def __init__(self, engine: SqliteEngine) -> None:
        self.engine = engine
        self._cipher = StoreCipher(Secret(_KEY))
        self.vector: dict[bytes, int] = {}

    def rows(self, tx: object) -> Rows:
        """The rows inside a transaction."""
        return Rows(tx, self._cipher, _KEY)  # type: ignore[arg-type]

    async def take(self, update: bytes) -> None:
        """One frame's inside: what the phone does with it after its seal is open."""
        content = decode_inside(update, RIGHT)
        devices = content.devices
        dots = {make_dot(ORDINALS[devices[r[0]]], r[1]) for r in content.inside.records if not isinstance(r, bytes)}
        async with self.engine.transaction() as tx:
            rows = self.rows(tx)
            births, records = await rows.get_births(VAULT, [Dot(dot) for dot in dots])
            last = self.vector.get(RIGHT, 0)
            changes = resolve(content, last, ORDINALS, self.vector, births.get, lambda _: True)  # type: ignore[arg-type]
            for change in changes:
                records[change.record].apply(change)
            await rows.put_records(VAULT, records.values(), set())
        self.vector[RIGHT] = number_of(changes[-1].dot)


async def keep_replica(folder: Path, replica: Replica) -> None:
    """Puts a replica into a store in this folder."""
    engine = await SqliteEngine.open(folder / "store.db")
    kept = KeptReplica(engine)
    async with engine.transaction() as tx:
        await migrate(tx)
        rows = kept.rows(tx)
        await rows.put_records(VAULT, replica.records.values(), set(replica.records))
        await rows.put_births(VAULT, {Dot(dot): id_ for dot, id_ in replica.births.items()})
    await engine.close()


async def _ours(folder: Path, batch: list[bytes]) -> float:
    before = resident_mib()
    kept = KeptReplica(await SqliteEngine.open(folder / "store.db"))
    kept.vector = {AUTHOR: 1 << 40}
    for update in batch:
        await kept.take(update)
    grown = resident_mib() - before
    await kept.engine.close()
    return grown


def _peer(name: str, nested: bool, snapshot: bytes, batch: list[bytes]) -> float:
    adapter = next(kind for kind in PEERS if kind.name == name)(nested=nested)
    before = resident_mib()
    replica = adapter.load(snapshot)
    adapter.apply(replica, batch)
    return resident_mib() - before


def main(folder: Path, name: str, nested: bool) -> None:
    """Prints MiB over the start."""
    snapshot, batch = pickle.loads((folder / "work").read_bytes())
    if name == "ours":
        grown = asyncio.run(_ours(folder, batch))
    else:
        grown = _peer(name, nested, snapshot, batch)
    print(max(grown, 0.1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:] == ["1"])
