"""Figures that are read when they are asked for: this process, the disk under the server's folder, its database.

The names of a process's figures are those that every Prometheus client uses. What cannot be known here (no /proc, no
database) is left out, and the rest is said. Of nobody: sums over everyone. Spec: openapi/protocol/limits.md, LIM-11.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from backend.storage.engine import Engine, StorageError
from backend.storage.size import database_bytes


class Figure(NamedTuple):
    """What a figure is, in a sentence, its kind (gauge or counter) and its value."""

    name: str
    kind: str
    words: str
    value: float


async def figures(engine: Engine, folder: Path) -> list[Figure]:
    """All that can be known now. `folder`: the server's; the disk is the one that it is on, or would be."""
    found = [*_disk(folder), *_process()]
    try:
        size = await database_bytes(engine.reading())
    except StorageError:
        return found
    return [Figure("carnet_database_bytes", "gauge", "Bytes of the database.", size), *found]


def _disk(folder: Path) -> Iterator[Figure]:
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    disk = os.statvfs(folder)
    yield Figure("carnet_disk_bytes", "gauge", "Bytes of the disk under the folder.", disk.f_blocks * disk.f_frsize)
    words = "Bytes that are free there for this user."
    yield Figure("carnet_disk_free_bytes", "gauge", words, disk.f_bavail * disk.f_frsize)


def _process() -> Iterator[Figure]:
    times = os.times()
    yield Figure("process_cpu_seconds_total", "counter", "Seconds of processor.", times.user + times.system)
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        files = len(os.listdir("/proc/self/fd"))
    except OSError:
        return
    yield Figure("process_resident_memory_bytes", "gauge", "Bytes in memory.", pages * os.sysconf("SC_PAGE_SIZE"))
    yield Figure("process_open_fds", "gauge", "Open files and connections.", files)
