"""Phones of both signing kinds through the command: begun, linked, joined, removed, recovered (CRY-19, CRY-25)."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from crypto.public.keys import ED25519, ES256
from sync.device.cli.main import parser
from sync.device.linking import show_join_code
from sync.device.reading import identity_of
from sync.device.recovering import read_code
from sync.device.refused import Refused
from sync.wire.card import RECOVERY
from tests.cli.kit import DONE, REFUSED, USAGE, WAITS, Carnet, Inside, Server, join_phone, link_phone, notes_of, settle

ALLERGY = (
    '{"code": {"text": "Latex"}, "patient": {"display": "Testa"}, "clinicalStatus": {"coding": [{"system":'
    ' "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]}}'
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("kinds-server")).start()
    yield running
    running.kill()


class Mixed(NamedTuple):
    """Mum's es256 phone, her ed25519 tablet, her caregiver's es256 phone; a record that all have written to."""

    server: Server
    folder: Path
    mum: Inside
    tablet: Inside
    carer: Inside
    code: str
    record: str


def begin(store: Path, server: Server, *more: str) -> tuple[Inside, Any]:
    phone = Inside(store)
    who = ("--server", server.url, "--name", "Testa Testperson", "--device", "phone A")
    return phone, phone("--no-keyring", "init", *who, *more)


def let_in(store: Path, approver: Carnet, *arguments: str, role: str | None = None) -> Inside:
    """`link` or `join` as a process of its own, let in by `approve`."""
    waiting = Carnet(store).start("--no-keyring", *arguments)
    code = waiting.line()["code"]
    approver("approve", code, *(["--role", role] if role else []))
    done = waiting.result()
    assert done.code in (DONE, WAITS), done
    return Inside(store)


@pytest.fixture(scope="module")
def mixed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Mixed:
    folder = tmp_path_factory.mktemp("kinds")
    mum, made = begin(folder / "mum", server, "--signing", "es256")
    at = ("--server", server.url)
    tablet = link_phone(folder / "tablet", mum, server.url, device="tablet")
    joins = ("join", *at, "--name", "Cara Testcarer", "--device", "hers", "--signing", "es256")
    carer = let_in(folder / "carer", tablet, *joins, role="editor")
    record = mum("new", "AllergyIntolerance", ALLERGY)["id"]
    settle(mum, tablet, carer)
    for phone, text in ((mum, "from mum"), (tablet, "from the tablet"), (carer, "from her caregiver")):
        phone("annotate", record, text)
    settle(mum, tablet, carer)
    return Mixed(server, folder, mum, tablet, carer, made["recovery_code"], record)


def kinds(phone: Inside) -> dict[str, int]:
    """The key type of every card that the log has listed, by device id."""

    async def look() -> dict[str, int]:
        async with phone.phone() as opened, opened.store.transaction() as rows:
            table = (await rows.get_vault(1)).log.table
            return {device.hex(): row.key_type for device, row in table.cards.items() if row.kind != RECOVERY}

    return asyncio.run(look())


def kind_of(phone: Inside) -> int:
    async def look() -> int:
        async with phone.phone() as opened, opened.store.transaction() as rows:
            identity = await identity_of(rows)
            assert identity.keys.signing.key_type == identity.key_type
            return identity.key_type

    return asyncio.run(look())


def test_each_phone_has_the_kind_that_it_was_given(mixed: Mixed) -> None:
    assert [kind_of(phone) for phone in (mixed.mum, mixed.tablet, mixed.carer)] == [ES256, ED25519, ES256]
    assert sorted(kinds(mixed.mum).values()) == [ED25519, ES256, ES256]


def test_what_each_kind_writes_stands_on_every_phone(mixed: Mixed) -> None:
    for phone in (mixed.mum, mixed.tablet, mixed.carer):
        assert set(notes_of(phone, mixed.record)) >= {"from mum", "from the tablet", "from her caregiver"}
    assert len({phone("vaults")[0]["state_root"] for phone in (mixed.mum, mixed.tablet, mixed.carer)}) == 1


def test_her_code_proves_itself_on_a_phone_of_either_kind(mixed: Mixed) -> None:
    """The recovery card is Ed25519 (CRY-19), and an ES256 phone enrols and checks it."""
    paper = mixed.folder / "code.txt"
    paper.write_text(mixed.code)
    for phone in (mixed.mum, mixed.tablet):
        assert phone("recover", "--rehearse", "--code-file", str(paper)) == {"confirmed": True}


def test_an_es256_person_is_removed_by_the_ed25519_phone_and_recovery_makes_either_kind(
    server: Server, tmp_path: Path
) -> None:
    mum, made = begin(tmp_path / "mum", server, "--signing", "ed25519")
    at, asked = ("--server", server.url), ("--role", "editor")
    carer, _ = join_phone(
        tmp_path / "carer", mum, server.url, *asked, person="Cara Testcarer", device="hers", key_type=ES256
    )
    second = let_in(tmp_path / "second", mum, "link", *at, "--device", "second", "--signing", "es256")
    assert kind_of(second) == ES256
    record = mum("new", "AllergyIntolerance", ALLERGY)["id"]
    settle(mum, carer)
    mum("members", "remove", "Cara Testcarer")
    mum("sync")
    done = carer.run("sync")
    assert (done.code, [vault["code"] for vault in done.json["vaults"]]) == (REFUSED, ["removed"])
    second("sync")
    second("annotate", record, "after she left")
    settle(second, mum, rounds=1)
    code = made["recovery_code"]
    for number, (words, kind) in enumerate({"es256": ES256, "ed25519": ED25519}.items()):
        paper = tmp_path / "code.txt"
        paper.write_text(code)
        new = Inside(tmp_path / f"new {number}")
        wanted = ("--device", f"new {number}", "--lost", "all", "--signing", words)
        said = new("--no-keyring", "recover", *at, "--code-file", str(paper), *wanted)
        code = said["recovery_code"]
        read_code(code)
        assert kind_of(new) == kind
        assert notes_of(new, record) == ["after she left"]
        assert [device["name"] for person in new("members") for device in person["devices"]] == [f"new {number}"]


def test_without_a_word_a_phone_is_ed25519(server: Server, tmp_path: Path) -> None:
    assert kind_of(begin(tmp_path / "usual", server)[0]) == ED25519


def test_a_kind_that_does_not_exist_makes_nothing(server: Server, tmp_path: Path) -> None:
    who = ("--server", server.url, "--name", "Testa Testperson", "--device", "phone A")
    done = Inside(tmp_path / "none").run("--no-keyring", "init", *who, "--signing", "rsa")
    assert done.code == USAGE
    assert not (tmp_path / "none").exists()


def test_the_help_says_when_to_choose_which() -> None:
    """Where a new card is made."""
    commands = next(action for action in parser()._actions if action.dest == "command").choices
    assert isinstance(commands, dict)
    for name in ("init", "link", "join", "recover"):
        text = " ".join(commands[name].format_help().split())
        assert "--signing {ed25519,es256}" in text
        assert "secure hardware" in text
        assert "for good" in text


def test_a_copy_that_takes_a_new_card_takes_one_of_the_kind_it_had(server: Server, tmp_path: Path) -> None:
    phone, _ = begin(tmp_path / "phone", server, "--signing", "es256")
    record = phone("new", "AllergyIntolerance", ALLERGY)["id"]
    phone("sync")
    copy = Inside(shutil.copytree(phone.store, tmp_path / "copy"), phone.passphrase)
    phone("annotate", record, "on the phone")
    copy("annotate", record, "on its copy")
    settle(phone, copy, rounds=3)
    cards = kinds(phone)
    assert len(cards) == 2, "the copy has a card of its own"
    assert set(cards.values()) == {ES256}
    assert set(notes_of(copy, record)) == {"on the phone", "on its copy"}


def test_a_join_that_goes_on_keeps_the_kind_and_refuses_another(server: Server, tmp_path: Path) -> None:
    waiting = Inside(tmp_path / "waiting")

    async def show(key_type: int | None, *, create: bool = False) -> str | None:
        async with waiting.phone(create=create) as phone:
            return (await show_join_code(phone, server.url, "Cara Testcarer", "hers", key_type=key_type))[1]

    assert asyncio.run(show(ES256, create=True)) is not None
    with pytest.raises(Refused) as refused:
        asyncio.run(show(ED25519))
    assert refused.value.code == "store_exists"
    assert asyncio.run(show(None)) is None
    assert kind_of(waiting) == ES256
