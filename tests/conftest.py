"""What the whole tree needs: tests are left out, in one line each, where a program of the system is missing."""

from __future__ import annotations

import functools
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_TESTS = Path(__file__).with_name("browser")
LEFT_OUT = (
    "left out: tests/browser, because no Chromium is on the PATH; get it with: apt-get install chromium"
    " (CARNET_BROWSER=required makes this a failure)"
)

# Files of tests/infra that are nothing without a program of the system -> the program and the package it comes with.
SYSTEM_TESTS = {"test_prometheus.py": ("promtool", "prometheus"), "test_service.py": ("systemd-analyze", "systemd")}


def pytest_configure() -> None:
    """The viewer's files are compressed once a process and not for each server in it, which takes half of its start."""
    from backend.web import pages

    pages.pages = functools.cache(pages.pages)  # type: ignore[misc]


def _no_browser() -> bool:
    return not any(map(shutil.which, BROWSERS))


def pytest_ignore_collect(collection_path: Any) -> bool | None:
    """Leaves tests/browser out where it could not run."""
    if BROWSER_TESTS in (collection_path, collection_path.parent) and _no_browser():
        if os.environ.get("CARNET_BROWSER") == "required":
            raise pytest.UsageError(LEFT_OUT)
        return True
    if collection_path.parent.name == "infra" and collection_path.name in SYSTEM_TESTS:
        return shutil.which(SYSTEM_TESTS[collection_path.name][0]) is None or None
    return None


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The lines."""
    if _no_browser():
        terminalreporter.write_line(LEFT_OUT)
    for name, (program, package) in SYSTEM_TESTS.items():
        if shutil.which(program) is None:
            why = f"because no {program} is on the PATH; get it with: apt-get install {package}"
            terminalreporter.write_line(f"left out: tests/infra/{name}, {why}")
