"""The machine that fails: server processes over one database, killed and started again at the same addresses.

SQLite: one process over one file. PostgreSQL: two processes over one cluster of our own, and the cluster is killed too:
its postmaster, one of its backends, in good order, at once. `fault` names a server that is broken on purpose
(faulty_server.py), for showing that a guard goes red. Not here: who uses the server, what it must hold.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from tests.faults.server_process import command
from tests.processes.born import SERVER, Born
from tests.storage.postgres_kit import Cluster

ORIGIN = "http://carnet.example"
START_SECONDS = 60
AWAY_SECONDS = 0.15  # how long a stopped PostgreSQL stays away while phones go on asking
_MUCH = "1000000000"
UNBOUNDED = {
    "CARNET_ADDRESS_PER_MINUTE_MAX": _MUCH,
    "CARNET_ADDRESS_ALL_PER_MINUTE_MAX": _MUCH,
    "CARNET_ACCOUNT_PER_MINUTE_MAX": _MUCH,
    "CARNET_DEVICES_AN_ACCOUNT_MAX": _MUCH,
    "CARNET_VAULTS_AN_ACCOUNT_MAX": _MUCH,
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerProcess:
    """`carnet-server` at an address that stays. `before`: what the command is put behind, such as strace."""

    def __init__(self, folder: Path, *arguments: str, fault: str = "", before: Sequence[str] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._ready, self._log = folder / "ready.json", folder / "log"
        self._module = ["tests.durability.faulty_server", fault] if fault else [SERVER]
        self._before = before
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        where = ("--data", str(folder / "data"), "--port", str(port), "--ready-file", str(self._ready))
        self._arguments = ("run", *where, "--origin", ORIGIN, *arguments)
        self._process: Born | subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._ready.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            self._process = command(*self._arguments, module=self._module, before=self._before, out=log, **UNBOUNDED)
        end = time.monotonic() + START_SECONDS
        while not self._ready.exists():
            assert self._process.poll() is None, self._log.read_text()[-2_000:]
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.01)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def end(self, how: signal.Signals) -> None:
        """Ends it with a signal and waits until it is gone."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(START_SECONDS)


class SqliteMachine:
    """One process over one file."""

    kinds = ("server",)

    def __init__(self, folder: Path, fault: str = "") -> None:
        self.servers = [ServerProcess(folder / "server", fault=fault)]

    def start(self) -> None:
        self.servers[0].start()

    async def fail(self, _rng: random.Random, _kind: str) -> None:
        """Kill -9."""
        await asyncio.to_thread(self.servers[0].end, signal.SIGKILL)

    async def mend(self) -> None:
        await asyncio.to_thread(self.servers[0].start)

    def close(self) -> None:
        self.servers[0].end(signal.SIGKILL)


class PostgresMachine:
    """Two processes over one cluster. `kinds`: what may be killed, or stopped in the two ways that PostgreSQL knows."""

    kinds = ("postmaster", "one server", "backend", "fast", "immediate", "both servers", "everything")

    def __init__(self, folder: Path, fault: str = "") -> None:
        self.cluster = Cluster()
        self._down: list[ServerProcess] = []
        self._is_cluster_down = False
        options = ("--database", self.cluster.url())
        self.servers = [ServerProcess(folder / name, *options, fault=fault) for name in ("one", "other")]

    def start(self) -> None:
        self.cluster.start()
        for server in self.servers:
            server.start()

    async def fail(self, rng: random.Random, kind: str) -> None:
        """Kills what the kind names, at once or one right after the other."""
        if kind == "backend":
            await self._kill_backend(rng)
        ends = {"postmaster": signal.SIGKILL, "immediate": signal.SIGQUIT, "fast": signal.SIGINT}
        if kind in ends or kind == "everything":
            self._is_cluster_down = True
            await asyncio.to_thread(self.cluster.stop, ends.get(kind, signal.SIGKILL))
        if kind in ("one server", "both servers", "everything"):
            self._down = [rng.choice(self.servers)] if kind == "one server" else list(self.servers)
            await asyncio.gather(*(asyncio.to_thread(server.end, signal.SIGKILL) for server in self._down))
        await asyncio.sleep(AWAY_SECONDS)

    async def _kill_backend(self, rng: random.Random) -> None:
        """Kill -9 of one of the processes that write; PostgreSQL then ends the others and recovers by itself."""
        connection = await asyncpg.connect(self.cluster.url())
        rows = await connection.fetch("SELECT pid FROM pg_stat_activity WHERE application_name = 'carnet' ORDER BY pid")
        os.kill(rng.choice(rows)["pid"], signal.SIGKILL)
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.close(timeout=2)

    async def mend(self) -> None:
        if self._is_cluster_down:
            await asyncio.to_thread(self.cluster.start)
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                await (await asyncpg.connect(self.cluster.url())).close()
                break
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                assert time.monotonic() < end, "PostgreSQL does not come back"
                await asyncio.sleep(0.02)
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in self._down))
        self._down, self._is_cluster_down = [], False

    def close(self) -> None:
        for server in self.servers:
            server.end(signal.SIGKILL)
        self.cluster.remove()


MACHINES: dict[str, type[SqliteMachine] | type[PostgresMachine]] = {
    "sqlite": SqliteMachine,
    "postgres": PostgresMachine,
}
