"""Server processes to be measured: ours on SQLite or PostgreSQL, and the no-op applications.

PostgreSQL is the one that the tests start (tests/storage/postgres_kit.py), here with its files on the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.storage import postgres_kit

START_SECONDS = 60
DATABASES = ("sqlite", "postgres")


class Running(NamedTuple):
    """A server that answers: its address, its process, the address of its PostgreSQL database if it has one."""

    url: str
    pid: int
    folder: Path
    database: str | None = None


@contextlib.contextmanager
def noop(folder: Path, kind: str) -> Iterator[Running]:
    """The no-op application of this kind: `raw` or `litestar`."""
    ready = folder / f"{kind}.json"
    with _started([sys.executable, "-m", "infra.bench.noop", kind, str(ready)], ready, folder) as running:
        yield running


@contextlib.contextmanager
def carnet(folder: Path, database: str) -> Iterator[Running]:
    """Our server, with limits on how often one address may ask out of the way."""
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "backend.cli", "run", "--data", str(folder), "--port", "0"]
    command += ["--ready-file", str(ready)]
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(postgres()) if database == "postgres" else None
        running = stack.enter_context(_started([*command, *(["--database", url] if url else [])], ready, folder))
        yield running._replace(database=url)


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """The address of an empty database."""
    cluster = _cluster()
    name = asyncio.run(postgres_kit.make_database(None, cluster.url()))
    try:
        yield postgres_kit.url_of(name, cluster.url())
    finally:
        asyncio.run(postgres_kit.drop_database(name, cluster.url()))


@functools.cache
def _cluster() -> postgres_kit.Cluster:
    """One for the whole run; it ends with this process."""
    cluster = postgres_kit.Cluster(in_memory=False)
    cluster.start()
    return cluster


@contextlib.contextmanager
def _started(command: list[str], ready: Path, folder: Path, **more: str) -> Iterator[Running]:
    ready.unlink(missing_ok=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CARNET_")}
    for name in ("ADDRESS_PER_MINUTE", "ADDRESS_ALL_PER_MINUTE", "ACCOUNT_PER_MINUTE", "VAULTS_AN_ACCOUNT"):
        environment[f"CARNET_{name}_MAX"] = "1000000000"
    environment |= more
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        end = time.monotonic() + START_SECONDS
        while not ready.exists():
            assert process.poll() is None, (folder / "server.log").read_text()[-2000:]
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.01)
        told = json.loads(ready.read_text())
        yield Running(told["url"], told["pid"], folder)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
