"""What the whole tree needs: the browser's tests are left out, in one line, where there is no Chromium."""

from __future__ import annotations

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


def _no_browser() -> bool:
    return not any(map(shutil.which, BROWSERS))


def pytest_ignore_collect(collection_path: Any) -> bool | None:
    """Leaves tests/browser out where it could not run."""
    if BROWSER_TESTS in (collection_path, collection_path.parent) and _no_browser():
        if os.environ.get("CARNET_BROWSER") == "required":
            raise pytest.UsageError(LEFT_OUT)
        return True
    return None


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The one line."""
    if _no_browser():
        terminalreporter.write_line(LEFT_OUT)
