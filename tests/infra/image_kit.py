"""The image's own steps, run here: no container engine is needed, and none has been used.

`Recipe` reads infra/image/Containerfile. `build` does what its first stage does: copies what it copies into an empty
folder and runs its RUN lines there. `Box` runs a program of the result as the image would: as a number without a name
(or, for who is not root, as oneself without any capability), every file system read-only but the data folder. A machine
that allows neither says so in a warning.
What only an engine can show stays unshown: that the base has what is asked of it, and how layers come out.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
CONTAINERFILE = ROOT / "infra" / "image" / "Containerfile"
PREFIX = "/opt/carnet"
BUILD_SECONDS = 400
# Mounts, then gives everything up. $1: the tree, $2: the one folder to write in, $3: where Python itself lies, $4: a
# folder above that which others may not enter, or nothing; in that one's place comes an empty one with Python in it.
# The rest: who becomes what.
BOX = """
set -e
mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; mount --bind "$2" "$2"
if [ -n "$4" ]; then
  mount --bind "$3" /mnt; mount -t tmpfs -o mode=755 none "$4"; mkdir -p "$3"; mount --bind /mnt "$3"; umount /mnt
  mount -o remount,bind,ro "$3"; mount -o remount,bind,ro "$4"
fi
mount -o remount,bind,ro /
cd "$2"; shift 4; exec "$@"
"""


class Recipe(NamedTuple):
    """The Containerfile's instructions, each of its two stages a list of (word, rest)."""

    build: list[tuple[str, str]]
    final: list[tuple[str, str]]

    def all_of(self, word: str, *, final: bool = True) -> list[str]:
        """What stands after each `word` of a stage."""
        return [rest for name, rest in (self.final if final else self.build) if name == word]

    def one(self, word: str) -> str:
        """The one `word` of the last stage."""
        [rest] = self.all_of(word)
        return rest

    def environment(self) -> dict[str, str]:
        """ENV of the last stage."""
        pairs = [part.partition("=") for rest in self.all_of("ENV") for part in shlex.split(rest)]
        return {name: value for name, _, value in pairs}

    def command(self) -> list[str]:
        """ENTRYPOINT and CMD."""
        return [*json.loads(self.one("ENTRYPOINT")), *json.loads(self.one("CMD"))]

    def user(self) -> tuple[int, int]:
        """USER as numbers."""
        user, _, group = self.one("USER").partition(":")
        return int(user), int(group)

    def health(self) -> list[str]:
        """The command of HEALTHCHECK."""
        return list(json.loads(self.one("HEALTHCHECK").partition("CMD ")[2]))


def recipe() -> Recipe:
    """Reads it."""
    text = CONTAINERFILE.read_text("utf-8").replace("\\\n", " ")
    stages: list[list[tuple[str, str]]] = []
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        if not word or word.startswith("#"):
            continue
        if word == "FROM":
            stages.append([])
        if stages:
            stages[-1].append((word, rest.strip()))
    return Recipe(*stages)


def copied(context: Path, rests: list[str]) -> None:
    """COPY lines into `context`, as an engine does: a folder's content, a file into a folder that ends with a slash."""
    for rest in rests:
        *names, target = rest.split()
        for name in names:
            source, to = ROOT / name, context / target
            if source.is_dir():
                shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
            else:
                if target.endswith("/"):
                    to.mkdir(parents=True, exist_ok=True)
                    to = to / source.name
                shutil.copy2(source, to)


def build(folder: Path, extras: str) -> Path:
    """Does the first stage's steps for another prefix than the image's; gives that prefix."""
    context, prefix = folder / "context", folder / "prefix"
    context.mkdir()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    copied(context, recipe().all_of("COPY", final=False))
    for step in recipe().all_of("RUN", final=False):
        step = step.replace(PREFIX, str(prefix)).replace("server postgres firebase", extras)
        done = subprocess.run(
            ["sh", "-c", step],
            cwd=context,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return prefix


def _works(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


class Box:
    """Where the image's programs run. `tree`: what build() gave. `data`: the one folder that can be written."""

    def __init__(self, tree: Path, data: Path) -> None:
        self.tree, self.data = tree, data
        user, group = recipe().user()
        dropped = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        if os.getuid() == 0:
            os.chown(data, user, group)
            namespace = ["unshare", "--mount", "--propagation=private"]
            becomes = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", *dropped]
        else:
            namespace = ["unshare", "--user", "--map-root-user", "--mount", "--propagation=private"]
            becomes = ["setpriv", *dropped]
        base = Path(sys.base_prefix).resolve()
        closed = [str(folder) for folder in reversed(base.parents) if not folder.stat().st_mode & 0o001]
        around = [str(tree), str(data), str(base), closed[0] if closed and os.getuid() == 0 else ""]
        boxed = [*namespace, "sh", "-c", BOX, "box", *around, *becomes, "env", "-i"]
        self.is_closed = _works([*boxed, "true"])
        if not self.is_closed:
            warnings.warn("no namespaces for this user: the image could write beside its data", stacklevel=1)
        weaker = [*becomes, "env", "-i"] if os.getuid() == 0 and not closed else ["env", "-i"]
        self._under = boxed if self.is_closed else weaker

    def start(self, command: list[str], **environment: str) -> subprocess.Popen[str]:
        """Starts a command of the image, with the image's environment and no other."""
        meant = {"PATH": "/usr/local/bin:/usr/bin:/bin", **recipe().environment(), **environment}
        meant = {name: self._here(value).replace("$PATH", "/usr/bin:/bin") for name, value in meant.items()}
        whole = [*self._under, *(f"{name}={value}" for name, value in meant.items()), *map(self._here, command)]
        return subprocess.Popen(whole, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, command: list[str], **environment: str) -> Any:
        """Runs it to its end; gives (exit code, stdout, stderr)."""
        process = self.start(command, **environment)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def _here(self, text: str) -> str:
        return text.replace(PREFIX, str(self.tree)).replace("/var/lib/carnet", str(self.data))
