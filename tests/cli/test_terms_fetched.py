"""Term packs from the server, by the command (openapi/protocol/terms.md, TRM-15)."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from crypto.public.keys import ED25519
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.device.fetched_terms import fetch
from sync.device.phone import Phone
from sync.device.refused import Refused
from sync.device.transport import HttpTransport
from sync.terms.pack import Body, Origin, Term, make_pack, pack_id
from tests.cli.kit import REFUSED, Inside, Server, make_phone

TERMS = (Term(0, "a", 0, "Άλφα"),)
BODY = Body("el", "National set", "1", (Origin("S", "L", "no"),), ("urn:example:codes",), TERMS)
KEY = SigningKey.from_seed(ED25519, Secret(bytes(range(32))))
OPERATORS = make_pack(BODY, KEY)
ANOTHER = make_pack(msgspec.structs.replace(BODY, name="Another set"), KEY)  # by the same hand, and good
ID = pack_id(OPERATORS).hex()


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    """A phone whose server has a national set."""
    folder = tmp_path_factory.mktemp("terms")
    server = Server(folder / "server")
    (server.data / "terms").mkdir(parents=True)
    (server.data / "terms" / "national.pack").write_bytes(OPERATORS)
    yield make_phone(folder / "phone", server.start().url)
    server.kill()


class Lying(http.server.BaseHTTPRequestHandler):
    """A server that lists a pack and hands out another file; keeps the heads of what it was asked."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(str(self.headers))
        one = {"id": ID, "language": "el", "name": "National set", "version": "1", "bytes": 1}
        body = json.dumps([one]).encode() if self.path == "/v1/terms" else ANOTHER
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def liar() -> Iterator[str]:
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lying)
    threading.Thread(target=running.serve_forever).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


def test_the_list_says_what_is_on_this_phone_already(phone: Inside) -> None:
    """MUST TRM-15: what came with the phone is not fetched again."""
    found = {one["id"]: one["held"] for one in phone("terms", "available")}
    assert (found.pop(ID), set(found.values())) == (False, {True})


def test_a_pack_is_kept_only_with_a_signer_that_counts(phone: Inside) -> None:
    """MUST TRM-15: all of what is there is asked for; a signer is let in with one pack that is named."""
    [refused] = phone("terms", "fetch")["refused"]
    assert (refused["id"], refused["code"]) == (ID, "unknown_signer")
    assert phone.run("terms", "fetch", "--trust", "Example Ministry").code == REFUSED
    assert phone.run("terms", "fetch", ID[:8]).json["code"] == "unknown_signer"
    assert ID not in {one["id"] for one in phone("terms", "list")}
    [kept] = phone("terms", "fetch", ID[:8], "--trust", "Example Ministry")["kept"]
    assert (kept["id"], kept["signed_by"]) == (ID, "Example Ministry")
    assert phone("terms", "fetch") == {"kept": [], "refused": []}
    phone("terms", "remove", ID)


def test_another_file_than_was_asked_for_is_not_kept_and_no_token_is_shown(
    phone: Inside, liar: str, tmp_path: Path
) -> None:
    """MUST TRM-15."""

    async def ask() -> None:
        async with phone.phone() as real:
            at_liars = Phone(real.store, lambda origin: HttpTransport(liar), real.now_ms, real.draw)
            await fetch(at_liars, tmp_path, "el", "Example Ministry")

    with pytest.raises(Refused) as refused:
        asyncio.run(ask())
    assert refused.value.code == "bad_terms"
    assert (len(Lying.asked), "authorization" in "".join(Lying.asked).lower()) == (2, False)
    assert not list(tmp_path.iterdir())
