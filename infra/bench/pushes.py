"""The rows of pushes: how soon many devices are woken, what that takes, whom a token endpoint that hangs holds up.

The real server with the real SDK before a stand-in for Firebase (infra/fcm), each in a process of its own on the same
cores: what the stand-in costs is in the rate. The outbox is filled beforehand, in the file.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from infra.bench.beating import PATH
from infra.bench.measure import process_cpu_ms, resident_mib
from infra.bench.report import Row, at_most, plain
from infra.bench.servers import Running, _started
from infra.fcm.server import FIGURES, HANG_TOKENS
from sync.wire.card import DEVICE

SECTION = "push"
DONE_SECONDS = 600
ACCOUNT = "INSERT INTO accounts (account, made_at) VALUES (?, 0)"
DEVICE_ROW = (
    "INSERT INTO devices (device, account, kind, key_type, signing_key, card, signature, enrolled_at)"
    " VALUES (?, ?, ?, 0, x'', x'', x'', 0)"
)
TARGET = (
    "INSERT INTO push_targets (device, platform, address_kind, address, topic, wakes, set_at, claimed_until, paced_at)"
    " VALUES (?, 'android', 'fid', ?, ?, 1, 0, 0, 0)"
)
WISH = (
    "INSERT INTO outbox (device, class, urgent, wishes, settled, since, wished_at, due_at, attempts)"
    " VALUES (?, 0, 0, 1, 0, ?, ?, ?, 0)"
)


def rows(devices: int, hang_seconds: int) -> list[Row]:
    """Every row: so many devices woken, a token endpoint that hangs for so long."""
    with tempfile.TemporaryDirectory() as name:
        return [
            *_woken(Path(name) / "woken", devices),
            *_stalls(Path(name) / "stalls", min(devices, 500), hang_seconds),
        ]


def filled(folder: Path, devices: int) -> None:
    """A database in which so many devices are to be woken now."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "backend.cli", "migrate", "--data", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    ids = [hashlib.sha256(b"device %d" % number).digest() for number in range(devices)]
    now = time.time_ns() // 1_000_000
    with contextlib.closing(sqlite3.connect(folder / "carnet.sqlite3")) as database, database:
        database.executemany(ACCOUNT, [(id_[:16],) for id_ in ids])
        database.executemany(DEVICE_ROW, [(id_, id_[:16], DEVICE) for id_ in ids])
        database.executemany(TARGET, [(id_, id_.hex(), id_.hex()[:22]) for id_ in ids])
        database.executemany(WISH, [(id_, now, now, now) for id_ in ids])


@contextlib.contextmanager
def pushing(folder: Path, module: str, hangs: bool = False) -> Iterator[tuple[Running, Running]]:
    """A server over a filled folder, and the stand-in that it pushes to. `hangs`: nobody gets a token."""
    stand_in = folder / "stand-in"
    stand_in.mkdir()
    fcm_command = [sys.executable, "-m", "infra.fcm", str(stand_in)]
    with _started(fcm_command, stand_in / "ready.json", stand_in) as fcm:
        if hangs:
            httpx.get(fcm.url + HANG_TOKENS)
        ready = folder / "ready.json"
        command = [sys.executable, "-m", module, "run", "--data", str(folder), "--port", "0"]
        command += ["--ready-file", str(ready), "--push-credentials", str(stand_in / "account.json")]
        with _started(command, ready, folder, CARNET_PUSH_ENDPOINT=fcm.url) as server:
            yield server, fcm


def _woken(folder: Path, devices: int) -> list[Row]:
    filled(folder, devices)
    with pushing(folder, "backend.cli") as (server, fcm):
        began, cpu, first, most = time.monotonic(), process_cpu_ms(server.pid), resident_mib(server.pid), 0.0
        while (told := httpx.get(fcm.url + FIGURES).json())["taken"] < devices:
            assert time.monotonic() - began < DONE_SECONDS, told
            most = max(most, resident_mib(server.pid))
            time.sleep(0.05)
        seconds, cpu = time.monotonic() - began, process_cpu_ms(server.pid) - cpu
    assert told["wrong"] == [], told["wrong"]
    what = f"{devices:,} devices woken, one process"
    return [
        plain(SECTION, f"{what}, SDK and stand-in on the same cores", "pushes/s", devices / seconds),
        plain(SECTION, f"{what}, processor time of the server", "ms a push", cpu / devices),
        plain(SECTION, f"{what}, memory at most", "MiB", most, **{"when it began": first}),
        at_most(SECTION, f"{what}, connections open at a time", "connections", told["most_open"], 100),
        plain(SECTION, f"{what}, sent again because no answer came in time", "pushes", told["asked"] - devices),
    ]


def _stalls(folder: Path, devices: int, seconds: int) -> list[Row]:
    """Milliseconds that the loop let others wait while the token endpoint hung: by thread, by clock."""
    filled(folder, devices)
    with pushing(folder, "infra.bench.beating", hangs=True) as (server, fcm):
        while not httpx.get(fcm.url + FIGURES).json()["refreshes"]:
            time.sleep(0.05)
        httpx.get(server.url + PATH)
        time.sleep(seconds)
        by_clock, by_thread = httpx.get(server.url + PATH).json()
        assert httpx.get(fcm.url + FIGURES).json()["taken"] == 0
    what = "longest stall of the loop while the token endpoint hangs"
    return [
        at_most(SECTION, f"{what}, processor time", "ms", by_thread[0], 20),
        plain(SECTION, f"{what}, by the clock", "ms", by_clock[0], **{"p99.9": by_clock[len(by_clock) // 1000]}),
    ]
