"""Processes of the server and of the phone's command that start at once: forked by a process that has loaded them.

`born` stands for `subprocess.Popen([sys.executable, "-m", module, …])`, and what it gives is used as a Popen is. Each
test process has one nursery (nursery.py) for each program, started when it is first asked for; it ends with its tests.
A nursery loads one program alone: a server's memory holds nothing of the phone's.
"""

from __future__ import annotations

import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]
PHONE = "sync.device.cli.main"
SERVER = "backend.cli"
LOADED = {  # what a run of the program loads; what is forgotten here is loaded by each run
    SERVER: [
        *(SERVER, "backend.serving", "backend.main", "backend.operate.reveal", "backend.storage.sqlite"),
        *("backend.storage.postgres", "backend.storage.postgres_relay", "litestar._kwargs"),
        *("litestar.exceptions.responses", "litestar.middleware._internal.exceptions", "litestar.plugins.attrs"),
        *("uvicorn.lifespan.on", "uvicorn.loops.uvloop"),
    ],
    PHONE: [
        PHONE,
        *(f"sync.device.cli.{part}" for part in ("files", "network", "people", "questions", "records", "setup")),
        *(f"sync.device.cli.{part}" for part in ("inbox", "ledger", "recovery", "sharing")),
        *("anyio._backends._asyncio", "httpcore", "httpx", "rich.progress"),
    ],
}
_one_at_a_time = threading.Lock()


@functools.cache
def _nursery(program: str) -> socket.socket:
    """The stream of orders to the nursery of a program."""
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-m", "tests.processes.nursery", str(theirs.fileno()), *LOADED[program]]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CARNET_")}
        subprocess.Popen(
            command, cwd=ROOT, env=kept, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
    return ours


class Born:
    """A process: what tests use of subprocess.Popen. `stdin`, `stdout`, `stderr`: ours where PIPE was asked for."""

    def __init__(self, args: Sequence[str], files: Sequence[IO[Any] | None], answer: socket.socket) -> None:
        self.args = args
        self.stdin, self.stdout, self.stderr = files
        self.returncode: int | None = None
        self._answer = answer
        self._said = b""
        self.pid = self._number(None)
        assert self.pid is not None

    def _number(self, timeout: float | None) -> int | None:
        """The next number that the nursery says, or None if it says none in that time."""
        while b"\n" not in self._said:
            if not select.select([self._answer], [], [], timeout)[0]:
                return None
            piece = self._answer.recv(64)
            assert piece, "the nursery is gone: what it said stands in the output of the tests"
            self._said += piece
        line, self._said = self._said.split(b"\n", 1)
        return int(line)

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._ended(0)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self.returncode = self._number(timeout)
            if self.returncode is not None:
                self._answer.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end. Raises: subprocess.TimeoutExpired."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[Any, Any]:
        """What it writes until its end, and waits for that. Raises: subprocess.TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        if self.stdin is not None:
            self.stdin.close()
        heard: list[Any] = [None, None]

        def hear(place: int, file: IO[Any]) -> None:
            heard[place] = file.read()
            file.close()

        files = [(place, file) for place, file in enumerate((self.stdout, self.stderr)) if file and not file.closed]
        readers = [threading.Thread(target=hear, args=each, daemon=True) for each in files]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(None if end is None else max(0.0, end - time.monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(None if end is None else max(0.0, end - time.monotonic()))
        return heard[0], heard[1]


def born(
    module: str,
    *arguments: str,
    program: str = SERVER,
    stdin: int | None = None,
    stdout: IO[Any] | int | None = None,
    stderr: IO[Any] | int | None = None,
    cwd: Path = ROOT,
    env: dict[str, str],
    text: bool = False,
) -> Born:
    """Runs a module in a process of its own. `program`: whose nursery; files as subprocess.Popen takes them."""
    ours: list[IO[Any] | None] = [None, None, None]
    theirs, opened = [0, 1, 2], []
    for place, wanted in enumerate((stdin, stdout, stderr)):
        if wanted == subprocess.PIPE:
            read, write = os.pipe()
            mine, its = (write, read) if place == 0 else (read, write)
            how = ("w" if place == 0 else "r") + ("" if text else "b")
            ours[place] = os.fdopen(mine, how, encoding="utf-8" if text else None)
        elif wanted == subprocess.DEVNULL:
            its = os.open(os.devnull, os.O_RDWR)
        elif wanted is not None:
            theirs[place] = wanted if isinstance(wanted, int) else wanted.fileno()
            continue
        else:
            continue
        theirs[place] = its
        opened.append(its)
    answer, theirs_to_answer = socket.socketpair()
    order = {"module": module, "arguments": list(arguments), "cwd": str(cwd), "env": env}
    data = json.dumps(order).encode()
    with theirs_to_answer, _one_at_a_time:
        orders = _nursery(program)
        socket.send_fds(orders, [len(data).to_bytes(8, "big")], [*theirs, theirs_to_answer.fileno()])
        orders.sendall(data)
    for file in opened:
        os.close(file)
    return Born([module, *arguments], ours, answer)
