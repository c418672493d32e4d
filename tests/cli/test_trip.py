"""The checklist before a journey: each gap has a command, and the command closes it (cli.md, `trip`)."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.cli.kit import ROOT, Inside, Server, make_phone


def items(phone: Inside, *langs: str) -> dict[str, Any]:
    found = phone("trip", "--lang", ",".join(langs or ("el",)))
    return {one["what"]: one for one in found["items"]} | {"gaps": found["gaps"]}


@pytest.fixture
def phone(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inside:
    monkeypatch.chdir(tmp_path)
    made = make_phone(tmp_path / "phone", server.url)
    made("import", str(ROOT / "infra" / "family" / "summary.json"), "--source", "Example Hospital", "--same-person")
    return made


def test_each_gap_is_closed_by_its_command(phone: Inside) -> None:
    """MUST TRM-7: and what would stay untranslated is named."""
    first = items(phone, "el", "it")
    gaps = {what: one for what, one in first.items() if what != "gaps" and one["state"] == "gap"}
    assert set(gaps) == {"A link to show", "Emergency access", "A card for the wallet", "Confirmed"}
    assert first["gaps"] == 4
    assert first["In Greek"]["state"] == "look"
    assert "14 of 15" in first["In Greek"]["words"]
    assert "Osteoarthritis of knee" in first["In Greek"]["words"]
    for one in gaps.values():
        answers = "t\n" * 40 if one["command"] == "review" else ""
        assert phone.run(*shlex.split(one["command"]), stdin=answers).code == 0, one
    after = items(phone, "el", "it")
    assert after["gaps"] == 0, after
    assert Path("card.pdf").exists()
    assert phone.run(*shlex.split(after["In Greek"]["command"])).code == 0
    assert Path("summary-el.html").exists()


def test_what_was_not_on_the_server_yet_is_a_gap_that_a_sync_closes(tmp_path: Path) -> None:
    server = Server(tmp_path / "server").start()
    phone = make_phone(tmp_path / "phone", server.url)
    server.kill()
    for command in ("emergency on", "card", "share create --long-term"):
        phone(*command.split())
    before = items(phone)
    assert {before[what]["command"] for what in ("Emergency access", "A card for the wallet")} == {"sync"}
    server.start()
    phone("sync")
    assert items(phone)["gaps"] == 0
    server.kill()
