"""A real server process, real shares on it, and a real Chromium that opens them."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright

from sync.wire.share import ShareFile
from tests.api.phone_kit import Phone
from tests.api.share_kit import FHIR, Share, b64
from tests.processes.born import SERVER, born

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
_serial = itertools.count()
T = TypeVar("T")


def chromium() -> str | None:
    """The path of a Chromium on this machine, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def launch(playwright: Playwright, *flags: str) -> Browser:
    return playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, *flags])


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine beside the browser's own loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def jwe_of(plain: bytes, key: bytes, **header: str) -> str:
    """RFC 7516: dir, A256GCM. `header`: what differs."""
    head = b64(msgspec.json.encode({"alg": "dir", "enc": "A256GCM", "cty": FHIR} | header))
    iv = os.urandom(12)
    sealed = AESGCM(key).encrypt(iv, plain, head.encode())
    return f"{head}..{b64(iv)}.{b64(sealed[:-16])}.{b64(sealed[-16:])}"


class Made:
    """A share on the server and its link."""

    def __init__(self, share: Share, link: str) -> None:
        self.share, self.link = share, link


class Server:
    """A running server process."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def view(self) -> str:
        return f"{self.url}/view"

    def share(self, document: object, **settings: Any) -> Made:
        """Lays a document on the server, encrypted, and gives its link. `files`: JWEs instead; `link`: what differs."""
        return run(self._share(document, settings))

    async def _share(self, document: object, settings: dict[str, Any]) -> Made:
        key, wish = os.urandom(32), settings.pop("link", {})
        plain = document if isinstance(document, bytes) else msgspec.json.encode(document)
        jwes = settings.pop("files", None) or [jwe_of(plain, key)]
        async with httpx.AsyncClient(base_url=self.url, timeout=30) as client:
            name = f"browser {os.getpid()} {next(_serial)}"
            phone = await Phone(name, client, self.url).register()
            share = Share(phone, name, files=[ShareFile(FHIR, jwe) for jwe in jwes], **settings)
            await share.made()
        flags = "".join(
            flag for flag, on in (("L", "long_term"), ("P", "passcode"), ("U", "direct")) if settings.get(on)
        )
        payload = {"url": f"{self.url}/s/{share.token}", "flag": flags, "key": b64(key), "label": "Test share", "v": 1}
        return Made(share, f"{self.view}#{link_of(payload | wish)}")

    def change(self, made: Made, **wish: object) -> None:
        """The owner changes or (with no wish) revokes it."""

        async def act() -> None:
            async with httpx.AsyncClient(base_url=self.url) as client:
                made.share.client = client
                answer = await (made.share.change(**wish) if wish else made.share.revoke())
                assert answer.status_code == 204, answer.text

        run(act())


def link_of(payload: object) -> str:
    return "shlink:/" + base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()


@contextmanager
def serving(folder: Path, *options: str, **environment: str) -> Iterator[Server]:
    """A server process over a database in `folder`."""
    ready = folder / "ready.json"
    command = [SERVER, "run", "--data", str(folder), "--port", "0", "--ready-file", str(ready), *options]
    process = born(*command, stderr=subprocess.DEVNULL, env=os.environ | environment)
    try:
        ends = time.monotonic() + 60
        while not ready.exists():
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < ends, "the server did not start"
            time.sleep(0.05)
        yield Server(json.loads(ready.read_text())["url"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


class Reader:
    """One visitor: a context of its own, what its pages complained of, and whom they asked."""

    def __init__(self, context: BrowserContext, server: Server) -> None:
        self.context, self.server = context, server
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page = self.new_page()

    def new_page(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("console", self._note)
        page.on("request", lambda request: self.asked.append(request.url))
        return page

    def anew(self) -> Reader:
        """The same visitor later: the page is loaded anew, no word of before stands against it.

        A first visit starts a renderer and lays up the page for times without network, which takes five times as long.
        """
        self.context.unroute_all()
        self.page.goto(f"{self.server.url}/livez")
        self.complaints.clear()
        self.asked.clear()
        return self

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def visit(self, link: str) -> Page:
        self.page.goto(link)
        return self.page

    def open(self, link: str, passcode: str = "") -> Page:
        """Follows a link, answers what it asks, and waits for the summary."""
        page = self.visit(link)
        self.answer(passcode)
        page.locator("article.summary").first.wait_for()
        return page

    def answer(self, passcode: str = "") -> None:
        self.page.locator("[name=recipient]").fill("Test reader, Test clinic")
        if passcode:
            self.page.locator("[name=passcode]").fill(passcode)
        self.page.locator("form button.big").click()
