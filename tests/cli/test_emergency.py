"""Emergency access by the command: on, opened, told, off (openapi/protocol/shares.md, "Emergency"; cli.md)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import bundles
from tests.cli.kit import REFUSED, Inside, Server, join_phone, make_phone, settle
from tests.cli.share_reader import opened


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Inside, Inside]]:
    """A patient's phone and another owner's."""
    folder: Path = tmp_path_factory.mktemp("emergency")
    server = Server(folder / "server").start()
    a = make_phone(folder / "a", server.url)
    a("import", bundles.written(folder, "summary.json", bundles.summary()), "--source", "Example Hospital")
    b, _ = join_phone(folder / "b", a, server.url, "--role", "owner", person="Carer Person", device="carer's")
    settle(a, b)
    yield server, a, b
    server.kill()


def payload(link: str) -> dict[str, object]:
    text = link.rpartition("shlink:/")[2]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))  # type: ignore[no-any-return]


def test_on_opened_told_and_off(family: tuple[Server, Inside, Inside]) -> None:
    """MUST SHR-40, SHR-42: both owners' phones are told; the log says who and why; off ends it."""
    _, a, b = family
    assert a("emergency")["on"] is False
    made = a("emergency", "on")
    assert a("emergency", "on")["link"] == made["link"], "once on it stays the same link"
    assert (payload(made["link"])["flag"], payload(made["link"])["emergency"]) == ("L", True)
    assert opened(made["link"], recipient="Dr. Test: found unconscious")
    for phone in (a, b):
        phone("sync")
        [told] = [notice for notice in phone("status")["notices"] if notice["kind"] == "emergency_opened"]
        assert "opened your emergency information" in told["words"]
    assert a("share", "log", "Emergency")[0]["recipient"] == "Dr. Test: found unconscious"
    assert a("emergency", "off")["on"] is False
    assert a.run("emergency", "off").json["code"] == "no_emergency"
    assert a("emergency", "on")["link"] != made["link"]


def test_an_editor_does_not_switch_it_on(family: tuple[Server, Inside, Inside], tmp_path: Path) -> None:
    server, a, _ = family
    editor, _ = join_phone(tmp_path / "c", a, server.url, "--role", "editor", person="Editor Person", device="editor's")
    settle(a, editor)
    refused = editor.run("emergency", "on")
    assert (refused.code, refused.json["code"]) == (REFUSED, "not_owner")
