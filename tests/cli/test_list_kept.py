"""A list is the same whether glances of the records are kept in the store or not (openapi/decisions/0130)."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sync.device import glancing
from tests.cli import bundles
from tests.cli.imported_phone import World
from tests.cli.kit import Inside, link_phone

WRITES = [
    ("set", "ramipril", "dosage", '[{"text": "10 mg, mornings"}]'),
    ("annotate", "penicillin", "a word of mine"),
    ("new", "Condition", '{"code": {"text": "Asthma"}, "subject": {"display": "Testa"}}'),
    ("set", "asthma", "code", '{"text": "Bronchitis"}'),
    ("new", "AllergyIntolerance", bundles.dumps(bundles.own_allergy("low"))),
    ("sync",),
    ("delete", "bronchitis"),
    ("sync",),
]


def packs(phone: Inside) -> dict[int, bytes]:
    with sqlite3.connect(phone.store / "carnet.db") as database:
        return dict(database.execute("SELECT pack, body FROM glance").fetchall())


def made_anew(phone: Inside, folder: Path) -> list[Any]:
    """What the lists of the same phone say when it keeps no glance."""
    copy = Inside(shutil.copytree(phone.store, folder, dirs_exist_ok=True))
    with sqlite3.connect(copy.store / "carnet.db") as database:
        database.execute("DELETE FROM glance")
    return said(copy)


def said(phone: Inside) -> list[Any]:
    return [phone("list", "--all"), phone("find", "mg"), phone("status")["conflicts"]]


def test_after_every_command_lists_say_what_they_say_without_kept_glances(
    own: Inside, world: World, tmp_path: Path
) -> None:
    second = link_phone(tmp_path / "second", own, world.server.url)
    for place, command in enumerate(WRITES):
        own(*command)
        assert said(own) == made_anew(own, tmp_path / f"anew {place}"), command
    second("set", "ramipril", "dosage", '[{"text": "2.5 mg, evenings"}]')
    second("sync")
    own("set", "ramipril", "dosage", '[{"text": "20 mg, mornings"}]')
    own("sync")
    assert own("status")["conflicts"] == len(own("conflicts")) > 0
    assert said(own) == made_anew(own, tmp_path / "conflict")


def test_an_edit_makes_one_pack_anew_and_a_list_after_it_none(own: Inside) -> None:
    own("list")
    before = packs(own)
    own("list")
    assert packs(own) == before
    own("annotate", "penicillin", "a word of mine")
    own("list")
    changed = {pack for pack, body in packs(own).items() if before.get(pack) != body}
    assert len(changed) == 1


def test_a_pack_that_was_damaged_or_moved_is_made_anew(own: Inside) -> None:
    expected = own("list")
    [first, second, *_] = sorted(packs(own).items())
    with sqlite3.connect(own.store / "carnet.db") as database:
        database.execute("UPDATE glance SET body = ? WHERE pack = ?", (second[1], first[0]))
        database.execute("UPDATE glance SET body = ? WHERE pack = ?", (b"not sealed at all", second[0]))
    assert own("list") == expected


def test_glances_that_other_code_has_made_are_not_trusted(own: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glancing, "made_by", lambda: b"an older version")
    monkeypatch.setattr("sync.fhir.labels.label", lambda *_: "as the older version had it")
    assert {row["label"] for row in own("list")} == {"as the older version had it"}
    monkeypatch.undo()
    assert "as the older version had it" not in {row["label"] for row in own("list")}


def test_the_code_that_makes_glances_is_named_by_all_it_is_made_of() -> None:
    assert len(glancing.made_by()) == 16
    assert all(Path(room).is_dir() for room in glancing._ROOMS)


def test_glances_go_with_their_vault(own: Inside) -> None:
    own("list")
    assert packs(own)

    async def forget() -> None:
        async with own.phone() as phone, phone.store.transaction() as rows:
            [number] = await rows.vaults()
            await rows.drop_vault(number)

    asyncio.run(forget())
    assert packs(own) == {}


def test_what_a_glance_says_is_sealed(own: Inside) -> None:
    own("list")
    assert not any(word in body for body in packs(own).values() for word in (b"Ramipril", b"Penicillin", b"Condition"))
