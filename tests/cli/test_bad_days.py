"""Bad days with the real server and the command: copied stores, a server put back to an old copy, somebody removed.

Issue texts: both values stay, everybody is told, nothing is doubled, and no removal is undone. Spec:
openapi/protocol/bad-days.md.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import bundles
from tests.cli.kit import DONE, WAITS, Inside, Server, id_of, link_phone, make_phone, notes_of, settle, vault_of


class World:
    """A server that can be put back, two linked phones, one medication."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = Server(folder / "server").start()
        self.a = make_phone(folder / "a", self.server.url)
        self.a("import", bundles.written(folder, "summary.json", bundles.summary()))
        self.b = link_phone(folder / "b", self.a, self.server.url)
        settle(self.a, self.b)
        self.medication = id_of(self.a, "MedicationStatement")

    def copy(self, name: str) -> Path:
        """The server's data folder as it is now, somewhere else."""
        self.server.stop()
        place = self.folder / name
        shutil.copytree(self.server.data, place)
        self.server.start()
        return place

    def put_back(self, copy: Path) -> None:
        """The server runs again from an old copy of its data folder."""
        self.server.kill()
        shutil.rmtree(self.server.data)
        shutil.copytree(copy, self.server.data)
        self.server.start()

    def doses(self, phone: Inside, text: str) -> None:
        """One more dose."""
        phone("set", self.medication, "dosage", bundles.dumps(bundles.dosage("5", "mg", text)))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.server.kill()


def code_of(phone: Inside) -> str | None:
    """What a sync says of the one vault; it must be done, or done with something waiting."""
    done = phone.run("sync")
    assert done.code in (DONE, WAITS), done
    [vault] = done.json["vaults"]
    assert vault["code"] is None or vault["next"]
    return vault["code"] if done.code == WAITS or vault["code"] is None else f"{vault['code']} without waiting"


def asked(phone: Inside) -> set[str]:
    """The doses that the one open question is about."""
    [conflict] = phone("conflicts")
    return {value["value"]["dosage"][0]["text"] for value in conflict["values"]}


def test_a_copied_store_is_found_out_re_enrolled_and_both_values_are_there(world: World) -> None:
    """BAD-24, BAD-31, BAD-32."""
    shutil.copytree(world.b.store, world.folder / "copy")
    copy = Inside(world.folder / "copy", world.b.passphrase)
    world.doses(world.b, "written on the phone")
    world.doses(copy, "written on its copy")
    world.b("sync")
    assert code_of(copy) == "device_forked"
    [finding] = [f for f in copy("findings") if f["unread"]]
    assert finding["kind"] in ("device_forked", "cloned")
    assert finding["proof"]
    settle(world.b, copy, world.a)
    for phone in (world.a, world.b, copy):
        assert asked(phone) == {"written on the phone", "written on its copy"}
        assert vault_of(phone)["pending"] == 0
    assert len({vault_of(phone)["state_root"] for phone in (world.a, world.b, copy)}) == 1
    [person] = world.a("members")
    assert len(person["devices"]) == 3
    for number, phone in enumerate((world.b, copy, world.b, copy)):
        phone("annotate", world.medication, f"note {number}")
        assert code_of(phone) is None
    settle(world.b, copy, world.a, rounds=1)
    assert notes_of(world.a, world.medication) == [f"note {number}" for number in range(4)]


def test_a_copy_with_nothing_to_send_finds_out_by_what_it_reads(world: World) -> None:
    shutil.copytree(world.b.store, world.folder / "copy")
    copy = Inside(world.folder / "copy", world.b.passphrase)
    world.doses(world.b, "written on the phone")
    world.b("sync")
    assert code_of(copy) == "device_forked"
    assert copy("conflicts") == []
    world.doses(copy, "written on its copy")
    settle(copy, world.b, world.a)
    assert notes_of(world.a, world.medication) == []
    shown = [phone("show", world.medication)["resource"]["dosage"][0]["text"] for phone in (world.a, world.b, copy)]
    assert shown == ["written on its copy"] * 3


def test_an_edit_that_both_copies_had_waiting_is_there_once(world: World) -> None:
    world.b("annotate", world.medication, "waiting while the store was copied")
    shutil.copytree(world.b.store, world.folder / "copy")
    copy = Inside(world.folder / "copy", world.b.passphrase)
    world.b("annotate", world.medication, "only on the phone")
    copy("annotate", world.medication, "only on its copy")
    world.b("sync")
    assert code_of(copy) == "device_forked"
    settle(world.a, world.b, copy)
    for phone in (world.a, world.b, copy):
        assert sorted(notes_of(phone, world.medication)) == [
            "only on its copy",
            "only on the phone",
            "waiting while the store was copied",
        ]


@pytest.mark.parametrize("others_wrote", [False, True])
def test_a_phone_with_a_new_card_comes_back_where_a_restore_has_lost_that_card(
    world: World, others_wrote: bool
) -> None:
    """MUST BAD-33: the old card enrols and adds the new one again; nobody else brings it back."""
    shutil.copytree(world.b.store, world.folder / "copy")
    copy = Inside(world.folder / "copy", world.b.passphrase)
    world.b("annotate", world.medication, "on the phone")
    world.b("sync")
    old = world.copy("old")
    copy("annotate", world.medication, "on its copy")
    assert code_of(copy) == "device_forked"
    copy("annotate", world.medication, "under the new card")
    copy("sync")
    world.put_back(old)
    if others_wrote:
        world.a("annotate", world.medication, "by another phone")
        world.a("sync")
    copy("annotate", world.medication, "afterwards")
    assert code_of(copy) == ("diverged" if others_wrote else None)
    settle(world.a, world.b, copy)
    notes = ["on the phone", "on its copy", "under the new card", "afterwards"]
    for phone in (world.a, world.b, copy):
        assert sorted(notes_of(phone, world.medication)) == sorted(notes + ["by another phone"] * others_wrote)
        assert vault_of(phone)["pending"] == 0
        assert phone("quarantine") == []
    [person] = world.a("members")
    assert len(person["devices"]) == 3


def everybody_has(world: World, notes: list[str]) -> None:
    """After syncs of both phones each note is there once, on both, and nothing waits."""
    settle(world.a, world.b)
    assert vault_of(world.a)["state_root"] == vault_of(world.b)["state_root"]
    for phone in (world.a, world.b):
        assert sorted(notes_of(phone, world.medication)) == sorted(notes)
        assert vault_of(phone)["pending"] == 0
        assert phone("quarantine") == []


@pytest.mark.parametrize("read_by_all", [True, False])
def test_a_server_put_back_before_others_wrote_gets_everything_again(world: World, read_by_all: bool) -> None:
    """PHN-14, BAD-40."""
    old = world.copy("old")
    for number in range(3):
        world.b("annotate", world.medication, f"lost by the server {number}")
        world.b("sync")
    if read_by_all:
        world.a("sync")
    world.a("annotate", world.medication, "waiting meanwhile")
    world.put_back(old)
    world.b("annotate", world.medication, "after it was put back")
    assert code_of(world.b) is None
    everybody_has(world, [*(f"lost by the server {n}" for n in range(3)), "waiting meanwhile", "after it was put back"])
    assert world.b("status")["findings"] == 0


def test_a_server_put_back_after_which_others_wrote_loses_and_doubles_nothing(world: World) -> None:
    """BAD-20."""
    old = world.copy("old")
    for number in range(3):
        world.b("annotate", world.medication, f"lost by the server {number}")
        world.b("sync")
    world.b("annotate", world.medication, "waiting meanwhile")
    world.put_back(old)
    world.a("annotate", world.medication, "written to the copy")
    assert code_of(world.a) is None
    assert code_of(world.b) == "diverged"
    assert [f["kind"] for f in world.b("findings")] == ["diverged"]
    everybody_has(world, [*(f"lost by the server {n}" for n in range(3)), "waiting meanwhile", "written to the copy"])
    world.put_back(old)  # and once more, to the same copy
    world.b("annotate", world.medication, "another day")
    assert code_of(world.b) is None
    everybody_has(
        world,
        [*(f"lost by the server {n}" for n in range(3)), "waiting meanwhile", "written to the copy", "another day"],
    )
