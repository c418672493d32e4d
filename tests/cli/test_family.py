"""A family through the command: a caregiver joins and is removed, a viewer leaves with a phone, a vault is handed over.

Every phone is the `carnet` command run in this process, over a real server.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from crypto.public.errors import CryptoError
from crypto.secret import recovery_code
from crypto.secret.secret import Secret
from sync.device import linking
from sync.device.founding import recovery_card
from sync.device.linking import approve, show_join_code
from sync.device.reading import identity_of
from sync.device.refused import Refused
from sync.device.transport import HttpTransport, Unreachable
from sync.log.reading import read_item
from sync.vault.content import ContentVoid
from sync.vault.frames import open_frame
from sync.vault.keyring import wrap_info
from sync.wire.item import EDITOR, Epoch, Frame
from tests.cli.bundles import ALLERGY
from tests.cli.kit import (
    DONE,
    REFUSED,
    WAITS,
    Carnet,
    Inside,
    Server,
    join_phone,
    link_phone,
    make_phone,
    notes_of,
    settle,
)

CARER, CHILD, VIEWER = "Cara Testcarer", "Kim Testchild", "Vio Testviewer"


class Removed(NamedTuple):
    """Mum, and a caregiver with two phones who wrote offline and was then removed as a person."""

    server: Server
    mum: Inside
    first: Inside
    second: Inside
    code: str
    record: str
    heard: list[Any]


@pytest.fixture(scope="module")
def removed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Removed:
    folder = tmp_path_factory.mktemp("removed")
    mum = make_phone(folder / "mum", server.url)
    first, code = join_phone(folder / "first", mum, server.url, "--role", "editor", person=CARER, device="first")
    second = link_phone(folder / "second", first, server.url, device="second")
    record = mum("new", "AllergyIntolerance", ALLERGY)["id"]
    settle(mum, first, second)
    first("annotate", record, "written offline")
    mum("members", "remove", CARER)
    mum("annotate", record, "for the family alone")
    mum("sync")
    heard = [first.run("sync"), second.run("sync")]
    mum("sync")
    assert code is not None
    return Removed(server, mum, first, second, code, record, heard)


def wraps_of(server: Server) -> list[tuple[bytes, bytes, bytes]]:
    """Epoch, device and sealed key of everything that the server holds for a card to open."""
    with contextlib.closing(sqlite3.connect(f"file:{server.data / 'carnet.sqlite3'}?mode=ro", uri=True)) as database:
        return database.execute("SELECT epoch, device, sealed FROM wraps").fetchall()


def test_both_phones_of_a_removed_person_hear_removed_and_nothing_more(removed: Removed) -> None:
    """PPL-10."""
    for done in removed.heard:
        assert done.code == REFUSED
        assert [vault["code"] for vault in done.json["vaults"]] == ["removed"]
        assert done.json["received"] == 0
    assert [person["name"] for person in removed.mum("members")] == ["Testa Testperson"]


def test_a_removed_phone_reads_edits_and_exports_what_it_has_and_none_of_it_is_sent(
    removed: Removed, tmp_path: Path
) -> None:
    """PPL-10."""
    for phone in (removed.first, removed.second):
        assert phone("show", removed.record)["resource"]["code"] == {"text": "Latex"}
        assert phone("export", str(tmp_path / f"{phone.store.name}.json"))["records"] == 1
        before = phone("status")["pending"]
        assert phone.run("annotate", removed.record, "too late").code == DONE
        assert "too late" in notes_of(phone, removed.record)
        assert [vault["role"] for vault in phone("vaults")] == [None]
        done = phone.run("sync")
        assert (done.code, done.json["sent"], phone("status")["pending"]) == (REFUSED, 0, before + 1)
    removed.mum("sync")
    assert "too late" not in notes_of(removed.mum, removed.record)


def test_what_she_wrote_offline_is_stored_void_and_shown_to_the_owner(removed: Removed) -> None:
    done = removed.mum.run("quarantine")
    assert done.code == WAITS
    assert [(kept["person"], kept["why"]) for kept in done.json] == [(CARER, "rights")]


def test_the_server_holds_no_wrap_for_her_cards_at_the_new_epoch(removed: Removed) -> None:
    """PPL-6."""

    async def look() -> tuple[bytes, set[bytes]]:
        async with removed.mum.phone() as phone, phone.store.transaction() as rows:
            state = await rows.get_vault(1)
            return state.log.epoch.id, {device for device, row in state.log.table.cards.items() if not row.live}

    epoch, gone = asyncio.run(look())
    wraps = wraps_of(removed.server)
    assert len(gone) == 3, "two phones and a recovery card"
    assert {device for held, device, _ in wraps if held != epoch} & gone, "the cards had wraps before"
    assert not {device for held, device, _ in wraps if held == epoch} & gone


def test_no_key_of_hers_opens_what_was_written_after_she_was_removed(removed: Removed) -> None:
    """Every key in both stores and every wrap under each of her X-Wing keys, that of her recovery code among them."""

    async def hers(phone: Inside) -> tuple[Any, Any]:
        async with phone.phone() as opened, opened.store.transaction() as rows:
            return (await identity_of(rows)).keys, (await rows.get_vault(1)).keyring

    async def log() -> tuple[Any, list[Frame]]:
        async with removed.mum.phone() as phone, phone.store.transaction() as rows:
            state = await rows.get_vault(1)
            bodies = [read_item(item).body for _, item, _ in await rows.get_items(1, 0)]
            return state, [body for body in bodies if isinstance(body, Frame)]

    cards, keys = [recovery_card(recovery_code.parse(removed.code))], []
    for phone in (removed.first, removed.second):
        card, keyring = asyncio.run(hers(phone))
        cards.append(card)
        keys += [Secret(key) for key in keyring.raw()]
    state, frames = asyncio.run(log())
    epochs = [Epoch(number, state.log.epoch.suite, epoch) for epoch, (number, _) in state.log.epochs.items()]
    for _, _, sealed in wraps_of(removed.server):
        for card, of in itertools.product(cards, epochs):
            with contextlib.suppress(CryptoError):
                keys.append(Secret(card.kem.open(wrap_info(state.vault, of, card.device), sealed)))

    def opened(frame: Frame) -> bool:
        for key in keys:
            with contextlib.suppress(ContentVoid):
                open_frame(frame, key)
                return True
        return False

    new = [frame for frame in frames if frame.header.epoch == state.log.epoch.id]
    assert new, "something was written under the new epoch"
    assert any(opened(frame) for frame in frames if frame not in new), "her keys open what she could read"
    assert not any(opened(frame) for frame in new)


def test_the_owner_adopts_what_the_removed_caregiver_wrote(removed: Removed) -> None:
    [kept] = removed.mum.run("quarantine").json
    removed.mum("quarantine", "adopt", kept["id"])
    removed.mum("sync")
    assert "written offline" in notes_of(removed.mum, removed.record)
    assert removed.mum.run("quarantine").json == []


def test_a_caregiver_can_neither_add_an_owner_nor_remove_the_subject(server: Server, tmp_path: Path) -> None:
    """PPL-2."""
    mum = make_phone(tmp_path / "mum", server.url)
    carer, _ = join_phone(tmp_path / "carer", mum, server.url, "--role", "editor", person=CARER, device="carer")
    for words in (("remove", "Testa Testperson"), ("role", CARER, "owner"), ("handover", CARER)):
        done = carer.run("members", *words)
        assert (done.code, done.json["code"]) == (REFUSED, "not_owner")
    with pytest.raises(AssertionError, match="not_owner"):
        join_phone(tmp_path / "x", carer, server.url, "--role", "owner", person="Xa Testfriend", device="x")
    assert carer("status")["intents"] == 0


def test_a_co_owner_cannot_remove_the_subject_nor_lower_her_role(server: Server, tmp_path: Path) -> None:
    """PPL-2."""
    mum = make_phone(tmp_path / "mum", server.url)
    dad, _ = join_phone(tmp_path / "dad", mum, server.url, "--role", "owner", person="Dan Testdad", device="dad")
    for words in (("remove", "Testa Testperson"), ("role", "Testa Testperson", "editor"), ("remove", "phone A")):
        done = dad.run("members", *words)
        assert (done.code, done.json["code"]) == (REFUSED, "subject_stays")
    assert dad.run("members", "handover", "Dan Testdad").json["code"] == "has_subject"


def test_a_wish_that_the_table_has_come_to_forbid_is_dropped_and_that_is_said(server: Server, tmp_path: Path) -> None:
    """PPL-2."""
    mum = make_phone(tmp_path / "mum", server.url)
    dad, _ = join_phone(tmp_path / "dad", mum, server.url, "--role", "owner", person="Dan Testdad", device="dad")
    join_phone(tmp_path / "carer", mum, server.url, "--role", "editor", person=CARER, device="carer")
    dad("sync")
    mum("members", "role", "Dan Testdad", "editor")
    done = dad.run("members", "role", CARER, "viewer")
    assert (done.code, done.json["code"]) == (REFUSED, "wish_refused")
    assert dad("status")["intents"] == 0
    mum("sync")
    assert {person["role"] for person in mum("members") if person["name"] == CARER} == {"editor"}


def test_a_viewer_who_drops_her_own_second_phone_locks_nobody_out(server: Server, tmp_path: Path) -> None:
    """PPL-7, PPL-8."""
    mum = make_phone(tmp_path / "mum", server.url)
    vio, _ = join_phone(tmp_path / "vio", mum, server.url, "--role", "viewer", person=VIEWER, device="vio one")
    second = link_phone(tmp_path / "second", vio, server.url, device="vio two")
    mum("sync")
    names = {person["name"]: [d["name"] for d in person["devices"]] for person in mum("members")}
    assert "vio one" in names[VIEWER], "an owner names the phone of somebody who may not write"
    [unnamed] = [d["id"] for d in second("status")["devices"] if d["name"] not in ("vio one", "phone A")]
    vio("members", "remove", unnamed)
    record = mum("new", "AllergyIntolerance", ALLERGY)["id"]
    settle(mum, vio)
    assert second.run("sync").json["vaults"][0]["code"] == "removed"
    assert [row["id"] for row in vio("list")] == [record], "the new epoch is mum's, and vio has its key"
    assert second("list") == []
    done = vio.run("annotate", record, "no")
    assert (done.code, done.json["code"]) == (REFUSED, "read_only")


def test_a_vault_for_a_child_is_handed_over_and_the_child_removes_its_mother(server: Server, tmp_path: Path) -> None:
    mum = Inside(tmp_path / "mum")
    mum(
        "--no-keyring",
        "init",
        "--server",
        server.url,
        "--name",
        "Testa Testperson",
        "--device",
        "mum",
        "--subject",
        "none",
    )
    record = mum("new", "AllergyIntolerance", ALLERGY)["id"]
    mum("sync")
    child, _ = join_phone(tmp_path / "child", mum, server.url, "--role", "editor", person=CHILD, device="child")
    [person] = [person for person in mum("members", "handover", CHILD) if person["name"] == CHILD]
    assert (person["role"], person["subject"]) == ("owner", True)
    child("sync")
    assert [person["name"] for person in child("members", "remove", "Testa Testperson")] == [CHILD]
    assert mum.run("sync").json["vaults"][0]["code"] == "removed"
    child("annotate", record, "mine now")
    child("sync")
    assert [row["id"] for row in child("list")] == [record]


def test_a_removal_without_network_is_kept_and_holds_from_the_next_sync_on(tmp_path: Path) -> None:
    """PPL-1."""
    server = Server(tmp_path / "server").start()
    try:
        mum = make_phone(tmp_path / "mum", server.url)
        join_phone(tmp_path / "carer", mum, server.url, "--role", "editor", person=CARER, device="carer")
        server.kill()
        done = mum.run("members", "remove", CARER)
        assert done.code == DONE
        assert "next sync" in done.stderr
        assert mum("status")["intents"] == 1
        server.start()
        mum("sync")
        assert [person["name"] for person in mum("members")] == ["Testa Testperson"]
        assert mum("status")["intents"] == 0
    finally:
        server.kill()


def test_an_end_date_is_inherited_and_an_owners_phone_acts_on_it(server: Server, tmp_path: Path) -> None:
    """PPL-5, PPL-6, PPL-8."""
    mum = make_phone(tmp_path / "mum", server.url)
    arguments = ("--role", "editor", "--until", "2030-12-31")
    carer, _ = join_phone(tmp_path / "carer", mum, server.url, *arguments, person=CARER, device="carer")
    link_phone(tmp_path / "second", carer, server.url, device="second")
    mum("sync")
    [person] = [person for person in mum("members") if person["name"] == CARER]
    assert (person["until"], len(person["devices"])) == ("2031-01-01T00:00:00.000Z", 2)
    later = Inside(mum.store, ahead_ms=10 * 365 * 86_400_000)
    later("sync")
    assert [person["name"] for person in later("members")] == ["Testa Testperson"]
    assert carer.run("sync").json["vaults"][0]["code"] == "removed"


def test_a_join_needs_a_role_and_an_owner_no_end_date(server: Server, tmp_path: Path) -> None:
    mum = make_phone(tmp_path / "mum", server.url)
    who = {"person": CARER, "device": "carer"}
    for place, (words, code) in enumerate(
        (
            ((), "role_required"),
            (("--role", "owner", "--until", "2030-12-31"), "owner_until"),
            (("--role", "editor", "--until", "2001-01-01"), "bad_date"),
            (("--role", "editor", "--until", "soon"), "bad_date"),
        )
    ):
        with pytest.raises(AssertionError, match=code):
            join_phone(tmp_path / f"carer{place}", mum, server.url, *words, **who)


async def interrupted(phone: Inside) -> None:
    """As if the last answer had not come to its end: nothing is sealed before the log has been read."""
    async with phone.phone() as opened, opened.store.transaction() as rows:
        state = await rows.get_vault(1)
        state.at_head = False
        await rows.put_vault(1, state)


def test_what_waits_when_its_author_may_only_read_is_set_aside(server: Server, tmp_path: Path) -> None:
    """PPL-9."""
    mum = make_phone(tmp_path / "mum", server.url)
    carer, _ = join_phone(tmp_path / "carer", mum, server.url, "--role", "editor", person=CARER, device="carer")
    record = mum("new", "AllergyIntolerance", ALLERGY)["id"]
    settle(mum, carer)
    assert [p["role"] for p in mum("members", "role", CARER, "viewer") if p["name"] == CARER] == ["viewer"]
    carer("annotate", record, "written before she knew")
    asyncio.run(interrupted(carer))
    for _ in range(2):
        carer("sync")
    assert carer("status")["pending"] == 0
    assert [kept["why"] for kept in carer.run("quarantine").json] == ["rights"]
    assert carer.run("annotate", record, "and after").json["code"] == "read_only"


async def account_of(phone: Inside) -> Any:
    async with phone.phone() as opened, opened.store.transaction() as rows:
        return (await identity_of(rows)).account


def test_joining_shows_a_recovery_code_once_and_a_code_at_each_try(server: Server, tmp_path: Path) -> None:
    """`join` as a process, stopped while it waits, and called again; MUST CLI-2. PPL-4."""
    mum, new = make_phone(tmp_path / "mum", server.url), Carnet(tmp_path / "new")
    words = ("--no-keyring", "join", "--server", server.url, "--name", CARER, "--device", "carer")
    first = new.start(*words)
    shown = first.line()
    assert set(shown) == {"code", "recovery_code"}
    assert shown["recovery_code"]
    first.process.kill()
    first.result()
    second = new.start(*words)
    again = second.line()
    assert again["recovery_code"] is None
    assert again["code"] != shown["code"]
    assert mum("approve", again["code"], "--role", "viewer")["role"] == "viewer"
    done = second.result()
    assert done.code == DONE
    assert set(json.loads(done.stdout)) == {"linked", "device", "vaults"}
    assert [vault["role"] for vault in new.inside()("vaults")] == ["viewer"]
    assert asyncio.run(account_of(new.inside())) != asyncio.run(account_of(mum)), "her account is her own"
    asked = new.inside().run("recovery", "confirm", stdin="0000\n0000\n")
    assert asked.json["code"] == "bad_code", "she is asked for two groups of hers"
    assert new.run(*words).json["code"] == "store_exists"


def test_what_a_joining_phone_is_told_gives_it_no_account(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PPL-4."""
    told: list[Any] = []
    seal = linking.seal_post
    monkeypatch.setattr(linking, "seal_post", lambda place, post, salt: told.append(post) or seal(place, post, salt))
    mum = make_phone(tmp_path / "mum", server.url)
    join_phone(tmp_path / "carer", mum, server.url, "--role", "editor", person=CARER, device="carer")
    welcome = told[-1]
    assert len(welcome.vaults) == 1
    assert (welcome.account, welcome.enrolment) == (None, None)


class Deaf(HttpTransport):
    """A network on which small requests come through, and no sync."""

    def stream(self, *_: Any, **__: Any) -> Any:
        raise Unreachable("lost")


def test_letting_a_phone_in_is_done_now_or_forgotten(server: Server, tmp_path: Path) -> None:
    """PPL-3."""
    mum, new = make_phone(tmp_path / "mum", server.url), Inside(tmp_path / "new")

    async def try_it() -> str:
        async with new.phone(create=True) as joining, mum.phone() as phone:
            code, _ = await show_join_code(joining, server.url, CARER, "carer")
            with pytest.raises(Refused) as refused:
                await approve(phone._replace(connect=Deaf), code, role=EDITOR)
            return refused.value.code

    assert asyncio.run(try_it()) == "unreachable"
    assert mum("status")["intents"] == 0
    mum("sync")
    assert [person["name"] for person in mum("members")] == ["Testa Testperson"]
