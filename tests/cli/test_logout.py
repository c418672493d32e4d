"""Logging out: nothing of a person stays in the store, and nothing is lost that nobody else has (phone.md, MUST PHN-19
to PHN-22)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli import bundles
from tests.cli.kit import DONE, REFUSED, Inside, Server, id_of, link_phone, make_phone, settle, store_hash

YES = "phone B\n"


class Two(NamedTuple):
    """A running server and two linked phones of one person with some records."""

    server: Server
    a: Inside
    b: Inside
    medication: str


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    server = Server(tmp_path / "server").start()
    a = make_phone(tmp_path / "a", server.url)
    a("import", bundles.written(tmp_path, "summary.json", bundles.summary()))
    b = link_phone(tmp_path / "b", a, server.url)
    settle(a, b, rounds=1)
    yield Two(server, a, b, id_of(a, "MedicationStatement"))
    server.kill()


def test_who_logs_out_leaves_no_file_no_card_and_no_place_in_the_account(two: Two) -> None:
    """PHN-21, PHN-22."""
    done = two.b.run("logout", stdin=YES)
    assert (done.code, done.json) == (DONE, {"logged_out": True, "account": True, "vaults": 1})
    assert list(two.b.store.iterdir()) == []
    assert two.b.run("list").json["code"] == "no_store"
    two.a("sync")
    [member] = two.a("members")
    assert [device["name"] for device in member["devices"]] == ["phone A"]
    assert "device_revoked" in [notice["kind"] for notice in two.a("status")["notices"]]
    again = link_phone(two.b.store, two.a, two.server.url)
    settle(two.a, again)
    assert len(again("list")) == len(two.a("list"))


def test_it_is_refused_while_something_is_unsent_and_says_what_and_how_to_keep_it(two: Two, tmp_path: Path) -> None:
    """PHN-19."""
    two.b("annotate", two.medication, "never sent")
    before = store_hash(two.b.store)
    for arguments in ((), ("--discard", "2")):
        done = two.b.run("logout", *arguments, stdin=YES)
        assert (done.code, done.json["code"]) == (REFUSED, "unsent")
        assert done.json["detail"] == "“records of a test”: 1 changes, 0 membership wishes"
        assert all(words in done.json["next"] for words in ("carnet sync", "carnet export", "--discard 1"))
        assert store_hash(two.b.store) == before
    assert two.b.run("logout", "--discard", "1", stdin=YES).code == DONE


def test_nothing_is_given_up_that_was_not_named(two: Two) -> None:
    """PHN-19."""
    assert two.b.run("logout", "--discard", "1", stdin=YES).json["code"] == "unsent"
    assert two.b("vaults")


def test_it_says_that_what_is_shared_may_still_be_opened_and_nothing_of_what_is_over(two: Two) -> None:
    """PHN-20."""
    two.b("share", "create", "--label", "open")
    two.b("share", "create", "--label", "over")
    two.b("share", "revoke", "over")
    two.b("sync")
    assert "(1 of your links)" in two.b.run("logout", stdin="\n").stderr
    two.b("share", "revoke", "open")
    two.b("sync")
    assert "of your links" not in two.b.run("logout", stdin="\n").stderr


def test_it_asks_and_any_other_answer_changes_nothing(two: Two) -> None:
    """PHN-20."""
    before = store_hash(two.b.store)
    for answer in ("", "yes\n", "phone A\n"):
        done = two.b.run("logout", stdin=answer)
        assert (done.code, done.json["code"]) == (REFUSED, "bad_choice")
    assert store_hash(two.b.store) == before


def test_the_last_phone_without_a_confirmed_code_is_warned_before_it_is_asked(two: Two) -> None:
    """PHN-20."""
    assert "only phone" not in two.b.run("logout", stdin="no\n").stderr
    two.b.run("logout", stdin=YES)
    two.a("sync")
    warned = two.a.run("logout", stdin="no\n").stderr
    assert "only phone" in warned
    assert "no recovery code of yours has been confirmed" in warned
    assert warned.index("only phone") < warned.index("Type the name")


def test_the_only_owners_phone_logs_out_and_the_code_brings_her_back(two: Two, tmp_path: Path) -> None:
    code = two.a("recovery", "show")["recovery_code"]
    two.b.run("logout", stdin=YES)
    records = len(two.a("list"))
    assert two.a.run("logout", stdin="phone A\n").json == {"logged_out": True, "account": True, "vaults": 0}
    (tmp_path / "paper").write_text(code)
    back = Inside(tmp_path / "back")
    line = ("--server", two.server.url, "--device", "new", "--lost", "all", "--code-file", str(tmp_path / "paper"))
    back("--no-keyring", "recover", *line)
    assert len(back("list")) == records


def test_without_network_it_logs_out_and_says_who_has_not_heard(two: Two) -> None:
    """PHN-21."""
    two.server.kill()
    done = two.b.run("logout", stdin=YES)
    assert (done.code, done.json) == (DONE, {"logged_out": True, "account": False, "vaults": 0})
    assert "carnet members remove" in done.stderr
    assert list(two.b.store.iterdir()) == []


def test_somebody_removed_logs_out_too(two: Two) -> None:
    two.a("members", "remove", "phone B")
    assert two.b.run("sync").code == REFUSED
    two.b("annotate", two.medication, "written when it was out")
    assert two.b.run("logout", stdin=YES).json["code"] == "unsent"
    assert two.b.run("logout", "--discard", "1", stdin=YES).code == DONE
