"""The image, built by its own steps: unprivileged on a read-only tree it serves a phone, and can open no record."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cli.kit import make_phone
from tests.infra.image_kit import ROOT, Box, build, recipe

# `make prove` builds with all that the image has; Firebase's packages take longer than all the rest.
EXTRAS = os.environ.get("CARNET_IMAGE_EXTRAS", "server postgres")
SIGHTED = ("crypto.secret", "sync.merge", "sync.fhir", "sync.vault", "sync.device")
START_SECONDS = 30
PYTHON = "/opt/carnet/bin/python"


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    """Everything in a folder that a user without a name may enter."""
    with tempfile.TemporaryDirectory(prefix="carnet-image-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        data = Path(name) / "data"
        data.mkdir(mode=0o700)
        yield Box(build(Path(name), EXTRAS), data)


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def started(box: Box, port: int, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The image's entrypoint, on loopback and on a port that is free here."""
    ready = box.data / "ready.json"
    ready.unlink(missing_ok=True)
    process = box.start(
        [*recipe().command(), "--ready-file", str(ready)],
        CARNET_HOST="127.0.0.1",
        CARNET_PORT=str(port),
        **environment,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise AssertionError(f"it did not start: {process.communicate()[1]}")
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_phone_syncs_with_it_and_a_stop_signal_ends_it_with_zero(box, port, tmp_path):
    with started(box, port) as running:
        phone = make_phone(tmp_path / "phone", f"http://127.0.0.1:{port}")
        phone("new", "Condition", '{"code": {"text": "a cold"}}')
        assert phone("sync")["sent"] > 0
        assert phone("sync")["sent"] == 0
        assert box.run(recipe().health(), CARNET_PORT=str(port)) == (0, "", "")
        stopped(box, running)
        code, _, err = box.run(recipe().health(), CARNET_PORT=str(port))
        assert code == 1
        assert "no answer" in err


def test_it_runs_two_processes_as_the_compose_file_has_it(box, port):
    """The one folder that compose gives it beside its data, in memory, is where the two find each other."""
    with started(box, port, CARNET_WORKERS="2", CARNET_METRICS="everyone", TMPDIR=str(box.data)) as running:
        deadline = time.monotonic() + START_SECONDS
        while len(set(re.findall(r'worker="(\d+)"', httpx.get(f"http://127.0.0.1:{port}/metrics").text))) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        stopped(box, running)


def stopped(box: Box, running: subprocess.Popen[str]) -> None:
    """The signal of the image ends it, with nothing to complain of."""
    ready = json.loads((box.data / "ready.json").read_text())
    os.kill(ready["pid"], getattr(signal, recipe().one("STOPSIGNAL")))
    assert running.wait(START_SECONDS) == 0


def test_it_can_check_and_migrate_before_it_serves(box):
    code, out, err = box.run([*recipe().command()[:1], "check-config"])
    assert (code, err) == (0, "")
    assert json.loads(out)["data"] == str(box.data)
    code, out, err = box.run([*recipe().command()[:1], "migrate"])
    assert (code, err) == (0, "")


def test_it_writes_nowhere_but_in_its_data_and_is_nobody(box):
    code, out, err = box.run([PYTHON, "-I", "-c", PROBE, str(box.tree), str(box.data)])
    assert code == 0, err
    found = json.loads(out)
    assert str(box.data) in found["written"]
    assert not box.is_closed or (found["written"], found["capabilities"]) == ([str(box.data)], [0, 0, 0, 0])
    assert not box.is_closed or os.getuid() != 0 or (found["user"], found["groups"]) == (10001, [])


PROBE = r"""
import json, os, pathlib, re, sys
written = []
for folder in [*sys.argv[1:], sys.argv[1] + "/bin", "/", "/etc", "/tmp", "/var/lib"]:
    try:
        pathlib.Path(folder, "probe").write_text("x")
        written.append(folder)
    except OSError:
        pass
masks = re.findall(r"^Cap(?:Prm|Eff|Bnd|Amb):\s*(\w+)", pathlib.Path("/proc/self/status").read_text(), re.M)
print(json.dumps({"written": written, "user": os.getuid(), "groups": os.getgroups(),
                  "capabilities": [int(mask, 16) for mask in masks]}))
"""


@pytest.mark.parametrize("module", SIGHTED)
def test_what_could_open_a_record_is_not_in_it(box, module):
    code, _, err = box.run([PYTHON, "-I", "-c", f"import {module}"])
    assert code != 0
    assert f"No module named '{module}'" in err
    leaf = module.replace(".", "/")
    assert not list(box.tree.rglob(leaf)), "not even an empty folder"


def test_every_blind_module_can_be_imported_and_was_compiled(box):
    """The read-only tree takes no compiled file later: what is missing costs each start."""
    code, out, err = box.run([PYTHON, "-I", "-c", WALK])
    assert (code, err) == (0, "")
    modules = json.loads(out)
    assert len(modules) > 60
    assert not [name for name, compiled in modules.items() if not compiled]


WALK = r"""
import importlib, json, pathlib, pkgutil, backend, crypto, sync
found = {}
for package in (backend, crypto, sync):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name == "backend.push.firebase":
            continue  # needs what only the image with the extra `firebase` has
        loaded = importlib.import_module(module.name)
        found[module.name] = pathlib.Path(loaded.__cached__).exists()
print(json.dumps(found))
"""


def test_the_build_sees_what_it_copies_and_no_more():
    """The Containerfile, the build script and the list for the engine name the same folders, none of them sighted."""
    ours = {name for rest in recipe().all_of("COPY", final=False) for name in rest.split()[:-1]}
    script = (ROOT / "infra" / "image" / "build.sh").read_text("utf-8")
    blind = set(re.search(r'^BLIND="(.+)"$', script, re.MULTILINE)[1].split())
    assert blind <= ours
    assert not [name for name in ours for module in SIGHTED if module.replace(".", "/").startswith(name)]
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert allowed == {re.sub(r"^infra/image/.*", "infra/image", name) for name in ours}
    assert "*" in lines


def test_the_base_is_pinned_and_the_same_for_both_stages():
    text = (ROOT / "infra" / "image" / "Containerfile").read_text("utf-8")
    [base] = re.findall(r"^ARG BASE=(\S+)$", text, re.MULTILINE)
    assert re.search(r":\d+\.\d+\.\d+-", base)
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${BASE}", "${BASE}"]


def test_the_linter_has_nothing_to_say():
    hadolint = shutil.which("hadolint", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    command = [str(hadolint), "infra/image/Containerfile"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
