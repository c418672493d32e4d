"""`carnet ledger` against a real server whose database somebody changes: LED-8 and LED-9 of ledger.md."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from sync.device.reading import identity_of
from sync.device.staging import stage
from sync.fhir.exact import canonical
from sync.merge.change import PERSON, VAULT_RECORD, Edit
from sync.wire.ledger import entry_bytes, first_hash, next_hash, read_entry
from tests.cli.kit import DONE, REFUSED, WAITS, Inside, Server, link_phone, make_phone
from tests.cli.share_reader import opened


class World(NamedTuple):
    """A phone that has read its ledger, a server that is stopped, and how it stood."""

    folder: Path
    server: Server
    phone: Inside
    share: str
    read: Any


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("ledger")
    server = Server(folder / "server").start()
    phone = make_phone(folder / "phone", server.url)
    link_phone(folder / "tablet", phone, server.url, device="tablet")
    (folder / "passcode").write_text("482911")
    share = phone("share", "create", "--label", "For Dr. Example", "--passcode-file", str(folder / "passcode"))
    assert opened(share["link"], "Dr. Guess", "000000") == 401
    opened(share["link"], "Dr. Example", "482911")
    phone("share", "pause", share["id"])
    read = phone("ledger")
    server.stop()
    yield World(folder, server, phone, share["id"], read)
    server.kill()


class Altered(NamedTuple):
    """A copy of that phone over a server with another database."""

    phone: Inside
    server: Server
    share: str


@pytest.fixture
def altered(world: World, tmp_path: Path) -> Iterator[Callable[..., Altered]]:
    """Lets a test change a copy of the stopped server's database before it starts again for a copy of the phone."""
    servers = []

    def make(change: Callable[[sqlite3.Connection], None]) -> Altered:
        server = world.server.copied(tmp_path / "server")
        path = server.data / "carnet.sqlite3"
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            change(database)
        servers.append(server.start())
        return Altered(Inside(shutil.copytree(world.phone.store, tmp_path / "phone")), server, world.share)

    yield make
    for server in servers:
        server.kill()


def finding(phone: Inside, *arguments: str) -> tuple[str, int] | None:
    done = phone.run("ledger", *arguments)
    found = done.json["finding"]
    assert done.code == (DONE if found is None else WAITS), done.stderr
    return None if found is None else (found["code"], found["number"])


def nothing(_: sqlite3.Connection) -> None:
    """The database as it was."""


def by_kind(read: Any, kind: str) -> Any:
    [one] = [entry for entry in read["entries"] if entry["kind"] == kind]
    return one


def test_it_tells_who_did_what_in_order_and_readers_by_their_own_words(world: World):
    """LED-8, LED-4: what names a reader opens on the phone."""
    kinds = [entry["kind"] for entry in world.read["entries"]]
    assert kinds[:-4] == ["recovery_added", "membership", "membership", "device_added"]
    assert kinds[-4:] == ["share_made", "passcode_wrong", "share_opened", "share_paused"]
    assert by_kind(world.read, "share_made")["share"]["label"] == "For Dr. Example"
    assert by_kind(world.read, "share_made")["by_this_phone"] is True
    assert by_kind(world.read, "passcode_wrong")["reader"]["recipient"] == "Dr. Guess"
    reader = by_kind(world.read, "share_opened")["reader"]
    assert (reader["recipient"], reader["address"]) == ("Dr. Example", "127.0.0.1")
    tablets = [entry for entry in world.read["entries"] if entry["device"] == "tablet"]
    assert [entry["kind"] for entry in tablets] == ["device_added"]
    assert world.read["finding"] is None
    assert all(entry["new"] for entry in world.read["entries"])


def test_the_words_are_for_people(world: World, altered: Callable[..., Altered]):
    phone = altered(nothing).phone
    done = phone.run("ledger", json=False, COLUMNS="200")
    assert done.code == DONE
    for words in ("A share was opened", "For Dr. Example", "A phone was let into your account", "Dr. Guess"):
        assert words in " ".join(done.stdout.split())
    assert "cannot be proved" in done.stderr
    assert "Dr. Guess" not in phone.run("ledger", "--since", "2999-01-01", json=False).stdout
    assert phone.run("ledger", "--since", "soon").json["code"] == "bad_since"


def test_what_came_since_the_last_time_is_new(world: World, altered: Callable[..., Altered]):
    """LED-9: the head that was read is kept."""
    it = altered(nothing)
    it.phone("share", "resume", it.share)
    read = it.phone("ledger")
    assert [entry["kind"] for entry in read["entries"] if entry["new"]] == ["share_resumed"]
    assert read["read_before"] == len(world.read["entries"])
    assert not any(entry["new"] for entry in it.phone("ledger")["entries"])


def test_an_altered_entry_is_found(altered: Callable[..., Altered]):
    """LED-8."""

    def change(database: sqlite3.Connection) -> None:
        [[number, data]] = database.execute(
            "SELECT number, entry FROM ledger_entries WHERE share IS NOT NULL ORDER BY number LIMIT 1"
        ).fetchall()
        entry = read_entry(data)
        other = type(entry)(entry.v, entry.number, entry.at_ms, "share_opened", *list_of(entry)[4:])
        database.execute("UPDATE ledger_entries SET entry = ? WHERE number = ?", (entry_bytes(other), number))

    found = finding(altered(change).phone)
    assert found is not None
    assert found[0] == "altered"


def list_of(entry: Any) -> list[Any]:
    return [getattr(entry, name) for name in entry.__struct_fields__]


def test_an_altered_opener_is_found(altered: Callable[..., Altered]):
    """LED-8: who opened cannot be exchanged either."""

    def change(database: sqlite3.Connection) -> None:
        database.execute(
            "UPDATE share_openings SET opener = (SELECT opener FROM share_openings WHERE number = 1) WHERE number = 2"
        )

    assert (finding(altered(change).phone) or ("", 0))[0] == "altered"


def test_a_truncated_ledger_is_found_though_its_head_fits(world: World, altered: Callable[..., Altered]):
    """LED-8."""
    count = len(world.read["entries"])

    def change(database: sqlite3.Connection) -> None:
        database.execute("DELETE FROM ledger_entries WHERE number > ?", (count - 2,))
        rebuild_head(database)

    it = altered(change)
    assert finding(it.phone) == ("cut", count - 2)
    assert finding(it.phone, "--since", "1h") == ("cut", count - 2)


def test_a_beginning_that_was_taken_out_is_found(altered: Callable[..., Altered]):
    """LED-8: nothing but three years takes an entry out."""

    def change(database: sqlite3.Connection) -> None:
        [[account]] = database.execute("SELECT DISTINCT account FROM ledger_entries").fetchall()
        [[first]] = database.execute("SELECT entry FROM ledger_entries WHERE number = 1").fetchall()
        database.execute("DELETE FROM ledger_entries WHERE number = 1")
        base = next_hash(first_hash(account), first)
        database.execute("UPDATE ledgers SET base = 1, base_head = ?", (base,))

    assert finding(altered(change).phone) == ("cut", 1)


def test_a_rebuilt_ledger_is_found_though_it_is_whole_and_longer(world: World, altered: Callable[..., Altered]):
    """LED-8, LED-9: the finding stays until a person begins anew."""

    def change(database: sqlite3.Connection) -> None:
        rows = database.execute("SELECT number, entry FROM ledger_entries ORDER BY number").fetchall()
        entry = read_entry(rows[0][1])
        other = type(entry)(*[7 if name == "at_ms" else getattr(entry, name) for name in entry.__struct_fields__])
        database.execute("UPDATE ledger_entries SET entry = ? WHERE number = 1", (entry_bytes(other),))
        rebuild_head(database)

    it = altered(change)
    it.phone("share", "resume", it.share)
    count = len(world.read["entries"])
    assert finding(it.phone) == ("rebuilt", count)
    assert finding(it.phone) == ("rebuilt", count)
    done = it.phone.run("ledger", json=False)
    assert "its past was written anew" in done.stdout
    assert "does not touch your records" in done.stdout
    assert finding(it.phone, "--accept") is None
    assert finding(it.phone) is None


def rebuild_head(database: sqlite3.Connection) -> None:
    """Makes the server's head fit the entries that are there: what whoever owns the database can do."""
    [[account]] = database.execute("SELECT DISTINCT account FROM ledger_entries").fetchall()
    head, rows = first_hash(account), database.execute("SELECT entry FROM ledger_entries ORDER BY number").fetchall()
    for (entry,) in rows:
        head = next_hash(head, entry)
    database.execute("UPDATE ledgers SET number = ?, head = ?", (len(rows), head))


def test_a_server_that_shows_two_phones_two_ledgers_is_found_by_the_second(
    world: World, altered: Callable[..., Altered], tmp_path: Path
):
    """LED-10: the tablet has never read it before, and what it is shown is whole."""

    def fork(database: sqlite3.Connection) -> None:
        [[data]] = database.execute("SELECT entry FROM ledger_entries WHERE number = 2").fetchall()
        entry = read_entry(data)
        other = type(entry)(*[b"" if name == "by" else getattr(entry, name) for name in entry.__struct_fields__])
        database.execute("UPDATE ledger_entries SET entry = ? WHERE number = 2", (entry_bytes(other),))
        rebuild_head(database)

    it = altered(fork)
    tablet = Inside(shutil.copytree(world.folder / "tablet", tmp_path / "tablet"))
    tablet("sync")
    assert finding(tablet) is None, "nobody has told it yet"
    tablet = Inside(shutil.copytree(world.folder / "tablet", tmp_path / "tablet told"))
    it.phone("sync")
    tablet("sync")
    assert finding(tablet) == ("forked", len(world.read["entries"]))
    assert "Another phone of yours" in tablet.run("ledger", json=False).stdout
    assert finding(tablet, "--accept") is None
    assert finding(tablet) is None


def test_what_somebody_else_says_that_a_phone_has_read_does_not_count(altered: Callable[..., Altered]):
    """LED-10: each phone speaks for itself, by its own card."""
    it = altered(nothing)

    async def lie() -> None:
        async with it.phone.phone() as phone, phone.store.transaction() as rows:
            identity, [number] = await identity_of(rows), await rows.vaults()
            cards = (await rows.get_vault(number)).log.table.cards
            for device in set(cards) - {identity.device}:
                head = {"account": identity.account, "number": 2, "hash": bytes(32), "at_ms": 0}
                value = canonical(msgspec.to_builtins(head))
                lies = Edit(VAULT_RECORD, False, PERSON, None, (), ((f"ledger/{device.hex()}", value),))
                await stage(phone, rows, identity, number, [lies])

    asyncio.run(lie())
    assert finding(it.phone) is None


def test_what_an_honest_server_shows_two_phones_is_no_finding(
    world: World, altered: Callable[..., Altered], tmp_path: Path
):
    """LED-10: and a head is said once, so that reading again sends nothing."""
    it = altered(nothing)
    tablet = Inside(shutil.copytree(world.folder / "tablet", tmp_path / "tablet"))
    it.phone("sync")
    tablet("sync")
    assert finding(tablet) is None
    tablet("sync")
    assert tablet("sync")["sent"] == 0
    assert finding(tablet) is None
    assert tablet("vaults")[0]["pending"] == 0
    it.phone("share", "resume", it.share)
    assert finding(it.phone) is None


def test_without_network_it_says_so(world: World, tmp_path: Path):
    phone = Inside(shutil.copytree(world.phone.store, tmp_path / "phone"))
    done = phone.run("ledger")
    assert (done.code, done.json["code"]) == (REFUSED, "unreachable")
