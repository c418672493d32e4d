"""Shares by the command: made, opened by a reader, paused, revoked, read about, followed (shares.md, cli.md)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sync.device.syncing import sync
from sync.vault.share import read_link
from tests.cli import bundles
from tests.cli.kit import DONE, REFUSED, Inside, Server, id_of, join_phone, link_phone, make_phone, settle
from tests.cli.share_reader import codes, opened
from tests.fhir.summary_checks import allergy

DAY_MS = 86_400_000
RAMIPRIL = "386872004"


class World(NamedTuple):
    """Two phones of one person with a file, and a co-owner's phone."""

    folder: Path
    server: Server
    a: Inside
    b: Inside
    carer: Inside


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("shares")
    server = Server(folder / "server").start()
    a = make_phone(folder / "a", server.url)
    a("import", bundles.written(folder, "summary.json", bundles.summary()), "--source", "Example Hospital")
    b = link_phone(folder / "b", a, server.url)
    carer, _ = join_phone(folder / "c", a, server.url, "--role", "editor", person="Carer Person", device="carer's")
    settle(a, b, carer)
    yield World(folder, server, a, b, carer)
    server.kill()


def made(phone: Inside, *arguments: str) -> Any:
    return phone("share", "create", *arguments)


def state(phone: Inside, share: Any) -> Any:
    [found] = [one for one in phone("share", "list") if one["id"] == share["id"]]
    return found


def requests_of(server: Server) -> int:
    """How many requests about shares the server has logged."""
    return server.log.read_text().count('"/v1/shares')


def shows(document: Any) -> str:
    return str([entry["resource"] for entry in document["entry"]])


def test_a_share_opens_for_who_has_the_link_and_the_passcode_and_for_nobody_else(world: World) -> None:
    share = made(world.a, "--passcode", "--expires", "2h", "--label", "For a doctor")
    assert re.fullmatch(r"\d{6}", share["passcode"])
    assert share["state"] == "live"
    assert read_link(share["link"]).flags == "P"
    assert opened(share["link"]) == 401
    assert opened(share["link"], passcode="wrong") == 401
    document = opened(share["link"], passcode=share["passcode"])
    assert document["entry"][0]["resource"]["resourceType"] == "Composition"
    found = state(world.a, share)
    assert (found["opens"], found["attempts_left"]) == (1, 4)


def test_who_opened_a_share_is_told_on_each_phone_of_its_maker(world: World) -> None:
    share = made(world.a, "--passcode")
    opened(share["link"], "Dr. Wrong", passcode="wrong")
    opened(share["link"], "Dr. Right", passcode=share["passcode"])
    settle(world.a, world.b)
    for phone in (world.a, world.b):
        found = phone("share", "log", share["id"][:8])
        assert [(one["number"], one["outcome"], one["recipient"]) for one in found] == [
            (1, "wrong_passcode", "Dr. Wrong"),
            (2, "opened", "Dr. Right"),
        ]
        assert found[1]["address"] == "127.0.0.1"
        assert found[1]["files"] == ["application/fhir+json"]
    table = world.a.run("share", "log", share["id"][:8], json=False).stdout
    assert "Dr. Right" in table
    assert "wrong passcode" in table


def test_a_paused_share_opens_nothing_until_it_goes_on(world: World) -> None:
    share = made(world.a)
    assert world.a("share", "pause", share["id"])["state"] == "paused"
    assert opened(share["link"]) == 404
    assert world.a("share", "resume", share["id"])["state"] == "live"
    assert opened(share["link"])["resourceType"] == "Bundle"


def test_a_revoked_share_is_over_for_good(world: World) -> None:
    share = made(world.a, "--label", "to be revoked")
    assert world.a("share", "revoke", "to be revoked")["state"] == "revoked"
    assert opened(share["link"]) == 404
    assert state(world.a, share)["state"] == "revoked"
    for action in ("resume", "show"):
        done = world.a.run("share", action, share["id"])
        assert (done.code, done.json["code"]) == (REFUSED, "share_revoked")
    assert world.a("share", "revoke", share["id"])["state"] == "revoked"


def test_a_share_says_why_it_opens_nothing(world: World) -> None:
    once = made(world.a, "--max-opens", "1")
    opened(once["link"])
    assert opened(once["link"]) == 404
    assert state(world.a, once)["state"] == "used_up"
    guessed = made(world.a, "--passcode")
    for _ in range(5):
        assert opened(guessed["link"], passcode="wrong") == 401
    assert opened(guessed["link"], passcode=guessed["passcode"]) == 404
    assert state(world.a, guessed)["state"] == "locked"


def test_a_share_holds_the_chosen_records_and_no_others(world: World) -> None:
    """SHR-5, SUM-22: what is left out is hidden as by a restriction, and its section does not say "none"."""
    ramipril = id_of(world.a, "MedicationStatement")
    whole = opened(made(world.a)["link"])
    without = opened(made(world.a, "--without", "ramipril")["link"])
    only = opened(made(world.a, "--records", ramipril)["link"])
    assert "Ramipril" in shows(whole)
    assert "Penicillin" in shows(whole)
    assert "Ramipril" not in str(without)
    assert "nilknown" not in codes(without["entry"][0])
    assert "Penicillin" in shows(without)
    assert "Ramipril" in shows(only)
    assert "Penicillin" not in str(only)


def test_a_share_that_follows_the_vault_is_laid_anew_after_a_sync_that_changed_it(world: World) -> None:
    """SHR-6: with the same link and key; a share that does not follow stays as it was."""
    follows, stays = made(world.a, "--long-term"), made(world.a)
    world.a("new", "AllergyIntolerance", bundles.dumps(allergy("Latex anew")))
    assert "Latex anew" not in shows(opened(follows["link"]))
    world.a("sync")
    assert "Latex anew" in shows(opened(follows["link"]))
    assert "Latex anew" not in shows(opened(stays["link"]))


def test_what_another_phone_of_the_person_wrote_comes_into_the_share_by_either(world: World) -> None:
    """SHR-6."""
    share = made(world.a, "--long-term")
    settle(world.a, world.b)
    world.b("new", "AllergyIntolerance", bundles.dumps(allergy("Pollen by b")))
    world.b("sync")
    assert "Pollen by b" in shows(opened(share["link"]))


def test_a_sync_that_changes_nothing_of_a_summary_asks_nothing_about_shares(world: World) -> None:
    """SHR-6, SUM-20: neither a hidden record and its edits nor a quiet sync make a request."""
    hidden = world.a("new", "AllergyIntolerance", bundles.dumps(allergy("Hidden thing")))["id"]
    world.a("restrict", hidden)
    world.a("sync")
    made(world.a, "--long-term")
    world.a("sync")
    before = requests_of(world.server)
    world.a("set", hidden, "code", bundles.dumps({"text": "Hidden thing, edited"}))
    assert world.a("sync")["sent"] == 1
    world.a("sync")
    assert requests_of(world.server) == before
    world.a("new", "AllergyIntolerance", bundles.dumps(allergy("Shown thing")))
    world.a("sync")
    assert requests_of(world.server) > before


def test_what_is_made_or_revoked_offline_holds_from_the_next_sync_on(world: World) -> None:
    """SHR-5, SHR-6: the vault says it first."""
    revoked = made(world.a, "--label", "revoked offline")
    world.server.stop()
    share = made(world.a, "--passcode", "--label", "made offline")
    assert share["state"] == "not_laid"
    assert world.a("share", "revoke", "revoked offline")["state"] == "not_known"
    assert state(world.a, share)["state"] == "not_known"
    assert state(world.a, revoked)["state"] == "revoked"
    world.server.start()
    assert opened(share["link"], passcode=share["passcode"]) == 404
    assert world.a("sync")["shares"] == []
    assert opened(share["link"], passcode=share["passcode"])["resourceType"] == "Bundle"
    assert opened(revoked["link"]) == 404
    assert state(world.a, share)["state"] == "live"


def test_another_phone_of_the_account_lays_what_its_maker_could_not(world: World) -> None:
    """SHR-6: its maker was lost after the vault had heard of the share."""
    world.server.stop()
    share = made(world.a)
    world.server.start()

    async def send() -> None:
        async with world.a.phone() as phone:
            await sync(phone)  # the exchange alone: nothing is laid after it

    asyncio.run(send())
    assert opened(share["link"]) == 404
    world.b("sync")
    assert opened(share["link"])["resourceType"] == "Bundle"


def test_only_owners_share_and_others_cannot_handle_what_an_owner_shared(world: World) -> None:
    """SHR-5, FRM-8."""
    share = made(world.a)
    settle(world.a, world.carer)
    done = world.carer.run("share", "create")
    assert (done.code, done.json["code"]) == (REFUSED, "not_owner")
    assert state(world.carer, share)["state"] == "elsewhere"
    for action in ("pause", "log"):
        done = world.carer.run("share", action, share["id"])
        assert (done.code, done.json["code"]) == (REFUSED, "share_elsewhere")
    done = world.carer.run("share", "revoke", share["id"])
    assert (done.code, done.json["code"]) == (REFUSED, "not_owner")


def test_a_share_is_looked_for_in_the_vault_that_is_named_alone(world: World) -> None:
    share = made(world.a, "--label", "of one vault")
    for action in ("show", "pause", "resume", "log", "revoke"):
        done = world.a.run("share", action, "of one vault", "--vault", "no vault of this name")
        assert (done.code, done.json["code"]) == (REFUSED, "unknown_vault")
    assert state(world.a, share)["state"] == "live"
    vault = world.a("vaults")[0]["id"]
    assert world.a("share", "show", "of one vault", "--vault", vault)["id"] == share["id"]


def test_the_link_and_passcode_are_shown_again_offline_and_only_when_asked_for(world: World) -> None:
    share = made(world.a, "--passcode", "--label", "shown again")
    listed = world.a.run("share", "list").stdout + world.a.run("share", "list", json=False).stdout
    key = read_link(share["link"])
    for secret in (share["passcode"], share["link"], key.url):
        assert secret not in listed
    world.server.stop()
    [again] = [one for one in world.a("share", "list", "--secrets") if one["id"] == share["id"]]
    shown = world.a("share", "show", "shown again")
    world.server.start()
    for found in (again, shown):
        assert (found["link"], found["passcode"]) == (share["link"], share["passcode"])


def test_a_passcode_comes_from_a_file_or_a_typed_line_and_never_from_an_argument(world: World, tmp_path: Path) -> None:
    (tmp_path / "passcode").write_text("Grüße 77\n")
    share = made(world.a, "--passcode-file", str(tmp_path / "passcode"))
    assert opened(share["link"], passcode="Gru\u0308ße 77")["resourceType"] == "Bundle"  # composed otherwise: the same
    typed = world.a.run("share", "create", "--passcode", "ask", stdin="typed one\n")
    assert typed.code == DONE
    assert opened(typed.json["link"], passcode="typed one")["resourceType"] == "Bundle"
    assert world.a.run("share", "create", "--passcode", "123456").code == 2
    short = world.a.run("share", "create", "--passcode", "ask", stdin="123\n")
    assert (short.code, short.json["code"]) == (REFUSED, "bad_passcode")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--expires", "soon"), "bad_expiry"),
        (("--expires", "2001-01-01"), "bad_expiry"),
        (("--direct", "--passcode"), "bad_value"),
        (("--sections", "no_such"), "bad_value"),
        (("--label", "x" * 81), "bad_value"),
        (("--max-opens", "0"), "bad_value"),
        (("--records", "no such record"), "no_such_record"),
    ],
)
def test_a_wish_that_no_share_can_fulfil_is_refused_and_nothing_is_made(
    arguments: tuple[str, ...], code: str, world: World
) -> None:
    before = len(world.a("share", "list"))
    done = world.a.run("share", "create", *arguments)
    assert (done.code, done.json["code"]) == (REFUSED, code)
    assert len(world.a("share", "list")) == before


def test_ends_are_hours_days_or_the_end_of_a_day(world: World) -> None:
    now = world.a.now_ms()
    for text, least, most in (("2h", DAY_MS // 12, DAY_MS // 12), ("7d", 7 * DAY_MS, 7 * DAY_MS)):
        ends = read_link(made(world.a, "--expires", text)["link"]).ends
        assert ends is not None
        assert least - 1000 <= ends * 1000 - now <= most + 60_000
    assert made(world.a, "--expires", "2100-01-01")["expires_at"] == "2100-01-02T00:00:00.000Z"


def test_the_pictures_hold_the_link_and_the_page_needs_nothing_and_no_passcode(world: World, tmp_path: Path) -> None:
    names = [str(tmp_path / f"code.{kind}") for kind in ("svg", "png", "html")]
    label = "<b>For you & me</b>"
    wish = ["--passcode", "--label", label, "--svg", names[0], "--png", names[1], "--page", names[2]]
    share = made(world.a, *wish)
    svg, png, page = (Path(name).read_bytes() for name in names)
    assert svg.startswith(b"<?xml")
    assert png.startswith(b"\x89PNG")
    text = page.decode()
    assert share["link"] in text
    assert share["passcode"] not in text
    assert "<script" not in text
    assert "<b>" not in text
    assert "default-src 'none'" in text
    assert re.findall(r"(?:src|href)=", text) == []
    assert Path(names[2]).stat().st_mode & 0o077 == 0


def test_the_bundle_of_everything_says_nothing_of_shares(world: World, tmp_path: Path) -> None:
    """Who exports a vault hands out no link, key or passcode."""
    share = made(world.a, "--passcode", "--label", "never exported")
    world.a("export", str(tmp_path / "all.json"))
    text = (tmp_path / "all.json").read_text()
    assert "never exported" not in text
    assert share["passcode"] not in text
