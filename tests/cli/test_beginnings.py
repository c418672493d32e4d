"""How a phone begins, by the contract of openapi/protocol/cli.md: init, the recovery code, link, passphrase, store.

Each beginning is a process of its own; what only looks afterwards runs in this process.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.cli.kit import (
    DONE,
    PASSPHRASE,
    REFUSED,
    ROOT,
    USAGE,
    Carnet,
    Inside,
    Server,
    clean_environment,
    make_phone,
    vault_of,
)

HEX = re.compile(r"[0-9a-f]+\Z")


class World(NamedTuple):
    """A running server and a phone of one person."""

    folder: Path
    server: Server
    a: Inside


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("beginnings")
    server = Server(folder / "server").start()
    yield World(folder, server, make_phone(folder / "a", server.url))
    server.kill()


def test_a_new_phone_shows_one_object_a_line_and_words_elsewhere(world: World, tmp_path: Path) -> None:
    """`link` and `approve` as processes; MUST CLI-2."""
    old = Carnet(world.a.store)
    new = Carnet(tmp_path / "new")
    running = new.start("--no-keyring", "link", "--server", world.server.url, "--device", "phone C")
    shown = running.line()
    assert set(shown) == {"code"}
    approved = old("approve", *shown["code"].split())
    assert set(approved) == {"device", "person", "role"}
    assert approved["role"] == "owner"
    done = running.result()
    assert done.code == DONE
    linked = json.loads(done.stdout)
    assert set(linked) == {"linked", "device", "vaults"}
    assert (linked["linked"], linked["device"]) == (True, approved["device"])
    assert linked["vaults"] == [vault_of(world.a)["id"]]
    assert "phone C" in {device["name"] for device in new.inside().run("status").json["devices"]}


def test_a_mistyped_code_and_one_that_nobody_shows_are_refused(world: World) -> None:
    for code in ("AAAA", "not a code at all"):
        done = world.a.run("approve", code)
        assert done.code == REFUSED
        assert done.json["next"]


def test_a_phone_of_ones_own_takes_ones_own_role(world: World, tmp_path: Path) -> None:
    link = ("--no-keyring", "link", "--server", world.server.url, "--device", "phone D")
    running = Carnet(tmp_path / "new").start(*link)
    code = running.line()["code"]
    done = world.a.run("approve", code, "--role", "viewer")
    running.process.terminate()
    running.result()
    assert (done.code, done.json["code"]) == (REFUSED, "role_refused")


class Started(NamedTuple):
    """A new phone by a process of its own, and what `init` said."""

    phone: Carnet
    said: dict[str, Any]


@pytest.fixture(scope="module")
def started(world: World) -> Started:
    phone = Carnet(world.folder / "started")
    said = phone(
        "--no-keyring", "init", "--server", world.server.url, "--name", "Testa", "--device", "phone", codes=(DONE,)
    )
    return Started(phone, said)


def test_init_shows_the_recovery_code_once(started: Started) -> None:
    assert set(started.said) == {"account", "device", "person", "vault", "recovery_code"}
    assert all(HEX.match(started.said[key]) for key in ("account", "device", "person", "vault"))
    again = started.phone.inside().run("init", "--server", "http://127.0.0.1:1", "--name", "T", "--device", "p")
    assert (again.code, again.json["code"]) == (REFUSED, "store_exists")
    assert vault_of(started.phone.inside())["name"] == "Testa’s records"


def test_two_groups_of_the_recovery_code_are_typed_back_on_stdin(started: Started) -> None:
    """Questions go to stderr, answers are lines on stdin, terminal or not (MUST CLI-2)."""
    wrong = started.phone.run("recovery", "confirm", stdin="XXXX\nXXXX\n")
    assert (wrong.code, wrong.json["code"]) == (REFUSED, "bad_code")
    asked = [int(number) for number in re.findall(r"Group (\d+)", wrong.stderr)]
    assert len(set(asked)) == 2
    groups = started.said["recovery_code"].split("-")
    lines = [groups[place - 1] for place in asked]
    ended = started.phone.run("recovery", "confirm", stdin=lines[0] + "\n")
    assert ended.code == REFUSED
    right = started.phone.run("recovery", "confirm", stdin=f"{lines[0].lower()}\n{lines[1]}\n")
    assert (right.code, right.json) == (DONE, {"confirmed": True})
    assert started.phone.inside().run("recovery", "confirm").json["code"] == "no_recovery"


def test_a_passphrase_comes_from_a_file_or_the_environment_and_never_from_an_argument(
    started: Started, tmp_path: Path
) -> None:
    """MUST CLI-1."""
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE + "\n")
    phone = started.phone.inside()
    assert phone.run("list", CARNET_PASSPHRASE=None).json["code"] in ("passphrase_needed", "no_keyring")
    by_file = ("--passphrase-file", str(file))
    assert phone.run(*by_file, "list", CARNET_PASSPHRASE=None).code == DONE
    assert phone.run(*by_file, "list", CARNET_PASSPHRASE="another").code == DONE
    assert phone.run("--no-keyring", "list", CARNET_PASSPHRASE=None).json["code"] == "passphrase_needed"
    assert phone.run("--passphrase-file", str(tmp_path / "none"), "list").json["code"] == "no_such_file"
    assert phone.run("--passphrase", PASSPHRASE, "list").code == USAGE


def test_a_passphrase_is_the_same_however_its_letters_are_composed_and_one_too_long_is_refused(
    world: World, tmp_path: Path
) -> None:
    """A keyboard and a file may spell é as one code point or as two: NFC is what counts (RFC 8265)."""
    import unicodedata

    composed = unicodedata.normalize("NFC", "une phrase très privée")
    phone = Inside(tmp_path / "a", composed)
    phone("--no-keyring", "init", "--server", world.server.url, "--name", "Testa", "--device", "phone")
    assert Inside(phone.store, unicodedata.normalize("NFD", composed)).run("list").code == DONE
    done = Inside(phone.store, "x" * 5_000).run("list")
    assert (done.code, bool(done.json["next"])) == (REFUSED, True)


def test_the_store_is_named_by_the_environment_too(started: Started) -> None:
    environment = clean_environment(CARNET_STORE=str(started.phone.store), CARNET_PASSPHRASE=PASSPHRASE)
    command = [sys.executable, "-m", "sync.device.cli.main", "--json", "vaults"]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, env=environment, check=False)
    assert done.returncode == DONE
    assert json.loads(done.stdout)[0]["id"] == started.said["vault"]
