"""A disk of a few MiB that is really full when it is: a tmpfs in a mount namespace of its own, nothing mocked.

Needs leave to make a user namespace or, for root, none that is refused to it: `may_mount` says whether. A process that
is put behind `on_small_disk` sees the disk; `Held` keeps one through restarts of what uses it.
"""

from __future__ import annotations

import functools
import os
import pwd
import subprocess
import time
from pathlib import Path


def on_small_disk(folder: Path, mib: int) -> list[str]:
    """What a command is put behind: `folder` is a disk of its own then, seen by it and its children alone."""
    # Making a namespace forgets that the process ends with its parent, which setpriv says again.
    script = f'mount -t tmpfs -o size={mib}m,mode=700 none "$0" && exec setpriv --pdeathsig QUIT "$@"'
    return ["unshare", "--user", "--map-current-user", "--mount", "--keep-caps", "sh", "-c", script, str(folder)]


def as_nobody() -> dict[str, int]:
    """Whom PostgreSQL runs as where this is root, as arguments of Popen."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


@functools.cache
def may_mount(folder: Path) -> bool:
    """True if a small disk can be put at `folder`."""
    try:
        command = [*on_small_disk(folder, 1), "true"]
        return subprocess.run(command, **as_nobody(), capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


class Held:
    """A small disk at `folder` that stays while processes on it come and go."""

    def __init__(self, folder: Path, mib: int) -> None:
        command = [*on_small_disk(folder, mib), "sleep", "3600"]
        self._holder = subprocess.Popen(command, **as_nobody(), stdin=subprocess.DEVNULL)
        self.behind = ["nsenter", "--target", str(self._holder.pid), "--user", "--mount", "--preserve-credentials"]
        self.behind += ["setpriv", "--pdeathsig", "QUIT"]
        self._filler = folder / "filler"
        end = time.monotonic() + 20
        while Path(f"/proc/{self._holder.pid}/comm").read_text().strip() != "sleep":
            assert self._holder.poll() is None, "the disk was not made"
            assert time.monotonic() < end, "the disk was not made"
            time.sleep(0.01)

    def run(self, *command: object) -> None:
        """Runs a command on it."""
        done = subprocess.run([*self.behind, *map(str, command)], **as_nobody(), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr

    def fill(self) -> None:
        """Takes all the room that is left."""
        self.run("sh", "-c", f'cat /dev/zero > "{self._filler}" 2>/dev/null || true')

    def empty(self) -> None:
        """Gives that room back."""
        self.run("rm", self._filler)

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait(20)
