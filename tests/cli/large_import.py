"""A file with very many entries through the command as a process: what it takes, and whether all comes back.

Used by the suite with some thousand entries and by `make prove` with twenty thousand (prove_large_import.py).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

from sync.fhir import exact
from tests.cli import bundles, generated
from tests.cli.kit import DONE, Carnet


class Taken(NamedTuple):
    """What an import came to: its document, and the most memory that its process held, in MiB."""

    told: dict[str, Any]
    peak_mib: float


# Measures from a process that is small itself: what a process held before it became another one counts as that one's.
MEASURE = (
    "import resource, subprocess, sys;"
    "code = subprocess.call(sys.argv[2:]);"
    "open(sys.argv[1], 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss));"
    "sys.exit(code)"
)


def take(phone: Carnet, folder: Path, file: str) -> Taken:
    """Imports a file in a process of its own and measures it."""
    measured = folder / "peak.txt"
    done = phone.start("import", file, under=(sys.executable, "-c", MEASURE, str(measured))).result()
    assert (done.code, done.stderr) == (DONE, ""), (done.stdout[-500:], done.stderr[-500:])
    return Taken(done.json, int(measured.read_text()) / (1 << 20 if sys.platform == "darwin" else 1 << 10))


def comes_back(phone: Carnet, folder: Path, entries: int) -> Taken:
    """Takes a file of so many entries in; the document and the collection that come out again hold all of it."""
    whole = generated.many(entries)
    taken = take(phone, folder, bundles.written(folder, "many.json", whole))
    assert (taken.told["added"], taken.told["held"], taken.told["not_understood"]) == (entries, [], [])
    [source] = phone("sources")
    back = folder / "back.json"
    phone("export", str(back), "--document", source["id"])
    assert exact.canonical(exact.loads(back.read_bytes())) == exact.canonical(whole)
    return taken
