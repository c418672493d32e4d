"""A server that has answered large requests gives their memory back: blocks of a body are the system's own."""

from __future__ import annotations

import platform
import subprocess
import sys

from tests.cli.kit import ROOT, clean_environment

# Bodies come and go among small things that stay, as they do in a process that serves.
_PROGRAM = """
import sys
from backend.memory import LARGE_BYTES, give_back_large_blocks
from infra.bench.measure import resident_mib

if sys.argv[1] == "held":
    give_back_large_blocks()
kept = []
first = bytearray(4 << 20)
del first
before = resident_mib()
for _ in range(6):
    bodies = []
    for size in range(12):
        bodies.append(bytearray((size + 4) << 18))
        kept.append(bytearray(LARGE_BYTES // 4))
    del bodies
print(resident_mib() - before)
"""


def _grown(how: str) -> float:
    command = [sys.executable, "-c", _PROGRAM, how]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=clean_environment())
    return float(done.stdout)


def test_large_blocks_go_back_where_glibc_would_have_learnt_to_keep_them() -> None:
    kept_mib = 6 * 12 / 32  # what the program itself still holds
    held, free = _grown("held"), _grown("as it is")
    assert held < kept_mib + 2
    if platform.libc_ver()[0] == "glibc":
        assert free > held + 4, "the program shows nothing: without the setting as much was given back"
