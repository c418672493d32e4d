"""Several vaults through the command: one more, an invitation, one that is left, and the exit from one.

Every phone is the `carnet` command run in this process, over a real server.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.cli.bundles import ALLERGY
from tests.cli.kit import DONE, REFUSED, WAITS, Inside, Server, join_phone, link_phone, make_phone, settle

CARER = "Cara Testcarer"
LISTED = ("records of a test", "Second vault", "Third vault")


def test_a_new_vault_reaches_ones_other_phones_by_itself(server: Server, tmp_path: Path) -> None:
    """PPL-11, PPL-12."""
    mum = make_phone(tmp_path / "mum", server.url)
    tablet = link_phone(tmp_path / "tablet", mum, server.url)
    listed = mum("vaults", "new", "Second vault")
    assert [vault["name"] for vault in listed] == ["records of a test", "Second vault"]
    record = mum("new", "AllergyIntolerance", ALLERGY, "--vault", "Second vault")["id"]
    mum("sync")
    tablet("sync")
    assert {vault["name"]: vault["role"] for vault in tablet("vaults")} == {
        "records of a test": "owner",
        "Second vault": "owner",
    }
    assert [row["id"] for row in tablet("list", "--vault", "Second vault")] == [record]
    people = [{person["person"] for person in mum("members", "--vault", vault["name"])} for vault in listed]
    assert people[0] == people[1], "a person keeps her id"


async def kept_on(phone: Inside) -> int:
    """How many vaults a phone keeps anything of."""
    async with phone.phone() as opened, opened.store.transaction() as rows:
        return len(await rows.vaults())


def person_in(phone: Inside, vault: str, name: str) -> str:
    """The id that a person has in a vault."""
    [person] = [one for one in phone("members", "--vault", vault) if one["name"] == name]
    return str(person["person"])


def test_a_person_who_joins_two_vaults_in_one_step_is_one_person(server: Server, tmp_path: Path) -> None:
    """PPL-5."""
    mum = make_phone(tmp_path / "mum", server.url)
    mum("vaults", "new", "Second vault")
    mum("sync")
    both = ("--vault", "records of a test", "--vault", "Second vault")
    join_phone(tmp_path / "carer", mum, server.url, "--role", "editor", *both, person=CARER, device="carer")
    assert person_in(mum, "records of a test", CARER) == person_in(mum, "Second vault", CARER)


def test_a_phone_that_one_vault_has_dropped_is_brought_nowhere_and_brings_nobody(
    server: Server, tmp_path: Path
) -> None:
    """PPL-11, PPL-12: though another vault still lists it."""
    mum = make_phone(tmp_path / "mum", server.url)
    lost = link_phone(tmp_path / "lost", mum, server.url, device="the lost one")
    mum("vaults", "new", "Second vault")
    settle(mum, lost)
    mum("members", "remove", "the lost one", "--vault", "records of a test")
    mum("vaults", "new", "Third vault")
    mum("sync")
    [me] = mum("members", "--vault", "Third vault")
    assert [device["name"] for device in me["devices"]] == ["phone A"]
    lost.run("sync")
    lost("vaults", "new", "A trap", codes=(DONE, WAITS, REFUSED))
    lost.run("sync")
    mum("sync")
    trap = [vault for vault in mum("vaults") if vault["name"] not in LISTED]
    assert [vault.get("invitation") for vault in trap] == [True], "it waits for a person, and is not entered by itself"


def test_somebody_elses_second_vault_is_an_invitation_until_it_is_accepted(server: Server, tmp_path: Path) -> None:
    """PPL-5, PPL-14."""
    mum = make_phone(tmp_path / "mum", server.url)
    carer, _ = join_phone(tmp_path / "carer", mum, server.url, "--role", "editor", person=CARER, device="carer")
    second = link_phone(tmp_path / "second", carer, server.url, device="second")
    mum("sync")
    mum("vaults", "new", "Another vault")
    mum("members", "add", CARER, "--role", "viewer", "--vault", "Another vault")
    carer("sync")
    [invitation] = [vault for vault in carer("vaults") if vault.get("invitation")]
    assert asyncio.run(kept_on(carer)) == 1, "nothing of it is stored before"
    assert "Testa Testperson" in invitation["name"]
    carer("vaults", "accept", invitation["id"])
    assert {vault["name"]: vault["role"] for vault in carer("vaults")} == {
        "records of a test": "editor",
        "Another vault": "viewer",
    }
    assert len({person_in(mum, vault, CARER) for vault in ("records of a test", "Another vault")}) == 1
    second("sync")
    assert "Another vault" in {vault["name"] for vault in second("vaults")}, "her own phone brings her others along"


def test_an_invitation_that_was_taken_back_is_listed_no_more(server: Server, tmp_path: Path) -> None:
    """PPL-13."""
    mum = make_phone(tmp_path / "mum", server.url)
    carer, _ = join_phone(tmp_path / "carer", mum, server.url, "--role", "editor", person=CARER, device="carer")
    mum("sync")
    mum("vaults", "new", "Another vault")
    mum("members", "add", CARER, "--role", "viewer", "--vault", "Another vault")
    carer("sync")
    assert len([vault for vault in carer("vaults") if vault.get("invitation")]) == 1
    mum("members", "remove", CARER, "--vault", "Another vault")
    carer("sync")
    assert [vault for vault in carer("vaults") if vault.get("invitation")] == []


def test_one_leaves_a_vault_when_all_is_sent_and_never_as_its_last_owner(server: Server, tmp_path: Path) -> None:
    """PPL-15."""
    mum = make_phone(tmp_path / "mum", server.url)
    carer, _ = join_phone(tmp_path / "carer", mum, server.url, "--role", "editor", person=CARER, device="carer")
    record = mum("new", "AllergyIntolerance", ALLERGY)["id"]
    assert mum.run("vaults", "leave", "records of a test").json["code"] == "unsent"
    mum("sync")
    assert mum.run("vaults", "leave", "records of a test").json["code"] == "last_owner"
    carer("sync")
    assert [vault["role"] for vault in carer("vaults", "leave", "records of a test")] == [None]
    assert [row["id"] for row in carer("list")] == [record], "the records stay readable"
    before = mum("vaults")
    mum("sync")
    assert [person["name"] for person in mum("members")] == ["Testa Testperson"]
    assert before[0]["cursor"] < mum("vaults")[0]["cursor"]


def test_the_exit_founds_a_vault_from_what_a_phone_holds(server: Server, tmp_path: Path) -> None:
    """PPL-16."""
    mum = make_phone(tmp_path / "mum", server.url)
    carer, _ = join_phone(tmp_path / "carer", mum, server.url, "--role", "editor", person=CARER, device="carer")
    kept, gone = (mum("new", "AllergyIntolerance", ALLERGY)["id"] for _ in range(2))
    mum("delete", gone)
    settle(mum, carer)
    mum("set", kept, "code", '{"text": "Latex, by mum"}')
    carer("set", kept, "code", '{"text": "Latex, by the carer"}')
    settle(carer, mum)
    carer("annotate", kept, "not sent yet")
    mum("members", "remove", CARER)
    carer.run("sync")
    old = "records of a test"
    carer("vaults", "new", "My way out", "--from", old)
    carer("sync", codes=(DONE, WAITS, REFUSED))
    for phone in (carer, Inside(carer.store)):
        assert [row["id"] for row in phone("list", "--vault", "My way out")] == [kept]
        [question] = phone("conflicts", "--vault", "My way out")
        said = sorted(value["value"]["code"]["text"] for value in question["values"])
        assert said == ["Latex, by mum", "Latex, by the carer"]
    [vault] = [vault for vault in carer("vaults") if vault["name"] == "My way out"]
    assert (vault["role"], vault["pending"], vault["records"]) == ("owner", 0, 1)
    assert [person["name"] for person in carer("members", "--vault", "My way out")] == [CARER]
    assert {row["id"] for row in carer("list", "--all", "--vault", "My way out")} == {kept, gone}
    assert [row["id"] for row in carer("list", "--vault", old)] == [kept], "the old one stays as it is"
