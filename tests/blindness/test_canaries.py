"""A thousand canaries go into records, names and files: none sings in anything that the server keeps, logs or says.

The same for the phones' own files, which a thief may hold. Searched for as text in three encodings, as hex and as
base64 in each of its three alignments. openapi/protocol/threat-model.md.
"""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.cli import bundles
from tests.cli.kit import Inside, Server, link_phone, settle

WINDOW = 14  # bytes of a canary's form that are looked for: far too many to be met by chance
CANARIES = 1_060


def canary(number: int) -> str:
    """A word that stands nowhere else; no two of them have much in common."""
    chance = random.Random(f"canary {number}")
    return "".join(chance.choice(string.ascii_letters + string.digits) for _ in range(28))


def forms(word: str) -> Iterator[bytes]:
    """How a word may stand in a file, whole enough to be known: text, hex, base64 at each alignment."""
    text = word.encode()
    yield from (
        text,
        word.encode("utf-16-le"),
        word.encode("utf-16-be"),
        text.hex().encode(),
        text.hex().upper().encode(),
    )
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * shift + text)[4:-4]


def windows(words: Iterable[str]) -> set[bytes]:
    """The middle of every form of every word."""
    found = set()
    for word in words:
        for form in forms(word):
            start = (len(form) - WINDOW) // 2
            found.add(form[start : start + WINDOW])
    return found


def sings(data: bytes, sought: set[bytes]) -> bool:
    """True if any of the windows stands anywhere in the data."""
    return not sought.isdisjoint(data[place : place + WINDOW] for place in range(len(data) - WINDOW + 1))


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class World(NamedTuple):
    folder: Path
    server: Server
    a: Inside
    b: Inside
    words: list[str]
    sought: set[bytes]
    ids: dict[str, str]
    said: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("canaries")
    words = [canary(number) for number in range(CANARIES)]
    left = iter(words)
    server = Server(folder / "server").start()
    a = Inside(folder / "a", next(left))
    names = ["--name", next(left), "--device", next(left), "--vault", next(left)]
    ids = a("--no-keyring", "init", "--server", server.url, *names)
    words.append(ids["recovery_code"].replace("-", ""))
    given = [next(left) for _ in range(CANARIES - 60)]
    records = [
        bundles.observation(number, id=f"o{number}", note=[{"text": word}], code={"text": f"about {word}"})
        for number, word in enumerate(given)
    ]
    a("import", bundles.written(folder, "all.json", bundles.document(records)), "--source", next(left))
    b = link_phone(folder / "b", a, server.url, device=next(left))
    _edit(a, b, left)
    yield World(folder, server, a, b, words, windows(words), ids, _fail(server, words[0]))
    server.kill()


def _edit(a: Inside, b: Inside, left: Iterator[str]) -> None:
    """Edits of every kind, a question and its answer, on both phones, and edits that wait."""
    own = a("new", "AllergyIntolerance", bundles.dumps({**bundles.own_allergy("high"), "code": {"text": next(left)}}))[
        "id"
    ]
    settle(a, b, rounds=1)
    for phone in (a, b):
        phone("annotate", own, next(left))
        phone("dispute", own, next(left))
        phone("add", own, "reaction", bundles.dumps({"manifestation": [{"text": next(left)}]}))
        phone("set", own, "code", bundles.dumps({"text": next(left)}))
        phone("sync")
    settle(a, b)
    [asked] = b("conflicts")
    b("resolve", asked["id"], "--take", "1")
    b("delete", b("list", "Observation")[0]["id"])
    settle(b, a)
    for phone in (a, b):  # and something that waits, unsent, when the files are looked at
        for _ in range(3):
            phone("annotate", own, next(left))


def _fail(server: Server, word: str) -> str:
    """Requests that go wrong with a canary in them; gives all that the server said."""
    said = b""
    with httpx.Client(base_url=server.url) as client:
        for path in ("/v1/accounts", "/v1/token", "/v1/sync", "/v1/devices", f"/v1/links/{'0' * 32}/hello"):
            for body in (word.encode(), b'{"name": "%s"}' % word.encode(), b"\x81\xa4name\xbc" + word.encode()):
                for kind in ("application/json", "application/msgpack"):
                    method = "PUT" if "links" in path else "POST"
                    answer = client.request(method, path, content=body, headers={"content-type": kind})
                    assert answer.status_code >= 400
                    said += answer.content + repr(answer.headers).encode()
    return said.decode(errors="replace")


def test_the_search_finds_a_canary_in_each_form_wherever_it_stands() -> None:
    """The guard itself: planted once, in each form, each is found."""
    sought = windows(canary(number) for number in range(CANARIES))
    noise = random.Random("noise").randbytes(20_000)
    assert not sings(noise, sought)
    for number in (0, 17, 999):
        word = canary(number)
        planted = [*forms(word), base64.b64encode(b"xy" + word.encode() + b"z"), ("ä" + word).encode("utf-16-le")]
        for form in planted:
            assert sings(noise[:5_001] + form + noise[5_001:], sought), form


def test_every_canary_is_really_in_the_records_of_both_phones(world: World) -> None:
    """Else the silence below would prove nothing."""
    for phone in (world.a, world.b):
        phone("export", str(world.folder / "sung.json"))
        sung = (world.folder / "sung.json").read_text()
        heard = sum(word in sung for word in world.words)
        assert heard >= CANARIES - 60


def test_no_canary_is_in_the_servers_files_while_it_runs_or_after_it_was_stopped(world: World) -> None:
    running = files_in(world.server.data)
    assert any(name.endswith("-wal") and len(data) > 1_000 for name, data in running.items())
    assert [name for name, data in running.items() if sings(data, world.sought)] == []
    world.server.stop()
    assert [name for name, data in files_in(world.server.data).items() if sings(data, world.sought)] == []
    world.server.start()


def test_no_canary_is_in_the_servers_log_or_in_an_error_it_gave(world: World) -> None:
    assert world.server.log.stat().st_size > 0
    assert not sings(world.server.log.read_bytes(), world.sought)
    assert not sings(world.said.encode(), world.sought)


def test_no_canary_is_in_what_an_operator_can_reveal(world: World) -> None:
    for id_ in (world.ids["account"], world.ids["device"]):
        shown = world.server.reveal(id_)
        assert id_ in shown
        assert not sings(shown.encode(), world.sought)


def test_no_canary_is_in_the_files_of_a_phone_that_was_stolen(world: World) -> None:
    for phone in (world.a, world.b):
        files = files_in(phone.store)
        assert sum(map(len, files.values())) > 100_000
        assert [name for name, data in files.items() if sings(data, world.sought)] == []


def test_no_record_id_and_no_vault_key_of_a_phone_is_known_to_the_server(world: World) -> None:
    """Record ids are hashes of what hospitals call things, so they would tell; sought as bytes and as hex."""
    ids = [bytes.fromhex(row["id"]) for row in world.a("list", "--all")]
    assert len(ids) > 900
    sought = {id_[:WINDOW] for id_ in ids} | {id_.hex().encode()[:WINDOW] for id_ in ids}
    assert [name for name, data in files_in(world.server.data).items() if sings(data, sought)] == []
