"""Where there is no browser, the run says in one line what it left out, or fails where a browser is required."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SYSTEM_TESTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("required", [False, True], ids=["elsewhere", "where it is required"])
def test_a_missing_browser_is_named_once_or_fails_the_run(tmp_path, required):
    command = [sys.executable, "-m", "pytest", "--collect-only", "tests/browser", "tests/architecture/test_left_out.py"]
    environment = {"PATH": str(tmp_path), "PYTHONPATH": str(ROOT)} | (
        {"CARNET_BROWSER": "required"} if required else {}
    )
    kept = {name: value for name, value in os.environ.items() if name not in ("PATH", "CARNET_BROWSER")}
    command += ["-p", "no:xdist"]
    result = subprocess.run(command, cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False)
    said = result.stdout + result.stderr
    assert "get it with: apt-get install chromium" in said
    assert (result.returncode == 0) != required, said
    assert [said.count(f"left out: tests/infra/{name}") for name in SYSTEM_TESTS] == [1, 1]
    if not required:
        assert said.count("left out: tests/browser") == 1
        assert "test_summary_on_screen" not in said
