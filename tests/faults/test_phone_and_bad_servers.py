"""Whatever answers in the server's place: local records stay usable, sync says what to do, and the next good one is
whole.

MUST CLI-3 and CLI-5; openapi/protocol/sync.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.device import transport
from tests.cli import bundles
from tests.cli.kit import (
    DONE,
    REFUSED,
    Carnet,
    Inside,
    Server,
    id_of,
    link_phone,
    make_phone,
    notes_of,
    records_of,
    settle,
    vault_of,
)
from tests.faults.phone_proxy import ANSWERS, Between

YEAR_MS = 365 * 86_400_000


class World:
    """A server behind something that can break, and two linked phones with a medication."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.between = folder, Between()
        self.server = Server(folder / "server", origin=self.between.origin).start()
        self.between.upstream_port = self.server.port
        self.a = make_phone(folder / "a", self.between.origin)
        self.a("import", bundles.written(folder, "summary.json", bundles.summary()))
        self.b = link_phone(folder / "b", self.a, self.between.origin)
        settle(self.a, self.b, rounds=1)
        self.medication = id_of(self.a, "MedicationStatement")
        self.written = 0

    def edits(self, phone: Carnet) -> str:
        """One more dose, unlike every other before it."""
        self.written += 1
        text = f"dose number {self.written}"
        done = phone.run("set", self.medication, "dosage", bundles.dumps(bundles.dosage("5", "mg", text)))
        assert done.code == DONE, done
        return text

    def works_without_a_server(self, phone: Carnet) -> str:
        """Edits, lists and exports; gives what the medication says now."""
        text = self.edits(phone)
        listed = phone.run("list")
        assert listed.code == DONE
        assert len(listed.json) >= 4
        exported = phone.run("export", str(self.folder / "offline.json"))
        assert exported.code == DONE
        assert text in (self.folder / "offline.json").read_text()
        return text

    def cannot_sync(self, phone: Carnet) -> None:
        """Sync says in words that it failed and what to do, and nothing that waits is gone."""
        waiting = vault_of(phone)["pending"]
        done = phone.run("sync")
        assert done.code == REFUSED, done
        told = json.loads(done.stdout)
        assert told["code"] in ("unreachable", "server_error", "forbidden")
        assert told["next"]
        assert told["title"]
        assert vault_of(phone)["pending"] == waiting

    def loses_and_doubles_nothing(self, text: str) -> None:
        """After good syncs both phones say the same, `text` last, and each edit stands once in the history."""
        settle(self.a, self.b, rounds=1)
        self.a("sync")
        one, other = vault_of(self.a), vault_of(self.b)
        assert one["state_root"] == other["state_root"] is not None
        assert one["pending"] == other["pending"] == 0
        assert records_of(self.a, self.folder) == records_of(self.b, self.folder)
        for phone in (self.a, self.b):
            shown = phone("show", self.medication, "--history")
            assert shown["resource"]["dosage"][0]["text"] == text
            told = [step["value"]["dosage"][0]["text"] for step in shown["history"] if _is_dose(step)]
            assert told == [f"dose number {number + 1}" for number in range(self.written)]
            assert phone("conflicts") == []
            status = phone("status")
            assert (status["findings"], status["quarantined"], status["halted"]) == (0, 0, [])


def _is_dose(step: dict) -> bool:
    value = step["value"]
    return step["element"].startswith("dosage") and "dose number" in json.dumps(value)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("bad-servers"))
    yield made
    made.between.close()
    made.server.kill()


@pytest.mark.parametrize("role", ["refused", *ANSWERS])
def test_with_no_server_or_a_wrong_one_local_records_work_and_the_next_good_sync_is_whole(
    role: str, world: World
) -> None:
    """ERR-7, PHN-13."""
    world.between.plays(role)
    try:
        text = world.works_without_a_server(world.a)
        world.cannot_sync(world.a)
    finally:
        world.between.plays("forward")
    world.loses_and_doubles_nothing(text)


@pytest.mark.parametrize("role", ["refused", "403 page"])
def test_without_a_server_the_command_as_a_process_behaves_the_same(role: str, world: World) -> None:
    phone = Carnet(world.a.store)
    world.between.plays(role)
    try:
        text = world.works_without_a_server(phone)
        world.cannot_sync(phone)
    finally:
        world.between.plays("forward")
    world.loses_and_doubles_nothing(text)


@pytest.mark.parametrize("share", [0, 0.2, 0.5, 0.8, 0.95, "but the last byte"])
def test_an_answer_cut_short_after_the_server_took_everything_loses_and_doubles_nothing(
    share: float | str, world: World
) -> None:
    def cut(whole: bytes) -> bytes:
        head, blank, body = whole.partition(b"\r\n\r\n")
        end = len(body) - 1 if isinstance(share, str) else int(len(body) * share)
        return head + blank + body[:end]

    world.edits(world.b)
    world.b("sync")  # so that the answer to A has items in it as well
    world.a("sync")
    world.edits(world.b)
    world.b("sync")
    world.a("annotate", world.medication, f"a note that waits, {share}")
    world.between.keep, before = cut, world.between.synced
    world.between.plays("half")
    try:
        done = world.a.run("sync")
        assert done.code == REFUSED
        assert done.json["code"] == "unreachable"
        assert done.json["next"]
        assert world.between.synced > before
        assert world.a.run("list").code == DONE
    finally:
        world.between.plays("forward")
    world.loses_and_doubles_nothing(f"dose number {world.written}")
    assert notes_of(world.b, world.medication).count(f"a note that waits, {share}") == 1


def test_a_server_that_hangs_is_given_up_and_local_records_work(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "READ_SECONDS", 0.2)

    async def never(_: bytes) -> bytes:
        import asyncio

        await asyncio.sleep(2)
        return b""

    monkeypatch.setattr(world.between, "_ask", never)
    text = world.works_without_a_server(world.a)
    world.cannot_sync(world.a)
    monkeypatch.undo()
    world.loses_and_doubles_nothing(text)


@pytest.mark.parametrize("years", [-50, -20, -3, 3, 20, 200])
def test_a_clock_wrong_by_years_hinders_neither_records_nor_sync(years: int, world: World) -> None:
    wrong = Inside(world.a.store, ahead_ms=years * YEAR_MS)
    text = world.works_without_a_server(wrong)
    report = wrong("sync")
    assert report["waiting"] == 0
    assert [vault["code"] for vault in report["vaults"]] == [None]
    later = world.works_without_a_server(world.a)  # with a right clock again, after a token of another year
    assert later != text
    world.loses_and_doubles_nothing(later)


def test_a_clock_that_is_wrong_shows_when_it_says_but_decides_nothing(world: World) -> None:
    """The later word is the one that had seen the other, whatever the clocks said."""
    ahead = Inside(world.a.store, ahead_ms=20 * YEAR_MS)
    world.edits(ahead)
    settle(ahead, world.b, rounds=1)
    behind = Inside(world.b.store, ahead_ms=-20 * YEAR_MS)
    text = world.edits(behind)
    settle(behind, world.a, rounds=1)
    world.loses_and_doubles_nothing(text)
