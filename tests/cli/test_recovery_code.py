"""A recovery code that was never made, is missing, or was not written down in time (recovery.md, "Another code").

MUST REC-2, REC-14, REC-15, REC-16, REC-17.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto.secret.secret import Secret
from sync.device.founding import recovery_card
from sync.device.reading import identity_of
from sync.device.recovering import read_code
from sync.vault.intents import DropCards
from tests.cli.kit import DONE, REFUSED, Inside, Server, link_phone, make_phone, settle


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("codes") / "server").start()
    yield running
    running.kill()


@pytest.fixture
def phone(server: Server, tmp_path: Path) -> Inside:
    return make_phone(tmp_path / "a", server.url)


def shown(phone: Inside) -> str:
    return str(phone("recovery", "show")["recovery_code"])


def rehearsed(phone: Inside, code: str, folder: Path) -> str | None:
    """None if the code would bring its person back, else why not."""
    (folder / "paper").write_text(code)
    done = phone.run("recover", "--rehearse", "--code-file", str(folder / "paper"))
    return None if done.code == DONE else str(done.json["code"])


def confirm(phone: Inside, code: str) -> None:
    async def asked() -> list[int]:
        async with phone.phone() as one, one.store.transaction() as rows:
            return sorted((await identity_of(rows)).recovery_check)

    lines = [code.split("-")[place - 1] for place in asyncio.run(asked())]
    assert phone.run("recovery", "confirm", stdin="\n".join(lines) + "\n").code == DONE


def drop_her_card(phone: Inside, code: str) -> None:
    """A person without a recovery card, as by an older phone or another app."""

    async def drop() -> None:
        async with phone.phone() as one, one.store.transaction() as rows:
            state = await rows.get_vault(1)
            state.intents = [DropCards((recovery_card(read_code(code)).device,))]
            await rows.put_vault(1, state)

    asyncio.run(drop())
    phone("sync")
    assert [vault["recovery_cards"] for vault in phone("status")["recovery"]["vaults"]] == [0]


def test_a_code_that_nobody_wrote_down_is_shown_again_until_it_is_confirmed(phone: Inside, tmp_path: Path) -> None:
    """The command that made it may have died before it printed it."""
    code = shown(phone)
    assert code == shown(phone)
    assert "recovery show" in " ".join(phone("status")["recovery"]["words"])
    confirm(phone, code)
    done = phone.run("recovery", "show")
    assert (done.code, done.json["code"]) == (REFUSED, "no_code_kept")
    assert code not in done.stderr + done.stdout


def test_a_rehearsal_ends_the_keeping_too(phone: Inside, tmp_path: Path) -> None:
    assert rehearsed(phone, shown(phone), tmp_path) is None
    assert phone.run("recovery", "show").json["code"] == "no_code_kept"


def test_no_store_file_holds_the_code_that_is_kept(phone: Inside) -> None:
    code = shown(phone)
    stored = b"".join(file.read_bytes() for file in phone.store.iterdir())
    assert code.encode() not in stored
    assert bytes(read_code(code).reveal()) not in stored


def test_a_new_code_takes_the_place_of_the_old_one(phone: Inside, tmp_path: Path) -> None:
    """REC-14."""
    old = shown(phone)
    confirm(phone, old)
    code = phone("recovery", "new")["recovery_code"]
    assert phone("status")["intents"] == 0
    assert phone("status")["recovery_unconfirmed"]
    assert shown(phone) == code
    assert rehearsed(phone, old, tmp_path) == "code_dead"
    assert rehearsed(phone, code, tmp_path) is None
    assert phone("status")["recovery"]["confirmed"]


def test_the_new_code_brings_its_person_back_and_the_old_one_nobody(
    phone: Inside, server: Server, tmp_path: Path
) -> None:
    old = shown(phone)
    code = phone("recovery", "new")["recovery_code"]
    phone("sync")
    (tmp_path / "old").write_text(old)
    (tmp_path / "new").write_text(code)
    line = ("recover", "--server", server.url, "--device", "new phone", "--lost", "all", "--code-file")
    done = Inside(tmp_path / "thief").run("--no-keyring", *line, str(tmp_path / "old"))
    assert (done.code, done.json["code"]) == (REFUSED, "code_dead")
    back = Inside(tmp_path / "back")
    assert len(back("--no-keyring", *line, str(tmp_path / "new"))["vaults"]) == 1


def test_who_never_had_a_code_gets_one(phone: Inside, tmp_path: Path) -> None:
    """REC-14."""
    drop_her_card(phone, shown(phone))
    assert "recovery new" in " ".join(phone("status")["recovery"]["words"])
    code = phone("recovery", "new")["recovery_code"]
    assert [vault["recovery_cards"] for vault in phone("status")["recovery"]["vaults"]] == [1]
    assert rehearsed(phone, code, tmp_path) is None


def test_without_network_the_old_code_is_good_until_the_new_one_is(server: Server, tmp_path: Path) -> None:
    """REC-15."""
    own = Server(tmp_path / "server").start()
    try:
        phone = make_phone(tmp_path / "a", own.url)
        old = shown(phone)
        own.kill()
        first = phone("recovery", "new")["recovery_code"]
        code = phone("recovery", "new")["recovery_code"]
        assert phone("status")["intents"] == 1, "one wish, for the last"
        own.start()
        assert rehearsed(phone, code, tmp_path) is None
        assert rehearsed(phone, old, tmp_path) == rehearsed(phone, first, tmp_path) == "code_dead"
    finally:
        own.kill()


def test_a_code_that_another_phone_has_replaced_is_shown_no_more(phone: Inside, server: Server, tmp_path: Path) -> None:
    """REC-16."""
    other = link_phone(tmp_path / "b", phone, server.url)
    other("recovery", "new")
    settle(phone, other)
    assert phone.run("recovery", "show").json["code"] == "code_dead"


def test_a_vault_founded_while_the_new_code_waited_has_that_one_alone(phone: Inside, tmp_path: Path) -> None:
    """REC-15."""
    old = shown(phone)
    code = phone("recovery", "new")["recovery_code"]
    phone("vaults", "new", "another")
    for _ in range(3):
        phone("sync")
    assert [vault["recovery_cards"] for vault in phone("status")["recovery"]["vaults"]] == [1, 1]
    assert rehearsed(phone, code, tmp_path) is None
    assert rehearsed(phone, old, tmp_path) == "code_dead"


def test_a_kept_code_is_a_secret_in_memory_too(phone: Inside) -> None:
    async def kept() -> Secret | None:
        async with phone.phone() as one, one.store.transaction() as rows:
            identity = await identity_of(rows)
            assert "recovery_kept" not in repr(identity)
            return identity.recovery_kept

    assert isinstance(asyncio.run(kept()), Secret)
