"""The rows of shares and the viewer: opens a second, whom they hold up, and how soon a summary is on a screen.

Rates come from a real server process; the loop's stalls from one with a beat in its loop (beating.py), which would slow
the rates. Screens are those of a Chromium; on a machine without one those rows are not there.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
from playwright.sync_api import Browser, sync_playwright

from backend.web.files import FOLDER, all_files
from infra.bench.beating import PATH
from infra.bench.load import Job, Told, run
from infra.bench.report import Row, at_least, at_most, plain
from infra.bench.servers import Running, _started, carnet
from infra.viewer.build import LATER
from tests.api.phone_kit import Phone
from tests.api.share_kit import Share
from tests.browser.documents import large, ordinary
from tests.browser.page_kit import Made, Server, chromium, launch

SECTION = "shares"
CONNECTIONS = 8
PASSCODE = "246824"
ENTRIES = 420
SLOWDOWN, ROUND_TRIP_MS = 4, 400
SIZE_MAX = 60_000

# When the first element that fits is in the page and painted, in ms since it began to load or since `window.began`.
WAIT = """(selector) => new Promise((done) => {
  const look = () => document.querySelector(selector) && (requestAnimationFrame(() => setTimeout(() =>
    done(performance.now() - (window.began ?? 0)))), watch.disconnect(), true);
  const watch = new MutationObserver(look);
  look() || watch.observe(document, { childList: true, subtree: true });
})"""
OPEN = f"""() => {{ window.began = performance.now(); document.querySelector('form button.big').click();
  return ({WAIT})('article.summary'); }}"""


def rows(opens: int, runs: int) -> list[Row]:
    """Every row: so many opens where rates are measured, medians of so many runs in the browser."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with carnet(folder / "server", "sqlite") as server:
            out = _opens(server, opens)
            by_clock, by_thread = _stalls(folder / "beating", opens // 4)
            what = "longest stall of the loop while passcodes are checked"
            p999 = by_clock[len(by_clock) // 1000]
            out += [
                at_most(SECTION, f"{what}, processor time", "ms", by_thread[0], 20),
                plain(SECTION, f"{what}, by the clock", "ms", by_clock[0], **{"p99.9": p999}),
                at_most(SECTION, "viewer before its scanner, English and Greek", "bytes gzipped", _size(), SIZE_MAX),
            ]
            return out + (_screens(Server(server.url), runs) if chromium() else [])


def _opens(server: Running, opens: int) -> list[Row]:
    without = _asked(server, asyncio.run(_made(server)), None, opens)
    with_one = _asked(server, asyncio.run(_made(server, passcode=PASSCODE)), PASSCODE, opens // 4)
    return [
        at_least(SECTION, "opens without a passcode, one process", "opens/s", without.requests / without.seconds, 200),
        plain(SECTION, "opens with a passcode, one process", "opens/s", with_one.requests / with_one.seconds),
    ]


async def _made(server: Running, **settings: str) -> list[Share]:
    """A share for each connection: the passcodes of one are checked one after another."""
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        phone = await Phone(f"sharer {settings}", client, server.url).register()
        return [await Share(phone, f"share {number} {settings}", **settings).made() for number in range(CONNECTIONS)]


def _asked(server: Running, shares: list[Share], passcode: str | None, count: int) -> Told:
    told = run(Job(server.url, [[_request(share, passcode)] * max(1, count // CONNECTIONS) for share in shares]))
    assert not told.failed, "an open that is no 200"
    return told


def _request(share: Share, passcode: str | None) -> bytes:
    """An open as it travels."""
    body = msgspec.json.encode({"recipient": "Dr. Test"} | ({} if passcode is None else {"passcode": passcode}))
    head = f"POST /s/{share.token} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


@contextlib.contextmanager
def beating(folder: Path) -> Iterator[Running]:
    """Our server with a beat in its loop."""
    folder.mkdir(parents=True)
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "infra.bench.beating", "run", "--data", str(folder), "--port", "0"]
    with _started([*command, "--ready-file", str(ready)], ready, folder) as running:
        yield running


def _stalls(folder: Path, opens: int) -> tuple[list[float], list[float]]:
    """Milliseconds that the loop let others wait while passcodes were checked, longest first: by clock, by thread."""
    with beating(folder) as server:
        shares = asyncio.run(_made(server, passcode=PASSCODE))
        _asked(server, shares, PASSCODE, CONNECTIONS)  # the first ones load what is loaded once
        httpx.get(server.url + PATH)
        _asked(server, shares, PASSCODE, opens)
        by_clock, by_thread = httpx.get(server.url + PATH).json()
    return by_clock, by_thread


def _size() -> int:
    """Bytes of what the page fetches before anybody scans, in one language beside English."""
    spoken = {f"/view/{name}/{path.name}" for name in ("words", "terms") for path in (FOLDER / name).glob("*.json")}
    unasked = spoken - {"/view/words/en.json", "/view/words/el.json", "/view/terms/el.json"}
    return sum(
        len(gzip.compress(raw, 9))
        for path, raw in all_files().items()
        if not path.endswith(LATER) and path not in unasked
    )


def _screens(server: Server, runs: int) -> list[Row]:
    many, usual = server.share(large(ENTRIES)), server.share(ordinary())
    with sync_playwright() as playwright:
        browser = launch(playwright)
        render = statistics.median(_rendered(browser, many) for _ in range(runs))
        ready = statistics.median(_ready(browser, usual) for _ in range(runs))
        browser.close()
    slow = f"viewer ready to be typed into, processor {SLOWDOWN} x slower, round trips of {ROUND_TRIP_MS} ms"
    return [
        at_most(SECTION, f"summary of {ENTRIES} entries, from the press of Open to the screen", "s", render / 1000, 1),
        at_most(SECTION, slow, "s", ready / 1000, 2),
    ]


def _rendered(browser: Browser, made: Made) -> float:
    """Milliseconds: asked for, decrypted, read, painted."""
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(made.link)
    page.locator("[name=recipient]").fill("Test reader")
    taken = page.evaluate(OPEN)
    assert page.locator(".entry").count() == ENTRIES
    context.close()
    return float(taken)


def _ready(browser: Browser, made: Made) -> float:
    """Milliseconds from following a link to the first question, with nothing kept from before."""
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    slow = {"offline": False, "latency": ROUND_TRIP_MS, "downloadThroughput": -1, "uploadThroughput": -1}
    wire.send("Network.emulateNetworkConditions", slow)
    page.goto(made.link, wait_until="commit")
    taken = page.evaluate(WAIT, "[name=recipient]")
    context.close()
    return float(taken)
