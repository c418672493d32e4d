"""A file with very many entries through the command as a process: what it takes, and whether all comes back.

Used by the suite with some thousand entries and by `make prove` with twenty thousand (prove_large_import.py).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

from sync.fhir import exact
from tests.cli import bundles, generated
from tests.cli.kit import DONE, Carnet, Running


class Taken(NamedTuple):
    """What an import came to: its document, and the most memory that its process held, in MiB."""

    told: dict[str, Any]
    peak_mib: float


def take(phone: Carnet, file: str) -> Taken:
    """Imports a file in a process of its own and measures it."""
    running = phone.start("import", file)
    process = running.process
    assert process.stdout is not None
    assert process.stderr is not None
    out, err = process.stdout.read(), process.stderr.read()  # both are short
    _, ended, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(ended)
    Running(process).process.communicate()
    assert (process.returncode, err) == (DONE, ""), (out[-500:], err[-500:])
    return Taken(json.loads(out), usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10))


def comes_back(phone: Carnet, folder: Path, entries: int) -> Taken:
    """Takes a file of so many entries in; the document and the collection that come out again hold all of it."""
    whole = generated.many(entries)
    taken = take(phone, bundles.written(folder, "many.json", whole))
    assert (taken.told["added"], taken.told["held"], taken.told["not_understood"]) == (entries, [], [])
    [source] = phone("sources")
    back = folder / "back.json"
    phone("export", str(back), "--document", source["id"])
    assert exact.canonical(exact.loads(back.read_bytes())) == exact.canonical(whole)
    return taken
