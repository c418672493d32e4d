"""A phone is lost: the recovery code brings a person back, and nothing else does (openapi/protocol/recovery.md)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sync.device.founding import found, recovery_card, store_vault
from sync.device.reading import identity_of
from sync.device.recovering import read_code
from sync.device.syncing import sync
from sync.vault.intents import DropCards
from sync.wire.card import RECOVERY
from sync.wire.ids import PersonId
from tests.cli import bundles
from tests.cli.kit import (
    DONE,
    REFUSED,
    USAGE,
    WAITS,
    Inside,
    Result,
    Server,
    id_of,
    join_phone,
    link_phone,
    notes_of,
    records_of,
    settle,
    vault_of,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("recovery") / "server").start()
    yield running
    running.kill()


class Person(NamedTuple):
    """A person with one phone, some records, and the recovery code on paper."""

    folder: Path
    phone: Inside
    code: str

    def paper(self, code: str | None = None) -> str:
        """The code as a file."""
        file = self.folder / "paper.txt"
        file.write_text((self.code if code is None else code) + "\n")
        return str(file)


@pytest.fixture
def person(server: Server, tmp_path: Path) -> Person:
    phone = Inside(tmp_path / "lost")
    made = phone(
        "--no-keyring", "init", "--server", server.url, "--name", "Testa Testperson", "--device", "phone A", "--vault",
        "records of a test",
    )  # fmt: skip
    phone("import", bundles.written(tmp_path, "summary.json", bundles.summary()), "--source", "Example Hospital")
    phone("sync")
    return Person(tmp_path, phone, made["recovery_code"])


def recovered(person: Person, server: Server, *more: str, name: str = "new", code: str | None = None) -> Any:
    """A new phone from the code, and what the command said."""
    phone = Inside(person.folder / name)
    done = run_recover(phone, person, server, *more, code=code)
    assert done.code in (DONE, WAITS), done
    return phone, done.json


def run_recover(phone: Inside, person: Person, server: Server, *more: str, code: str | None = None) -> Result:
    paper = person.paper(code)
    return phone.run(
        "--no-keyring", "recover", "--server", server.url, "--device", "phone N", "--code-file", paper, *more
    )


def devices_of(phone: Inside) -> set[str]:
    return {device["name"] for member in phone("members") for device in member["devices"]}


def test_one_person_with_one_phone_is_recovered_and_the_lost_phone_is_shut_out(person: Person, server: Server) -> None:
    """MUST REC-7, REC-8."""
    before = records_of(person.phone, person.folder)
    new, said = recovered(person, server, "--lost", "all")
    assert set(said) == {"device", "vaults", "recovery_code", "unproved"}
    assert said["vaults"] == [vault_of(person.phone)["id"]]
    assert said["unproved"] is True
    assert said["recovery_code"] != person.code
    assert records_of(new, person.folder) == before
    assert devices_of(new) == {"phone N"}
    shut_out = person.phone.run("sync")
    assert (shut_out.code, shut_out.json["code"]) == (REFUSED, "revoked")
    assert records_of(person.phone, person.folder) == before
    new("annotate", id_of(new, "MedicationStatement"), "written on the new phone")
    assert new("sync")["waiting"] == 0


def test_the_old_code_is_dead_and_the_new_one_is_proved_by_a_rehearsal(person: Person, server: Server) -> None:
    """MUST REC-3, REC-5, REC-8."""
    new, said = recovered(person, server, "--lost", "all")
    again = run_recover(Inside(person.folder / "thief"), person, server)
    assert (again.code, again.json["code"]) == (REFUSED, "code_dead")
    assert new.run("recover", "--rehearse", "--code-file", person.paper()).json["code"] == "code_dead"
    assert new("recover", "--rehearse", "--code-file", person.paper(said["recovery_code"])) == {"confirmed": True}
    newest, second = recovered(person, server, "--lost", "all", name="newest", code=said["recovery_code"])
    assert second["recovery_code"] not in (person.code, said["recovery_code"])
    assert devices_of(newest) == {"phone N"}


def two_swapped(code: str) -> str:
    """The code with the first two neighbours swapped that differ."""
    place = next(i for i in range(len(code) - 1) if code[i] != code[i + 1] and code[i : i + 2].isalnum())
    return code[:place] + code[place + 1] + code[place] + code[place + 2 :]


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (two_swapped, "code_swapped"),
        (lambda code: ("0" if code[0] != "0" else "1") + code[1:], "code_mistyped"),
        (lambda code: code[:-1], "bad_code"),
    ],
    ids=["swapped", "mistyped", "too short"],
)
def test_a_slip_in_the_code_is_named_as_such(spoil: Any, named: str, person: Person, server: Server) -> None:
    """MUST REC-1."""
    done = run_recover(Inside(person.folder / "new"), person, server, code=spoil(person.code))
    assert done.code == REFUSED
    assert done.json["code"] == named
    assert not (person.folder / "new").exists()


def test_without_lost_the_phones_are_listed_and_none_is_dropped_under_json(person: Person, server: Server) -> None:
    """MUST REC-10."""
    phone = Inside(person.folder / "new")
    done = run_recover(phone, person, server)
    assert done.code == WAITS
    assert "phone A" in done.stderr
    assert devices_of(phone) == {"phone A", "phone N"}
    person.phone("sync")
    assert vault_of(phone)["unproved"] is True


def test_without_json_a_person_is_asked_which_phones_are_lost(person: Person, server: Server) -> None:
    phone = Inside(person.folder / "new")
    arguments = ["--server", server.url, "--device", "phone N", "--code-file", person.paper()]
    done = phone.run("--no-keyring", "recover", *arguments, json=False, stdin="phone A\n")
    assert done.code in (DONE, WAITS), done
    assert devices_of(phone) == {"phone N"}


def test_recover_says_what_it_needs(person: Person, server: Server) -> None:
    phone = Inside(person.folder / "new")
    assert phone.run("recover", "--code-file", person.paper()).code == USAGE
    assert phone.run("recover", "--rehearse", "--server", server.url, "--code-file", person.paper()).code == USAGE
    assert run_recover(person.phone, person, server).json["code"] == "store_exists"
    assert run_recover(phone, person, server, "--lost", "no such phone").json["code"] == "no_such_device"


def test_unproved_ends_when_a_phone_that_was_there_before_has_read_what_this_one_was_shown(
    person: Person, server: Server
) -> None:
    """MUST REC-11."""
    other = link_phone(person.folder / "b", person.phone, server.url)
    settle(person.phone, other)
    new, _ = recovered(person, server, "--lost", "phone A")
    new("sync")
    assert vault_of(new)["unproved"] is True
    other("sync")
    other("annotate", id_of(other, "MedicationStatement"), "written by a phone that was there")
    settle(other, new, rounds=1)
    assert vault_of(new)["unproved"] is False
    assert devices_of(other) == {"phone B", "phone N"}


def test_where_no_other_phone_is_left_unproved_ends_with_the_confirmation_of_the_new_code(
    person: Person, server: Server
) -> None:
    """MUST REC-11."""
    new, said = recovered(person, server, "--lost", "all")
    assert new.run("sync").code == WAITS
    new("recover", "--rehearse", "--code-file", person.paper(said["recovery_code"]))
    assert vault_of(new)["unproved"] is False
    assert new.run("sync").code == DONE


def test_two_groups_of_the_new_code_are_typed_back(person: Person, server: Server) -> None:
    """MUST REC-2."""
    new, said = recovered(person, server, "--lost", "all")
    groups = said["recovery_code"].split("-")
    asked = new.run("recovery", "confirm", stdin="\n\n").stderr
    answers = [groups[int(place) - 1] for place in re.findall(r"Group (\d)", asked)]
    assert new.run("recovery", "confirm", stdin="\n".join(answers) + "\n").json == {"confirmed": True}


def outlook_of(phone: Inside) -> dict[str, Any]:
    found: dict[str, Any] = phone("status")["recovery"]
    return found


def test_status_says_what_one_phone_without_a_confirmed_code_means_before_it_happens(person: Person) -> None:
    """MUST REC-13."""
    told = outlook_of(person.phone)
    assert told["confirmed"] is False
    assert told["vaults"] == [{"vault": "records of a test", "phones": 1, "recovery_cards": 1, "others": 0}]
    [words] = told["words"]
    assert "nobody can open these records again" in words
    assert "recovery confirm" in words
    assert words in person.phone.run("status", json=False).stdout
    person.phone("recover", "--rehearse", "--code-file", person.paper())
    assert outlook_of(person.phone) == {**told, "confirmed": True, "words": []}


def test_a_person_without_a_recovery_card_is_told_and_cannot_be_recovered(person: Person, server: Server) -> None:
    """MUST REC-13."""
    asyncio.run(_without_recovery_card(person))
    person.phone("sync")
    [words] = outlook_of(person.phone)["words"]
    assert "no recovery card" in words
    assert "nobody can open these records again" in words
    assert "carnet link" in words
    assert "carnet export" in words
    done = run_recover(Inside(person.folder / "new"), person, server)
    assert (done.code, done.json["code"]) == (REFUSED, "code_dead")


async def _without_recovery_card(person: Person) -> None:
    async with person.phone.phone() as phone, phone.store.transaction() as rows:
        state = await rows.get_vault(1)
        cards = [device for device, row in state.log.table.cards.items() if row.kind == RECOVERY]
        state.intents = [DropCards(tuple(cards))]
        await rows.put_vault(1, state)


def test_an_editor_recovers_in_the_vault_of_another_person(person: Person, server: Server) -> None:
    """MUST REC-7: without an epoch, for the card is no owner's."""
    guest, code = join_phone(
        person.folder / "guest", person.phone, server.url, "--role", "editor", person="Guesta Guest", device="phone G"
    )
    settle(guest, person.phone)
    theirs = Person(person.folder, guest, str(code))
    new, said = recovered(theirs, server, "--lost", "all")
    assert said["vaults"] == [vault_of(person.phone)["id"]]
    settle(person.phone, new)
    new("annotate", id_of(new, "MedicationStatement"), "written by a guest on her new phone")
    settle(new, person.phone)
    assert notes_of(person.phone, "Ramipril") == ["written by a guest on her new phone"]
    assert devices_of(person.phone) == {"phone A", "phone N"}
    assert guest.run("sync").code == REFUSED
    assert vault_of(new)["role"] == "editor"
    assert vault_of(new)["unproved"] is False


def test_a_vault_that_a_stranger_founded_with_the_recovery_card_is_not_entered(person: Person, server: Server) -> None:
    """MUST REC-5."""
    asyncio.run(_found_with_her_card(person, server))
    new, said = recovered(person, server, "--lost", "all")
    assert said["vaults"] == [vault_of(person.phone)["id"]]
    assert len(new("vaults")) == 1


async def _found_with_her_card(person: Person, server: Server) -> None:
    stranger = Inside(person.folder / "stranger")
    hers = recovery_card(read_code(person.code))
    async with stranger.phone(create=True) as phone:
        await found(phone, server.url, "Stranger", "his", "records of a test", subject=False)
        async with phone.store.transaction() as rows:
            identity = await identity_of(rows)
            await store_vault(phone, rows, identity, PersonId(bytes(16)), "trap", subject=False, recovery=hers)
        await sync(phone)


def test_every_vault_of_a_person_is_recovered_with_one_code(person: Person, server: Server) -> None:
    """MUST REC-7: one entry in each vault."""
    person.phone("vaults", "new", "records of another")
    person.phone("sync")
    new, said = recovered(person, server, "--lost", "phone A")
    assert sorted(said["vaults"]) == sorted(vault["id"] for vault in person.phone("vaults"))
    assert {vault["role"] for vault in new("vaults")} == {"owner"}
    assert new("recover", "--rehearse", "--code-file", person.paper(said["recovery_code"])) == {"confirmed": True}
    assert new.run("sync").code == DONE
