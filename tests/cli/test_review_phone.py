"""What a careful reader of the phone would try: files and their modes, texts of others on a terminal, two commands at
once, a vault that is halted, a server that is out of room or lost much of the log.
"""

from __future__ import annotations

import asyncio
import getpass
import io
import json
import os
import ssl
import stat
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from crypto.public.keys import ED25519
from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.device import intake, outbox, overview, questions
from sync.device.cli.context import Context
from sync.device.cli.setup import origin
from sync.device.founding import Founded, found
from sync.device.identity import CachedToken
from sync.device.reading import identity_of
from sync.device.refused import Refused
from sync.device.transport import HttpTransport
from sync.log.state import LogState
from sync.vault.content import encode_inside
from sync.vault.entries import found_vault, make_card
from sync.vault.frames import seal_frame
from sync.vault.keyring import Keyring
from sync.vault.replay import Finding, open_items, replay
from sync.vault.state import VaultState
from sync.wire.card import DEVICE
from sync.wire.exchange import VaultAnswer
from sync.wire.ids import AccountId, DeviceId, LogHash, PersonId, VaultId
from sync.wire.item import NO_FRAME, FrameHeader, item_hash
from tests.cli import bundles
from tests.cli.kit import DONE, REFUSED, Inside, Server, id_of, make_phone, vault_of

FOUNDED = Founded(AccountId(b"a"), DeviceId(b"d"), PersonId(b"p"), VaultId(b"v"), "SECRET")


class World(NamedTuple):
    folder: Path
    server: Server
    a: Inside


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("review")
    server = Server(folder / "server").start()
    a = make_phone(folder / "a", server.url)
    a("import", bundles.written(folder, "summary.json", bundles.summary()), "--source", "Example Hospital")
    a("sync")
    yield World(folder, server, a)
    server.kill()


@pytest.fixture
def own(world: World, tmp_path: Path) -> Inside:
    """A copy of the phone that a test may change."""
    import shutil

    return Inside(shutil.copytree(world.a.store, tmp_path / "own"))


def inside(phone: Inside, work: Any) -> Any:
    """What an async function makes of the phone."""

    async def run() -> Any:
        async with phone.phone() as opened:
            return await work(opened)

    return asyncio.run(run())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Files.


def test_the_store_is_for_its_owner_alone(world: World, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        made = make_phone(tmp_path / "new", world.server.url)
    finally:
        os.umask(before)
    assert mode(made.store) == 0o700
    assert {mode(file) for file in made.store.iterdir()} == {0o600}


def test_an_exported_file_is_for_its_owner_alone_and_nothing_is_left_beside_it(own: Inside, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    (folder / "all.json.part").mkdir(parents=True)
    assert own.run("export", str(folder / "all.json")).code == DONE
    assert mode(folder / "all.json") == 0o600
    assert sorted(file.name for file in folder.iterdir()) == ["all.json", "all.json.part"]


def test_an_export_where_no_file_can_be_is_refused_and_leaves_nothing(own: Inside, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    done = own.run("export", str(tmp_path / "out"))
    assert (done.code, done.json["code"]) == (REFUSED, "not_written")
    done = own.run("export", str(tmp_path / "no such folder" / "all.json"))
    assert (done.code, done.json["code"]) == (REFUSED, "not_written")
    assert not [file for file in tmp_path.iterdir() if "part" in file.name]


def test_an_export_into_what_is_no_file_of_its_own_goes_through_it(own: Inside, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        import threading

        got = bytearray()

        def drain() -> None:
            os.set_blocking(reading, True)
            while piece := os.read(reading, 65_536):
                got.extend(piece)

        done: list[Any] = []
        writer = threading.Thread(target=drain)
        with pipe.open("wb"):  # held open until the command has begun to write
            writer.start()
            done.append(own.run("export", str(pipe)))
        writer.join(10)
    finally:
        os.close(reading)
    assert done[0].code == DONE
    assert json.loads(got)["resourceType"] == "Bundle"
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_store_that_is_a_file_is_refused_in_words(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    done = Inside(tmp_path / "file").run(
        "init", "--server", world.server.url, "--name", "Testa Testperson", "--device", "phone"
    )
    assert (done.code, done.json["code"]) == (REFUSED, "bad_store")


def test_a_document_whose_envelope_was_deleted_is_given_back_all_the_same(own: Inside, tmp_path: Path) -> None:
    [source] = own("sources")
    own("delete", source["id"])
    assert own("sources") == []
    out = tmp_path / "document.json"
    gave = own("export", str(out), "--document", source["id"])
    assert len(json.loads(out.read_text())["entry"]) == gave["records"] > 0
    done = own.run("export", str(out), "--document", "ffffffffffff")
    assert (done.code, done.json["code"]) == (REFUSED, "no_such_document")


# Words.


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


# Work that is done once.


def test_without_tls_no_certificates_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("certificates were read for a server without TLS")

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", refuse)
    HttpTransport("http://127.0.0.1:9")
    with pytest.raises(AssertionError, match="certificates"):
        HttpTransport("https://127.0.0.1:9")


@pytest.mark.parametrize("command", ["status", "conflicts", "quarantine", "sync"])
def test_a_command_looks_for_open_questions_once(command: str, own: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    look = questions.open_conflicts

    def counted(vault: Any) -> Any:
        looked.append(vault.number)
        return look(vault)

    monkeypatch.setattr(questions, "open_conflicts", counted)
    monkeypatch.setattr(overview, "open_conflicts", counted)
    assert own.run(command).code == DONE
    assert looked == [1]


# Two commands at once, and what a server may say.


def test_of_two_beginnings_in_one_store_one_is_refused(world: World, tmp_path: Path) -> None:
    made = Inside(tmp_path / "twice")

    async def both() -> list[Any]:
        async with made.phone(create=True) as one, made.phone(create=True) as other:
            begun = [
                found(phone, world.server.url, "Testa Testperson", "phone", "a vault", subject=True)
                for phone in (one, other)
            ]
            return await asyncio.gather(*begun, return_exceptions=True)

    ends = asyncio.run(both())
    [refused] = [end for end in ends if isinstance(end, Refused)]
    [founded] = [end for end in ends if isinstance(end, Founded)]
    assert refused.code == "store_exists"
    assert vault_of(made)["id"] == founded.vault.hex()


def test_of_a_vault_that_is_halted_nothing_is_sent(own: Inside) -> None:
    own("annotate", id_of(own, "Condition"), "waits")

    async def asked_twice(phone: Any) -> tuple[int, int]:
        async with phone.store.transaction() as rows:
            identity = await identity_of(rows)
            before, _ = await outbox.prepare(
                phone, rows, identity, 1
            )  # frames are sealed, and their answer never comes
            state = await rows.get_vault(1)
            state.halted = "cloned"
            await rows.put_vault(1, state)
            after, _ = await outbox.prepare(phone, rows, identity, 1)
        return len(before.items), len(after.items)

    assert inside(own, asked_twice) == (1, 0)


def test_a_vault_that_needed_a_newer_app_goes_on_with_it(own: Inside) -> None:
    own("annotate", id_of(own, "Condition"), "waits")

    async def halt(phone: Any) -> None:
        async with phone.store.transaction() as rows:
            state = await rows.get_vault(1)
            state.halted = "newer_version"
            await rows.put_vault(1, state)

    inside(own, halt)
    assert own.run("sync").code == DONE
    assert (own("status")["halted"], vault_of(own)["pending"]) == ([], 0)


def test_a_quota_that_is_used_up_sets_nothing_aside(own: Inside) -> None:
    own("annotate", id_of(own, "Condition"), "waits for another day")

    async def refused(phone: Any) -> Any:
        for _ in range(3):
            async with phone.store.transaction() as rows:
                identity = await identity_of(rows)
                state = await rows.get_vault(1)
                state.at_head = True
                await rows.put_vault(1, state)
                _, asked = await outbox.prepare(phone, rows, identity, 1)
                assert asked.own
                answer = VaultAnswer(state.vault, "quota", (), state.log.seq, state.log.log_hash, False)
                await intake.hear(rows, identity, asked, answer)
                await intake.finish(rows, asked, answer)
        async with phone.store.transaction() as rows:
            return await rows.get_quarantined(1), await rows.count_pending(1)

    assert inside(own, refused) == ([], 1)


def test_a_finding_that_nobody_has_read_leaves_a_vault_unproved(own: Inside) -> None:
    async def found_something(phone: Any) -> None:
        async with phone.store.transaction() as rows:
            await rows.put_findings(1, [Finding("seen", 1, None)])

    inside(own, found_something)
    assert vault_of(own)["unproved"] is True
    own("findings", "read", own("findings")[0]["id"])
    assert vault_of(own)["unproved"] is False


def test_a_server_that_lost_much_is_handed_all_of_it_in_one_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(tmp_path / "server").start()
    phone = make_phone(tmp_path / "phone", server.url)
    server.stop()
    old = server.copied(tmp_path / "backup")
    server.start()
    record = phone("new", "Immunization", bundles.dumps(bundles.own_immunization()))["id"]
    for place in range(7):
        phone("annotate", record, f"note {place}")
        phone("sync")
    server.stop()
    old.start()
    try:
        monkeypatch.setattr(outbox, "SEND_ITEMS_MAX", 1)
        done = phone.run("sync")
        assert (done.code, done.json["vaults"][0]["code"]) == (DONE, None)
        assert phone("sync")["requests"] == 1  # nothing was left to hand back
    finally:
        old.kill()


def test_what_an_author_saw_is_compared_also_with_items_that_came_in_the_same_message() -> None:
    """PHN-12."""
    signing, kem = SigningKey.from_seed(ED25519, Secret(bytes([1]) * 32)), KemKey.from_seed(Secret(bytes([2]) * 32))
    card = make_card(DEVICE, signing, kem)
    key = Secret(bytes([3]) * 32)
    vault, built = found_vault(
        card, PersonId(bytes(16)), subject=True, recovery=None, nonce=bytes(16), key=key, salt=bytes(32)
    )
    keyring = Keyring()
    epoch = keyring.add(key)
    inside_ = encode_inside([], 0, [card.device], {})
    items, prev = [built.item], NO_FRAME
    for fseq, seen_seq in enumerate((0, 0, 1), 1):
        seen = LogState.empty(vault).log_hash if seen_seq == 0 else LogHash(bytes(32))  # what is said of seq 1 is false
        header = FrameHeader(1, vault, card.device, fseq, prev, epoch, seen_seq, seen)
        items.append(seal_frame(header, inside_, key, bytes([fseq]) * 32, signing))
        prev = item_hash(items[-1].signed)
    state = VaultState(LogState.empty(vault), PersonId(bytes(16)), keyring)
    own_hashes = {item_hash(item.signed) for item in items}
    first = {0: LogState.empty(vault).log_hash}
    outcome = replay(state, card.device, open_items(items, state), {}, {}, own_hashes, first.get)
    assert [(finding.kind, finding.seq) for finding in outcome.findings] == [("seen", 4)]
    assert [stored.verdict for stored in outcome.items] == [None] * 4
