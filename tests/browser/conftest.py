"""One server for each test process and one Chromium for each file; a fresh visitor for each test.

A file whose tests are about what a page shows, and not about a first visit, makes `reader` of the one `visitor`.

Playwright's synchronous interface keeps an event loop running while it is open. It ends with its file: else every
asynchronous test that comes later in the same process finds a loop that is not its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.page_kit import Reader, Server, launch, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    running = launch(playwright)
    yield running
    running.close()


@pytest.fixture
def reader(browser: Browser, server: Server) -> Iterator[Reader]:
    context = browser.new_context(locale="en-GB")
    yield Reader(context, server)
    context.close()


@pytest.fixture(scope="module")
def visitor(browser: Browser, server: Server) -> Iterator[Reader]:
    """One visitor for the tests of a file; each begins with `visitor.anew()`."""
    context = browser.new_context(locale="en-GB")
    yield Reader(context, server)
    context.close()
