"""rolled-back-membership, half-repeated: shipped phones before a server that claims a restore and so loses a removal
and a handover, lets an owner who never knew of them speak, and is deaf to who repeats them.

One story, in its order. The rules by themselves are in the tests of these names.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sync.vault.intents import Rotate
from tests.cli.kit import Inside, Server, join_phone, link_phone, notes_of, settle, vault_of
from tests.hostile.colluders import Colluding

MUM, DAD, CARER = "Mum Testperson", "Dad Testperson", "Cara Testcarer"


class Restored:
    """Mum, her tablet, Dad an editor, and a carer. Mum has removed the carer and handed the vault to Dad, which Dad's
    phone has read and the tablet has not; then the server claims a restore, and the carer writes before they do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = Server(folder / "server").start()
        url = self.server.url
        self.mum = Inside(folder / "mum")
        names = ["--name", MUM, "--device", "mum's phone", "--vault", "records of a test"]
        self.mum("--no-keyring", "init", "--server", url, *names, "--subject", "none")
        self.tablet = link_phone(folder / "tablet", self.mum, url, device="tablet")
        self.dad, _ = join_phone(folder / "dad", self.mum, url, "--role", "editor", person=DAD, device="dad's")
        self.carer, _ = join_phone(folder / "carer", self.mum, url, "--role", "editor", person=CARER, device="carer's")
        self.record = self.mum("new", "Condition", '{"code": {"text": "Asthma"}}')["id"]
        settle(self.mum, self.tablet, self.dad, self.carer)
        now = self.server.data / "carnet.sqlite3"
        with closing(sqlite3.connect(now)) as held, closing(sqlite3.connect(folder / "old")) as copy:
            held.backup(copy)
        self.mum("members", "remove", CARER)
        self.mum("members", "handover", DAD)
        self.dad("sync")
        self.server.stop()
        now.unlink()
        shutil.copyfile(folder / "old", now)
        self.server.start()
        self.carer("annotate", self.record, "she is in again")
        assert code_of(self.carer) is None

    def turns(self, how: str | None) -> None:
        """The same server, in league with the carer from now on, or honest again."""
        self.server.stop()
        port = self.server.port
        self.server = Colluding(self.folder / "server", how) if how else Server(self.folder / "server")
        self.server.port = port
        self.server.start()


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restored]:
    made = Restored(tmp_path_factory.mktemp("restored"))
    yield made
    made.server.kill()


def code_of(phone: Inside) -> str | None:
    [vault] = phone.run("sync").json["vaults"]
    return vault["code"]


def is_held_back(phone: Inside) -> None:
    """It writes nothing, says so, and does not list the carer as somebody who may read what it will write."""
    assert vault_of(phone)["pending"] > 0
    assert [halt["why"] for halt in phone("status")["halted"]] == ["rolled_back"]
    words = [finding["words"] for finding in phone("findings") if finding["kind"] == "rolled_back"]
    assert words
    assert "it writes nothing until an owner's phone that knew of them has repeated them" in words[-1]


def rotates(phone: Inside) -> None:
    """An entry of an owner's phone that starts an epoch and says nothing else."""

    async def wish() -> None:
        async with phone.phone() as opened, opened.store.transaction() as rows:
            state = await rows.get_vault(1)
            assert state.log.epoch is not None
            state.intents = [*state.intents, Rotate(state.log.epoch.number)]
            await rows.put_vault(1, state)

    asyncio.run(wish())
    phone("sync")


def test_a_rotation_by_an_owner_who_never_knew_does_not_let_who_knew_write(family: Restored) -> None:
    """half-repeated."""
    rotates(family.tablet)
    family.dad("annotate", family.record, "not for her eyes")
    assert code_of(family.dad) == "rolled_back"
    assert code_of(family.dad) == "rolled_back"
    is_held_back(family.dad)


def test_a_server_that_is_deaf_to_who_repeats_it_gets_nothing_from_who_knew(family: Restored) -> None:
    """rolled-back-membership."""
    family.turns("deaf")
    family.mum("annotate", family.record, "nor this")
    for _ in range(3):
        for phone in (family.mum, family.dad):
            phone.run("sync")
    for phone in (family.mum, family.dad):
        is_held_back(phone)
    assert code_of(family.carer) is None
    assert notes_of(family.carer, family.record) == ["she is in again"]


def test_an_owner_of_both_logs_repeats_removal_and_handover_and_all_goes_on(family: Restored) -> None:
    """rolled-back-membership."""
    family.turns(None)
    settle(family.mum, family.dad, family.tablet)
    assert code_of(family.carer) == "removed"
    for phone in (family.mum, family.dad, family.tablet):
        people = {(person["name"], person["role"], person["subject"]) for person in phone("members")}
        assert people == {(MUM, "owner", False), (DAD, "owner", True)}
        assert sorted(notes_of(phone, family.record)) == ["nor this", "not for her eyes", "she is in again"]
        assert vault_of(phone)["pending"] == 0
        assert phone("status")["halted"] == []
    assert notes_of(family.carer, family.record) == ["she is in again"]
