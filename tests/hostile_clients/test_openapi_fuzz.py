"""The document and the server say the same: schemathesis finds no lie, and no route reads an undocumented body.

A slice of `python -m tests.hostile_clients.fuzz 200`, which `make prove` runs.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.api.server_kit import Served, code_of
from tests.hostile_clients.fuzz import COMMITTED, fuzz
from tests.hostile_clients.process_kit import sqlite_in
from tests.hostile_clients.swaps import routes_of


def test_schemathesis_finds_nothing(tmp_path: Path):
    """Every operation of the committed document, every check, the whole coverage phase and some drawn examples."""
    code, printed = fuzz(1, 20_261_124, sqlite_in(tmp_path), tmp_path)
    assert code == 0, printed
    operations = sum(len(methods) for methods in msgspec.json.decode(COMMITTED.read_bytes())["paths"].values())
    assert f"Tested: {operations}" in printed
    cases = re.search(r"(\d+) generated, (\d+) passed", printed)
    assert cases is not None, printed
    assert int(cases[1]) == int(cases[2]) > 25 * operations


def concrete(template: str) -> str:
    """A path of a template, with an id of the right length in each place."""
    ids = {
        "device": "ab" * 32,
        "token": "A" * 43,
        "ticket": "A" * 43,
        "published": "A" * 22,
        "note": "1",
        "pack": "ab" * 32,
    }
    ids |= dict.fromkeys(("link", "share", "issuer"), "ab" * 16)
    for name, value in ids.items():
        template = template.replace(f"{{{name}}}", value)
    return template


async def read_by(server: Served, method: str, path: str, media_type: str, token: str) -> int:
    """How often a route asks for its body."""
    asked = 0

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"\x91\x90", "more_body": False}

    async def send(_message: Any) -> None:
        pass

    headers = [(b"content-type", media_type.encode()), (b"authorization", b"Bearer " + token.encode())]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "query_string": b"",
        "method": method, "path": path, "raw_path": path.encode(), "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    await server.app.asgi(scope, receive, send)
    return asked


async def test_a_route_reads_a_body_if_and_only_if_it_documents_one(server: Served):
    """litestar#4482: the framework says nothing of a handler that reads the raw body."""
    mum = await server.registered("mum")
    for (method, template), (_, doc) in routes_of(server).items():
        path = concrete(template)
        media_type = doc.body.media_type if doc.body else "application/octet-stream"
        reads = await read_by(server, method, path, media_type, mum.token)
        assert (reads > 0) == (doc.body is not None), (method, template)


@pytest.mark.parametrize("method", ["OPTIONS", "PATCH", "TRACE", "HEAD"])
async def test_a_method_that_a_route_does_not_take_is_told_which_it_takes(server: Served, method: str):
    """ERR-2; RFC 9110, 15.5.6."""
    taken: dict[str, set[str]] = {}
    for verb, template in routes_of(server):
        taken.setdefault(concrete(template), set()).add(verb)
    for path, verbs in taken.items():
        if method in verbs or (method == "OPTIONS" and path.startswith(("/s/", "/i/"))):
            continue  # a preflight is answered there (SHR-18), also for health cards
        answer = await server.client.request(method, path)
        assert answer.status_code == 405
        assert method == "HEAD" or code_of(answer) == "method_not_allowed"
        assert set(answer.headers["allow"].split(", ")) == verbs, path
