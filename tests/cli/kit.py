"""Phones and a server to drive from outside: the real command and the real server, each in a process of its own.

Processes are forked by one that has loaded the program already (tests/processes), for starting is not the subject here.
`Server` is `carnet-server run` on SQLite, killed with SIGKILL and started again on the same port and data. `Carnet`
runs the command as a process; `Inside` runs the same command in this process (some ten times as fast, and with a clock
that a test may set), for tests with many runs. Both have the same calls: a test reads the same with either.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import hashlib
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from sync.device.cli import context as command_context
from sync.device.cli.main import main
from sync.device.linking import approve, show_code, show_join_code, wait_to_be_let_in
from sync.device.phone import Phone
from sync.device.store import lock
from sync.device.store.lock import Unlocking
from sync.device.store.store import Store
from sync.device.transport import HttpTransport
from sync.fhir import exact
from tests.processes.born import PHONE, ROOT, SERVER, Born, born

PASSPHRASE = "a passphrase for tests"
DONE, REFUSED, USAGE, WAITS = 0, 1, 2, 3
START_SECONDS = 30
RUN_SECONDS = 120


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without settings of Carnet's that stand in it by chance."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CARNET_")}
    path = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH", "")]))
    return {**kept, "PYTHONPATH": path, **more}


class Server:
    """One server over one folder. `origin`: the address that phones sign, when something stands between.

    `settings`: variables that it finds in its environment; `module`: what runs as the server, with its first arguments.
    """

    module: Sequence[str] = (SERVER,)

    def __init__(self, folder: Path, *, port: int = 0, origin: str | None = None, **settings: str) -> None:
        self.folder, self.port, self.origin, self.settings = folder, port, origin, settings
        self.data, self.log = folder / "data", folder / "server.log"
        self.process: Born | None = None
        folder.mkdir(parents=True, exist_ok=True)
        atexit.register(self.kill)  # a fixture that fails half-way must leave no server behind

    @property
    def url(self) -> str:
        return self.origin or f"http://127.0.0.1:{self.port}"

    def start(self) -> Server:
        """Starts it, on the same port as the last time, and waits until it answers."""
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        command = [*self.module, "run", "--data", str(self.data), "--port", str(self.port)]
        command += ["--ready-file", str(ready), *(["--origin", self.origin] if self.origin else [])]
        environment = clean_environment(CARNET_ADDRESS_PER_MINUTE_MAX="1000000", **self.settings)
        with self.log.open("ab") as log:
            self.process = born(*command, stdout=log, stderr=log, env=environment)
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the server did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.01)
        self.port = int(json.loads(ready.read_text())["url"].rpartition(":")[2])
        return self

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nothing is said."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(START_SECONDS)
            self.process = None

    def killed_and_started(self) -> None:
        """As after a power cut."""
        self.kill()
        self.start()

    def stop(self) -> None:
        """SIGTERM, and waits for the end."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(START_SECONDS)
            self.process = None

    def copied(self, folder: Path) -> Server:
        """A stopped server's data in another folder, for the same port: phones cannot tell it from the first."""
        assert self.process is None, "a running server's files are not copied"
        shutil.copytree(self.data, folder / "data")
        return Server(folder, port=self.port, origin=self.origin, **self.settings)

    def reveal(self, id_: str) -> str:
        """What `carnet-server reveal` prints about an account or a device, both ways."""
        out = ""
        for form in ([], ["--json"]):
            command = [SERVER, "reveal", "--data", str(self.data), id_, *form]
            asked = born(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(), text=True)
            said, complained = asked.communicate()
            assert asked.returncode == 0, complained
            out += said + complained
        return out


class Result(NamedTuple):
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.stdout)

    @property
    def exact(self) -> Any:
        """The same, numbers as they were written."""
        return exact.loads(self.stdout)


class Running(NamedTuple):
    """A command that has been started."""

    process: Born | subprocess.Popen[str]

    def line(self) -> Any:
        """The next line of stdout, read as JSON."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def result(self) -> Result:
        """Waits for the end."""
        out, err = self.process.communicate(timeout=RUN_SECONDS)
        return Result(self.process.returncode, out, err)


class Carnet:
    """One phone: a store folder and the command as a process of its own for each call."""

    is_cold = False

    def __init__(self, store: Path, passphrase: str = PASSPHRASE) -> None:
        self.store, self.passphrase = store, passphrase

    def start(
        self, *arguments: str, json: bool = True, stdin: str = "", under: Sequence[str] = (), **environment: str
    ) -> Running:
        """Starts a command, `under` another one if need be; everything it may ask is answered from `stdin`."""
        options = ["--store", str(self.store), *(["--json"] if json else []), *arguments]
        more = {"CARNET_PASSPHRASE": self.passphrase, **environment}
        env = clean_environment(**{name: value for name, value in more.items() if value is not None})
        piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = (
            subprocess.Popen([*under, sys.executable, "-m", PHONE, *options], cwd=ROOT, env=env, **piped)
            if under or self.is_cold
            else born(PHONE, *options, program=PHONE, env=env, **piped)
        )
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.close()
        process.stdin = None
        return Running(process)

    def run(self, *arguments: str, json: bool = True, stdin: str = "", **environment: str) -> Result:
        """Runs a command to its end."""
        return self.start(*arguments, json=json, stdin=stdin, **environment).result()

    def __call__(self, *arguments: str, codes: tuple[int, ...] = (DONE, WAITS)) -> Any:
        """Runs a command that is expected to work and gives its JSON."""
        done = self.run(*arguments)
        assert done.code in codes, f"carnet {' '.join(arguments)[:80]}: exit {done.code}\n{done.stdout}{done.stderr}"
        return done.json

    def inside(self) -> Inside:
        """The same phone, driven in this process."""
        return Inside(self.store, self.passphrase)


class Cold(Carnet):
    """One phone, each call a process that loads the command itself, as a person's does: for figures of all of it."""

    is_cold = True


class Inside(Carnet):
    """One phone, the command run in this process. `ahead_ms`: how wrong its clock is, in milliseconds."""

    def __init__(self, store: Path, passphrase: str = PASSPHRASE, ahead_ms: int = 0) -> None:
        super().__init__(store, passphrase)
        self.ahead_ms = ahead_ms

    def now_ms(self) -> int:
        """What this phone's clock says."""
        return time.time_ns() // 1_000_000 + self.ahead_ms

    def run(self, *arguments: str, json: bool = True, stdin: str = "", **environment: str) -> Result:
        """Runs a command to its end."""
        out, err = io.StringIO(), io.StringIO()
        more = {"CARNET_PASSPHRASE": self.passphrase, **environment}
        clock = SimpleNamespace(time_ns=lambda: self.now_ms() * 1_000_000)
        line = ["--store", str(self.store), *(["--json"] if json else []), *arguments]
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            _replaced(sys, "stdin", io.StringIO(stdin)),
            _replaced(command_context, "time", clock),
            _environment(more),
            cheap_lock(),
        ):
            try:
                code = main(line)
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 1
        return Result(code, out.getvalue(), err.getvalue())

    @contextlib.asynccontextmanager
    async def phone(self, *, create: bool = False) -> Any:
        """The phone as its functions take it, for tests that need more than the command shows."""
        with cheap_lock():
            opening = Store.create if create else Store.open
            store = await opening(self.store, Unlocking(lambda: self.passphrase, None))
        try:
            yield Phone(store, HttpTransport, self.now_ms, os.urandom)
        finally:
            await store.close()


@contextlib.contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextlib.contextmanager
def _environment(more: dict[str, Any]) -> Iterator[None]:
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("CARNET_")]:
        del os.environ[name]
    os.environ.update({name: value for name, value in more.items() if value is not None})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def cheap_lock() -> Iterator[None]:
    """Stores made meanwhile have a passphrase that is quick to try: its cost is kept with them, and not the subject."""
    with _replaced(lock, "MEMORY_KIB", 8), _replaced(lock, "ITERATIONS", 1), _replaced(lock, "LANES", 1):
        yield


def make_phone(store: Path, server: str, *, person: str = "Testa Testperson", device: str = "phone A") -> Inside:
    """A new person with a first phone and a vault."""
    made = Inside(store)
    made(
        "--no-keyring", "init", "--server", server, "--name", person, "--device", device, "--vault", "records of a test"
    )
    return made


def link_phone(store: Path, approver: Inside, server: str, *, device: str = "phone B") -> Inside:
    """A second phone of the same person, linked and synced; both steps in this process, without waiting in between."""
    made = Inside(store, approver.passphrase)

    async def link() -> None:
        async with made.phone(create=True) as new, approver.phone() as old:
            code = await show_code(new, server, device)
            await approve(old, code)
            await wait_to_be_let_in(new)

    asyncio.run(link())
    approver("sync")
    return made


def join_phone(
    store: Path, approver: Carnet, server: str, *arguments: str, person: str, device: str, key_type: int | None = None
) -> tuple[Inside, str | None]:
    """The first phone of another person, let in by `approve` with these arguments; and her recovery code."""
    made = Inside(store, approver.passphrase)

    async def show() -> tuple[str, str | None]:
        async with made.phone(create=True) as new:
            return await show_join_code(new, server, person, device, key_type=key_type)

    async def wait() -> None:
        async with made.phone() as new:
            await wait_to_be_let_in(new)

    code, recovery_code = asyncio.run(show())
    approver("approve", code, *arguments)
    asyncio.run(wait())
    return made, recovery_code


def together(*started: Running) -> list[Result]:
    """The results of commands that run at the same time."""
    return [one.result() for one in started]


def settle(*phones: Carnet, rounds: int = 2) -> None:
    """Syncs every phone in turn until each has all."""
    for _ in range(rounds):
        for phone in phones:
            phone("sync")


def store_hash(store: Path) -> str:
    """A hash over the content of every table of a phone's store."""
    digest = hashlib.sha256()
    with contextlib.closing(sqlite3.connect(f"file:{store / 'carnet.db'}?mode=ro", uri=True)) as database:
        digest.update(repr(database.execute("PRAGMA user_version").fetchone()).encode())
        for (table,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        ).fetchall():
            digest.update(table.encode())
            for row in database.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall():
                digest.update(repr(row).encode())
    return digest.hexdigest()


def records_of(phone: Carnet, folder: Path) -> list[bytes]:
    """Every record of a phone as it is exported, as canonical JSON with the numbers' text kept, sorted."""
    file = folder / f"{phone.store.name}-export.json"
    phone("export", str(file))
    bundle = exact.loads(file.read_bytes())
    return sorted(exact.canonical(entry["resource"]) for entry in bundle.get("entry", ()))


def vault_of(phone: Carnet) -> dict[str, Any]:
    """The one vault of a phone, as `vaults` tells it."""
    [vault] = phone("vaults")
    return vault


def notes_of(phone: Carnet, record: str) -> list[str]:
    """The annotations of a record, oldest first."""
    history = phone("show", record, "--history")["history"]
    return [step["value"]["text"] for step in history if step["element"].startswith("@note/")]


Wanted = Callable[[dict[str, Any]], bool]


def id_of(phone: Carnet, type_: str, wanted: Wanted = lambda _: True) -> str:
    """The id of the one record of a type that fits."""
    fitting = [row["id"] for row in phone("list", type_) if wanted(row)]
    assert len(fitting) == 1, f"{len(fitting)} records of {type_} fit"
    return fitting[0]
