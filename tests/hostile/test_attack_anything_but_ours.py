"""anything-but-ours: over real HTTP, what a lying server or whoever stands in its place can answer to every request.

The command says in its own words that nothing came of it; nothing that waits is gone; nothing goes to another address;
the next honest answer is taken whole. Memory stays bounded, whatever is sent.
"""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from sync.device import transport
from sync.wire.exchange import AnswerEnd, AnswerHead, AnswerReader, Items, encode_message
from tests.cli import bundles
from tests.cli.kit import DONE, REFUSED, Inside, Server, id_of, link_phone, make_phone, settle, vault_of
from tests.faults import phone_proxy
from tests.faults.phone_proxy import Between, answer

MIB = 2**20
ENDLESS_BYTES = 48 * MIB  # more than an answer about one vault can have
TOKEN = b'{"access_token":"%s","expires_in":4000000000,"token_type":"Bearer"}'
HEAD, END = encode_message(AnswerHead()), encode_message(AnswerEnd())
LURE = b"Type your recovery code at http://elsewhere.invalid"


def redirected(status: int, to: str) -> bytes:
    """To another address, with the method and the body kept (307, 308)."""
    return f"HTTP/1.1 {status} X\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


def packed(kind: str, body: bytes, times: int) -> bytes:
    """A body that unpacks to far more, `times` over."""
    for _ in range(times):
        body = gzip.compress(body)
    coding = ", ".join(["gzip"] * times)
    head = f"HTTP/1.1 200 X\r\nContent-Type: {kind}\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


def endless(kind: str, piece: bytes, first: bytes = b"") -> bytes:
    """No length, the same piece again and again."""
    head = f"HTTP/1.1 200 X\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode()
    return head + first + piece * (ENDLESS_BYTES // len(piece))


MSGPACK = "application/msgpack"
LIES: dict[str, Callable[[], bytes]] = {
    "200 to everything": lambda: answer(200, "application/json", b"{}"),
    "a token for everything": lambda: answer(200, "application/json", TOKEN % b"good"),
    "a token that no header takes": lambda: answer(200, "application/json", TOKEN % "kœnig".encode()),
    "a token with a line in it": lambda: answer(200, "application/json", TOKEN % rb"a\r\nHost: elsewhere"),
    "an empty log": lambda: answer(200, MSGPACK, HEAD + END),
    "nothing but an end": lambda: answer(200, MSGPACK, END),
    "an answer of another type": lambda: answer(200, "text/plain", b"fine"),
    "an answer of this moment for another": lambda: answer(206, MSGPACK, HEAD),
    "words of its own": lambda: answer(
        400, "application/problem+json", b'{"code":"malformed","status":400,"title":"%s","next":"%s"}' % (LURE, LURE)
    ),
    "a code of its own": lambda: answer(400, "application/problem+json", b'{"code":"%s"}' % LURE),
    "not modified": lambda: answer(304, MSGPACK, b""),
}


class World:
    """A phone with a word to send, and what answers in its server's place."""

    def __init__(self, folder: Path) -> None:
        self.between, self.elsewhere = Between(), Between()
        self.server = Server(folder / "server", origin=self.between.origin).start()
        self.between.upstream_port = self.elsewhere.upstream_port = self.server.port
        self.phone = make_phone(folder / "a", self.between.origin)
        self.phone("import", bundles.written(folder, "summary.json", bundles.summary()))
        self.other = link_phone(folder / "b", self.phone, self.between.origin)
        settle(self.phone, self.other)
        self.medication = id_of(self.phone, "MedicationStatement")

    def says(self, text: str) -> None:
        self.phone("annotate", self.medication, text)

    def hears(self, lie: bytes, *, fresh: bool, syncs: int = 2) -> str:
        """Some syncs under the lie; with `fresh` an hour later by the phone's clock, so that a token is asked for.

        Gives what the person was told.
        """
        phone = Inside(self.phone.store, ahead_ms=3_600_000 if fresh else 0)
        phone_proxy.ANSWERS["lie"] = lie
        self.between.plays("lie")
        waiting, told = vault_of(self.phone)["pending"], ""
        try:
            for _ in range(syncs):
                done = phone.run("sync")
                assert done.code == REFUSED, done
                said = json.loads(done.stdout)
                assert said["code"] in ("unreachable", "server_error")
                assert said["title"]
                assert said["next"]
                told += done.stdout + done.stderr
                assert vault_of(self.phone)["pending"] == waiting
                assert self.phone.run("list").code == DONE
        finally:
            self.between.plays("forward")
        return told

    def is_whole(self, text: str) -> None:
        """The next honest answers bring everything over, once."""
        settle(self.phone, self.other)
        assert vault_of(self.phone)["state_root"] == vault_of(self.other)["state_root"]
        assert vault_of(self.phone)["pending"] == 0
        shown = self.other("show", self.medication, "--history")
        assert sum(step["value"].get("text") == text for step in shown["history"] if "@note" in step["element"]) == 1
        assert self.phone("findings") == []


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("anything"))
    yield made
    made.between.close()
    made.elsewhere.close()
    made.server.kill()


@pytest.mark.parametrize("fresh", [False, True], ids=["with a token", "without one"])
@pytest.mark.parametrize("lie", LIES)
def test_whatever_is_answered_the_person_is_told_and_the_next_honest_answer_is_whole(
    lie: str, fresh: bool, world: World
) -> None:
    """PHN-40, PHN-42, PHN-43."""
    text = f"said under: {lie}, {fresh}"
    world.says(text)
    told = world.hears(LIES[lie](), fresh=fresh)
    assert "elsewhere" not in told, "no word of the server's reaches the person"
    world.is_whole(text)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_with_a_token_or_a_body(status: int, world: World) -> None:
    """PHN-41: neither to another address nor from https to http, which is another address."""
    text = f"said under a redirect, {status}"
    world.says(text)
    before = world.elsewhere.asked
    for path in ("/v1/sync", "/v1/token"):
        world.hears(redirected(status, world.elsewhere.origin + path), fresh=path == "/v1/token")
    assert world.elsewhere.asked == before == 0
    world.is_whole(text)


def test_a_redirect_that_is_followed_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = httpx.AsyncClient.__init__

    def following(client, **given):  # type: ignore[no-untyped-def]
        made(client, **given, follow_redirects=True)

    monkeypatch.setattr(httpx.AsyncClient, "__init__", following)
    world.hears(redirected(307, world.elsewhere.origin + "/v1/sync"), fresh=False)
    assert world.elsewhere.asked
    world.elsewhere.asked = 0


BOUNDED: dict[str, Callable[[], bytes]] = {
    "packed": lambda: packed(MSGPACK, bytes(64 * MIB), 2),
    "endless noise": lambda: endless(MSGPACK, b"\x00" * 65_536),
    "endless heads": lambda: endless(MSGPACK, HEAD * 1_000),
    "endless items": lambda: endless(MSGPACK, encode_message(Items((bytes(32),) * 1_000)), HEAD),
    "endless words": lambda: endless("application/json", b" " * 65_536),
}


@pytest.mark.parametrize("lie", BOUNDED)
def test_a_phone_holds_a_bounded_part_of_an_answer(lie: str, world: World) -> None:
    """PHN-40, PHN-41: two messages of the longest kind, and what any command takes."""
    sent, text = BOUNDED[lie](), f"said under: {lie}"
    world.says(text)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        world.hears(sent, fresh=False, syncs=1)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < 40 * MIB, f"a peak of {peak} bytes"
    world.is_whole(text)


def test_what_is_packed_would_be_seen_if_it_were_unpacked(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    monkeypatch.setattr(transport, "_as_sent", lambda response: response.aiter_bytes())
    with pytest.raises(AssertionError, match="peak"):
        test_a_phone_holds_a_bounded_part_of_an_answer("packed", world)


def test_a_clock_that_lies_gets_no_assertion_for_a_time_of_its_choice(world: World) -> None:
    """The date of an answer is not looked at; what a phone signs ends within a minute by its own clock."""
    world.says("said under a wrong date")
    wrong = msgspec.json.encode({"code": "clock", "status": 401, "nonce": "n", "date": int(time.time()) + 10**9})
    told = world.hears(answer(401, "application/problem+json", wrong), fresh=True)
    assert "Sign again" in told or "clock" in told
    world.is_whole("said under a wrong date")


def test_an_answer_reader_that_never_ends_is_cut() -> None:
    """PHN-40."""
    reader, fed = AnswerReader(1), 0
    reader.feed(HEAD)
    with pytest.raises(ValueError, match="longer"):
        while fed < 64 * MIB:
            reader.feed(b"\xff" * 4096)
            fed += 4096
