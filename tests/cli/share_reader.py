"""A reader of links in Python, and a stranger's server of links, for tests of shares."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import httpx

from crypto.secret import jwe
from crypto.secret.secret import Secret
from sync.vault.share import Link, link_text, read_link

FHIR_JSON = "application/fhir+json"


def opened(link: str, recipient: str = "Dr. Reader", passcode: str | None = None) -> Any:
    """What a link leads to, as JSON; the status where it leads nowhere."""
    held = read_link(link)
    if "U" in held.flags:
        answer = httpx.get(held.url, params={"recipient": recipient})
        text = answer.text
    else:
        asked = {"recipient": recipient} | ({} if passcode is None else {"passcode": passcode})
        answer = httpx.post(held.url, json=asked)
        if answer.status_code == 200:
            [file] = answer.json()["files"]
            text = file["embedded"] if "embedded" in file else httpx.get(file["location"]).text
    if answer.status_code != 200:
        return answer.status_code
    return json.loads(jwe.open_(held.key, text, 10_000_000).plaintext)


def codes(document: Any) -> set[str]:
    """Every code in a document, wherever it stands."""
    if isinstance(document, list):
        return set().union(*(codes(one) for one in document))
    if isinstance(document, dict):
        own = {document["code"]} if isinstance(document.get("code"), str) else set()
        return own.union(*(codes(one) for one in document.values()))
    return set()


def sealed(key: Secret, content: bytes, content_type: str = FHIR_JSON) -> str:
    return jwe.seal(key, os.urandom(12), content_type, content)


class Foreign(NamedTuple):
    """A stranger's server. `answers`: by path, status, headers and body. `asked`: what came, in order."""

    url: str
    answers: dict[str, tuple[int, dict[str, str], bytes]]
    asked: list[tuple[str, str, bytes]]

    def gives(self, path: str, body: Any, status: int = 200, **headers: str) -> str:
        """The address that answers this from now on."""
        raw = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers[path] = (status, headers, raw)
        return self.url + path

    def link(self, path: str, key: Secret, flags: str = "", viewer: str = "", **more: Any) -> str:
        return link_text(Link(self.url + path, key, flags, more.get("ends"), more.get("label")), viewer)


@contextlib.contextmanager
def foreign_server() -> Iterator[Foreign]:
    """A server on this machine for as long as the context lasts."""
    answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
    asked: list[tuple[str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            asked.append((self.command, self.path, body))
            status, headers, answer = answers.get(self.path.partition("?")[0], (404, {}, b""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = _answer

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Foreign(f"http://127.0.0.1:{server.server_port}", answers, asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
