"""A server process over any database, what its tables hold, and how much memory it takes.

The tables are read through the server's own storage port, so that one kit serves every database the server knows.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from backend.main import open_engine
from backend.settings import Settings
from backend.storage.engine import Engine, Reading
from backend.storage.migrate import all_migrations

ROOT = Path(__file__).parents[2]
Dump = dict[str, frozenset[str]]  # table -> a digest of each row


@contextlib.contextmanager
def server_process(database: str, folder: Path, **settings: object) -> Iterator[tuple[int, str]]:
    """A server over `database` (a URL): its process id and address; it is gone when the block ends."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CARNET_")}
    environment |= {f"CARNET_{name.upper()}": str(value) for name, value in settings.items()}
    arguments = ["run", "--database", database, "--port", "0", "--ready-file", str(ready)]
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "backend.cli", *arguments], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        for _ in range(800):
            if ready.exists():
                break
            assert process.poll() is None, (folder / "server.log").read_text()
            time.sleep(0.025)
        yield process.pid, json.loads(ready.read_text())["url"]
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        finally:
            process.kill()
            process.wait(timeout=30)


def sqlite_in(folder: Path) -> str:
    """The URL of a database in a folder."""
    return f"sqlite:///{folder / 'carnet.sqlite3'}"


def tables() -> list[str]:
    """Every table that a migration makes."""
    return sorted(re.findall(r"CREATE TABLE (\w+)", "\n".join(s for m in all_migrations() for s in m.statements)))


async def dump_of(db: Reading) -> Dump:
    """What every table holds, row by row."""
    return {
        table: frozenset(hashlib.sha256(repr(tuple(row)).encode()).hexdigest() for row in rows)
        for table in tables()
        for rows in [await db.fetch(f"SELECT * FROM {table}")]
    }


async def dump_of_database(database: str) -> Dump:
    """The same of a database that a server process uses meanwhile."""
    engine: Engine = await open_engine(Settings(database=database))
    try:
        return await dump_of(engine.reading())
    finally:
        await engine.close()


def changes(before: Dump, after: Dump) -> dict[str, tuple[int, int]]:
    """Tables that differ: how many rows are gone, how many are new."""
    return {
        table: (len(before[table] - after[table]), len(after[table] - before[table]))
        for table in before
        if before[table] != after[table]
    }


def resident_bytes(pid: int) -> int:
    """Memory that a process holds now, in bytes: VmRSS of /proc."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024
