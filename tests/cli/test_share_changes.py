"""A share is changed, paused and ended as the vault says, whoever says it and whenever it is sent (shares.md)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sync.vault.share import read_link
from tests.cli import bundles
from tests.cli.kit import REFUSED, Inside, Server, join_phone, link_phone, make_phone, settle
from tests.cli.share_reader import opened


class World(NamedTuple):
    """Two phones of one person with a file, and a co-owner's phone."""

    folder: Path
    server: Server
    a: Inside
    b: Inside
    other: Inside


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("changes")
    server = Server(folder / "server").start()
    a = make_phone(folder / "a", server.url)
    a("import", bundles.written(folder, "summary.json", bundles.summary()), "--source", "Example Hospital")
    b = link_phone(folder / "b", a, server.url)
    other, _ = join_phone(folder / "c", a, server.url, "--role", "owner", person="Other Person", device="other's")
    settle(a, b, other)
    yield World(folder, server, a, b, other)
    server.kill()


def state(phone: Inside, share: Any) -> Any:
    [found] = [one for one in phone("share", "list") if one["id"] == share["id"]]
    return found


def test_a_live_share_gets_another_end_maximum_and_passcode_under_its_link(world: World) -> None:
    """SHR-6: the url and the key stay; the link then says its end and that a passcode is asked."""
    share = world.a("share", "create", "--label", "changing")
    changed = world.a("share", "change", "changing", "--expires", "2h", "--max-opens", "3", "--passcode")
    old, new = read_link(share["link"]), read_link(changed["link"])
    assert (new.url, new.key.reveal(), new.flags) == (old.url, old.key.reveal(), "P")
    assert new.ends is not None
    assert opened(share["link"]) == 401
    assert opened(share["link"], passcode=changed["passcode"])["resourceType"] == "Bundle"
    found = state(world.a, share)
    assert (found["opens"], found["opens_max"], found["asks_passcode"]) == (1, 3, True)
    gone = world.a("share", "change", "changing", "--no", "end", "--no", "max-opens", "--no", "passcode")
    assert gone["link"] == share["link"]
    assert opened(share["link"])["resourceType"] == "Bundle"
    assert (state(world.a, share)["expires_at"], state(world.a, share)["opens_max"]) == (None, None)


def test_a_change_that_was_made_offline_holds_from_the_next_sync_on(world: World) -> None:
    """SHR-6."""
    share = world.a("share", "create", "--passcode", "--label", "offline")
    world.server.stop()
    assert world.a("share", "pause", "offline")["state"] == "not_known"
    changed = world.a("share", "change", "offline", "--passcode")
    world.server.start()
    assert opened(share["link"], passcode=share["passcode"])["resourceType"] == "Bundle"
    world.a("sync")
    assert opened(share["link"], passcode=changed["passcode"]) == 404
    assert world.a("share", "resume", "offline")["state"] == "live"
    assert opened(share["link"], passcode=share["passcode"]) == 401
    assert opened(share["link"], passcode=changed["passcode"])["resourceType"] == "Bundle"


def test_another_phone_of_its_maker_changes_nothing_by_its_syncs(world: World) -> None:
    """SHR-9: the passcode that stands, told again by a phone that never told it, gives no try back."""
    share = world.a("share", "create", "--passcode")
    for _ in range(2):
        opened(share["link"], passcode="wrong")
    settle(world.a, world.b, world.a)
    assert state(world.b, share)["attempts_left"] == 3
    changed = world.b("share", "change", share["id"], "--passcode")
    settle(world.b, world.a)
    assert state(world.a, share)["attempts_left"] == 5
    assert opened(share["link"], passcode=changed["passcode"])["resourceType"] == "Bundle"


def test_what_a_share_cannot_become_is_refused_and_it_stays_as_it_was(world: World, tmp_path: Path) -> None:
    direct = world.a("share", "create", "--direct")
    (tmp_path / "short").write_text("123")
    for arguments, code in (
        ((), "bad_value"),
        (("--passcode",), "bad_value"),
        (("--passcode-file", str(tmp_path / "short")), "bad_value"),
        (("--max-opens", "0"), "bad_value"),
        (("--expires", "2001-01-01"), "bad_expiry"),
    ):
        done = world.a.run("share", "change", direct["id"], *arguments)
        assert (done.code, done.json["code"]) == (REFUSED, code), arguments
    assert state(world.a, direct)["state"] == "live"
    world.a("share", "revoke", direct["id"])
    done = world.a.run("share", "change", direct["id"], "--max-opens", "2")
    assert (done.code, done.json["code"]) == (REFUSED, "share_revoked")


def test_what_a_removed_owner_shared_is_closed_and_everybody_left_reads_that(world: World) -> None:
    """SHR-26: though her phone never syncs again, and so that she can end it herself."""
    hers = world.other("share", "create", "--label", "of the other", "--long-term")
    settle(world.other, world.a)
    assert state(world.a, hers)["state"] == "elsewhere"
    assert state(world.a, hers)["made_by"] == "Other Person"
    assert opened(hers["link"])["resourceType"] == "Bundle"
    world.a("members", "remove", "Other Person")
    assert opened(hers["link"]) == 404
    assert state(world.a, hers)["state"] == "no_owner"
    told = world.a.run("share", "list", json=False).stdout
    assert "closed: Other Person, who made it, is no owner of these records any more" in " ".join(told.split())
    assert state(world.other, hers)["state"] == "no_owner"
    world.other.run("sync")
    assert opened(hers["link"]) == 404
    assert world.other("share", "revoke", "of the other")["state"] == "revoked"
    assert state(world.other, hers)["state"] == "revoked"
