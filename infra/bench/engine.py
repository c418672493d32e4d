"""The engine's rows: one generated vault, ours beside every peer in both models, all in one run.

The peers' update formats and ours are compared as each gives them, compressed by the same deflate. Sealing is in the
phone's section. A row is held to the best of both models, and says what it is beside those that keep an element's value
whole, as ours must: nested maps send less, and blend what two phones wrote. What is found of the two phones' conflicts
is compared with the generator's own list.
"""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

from infra.bench.engine_ours import LEFT, RIGHT, Ours
from infra.bench.engine_peers import PEERS
from infra.bench.measure import cpu_ms
from infra.bench.memory import keep_replica
from infra.bench.report import Row, against, plain
from infra.bench.workload import Edit, Workload, make_workload

# What a row is called, and how many times better than the best peer it shall be.
ROWS: list[tuple[str, str, str, float | None]] = [
    ("open", "open the vault and have every record as a dict", "ms CPU", 5),
    ("edit", "local edits, one transaction each", "ms CPU", None),
    ("one", "apply the other phone's edits, one by one", "ms CPU", 2),
    ("batch", "apply the other phone's edits as a batch", "ms CPU", 2),
    ("fresh", "apply the batch and have each touched record as a fresh dict", "ms CPU", 4),
    ("merge", "two phones that both edited: make and take both batches", "ms CPU", 2),
    ("wire", "the batch on the wire, deflated", "bytes", 1 / 1.2),
    ("snapshot", "the vault as a snapshot, deflated", "bytes", None),
    ("memory", "memory over the start: take the batch, the replica kept where it lives", "MiB", 4),
]


def rows(records: int, runs: int, peers: bool = True) -> list[Row]:
    """Every row for a vault of so many records and as many edits on each of two phones; `peers`: beside them."""
    work = make_workload(records, records)
    section = f"engine, {records:,} records"
    ours = _measured(Ours(LEFT), Ours(RIGHT), work, runs)
    ours["memory"], found = _memory_of_ours(work), _found(work)
    told: dict[str, dict[str, float]] = {}
    for kind in PEERS if peers else ():
        for nested in (False, True):
            adapter = kind(nested=nested)
            name = f"{kind.name} {'nested' if nested else 'atomic'}"
            told[name] = _measured(adapter, adapter, work, runs)
            told[name]["memory"] = _memory_of_peer(adapter, work)
    out = []
    for key, what, unit, wanted in ROWS:
        others = {name: figures[key] for name, figures in told.items() if key in figures}
        row = against(section, what, unit, ours[key], others, wanted)
        same = [figure for name, figure in others.items() if name.endswith("atomic")]
        if same:
            row.said += f"{'; ' if row.said else ''}{min(same) / ours[key]:.2g} x the best that keeps values whole"
        out.append(row)
    wanted_places = set(work.conflicts)
    missed, invented = len(wanted_places - found), len(found - wanted_places)
    row = plain(section, "conflicts found of those that the generator made", "conflicts", len(found & wanted_places))
    row.judged, row.target, row.beside = "ours", len(wanted_places), dict.fromkeys(told, 0.0)
    row.said = f"all {len(wanted_places)}; missed {missed}, invented {invented}; no peer tells of any"
    return [*out, row]


def _measured(left: Any, right: Any, work: Workload, runs: int) -> dict[str, float]:
    snapshot = left.build(work)
    touched = sorted({edit.record for edit in work.right})
    singles = right.singles(right.load(snapshot), work.right)
    batch = _batch(right, snapshot, work.right)

    def loaded(_: object = None) -> Any:
        return left.load(snapshot)

    def diverged() -> tuple[Any, ...]:
        one, other = left.load(snapshot), right.load(snapshot)
        marks = left.mark(one), right.mark(other)
        left.edit(one, work.left)
        right.edit(other, work.right)
        return one, other, marks

    def exchange(state: tuple[Any, ...]) -> None:
        one, other, marks = state
        mine, theirs = left.batch(one, marks[0]), right.batch(other, marks[1])
        left.apply(one, theirs)
        right.apply(other, mine)

    figures = {
        "open": cpu_ms(lambda: None, lambda _: left.everything(left.load(snapshot)), runs),
        "edit": cpu_ms(loaded, lambda replica: left.edit(replica, work.left), runs),
        "batch": cpu_ms(loaded, lambda replica: left.apply(replica, batch), runs),
        "fresh": cpu_ms(loaded, lambda replica: (left.apply(replica, batch), left.views(replica, touched)), runs),
        "merge": cpu_ms(diverged, exchange, runs),
        "wire": float(sum(len(zlib.compress(update)) for update in batch)),
        "snapshot": float(len(zlib.compress(snapshot))),
    }
    if singles is not None:
        figures["one"] = cpu_ms(loaded, lambda replica: left.apply(replica, singles), runs)
    return figures


def _batch(adapter: Any, snapshot: bytes, edits: list[Edit]) -> list[bytes]:
    replica = adapter.load(snapshot)
    mark = adapter.mark(replica)
    adapter.edit(replica, edits)
    made: list[bytes] = adapter.batch(replica, mark)
    return made


def _found(work: Workload) -> set[tuple[int, str]]:
    """What our engine says is disputed after both phones have taken each other's edits."""
    left, right = Ours(LEFT), Ours(RIGHT)
    snapshot = left.build(work)
    one = left.load(snapshot)
    left.edit(one, work.left)
    left.apply(one, _batch(right, snapshot, work.right))
    return left.conflicts(one, len(work.records))


def _memory_of_ours(work: Workload) -> float:
    with tempfile.TemporaryDirectory() as folder:
        left, right = Ours(LEFT), Ours(RIGHT)
        snapshot = left.build(work)
        asyncio.run(keep_replica(Path(folder), left.load(snapshot)))
        return _in_a_process(Path(folder), "ours", b"", _batch(right, snapshot, work.right))


def _memory_of_peer(adapter: Any, work: Workload) -> float:
    with tempfile.TemporaryDirectory() as folder:
        snapshot = adapter.build(work)
        name = f"{adapter.name} {int(adapter.nested)}"
        return _in_a_process(Path(folder), name, snapshot, _batch(adapter, snapshot, work.right))


def _in_a_process(folder: Path, name: str, snapshot: bytes, batch: list[bytes]) -> float:
    (folder / "work").write_bytes(pickle.dumps((snapshot, batch)))
    command = [sys.executable, "-m", "infra.bench.memory", str(folder), *name.split()]
    return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
