"""How a figure is taken: processor time of this process, the median of several runs, the collector off inside them.

Processor time and not wall time, because other programs share the cores. Each run begins with a state of its own, and
the first one only warms up. A library that keeps objects of its own threads is counted with them.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def cpu_ms(prepare: Callable[[], T], act: Callable[[T], object], runs: int) -> float:
    """Milliseconds of processor time that `act` takes on what `prepare` makes: the median of `runs` after one more."""
    taken = []
    for _ in range(runs + 1):
        state = prepare()
        gc.collect()
        gc.disable()
        try:
            began = time.process_time_ns()
            kept = act(state)
            taken.append((time.process_time_ns() - began) / 1e6)
        finally:
            gc.enable()
        del state, kept  # what is freed is not part of the figure
    return statistics.median(taken[1:])


def process_cpu_ms(pid: int) -> float:
    """Milliseconds of processor time that a running process has taken, all its threads together (Linux)."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e6


def resident_mib(pid: int | str = "self") -> float:
    """MiB of memory that a process holds (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("a process has a resident set")
