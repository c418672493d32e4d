"""What a careful reader of the phone would try with its words: texts of others on a terminal, servers, passphrases."""

from __future__ import annotations

import asyncio
import getpass
import io
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from sync.device.cli.context import Context
from sync.device.cli.setup import origin
from sync.device.founding import Founded
from sync.device.identity import CachedToken
from sync.device.reading import identity_of
from sync.device.refused import Refused
from sync.wire.ids import AccountId, DeviceId, PersonId, VaultId
from tests.cli import bundles
from tests.cli.imported_phone import World, inside
from tests.cli.kit import DONE, Inside, id_of, make_phone

FOUNDED = Founded(AccountId(b"a"), DeviceId(b"d"), PersonId(b"p"), VaultId(b"v"), "SECRET")


def test_a_record_is_shown_with_its_annotations_and_disputes(own: Inside) -> None:
    record = id_of(own, "MedicationStatement")
    own("annotate", record, "makes me cough")
    own("dispute", record, "never taken")
    notes = own("show", record)["notes"]
    assert [(note["kind"], note["text"], note["person"], note["device"]) for note in notes] == [
        ("note", "makes me cough", "Testa Testperson", "phone A"),
        ("dispute", "never taken", "Testa Testperson", "phone A"),
    ]
    assert all(note["at"].endswith("Z") for note in notes)
    said = own.run("show", record, json=False).stdout
    assert "noted" in said
    assert "makes me cough" in said
    assert "disputed" in said
    assert "never taken" in said


def test_texts_of_others_are_neither_markup_nor_commands_to_the_terminal(own: Inside) -> None:
    own("new", "Immunization", bundles.dumps({**bundles.own_immunization(), "vaccineCode": {"text": "B[/12] [red]x"}}))
    own("annotate", id_of(own, "Condition"), "a\x1b]0;title\x07b")
    done = own.run("list", json=False)
    assert done.code == DONE
    assert "B[/12] [red]x" in " ".join(done.stdout.split())
    assert "\x1b]" not in own.run("show", id_of(own, "Condition"), json=False).stdout


def test_an_empty_list_says_what_to_do(world: World, tmp_path: Path) -> None:
    made = make_phone(tmp_path / "new", world.server.url)
    assert "carnet import" in made.run("list", json=False).stderr


GOOD = {
    "https://Example.org": "https://example.org",
    "example.org": "https://example.org",
    "https://example.org:443/": "https://example.org",
    "http://127.0.0.1:8080": "http://127.0.0.1:8080",
    "http://[::1]:8080": "http://[::1]:8080",
}


@pytest.mark.parametrize("given", GOOD)
def test_a_server_is_named_as_it_is_signed(given: str) -> None:
    assert origin(given) == GOOD[given]


@pytest.mark.parametrize(
    "given", ["http://[", "http://host:port", "https://a:b@host", "ftp://host", "https://", "https://host/x", "h#f"]
)
def test_what_is_no_server_is_refused(given: str) -> None:
    with pytest.raises(Refused, match="bad_value"):
        origin(given)


@pytest.mark.parametrize("given", ["http://example.org", "http://192.0.2.1:8080", "http://127.0.0.1.example.org"])
def test_a_server_elsewhere_is_named_with_tls_alone(given: str) -> None:
    """MUST CLI-6."""
    with pytest.raises(Refused, match="not_secure"):
        origin(given)


def context_of(folder: Path, **more: Any) -> Context:
    options = {"json": False, "quiet": False, "store": str(folder), "passphrase_file": None, "no_keyring": True}
    return Context(Namespace(**options | more))


def test_the_passphrase_of_a_new_store_is_typed_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed: list[str] = []
    monkeypatch.delenv("CARNET_PASSPHRASE", raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda *_, **__: typed.pop(0))

    async def open_new() -> None:
        async with context_of(tmp_path / "new").phone(create=True):
            pass

    typed[:] = ["one", "another"]
    with pytest.raises(Refused, match="passphrases_differ"):
        asyncio.run(open_new())


def test_what_takes_long_moves_on_a_terminal_and_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stderr, quiet, moves in ((io.StringIO(), False, False), (Terminal(), True, False), (Terminal(), False, True)):
        monkeypatch.setattr(sys, "stderr", stderr)
        with context_of(tmp_path, quiet=quiet).watching() as watch:
            watch("Taking in", 3, 10)
        assert bool(stderr.getvalue()) == moves


def test_secrets_do_not_stand_in_what_is_printed_of_an_object(own: Inside) -> None:
    async def read(phone: Any) -> Any:
        async with phone.store.transaction() as rows:
            return await identity_of(rows)

    identity = inside(own, read)
    identity.link_code = "SECRET"
    shown = repr(identity) + repr(CachedToken("SECRET", 1)) + repr(FOUNDED)
    assert "SECRET" not in shown
    assert not any(group in shown for group in identity.recovery_check.values())
