"""`make prove`: a file of twenty thousand entries comes in, memory stays bounded, and comes out equal.

python -m tests.cli.prove_large_import [ENTRIES]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.cli.kit import Carnet, Server, make_phone
from tests.cli.large_import import comes_back

PEAK_MIB_MAX = 700


def main(entries: int) -> int:
    """Takes the file in and gives it back; prints what it took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = Server(folder / "server").start()
        try:
            phone = Carnet(make_phone(folder / "phone", server.url).store)
            began = time.monotonic()
            taken = comes_back(phone, folder, entries)
            seconds = time.monotonic() - began
        finally:
            server.kill()
    print(f"{entries} entries in and out in {seconds:.1f} s; the import held {taken.peak_mib:.0f} MiB at most")
    return 0 if taken.peak_mib < PEAK_MIB_MAX else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000))
