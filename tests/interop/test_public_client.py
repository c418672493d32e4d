"""Links between Carnet and a strict public client, npm's kill-the-clipboard, both ways (shares.md)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli import bundles
from tests.cli.kit import DONE, WAITS, Inside, Server, make_phone
from tests.cli.share_reader import foreign_server
from tests.interop.node_kit import client, node_and_npm_of_the_wheel


class World(NamedTuple):
    folder: Path
    server: Server
    phone: Inside


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("interop")
    server = Server(folder / "server").start()
    phone = make_phone(folder / "phone", server.url)
    phone("import", bundles.written(folder, "summary.json", bundles.summary()), "--source", "Example Hospital")
    yield World(folder, server, phone)
    server.kill()


@pytest.mark.parametrize(
    "wish", [["--long-term"], ["--passcode"], ["--direct"], ["--long-term", "--passcode"], []], ids=" ".join
)
def test_the_public_client_resolves_a_link_of_carnets(wish: list[str], world: World) -> None:
    """SHR-3, SHR-4 as a strict reader takes them."""
    share = world.phone("share", "create", *wish, "--label", "Für die Klinik", "--expires", "7d")
    asked = {"link": share["link"], "recipient": "Client Test"}
    if share["passcode"]:
        assert client("resolve", **asked, passcode="wrong")["error"] == "SHL_INVALID_PASSCODE_ERROR"
        asked["passcode"] = share["passcode"]
    for longest in (100_000, 100):  # embedded, and by location
        found = client("resolve", **asked, embeddedLengthMax=longest)
        assert "error" not in found, found
        [document] = found["fhirResources"]
        assert document["entry"][0]["resource"]["title"] == "International Patient Summary"
        assert found["label"] == "Für die Klinik"
        if "--direct" not in wish:
            [file] = found["manifest"]["files"]
            assert ("embedded" in file, "location" in file) == (longest > 100, longest == 100)
    world.phone("share", "revoke", share["id"])
    assert "error" in client("resolve", **asked)


@pytest.mark.parametrize("longest", [100_000, 10], ids=["embedded", "located"])
def test_a_link_of_the_public_clients_is_taken_in(longest: int, world: World) -> None:
    """SHR-23, SHR-24: its files are deflated or not, as it likes."""
    names = [f"foreign {longest} {number}" for number in range(2)]
    documents = [bundles.document([bundles.observation(1, id=name, code={"text": name})]) for name in names]
    contents = [
        {"content": json.loads(bundles.dumps(document)), "enableCompression": compressed}
        for document, compressed in zip(documents, (True, False), strict=True)
    ]
    with foreign_server() as foreign:
        made = client("make", url=foreign.url, flag="L", label="abroad", contents=contents, embeddedLengthMax=longest)
        for path, text in made["files"].items():
            foreign.gives(path, text)
        foreign.gives(made["url"].removeprefix(foreign.url), made["manifest"])
        done = world.phone.run("import", made["link"], "--recipient", "Testa")
    assert done.code in (DONE, WAITS), done
    for name in names:
        assert world.phone("find", name), name


def test_the_node_of_the_wheel_runs_where_no_other_is_there() -> None:
    node, npm = node_and_npm_of_the_wheel()
    for command in ([node, "--version"], [*npm, "--version"]):
        assert subprocess.run(command, capture_output=True, timeout=60, check=True).stdout
