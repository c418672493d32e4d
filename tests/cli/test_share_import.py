"""What anybody's link leads to, taken in by `carnet import` (shares.md, "Following a link")."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from crypto.secret.secret import Secret
from sync.fhir.exact import canonical
from tests.cli import bundles
from tests.cli.kit import DONE, REFUSED, WAITS, Inside, Server, make_phone
from tests.cli.share_reader import FHIR_JSON, Foreign, foreign_server, sealed

KEY = Secret(b"k" * 32)
CARD = "application/smart-health-card"


class World(NamedTuple):
    folder: Path
    server: Server
    phone: Inside
    foreign: Foreign


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("links")
    server = Server(folder / "server").start()
    with foreign_server() as foreign:
        yield World(folder, server, make_phone(folder / "phone", server.url), foreign)
    server.kill()


def content(name: str) -> bytes:
    """A file of one observation that stands in no other test."""
    observation = bundles.observation(1, id=name, code={"text": name})
    return canonical(bundles.document([observation]))


def manifest(*files: Any) -> dict[str, Any]:
    return {"files": list(files), "status": "finalized", "more": 1}


def embedded(name: str, content_type: str = FHIR_JSON) -> dict[str, Any]:
    return {"contentType": content_type, "embedded": sealed(KEY, content(name), content_type)}


def took(world: World, link: str, *arguments: str, stdin: str = "") -> Any:
    done = world.phone.run("import", link, "--recipient", "Testa", *arguments, stdin=stdin)
    assert done.code in (DONE, WAITS), done
    return done.json


def refused(world: World, link: str, *arguments: str, stdin: str = "") -> Any:
    """The refusal; nothing was taken, and no key stands in it."""
    before = len(world.phone("list", "--all"))
    done = world.phone.run("import", link, "--recipient", "Testa", *arguments, stdin=stdin)
    assert done.code == REFUSED, done
    assert len(world.phone("list", "--all")) == before
    assert "a2tr" not in done.stdout + done.stderr  # base64 of the key
    return done.json


def held(world: World, name: str) -> bool:
    return bool(world.phone("find", name))


def test_a_direct_link_is_taken_in_and_the_asker_is_named_in_the_query(world: World) -> None:
    world.foreign.gives("/direct", sealed(KEY, content("by direct link")))
    took(world, world.foreign.link("/direct", KEY, "U"))
    assert held(world, "by direct link")
    assert world.foreign.asked[-1][:2] == ("GET", "/direct?recipient=Testa")


def test_a_manifest_link_is_taken_in_whole_embedded_and_located(world: World) -> None:
    place = world.foreign.gives("/place", sealed(KEY, content("by location")))
    files = [embedded("embedded one"), {"contentType": FHIR_JSON, "location": place}]
    world.foreign.gives("/manifest", manifest(*files))
    link = world.foreign.link("/manifest", KEY, "L", viewer="https://viewer.example/open")
    took(world, link)
    assert held(world, "embedded one")
    assert held(world, "by location")


def test_a_link_with_a_passcode_asks_for_it_and_for_a_name(world: World, tmp_path: Path) -> None:
    world.foreign.gives("/locked", manifest(embedded("behind a passcode")))
    link = world.foreign.link("/locked", KEY, "P")
    done = world.phone.run("import", link, stdin="Dr. Typed\nopen sesame\n")
    assert done.code == DONE, done
    asked = json.loads(world.foreign.asked[-1][2])
    assert (asked["recipient"], asked["passcode"]) == ("Dr. Typed", "open sesame")
    (tmp_path / "passcode").write_text("from a file\n")
    took(world, link, "--passcode-file", str(tmp_path / "passcode"))
    assert json.loads(world.foreign.asked[-1][2])["passcode"] == "from a file"


def test_carnets_own_links_are_taken_in_on_another_phone(world: World) -> None:
    maker = make_phone(world.folder / "maker", world.server.url)
    maker("import", bundles.written(world.folder, "own.json", bundles.summary()))
    for number, wish in enumerate((["--long-term"], ["--direct"], ["--passcode"])):
        share = maker("share", "create", *wish)
        taker = make_phone(world.folder / f"taker-{number}", world.server.url)
        code = "" if share["passcode"] is None else share["passcode"] + "\n"
        done = taker.run("import", share["link"], "--recipient", "Taker", stdin=code)
        assert done.code in (DONE, WAITS), done
        assert taker("find", "ramipril")
        assert maker("share", "log", share["id"])[0]["recipient"] == "Taker"


def test_a_signed_card_in_a_sealed_files_place_is_refused_with_a_clear_reason(world: World) -> None:
    """SHR-24, SHR-25."""
    card = f"{'e30'}.{'AAAA'}.{'BBBB'}"
    world.foreign.gives("/mislabelled", manifest(embedded("beside it"), {"contentType": CARD, "embedded": card}))
    told = refused(world, world.foreign.link("/mislabelled", KEY))
    assert told["code"] == "link_signed_not_sealed"
    assert "file 2" in told["detail"]
    assert "signed file where a sealed one belongs" in told["title"]


@pytest.mark.parametrize(
    ("status", "body", "headers", "code", "detail"),
    [
        (404, b"", {}, "link_gone", ""),
        (401, b'{"remainingAttempts": 4}', {}, "link_passcode_wrong", "4 tries left"),
        (401, b'{"remainingAttempts": 1}', {}, "link_passcode_wrong", "1 try left"),
        (401, b"<html>", {}, "link_passcode_wrong", ""),
        (429, b"", {"Retry_After": "30"}, "link_busy", "for 30 seconds"),
        (500, b"", {}, "link_unreachable", "status 500"),
        (302, b"", {"Location": "http://127.0.0.1:1/elsewhere"}, "link_unreachable", "status 302"),
        (200, b"<html>", {}, "link_file", "its list of files cannot be read"),
        (200, b'{"files": [{}]}', {}, "link_file", "file 1 of the link"),
        (200, b'{"files": []}', {}, "link_nothing", ""),
    ],
)
def test_what_a_server_of_links_answers_is_told_in_words(
    status: int, body: bytes, headers: dict[str, str], code: str, detail: str, world: World
) -> None:
    """SHR-25."""
    world.foreign.gives("/says", body, status, **headers)
    told = refused(world, world.foreign.link("/says", KEY, "P"), stdin="wrong\n")
    assert (told["code"], told["detail"]) == (code, detail)


def test_a_passcode_that_the_link_does_not_speak_of_is_asked_for_all_the_same(world: World) -> None:
    world.foreign.gives("/silent", b'{"remainingAttempts": 5}', 401)
    assert refused(world, world.foreign.link("/silent", KEY), stdin="")["code"] == "link_passcode"
    assert refused(world, world.foreign.link("/silent", KEY), stdin="x\n")["code"] == "link_passcode_wrong"


def test_a_link_that_nobody_can_follow_is_refused_before_anything_is_asked(world: World) -> None:
    """SHR-23, SHR-25: https alone but on this machine; ended; newer."""
    asked = len(world.foreign.asked)
    ended = world.foreign.link("/direct", KEY, "U", ends=int(time.time()) - 1)
    plain = Foreign("http://elsewhere.example", {}, []).link("/direct", KEY, "U")
    assert refused(world, ended)["code"] == "link_ended"
    assert refused(world, plain)["code"] == "not_secure"
    assert refused(world, Foreign("ftp://127.0.0.1", {}, []).link("/x", KEY))["code"] == "link_form"
    assert refused(world, "shlink:/nothing")["code"] == "link_form"
    newer = "shlink:/eyJ1cmwiOiJodHRwczovL2EuZXhhbXBsZSIsImtleSI6IiIsInYiOjJ9"
    assert refused(world, newer)["code"] == "link_newer"
    assert len(world.foreign.asked) == asked


def test_a_location_on_a_plain_address_elsewhere_is_not_fetched(world: World) -> None:
    """SHR-25."""
    files = [{"contentType": FHIR_JSON, "location": "http://elsewhere.example/file"}]
    world.foreign.gives("/plain", manifest(*files))
    assert refused(world, world.foreign.link("/plain", KEY))["code"] == "not_secure"


def test_another_key_opens_nothing_and_says_so(world: World) -> None:
    world.foreign.gives("/other-key", sealed(Secret(b"o" * 32), content("never")))
    assert refused(world, world.foreign.link("/other-key", KEY, "U"))["code"] == "link_no_key"


def test_what_carnet_does_not_take_is_listed_and_the_rest_is_taken(world: World) -> None:
    files = [embedded("taken beside it"), embedded("a card", CARD), embedded("?", "application/pdf")]
    world.foreign.gives("/mixed", manifest(*files))
    told = took(world, world.foreign.link("/mixed", KEY))
    assert held(world, "taken beside it")
    assert [row["where"] for row in told["not_understood"]] == ["file 2 of the link", "file 3 of the link"]
    world.foreign.gives("/cards", manifest(embedded("a card", CARD)))
    assert refused(world, world.foreign.link("/cards", KEY))["code"] == "link_nothing"


def test_too_many_files_are_not_fetched(world: World) -> None:
    world.foreign.gives("/many", manifest(*[{"contentType": FHIR_JSON, "location": "https://a.example/"}] * 65))
    assert refused(world, world.foreign.link("/many", KEY))["code"] == "link_too_large"
