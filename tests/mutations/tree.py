"""A copy of the whole tree in which one mutation at a time stands, and the checks that are run there.

Byte code is compiled once and bound to the hash of its source, so that a file that was changed, in whatever second, is
read anew and nothing else is.
"""

import compileall
import os
import py_compile
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tests.mutations.checks import arguments_of
from tests.mutations.mutation import ROOT, Mutation, mutated

PACKAGES = ("backend", "sync", "crypto")
NOTICED = {1, 3}  # exit codes: of pytest when a test failed, of tests.mutations.worlds when a world did
_COUNTS = re.compile(r"(\d+) (failed|passed|error)")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S.*?)(?: - .*)?$", re.MULTILINE)


class Found(NamedTuple):
    """What a check said: `caught`, by what, after how many examples (tests, cases or worlds), in how many seconds."""

    caught: bool
    by: str
    examples: int
    seconds: float
    broken: str | None = None  # why the check itself could not be run


class Tree:
    """A copy of the files that git knows, or would take, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        for name in filter(None, listed.stdout.decode().split("\0")):
            source, target = ROOT / name, folder / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
        mode = py_compile.PycInvalidationMode.CHECKED_HASH
        for package in PACKAGES:
            compileall.compile_dir(folder / package, quiet=2, invalidation_mode=mode)

    def try_(self, mutation: Mutation, seconds_max: float) -> list[Found]:
        """Puts one mutation in, runs its checks, takes it out. Raises: Stale."""
        path = self.folder / mutation.path
        source = path.read_text()
        path.write_text(mutated(mutation, source))
        try:
            return [self.check(check, seconds_max) for check in mutation.caught_by]
        finally:
            path.write_text(source)

    def check(self, check: str, seconds_max: float) -> Found:
        """Runs one check in a process of its own that has so many seconds; one that does not end has caught nothing."""
        started = time.monotonic()
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # to load them all takes longer than most of these checks
        }
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments_of(check)],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(timeout=seconds_max)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return Found(False, "", 0, time.monotonic() - started, f"no end within {seconds_max:.0f} s")
        seconds = time.monotonic() - started
        counts = {what: int(number) for number, what in _COUNTS.findall(said)}
        examples = sum(counts.values())
        failed = _FAILED.findall(said)
        caught = process.returncode in NOTICED and bool(failed)
        broken = None if caught or process.returncode == 0 else said[-2_000:]
        return Found(caught, failed[0] if failed else "", examples, seconds, broken)
