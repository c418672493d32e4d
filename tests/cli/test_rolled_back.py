"""Removals and their ends: grace frames that owners adopt or decline, and a server whose old copy lacks a removal.

Spec: openapi/protocol/bad-days.md.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import bundles
from tests.cli.kit import REFUSED, Inside, Server, join_phone, link_phone, make_phone, notes_of, settle, vault_of

CARER = "Cara Testcarer"
PHONES = ("mum", "tablet", "dad", "carer")
ALLERGY = bundles.dumps(
    {
        "code": {"text": "Latex"},
        "clinicalStatus": {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}
            ]
        },
    }
)


class Family:
    """Mum with two phones, Dad a co-owner or an editor, a caregiver; all have read everything."""

    def __init__(self, folder: Path, server: Server, record: str) -> None:
        self.folder, self.server, self.record = folder, server, record
        self.mum, self.tablet, self.dad, self.carer = (Inside(folder / name) for name in PHONES)

    def put_back(self, copy: Path) -> None:
        """The server runs again from an old copy of its data folder."""
        self.server.kill()
        shutil.rmtree(self.server.data)
        shutil.copytree(copy, self.server.data)
        self.server.start()

    def copy(self) -> Path:
        """The server's data folder as it is now."""
        self.server.stop()
        shutil.copytree(self.server.data, self.folder / "old")
        self.server.start()
        return self.folder / "old"

    def people(self, phone: Inside) -> list[str]:
        """Who is in, as this phone tells it."""
        return sorted(person["name"] for person in phone("members"))


def made(folder: Path, dad: str) -> Family:
    """The family, its server stopped; `dad`: his role."""
    server = Server(folder / "server").start()
    mum = make_phone(folder / "mum", server.url, person="Mum Testperson")
    link_phone(folder / "tablet", mum, server.url)
    join_phone(folder / "dad", mum, server.url, "--role", dad, person="Dad Testperson", device="dad's")
    join_phone(folder / "carer", mum, server.url, "--role", "editor", person=CARER, device="carer's")
    family = Family(folder, server, mum("new", "AllergyIntolerance", ALLERGY)["id"])
    settle(family.mum, family.tablet, family.dad, family.carer)
    server.kill()
    return family


def again(first: Family, folder: Path) -> Family:
    """All of it copied, the server started on its port."""
    for name in PHONES:
        shutil.copytree(first.folder / name, folder / name)
    return Family(folder, first.server.copied(folder / "server").start(), first.record)


@pytest.fixture(scope="module")
def first_owners(tmp_path_factory: pytest.TempPathFactory) -> Family:
    return made(tmp_path_factory.mktemp("owners"), "owner")


@pytest.fixture(scope="module")
def first_family(tmp_path_factory: pytest.TempPathFactory) -> Family:
    return made(tmp_path_factory.mktemp("family"), "editor")


@pytest.fixture
def owners(first_owners: Family, tmp_path: Path) -> Iterator[Family]:
    copied = again(first_owners, tmp_path)
    yield copied
    copied.server.kill()


@pytest.fixture
def family(first_family: Family, tmp_path: Path) -> Iterator[Family]:
    copied = again(first_family, tmp_path)
    yield copied
    copied.server.kill()


def remove_the_carer(family: Family, *readers: Inside) -> None:
    family.mum("members", "remove", CARER)
    settle(family.mum, *readers, rounds=1)


def code_of(phone: Inside) -> str | None:
    [vault] = phone.run("sync").json["vaults"]
    return vault["code"]


def test_what_one_owner_has_adopted_is_not_offered_to_the_other(owners: Family) -> None:
    """BAD-11, BAD-12."""
    owners.carer("annotate", owners.record, "written offline")
    owners.carer("annotate", owners.record, "and this")
    remove_the_carer(owners)
    owners.carer.run("sync")
    settle(owners.mum, owners.dad, rounds=1)
    [kept] = owners.mum("quarantine")
    assert (kept["person"], kept["why"], kept["changes"]) == (CARER, "rights", 2)
    [other] = owners.dad("quarantine")
    owners.mum("quarantine", "adopt", kept["id"])
    settle(owners.mum, owners.dad, rounds=1)
    assert owners.dad("quarantine") == []
    done = owners.dad.run("quarantine", "adopt", other["id"])
    assert (done.code, done.json["code"]) == (REFUSED, "no_such_quarantine")
    assert notes_of(owners.dad, owners.record) == ["written offline", "and this"]


def test_what_two_owners_adopt_at_once_is_one_note_for_everybody(owners: Family) -> None:
    owners.carer("annotate", owners.record, "written offline")
    remove_the_carer(owners)
    owners.carer.run("sync")
    settle(owners.mum, owners.dad, rounds=1)
    for owner in (owners.mum, owners.dad):
        [kept] = owner("quarantine")
        owner("quarantine", "adopt", kept["id"])
    settle(owners.mum, owners.dad, owners.tablet)
    for phone in (owners.mum, owners.dad, owners.tablet):
        assert set(notes_of(phone, owners.record)) == {"written offline"}
        assert phone("conflicts") == []


def test_what_an_owner_declines_is_not_offered_any_more_and_changes_nothing(owners: Family) -> None:
    """BAD-11."""
    owners.carer("annotate", owners.record, "written offline")
    remove_the_carer(owners)
    owners.carer.run("sync")
    settle(owners.mum, owners.dad, rounds=1)
    [kept] = owners.dad("quarantine")
    assert owners.dad("quarantine", "decline", kept["id"]) == []
    settle(owners.dad, owners.mum, owners.tablet, rounds=1)
    for phone in (owners.mum, owners.dad, owners.tablet):
        assert phone("quarantine") == []
        assert notes_of(phone, owners.record) == []


def test_an_editor_cannot_adopt_what_a_removed_person_wrote(family: Family) -> None:
    """BAD-10."""
    family.carer("annotate", family.record, "written offline")
    remove_the_carer(family)
    family.carer.run("sync")
    family.dad("sync")
    [kept] = family.dad("quarantine")
    done = family.dad.run("quarantine", "adopt", kept["id"])
    assert (done.code, done.json["code"]) == (REFUSED, "not_member")


def test_a_removal_that_a_restore_lost_is_handed_back(family: Family) -> None:
    old = family.copy()
    remove_the_carer(family, family.dad)
    family.put_back(old)
    assert code_of(family.dad) is None
    assert code_of(family.carer) == "removed"
    assert CARER not in family.people(family.dad)


def test_a_removal_that_a_raced_restore_lost_holds_for_who_knew_and_owners_repeat_it(family: Family) -> None:
    old = family.copy()
    remove_the_carer(family, family.dad)
    family.put_back(old)
    family.carer("annotate", family.record, "she is in again")
    assert code_of(family.carer) is None
    family.dad("annotate", family.record, "not for her eyes")
    assert code_of(family.dad) == "rolled_back"
    assert vault_of(family.dad)["pending"] > 0, "nothing is written while she is listed again"
    assert {f["kind"] for f in family.dad("findings")} == {"diverged", "rolled_back"}
    assert [halt["why"] for halt in family.dad("status")["halted"]] == ["rolled_back"]
    assert code_of(family.mum) == "diverged"
    assert CARER not in family.people(family.mum)
    settle(family.dad, family.mum, family.tablet)
    assert code_of(family.carer) == "removed"
    for phone in (family.mum, family.dad, family.tablet):
        assert CARER not in family.people(phone)
        assert sorted(notes_of(phone, family.record)) == ["not for her eyes", "she is in again"]
        assert vault_of(phone)["pending"] == 0


def test_an_owners_phone_that_never_knew_repeats_what_a_member_brings_and_was_good(family: Family) -> None:
    old = family.copy()
    remove_the_carer(family, family.dad)
    family.put_back(old)
    family.carer("annotate", family.record, "she is in again")
    assert code_of(family.carer) is None
    assert code_of(family.dad) == "rolled_back"
    assert code_of(family.tablet) is None
    assert CARER not in family.people(family.tablet)
    assert code_of(family.dad) is None
    assert code_of(family.carer) == "removed"


def test_a_lowered_role_that_a_raced_restore_lost_is_lowered_again(family: Family) -> None:
    old = family.copy()
    family.mum("members", "role", CARER, "viewer")
    settle(family.mum, family.dad, rounds=1)
    family.put_back(old)
    family.carer("annotate", family.record, "she may write again")
    assert code_of(family.carer) is None
    assert code_of(family.dad) == "rolled_back"
    assert code_of(family.mum) == "diverged"
    assert code_of(family.dad) is None
    roles = {person["name"]: person["role"] for person in family.dad("members")}
    assert roles[CARER] == "viewer"
