"""A phone that the server lets in no more: what is on it stays readable, editable and can be taken along.

Revoked, its account gone, forbidden for good, out of quota: each through a real server. What waits is in the export,
and a vault is not left while something is unsent. MUST PPL-10, PPL-17, PPL-18, CLI-3.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.device import access
from sync.device.reading import identity_of
from sync.wire.limits import FRAME_BYTES_MAX
from tests.cli import bundles, kit
from tests.cli.kit import (
    DONE,
    REFUSED,
    Carnet,
    Inside,
    Server,
    id_of,
    link_phone,
    make_phone,
    settle,
    vault_of,
)
from tests.faults.phone_proxy import Between

WAITING = "a dose that was never sent"
VAULT_BYTES_MAX = 60_000
DAY_BYTES_MAX = 40_000


class World:
    """A server behind something that can break, and two linked phones of one person with a medication."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder, self.between = folder, Between()
        self.server = Server(folder / "server", origin=self.between.origin)
        self.start(**settings)
        self.a = make_phone(folder / "a", self.between.origin)
        self.a("import", bundles.written(folder, "summary.json", bundles.summary()))
        self.b = link_phone(folder / "b", self.a, self.between.origin)
        settle(self.a, self.b, rounds=1)
        self.medication = id_of(self.a, "MedicationStatement")

    def start(self, **settings: str) -> None:
        """Starts the server with these settings of an operator."""
        usual = kit.clean_environment
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kit, "clean_environment", lambda **more: usual(**more, **settings))
            self.server.start()
        self.between.upstream_port = self.server.port

    def close(self) -> None:
        self.between.close()
        self.server.kill()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def revoke_b(world: World) -> None:
    """The first phone takes the second out of the account, and leaves it in the vault."""

    async def revoke() -> None:
        async with world.a.phone() as a, world.b.phone() as b:
            async with b.store.transaction() as rows:
                device = (await identity_of(rows)).device
            async with a.store.transaction() as rows:
                mine = await identity_of(rows)
            transport = a.connect(mine.server)
            await access.revoke(transport, device, await access.access_token(a, transport, mine))
            await transport.close()

    asyncio.run(revoke())


def lose_the_account(world: World) -> None:
    """The server begins anew with an empty database: it knows no account and no vault."""
    world.server.kill()
    shutil.rmtree(world.server.data)
    world.start()


def forbid(world: World) -> None:
    """Whatever is asked, the answer is 403."""
    world.between.plays("403 problem")


def edit(phone: Carnet, medication: str, text: str) -> None:
    """Gives the medication another dose, without network."""
    done = phone.run("set", medication, "dosage", bundles.dumps(bundles.dosage("5", "mg", text)))
    assert done.code == DONE, done


def remove_b(world: World) -> None:
    """The first phone takes the second out of the vault."""
    world.a("members", "remove", "phone B")


def keeps_what_it_has(phone: Carnet, medication: str, folder: Path, told: str) -> None:
    """Reads, edits and exports without the server's word, twice: before and after trying to sync."""
    for attempt in range(2):
        text = f"{WAITING}, {attempt}"
        edit(phone, medication, text)
        assert phone("show", medication)["resource"]["dosage"][0]["text"] == text
        assert len(phone("list")) >= 4
        waiting = vault_of(phone)["pending"]
        assert waiting > 0
        done = phone.run("sync")
        assert done.code == REFUSED, done
        said = done.json["code"] if "code" in done.json else done.json["vaults"][0]["code"]
        assert said == told
        assert done.json.get("next") or done.json["vaults"][0]["next"]
        assert "Traceback" not in done.stderr
        assert vault_of(phone)["pending"] == waiting, "nothing that waits is dropped"
        out = phone.run("status")
        assert [row["code"] for row in out.json["shut_out"]] == [told], "and it says so"
        assert "export" in out.json["shut_out"][0]["words"] or told == "quota"
        assert out.json["shut_out"][0]["words"] in phone.run("status", json=False).stdout
        file = folder / f"taken-along-{attempt}.json"
        gave = phone("export", str(file))
        assert text in file.read_text("utf-8"), "what waits can be taken along"
        assert medication in [row["id"] for row in gave["unsent"]], "and the export says which it is"
        assert '"valueString": "dosage"' in file.read_text("utf-8")
        left = phone.run("vaults", "leave", "records of a test")
        assert (left.code, left.json["code"]) == (REFUSED, "removed" if told == "removed" else "unsent")
        assert phone("quarantine") == []


@pytest.mark.parametrize(
    ("shut_out", "told"),
    [(revoke_b, "revoked"), (lose_the_account, "account_gone"), (forbid, "forbidden"), (remove_b, "removed")],
    ids=["revoked", "account gone", "forbidden for good", "removed from the vault"],
)
def test_a_phone_that_is_shut_out_keeps_works_and_exports_what_waits(
    shut_out: Any, told: str, world: World, tmp_path: Path
) -> None:
    """PPL-17: ERR-7, PHN-13."""
    edit(world.b, world.medication, "a dose of the day before")
    shut_out(world)
    keeps_what_it_has(world.b, world.medication, tmp_path, told)
    keeps_what_it_has(Inside(world.b.store, ahead_ms=3_600_000), world.medication, tmp_path, told)  # its token is over


def test_the_exit_takes_along_what_somebody_removed_wrote_before_and_after(world: World) -> None:
    """MUST PPL-10, IMP-32."""
    edit(world.b, world.medication, "a dose of the day before")
    remove_b(world)
    assert world.b.run("sync").json["vaults"][0]["code"] == "removed"
    world.b("annotate", world.medication, "written when she was out")
    world.b("vaults", "new", "my own", "--from", "records of a test")
    shown = world.b("show", world.medication, "--vault", "my own")
    assert shown["resource"]["dosage"][0]["text"] == "a dose of the day before"
    assert [note["text"] for note in shown["notes"]] == ["written when she was out"]
    sources = {row["id"]: row["source"] for row in world.b("list", "--vault", "records of a test")}
    assert {row["id"]: row["source"] for row in world.b("list", "--vault", "my own")} == sources
    assert None not in sources.values()
    [mine] = [vault for vault in world.b("vaults") if vault["name"] == "my own"]
    assert (mine["role"], mine["pending"]) == ("owner", 0), "and there it is sent"


def test_a_phone_that_is_let_in_again_says_it_is_shut_out_no_more(world: World) -> None:
    """PPL-18."""
    forbid(world)
    assert world.b.run("sync").json["code"] == "forbidden"
    edit(world.b, world.medication, WAITING)
    world.between.plays("forward")
    assert world.b("sync")["waiting"] == 0
    assert world.b("status")["shut_out"] == []
    world.a("sync")
    assert world.a("show", world.medication)["resource"]["dosage"][0]["text"] == WAITING


def test_what_a_revoked_phone_took_along_comes_in_on_the_phone_that_is_left(world: World, tmp_path: Path) -> None:
    edit(world.b, world.medication, WAITING)
    revoke_b(world)
    assert world.b.run("sync").json["code"] == "revoked"
    file = str(tmp_path / "along.json")
    world.b("export", file)
    assert world.a.run("import", file, "--same-person").code != REFUSED
    world.a("export", str(tmp_path / "all.json"))
    assert WAITING in (tmp_path / "all.json").read_text("utf-8")


@pytest.mark.parametrize(
    "setting",
    [{"CARNET_VAULT_BYTES_MAX": str(VAULT_BYTES_MAX)}, {"CARNET_PERSON_DAY_BYTES_MAX": str(DAY_BYTES_MAX)}],
    ids=["the vault's bytes", "a person's day"],
)
def test_with_the_quota_used_up_what_waits_is_kept_and_sent_when_there_is_room(
    setting: dict[str, str], tmp_path: Path
) -> None:
    assert FRAME_BYTES_MAX > VAULT_BYTES_MAX, "one frame fills it"
    world = World(tmp_path, **setting)
    try:
        long = bundles.observation(3, note=[{"text": "".join(f"{n * 7919 % 99991:05d}" for n in range(30_000))}])
        record = world.b("new", "Observation", "@" + bundles.written(tmp_path, "long.json", _own(long)))["id"]
        keeps_what_it_has(world.b, world.medication, tmp_path, "quota")
        world.server.kill()
        world.start()
        report = world.b("sync")
        assert (report["waiting"], [vault["code"] for vault in report["vaults"]]) == (0, [None])
        world.a("sync")
        assert record in [row["id"] for row in world.a("list", "Observation")]
        told = [step["value"] for step in world.a("show", world.medication, "--history")["history"]]
        said = [str(value) for value in told if WAITING in str(value)]
        assert len(said) == 2, "each of the two that waited is there, and there once"
    finally:
        world.close()


def _own(resource: bundles.Json) -> bundles.Json:
    """The same as a person's own: without an id and a reference that leads into a file."""
    return {key: value for key, value in resource.items() if key not in ("id", "subject")}
