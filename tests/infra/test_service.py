"""The systemd unit: valid, closed, and open enough for what the server really asks of the system.

No systemd runs here: the unit is verified and rated, and the server is run under what of its limits can be had without
one (no memory that is written and executed), every call to the system noted and held against the unit's list.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from backend.settings import Settings
from tests.cli.kit import make_phone
from tests.infra.tools import INFRA, ROOT, free_port, quiet, started

UNIT = INFRA / "systemd" / "carnet-server.service"
TEXT = UNIT.read_text("utf-8")
EXPOSURE_MAX = 10  # tenths of systemd's ten points
# Like MemoryDenyWriteExecute: PR_SET_MDWE, kept by what is executed. The first argument of the rest is the program.
DENY_WRITE_EXECUTE = (
    "import ctypes, os, sys; made = ctypes.CDLL(None).prctl(65, 1, 0, 0, 0); "
    "print('mdwe', made, file=sys.stderr, flush=True); os.execv(sys.argv[1], sys.argv[1:])"
)


def value(name: str) -> str:
    """What the unit sets, the last time it does."""
    return re.findall(rf"^{name}=(.*)$", TEXT, re.MULTILINE)[-1]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The unit with a program that is on this machine: where it will lie nothing is installed yet."""
    unit = tmp_path / UNIT.name
    unit.write_text(TEXT.replace("/opt/carnet/bin/carnet-server", sys.executable))
    return unit


def test_the_unit_is_valid(here):
    done = subprocess.run(["systemd-analyze", "verify", str(here)], capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if here.name in line]) == (0, [])


def test_the_unit_is_closed(here):
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", "--no-pager", str(here)]
    quiet(*command)


def test_a_stop_gives_requests_the_time_that_the_server_gives_them():
    assert int(value("TimeoutStopSec").removesuffix("s")) > Settings().drain_seconds_max + 10


def test_the_server_asks_the_system_for_nothing_that_the_unit_denies(tmp_path):
    port, calls, log = free_port(), tmp_path / "calls", tmp_path / "server.log"
    run = ["-m", "backend.cli", "run", "--data", str(tmp_path / "data"), "--port", str(port)]
    command = [sys.executable, "-c", DENY_WRITE_EXECUTE, sys.executable, *run]
    traced = shutil.which("strace") is not None
    if traced:
        command = ["strace", "-f", "-qq", "-o", str(calls), *command]
    with started(command, port, log, PYTHONPATH=str(ROOT)) as process:
        phone = make_phone(tmp_path / "phone", f"http://127.0.0.1:{port}")
        phone("new", "Condition", '{"code": {"text": "a cold"}}')
        assert phone("sync")["sent"] > 0
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split() if traced else []
        subprocess.run(["kill", *(children or [str(process.pid)])], check=True)
        assert process.wait(30) == 0
    if "mdwe 0" not in log.read_text():
        warnings.warn("left out: this kernel cannot deny memory that is written and executed", stacklevel=1)
    if not traced:
        warnings.warn("left out: the server's calls to the system; get them with: apt-get install strace", stacklevel=1)
        return
    text = calls.read_text()
    asked = set(re.findall(r"^\d+ +(\w+)\(", text, re.MULTILINE))
    assert {"accept4", "fdatasync"} & asked
    as_root = {"fchown"} if os.getuid() == 0 else set()  # SQLite gives its files away when it is root, and only then
    assert asked - allowed() - as_root == set()
    kinds = set(re.findall(r"socket\((AF_\w+)", text))
    assert kinds - set(value("RestrictAddressFamilies").split()) == set()


def allowed() -> set[str]:
    """The calls that SystemCallFilter= lets through."""
    names: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", TEXT, re.MULTILINE):
        listed = set().union(*(calls_of(group) for group in line.lstrip("~").split()))
        names = names - listed if line.startswith("~") else names | listed
    return names


def calls_of(group: str) -> set[str]:
    """The calls of one of systemd's groups, groups in it resolved."""
    command = ["systemd-analyze", "syscall-filter", "--no-pager", group]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: set[str] = set()
    for word in re.findall(r"^ +([@\w-]+)$", said, re.MULTILINE):
        found |= calls_of(word) if word.startswith("@") else {word}
    return found
