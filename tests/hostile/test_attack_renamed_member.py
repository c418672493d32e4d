"""renamed-member: an editor renames "Dad" to "Sam" in `@vault`, without trace."""

import asyncio
from collections.abc import Iterator

import pytest

from sync.device.names import device_key, name_edit, person_key
from sync.device.reading import identity_of, read_record
from sync.device.staging import stage
from sync.merge.change import VAULT_RECORD
from sync.wire.ids import DeviceId, PersonId
from tests.cli.kit import Inside, Server, join_phone, make_phone

Family = tuple[Inside, Inside]


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Family]:
    folder = tmp_path_factory.mktemp("renamed")
    server = Server(folder / "server").start()
    mum = make_phone(folder / "mum", server.url)
    who = {"person": "Ed Testeditor", "device": "editor"}
    editor, _ = join_phone(folder / "editor", mum, server.url, "--role", "editor", **who)
    mum("sync")
    yield mum, editor
    server.kill()


def write_name(phone: Inside, key: str, text: str) -> None:
    """A name written past whatever the command would say, and sent."""

    async def write() -> None:
        async with phone.phone() as opened, opened.store.transaction() as rows:
            identity = await identity_of(rows)
            record = await read_record(rows, 1, VAULT_RECORD)
            await stage(opened, rows, identity, 1, [name_edit(record, {key: text})])

    asyncio.run(write())
    phone.run("sync")


def shown(phone: Inside) -> list[tuple[str, list[str]]]:
    """Names of people and their phones, as `members` shows them."""
    return sorted((person["name"], [device["name"] for device in person["devices"]]) for person in phone("members"))


def test_an_editor_renames_nobody(family: Family) -> None:
    mum, editor = family
    before = shown(mum)
    other = next(person for person in mum("members") if person["name"] == "Testa Testperson")
    for key in (
        person_key(PersonId(bytes.fromhex(other["person"]))),
        device_key(DeviceId(bytes.fromhex(other["devices"][0]["id"]))),
        "name",
    ):
        write_name(editor, key, "Somebody Else")
    mum("sync")
    assert shown(mum) == before
    assert {(kept["person"], kept["why"]) for kept in mum.run("quarantine").json} == {("Ed Testeditor", "rights")}
    assert shown(editor) == before, "on the editor's own phone it is set aside"


def test_an_editor_names_a_phone_of_her_own(family: Family) -> None:
    mum, editor = family
    own = next(person for person in mum("members") if person["name"] == "Ed Testeditor")["devices"][0]["id"]
    write_name(editor, device_key(DeviceId(bytes.fromhex(own))), "new name")
    mum("sync")
    assert ("Ed Testeditor", ["new name"]) in shown(mum)
