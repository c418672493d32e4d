"""Starts `carnet-server` as a process of its own, for tests that kill and stop it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from tests.processes.born import ROOT, SERVER, Born, born


def command(
    *arguments: str,
    module: Sequence[str] = (SERVER,),
    before: Sequence[str] = (),
    out: IO[bytes] | int = subprocess.PIPE,
    **environment: str,
) -> Born | subprocess.Popen[bytes]:
    """Starts a module with its first arguments, and these after them; `before`: what it is put behind, then cold."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("CARNET_")} | environment
    if before:
        cold = [*before, sys.executable, "-m", *module, *arguments]
        return subprocess.Popen(cold, cwd=ROOT, env=env, stdout=out, stderr=out)
    return born(*module, *arguments, stdout=out, stderr=out, env=env)


@contextlib.contextmanager
def running(folder: Path, *arguments: str, **environment: str) -> Iterator[tuple[Born | subprocess.Popen[bytes], str]]:
    """A server process and its address; it is gone when the block ends."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    where = ("--data", str(folder / "data"), "--port", "0", "--ready-file", str(ready))
    process = command("run", *where, *arguments, **environment)
    try:
        for _ in range(2_400):  # a minute: a busy machine starts slowly
            if ready.exists():
                break
            assert process.poll() is None, process.stderr.read().decode()
            time.sleep(0.025)
        said = json.loads(ready.read_text())
        assert said["pid"] == process.pid
        assert (list(said), said["url"].rpartition(":")[0]) == (["url", "pid"], "http://127.0.0.1")
        yield process, said["url"]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=20)


def finished(*arguments: str, **environment: str) -> tuple[int, str, str]:
    process = command(*arguments, **environment)
    out, err = process.communicate(timeout=20)
    return process.returncode, out.decode(), err.decode()
