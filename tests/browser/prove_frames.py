"""`python -m tests.browser.prove_frames [FIRST]`: 200 bad frames from number FIRST (default 0) on, each alone, through
the page's own reader; exits 1 below 95 of 100."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.page_kit import Reader, launch, serving
from tests.browser.test_scanning import LINK, read_frames

FRAMES = 200


def main() -> int:
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    frames = range(first, first + FRAMES)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, serving(Path(folder)) as server:
        browser = launch(playwright)
        page = Reader(browser.new_context(), server).visit(server.view)
        missed = read_frames(page, LINK, frames)
        browser.close()
    read = FRAMES - sum(map(len, missed.values()))
    print(f"{read} of {FRAMES} frames from {first} on read; not read: {missed}")
    return 0 if read >= FRAMES * 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())
