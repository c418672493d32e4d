"""At a counter: the command makes a share of a vault with an imported file, and a camera and a browser read it.

With CARNET_EXAMPLES set the file is the largest of its folder `ips`; else a small synthetic one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Playwright

from tests.browser.frames import frame, jpeg
from tests.browser.page_kit import CAMERA, Reader, launch
from tests.browser.page_kit import Server as PageServer
from tests.cli import bundles
from tests.cli.kit import Carnet, Server, link_phone, make_phone, settle

BASE = "https://carnet.example/fhir/StructureDefinition/"
ALLERGIES = ".part.allergies"
WORDS = {"patient": "the patient, ", "carer": "a carer, ", "file": ""}


class World(NamedTuple):
    """A person's vault with an imported file, whose first allergy two phones changed apart; she confirmed one entry."""

    server: Server
    phone: Carnet


def imported(folder: Path) -> str:
    """The path of the file to import."""
    examples = os.environ.get("CARNET_EXAMPLES")
    if examples:
        return str(max(Path(examples, "ips").glob("*.json"), key=lambda path: path.stat().st_size))
    return bundles.written(folder, "summary.json", bundles.summary())


def made(folder: Path, server: Server) -> World:
    a = make_phone(folder / "a", server.url)
    command = Carnet(a.store)
    command("import", imported(folder), "--source", "Example Hospital")
    b = link_phone(folder / "b", a, server.url)
    settle(a, b, rounds=1)
    allergy = a("list", "AllergyIntolerance")[0]["id"]
    a("set", allergy, "criticality", '"low"')
    b("set", allergy, "criticality", '"high"')
    settle(a, b)
    answers = a.run("review", stdin="t\n" + "\n" * 1_000).json  # still true, and nothing said of the rest
    assert [one["answer"] for one in answers] == ["still-true"]
    a("sync")
    return World(server, command)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("counter")
    server = Server(folder / "server").start()
    with ThreadPoolExecutor(1) as beside:  # the browser's loop runs in this thread
        yield beside.submit(made, folder, server).result()
    server.kill()


def facts(resource: Any) -> list[str]:
    """What the page has to say of a resource, from the extensions that summary.md names."""
    said = []
    for extension in resource.get("extension", []):
        parts = {
            part["url"]: next(value for key, value in part.items() if key.startswith("value"))
            for part in extension.get("extension", [])
        }
        match extension["url"].removeprefix(BASE):
            case "said-by":
                said.append(f"According to: {WORDS[parts['who']]}{parts['name']}{shown(parts.get('date'), ', ')}")
            case "recorded":
                said.append(f"Recorded: {shown(extension['valueDateTime'])}")
            case "confirmed":
                assert parts["answer"] == "still-true"
                said.append(f"Confirmed: still true, {parts['name']}{shown(parts.get('date'), ', ')}")
            case "disputed" if parts["kind"] != "duplicate":
                said.append(f"DISPUTED: version {parts['number']} of {parts['of']}")
    return said


def shown(moment: str | None, before: str = "") -> str:
    """A date as the page writes it in English, as precise as it is."""
    if moment is None:
        return ""
    year, month, day = ([*moment[:10].split("-"), "", ""])[:3]
    if not month:
        return before + year
    # Not strftime's %b: its words are those of the process's locale; nor Intl's: September is "Sept" there.
    word = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"][int(month) - 1]
    return before + " ".join(filter(None, [day.lstrip("0"), word, year]))


def entries(page: Page) -> list[str]:
    """The texts of all entries, folded ones too."""
    return [" ".join(text.split()) for text in page.locator(".entry").all_text_contents()]


def marks(part: Locator) -> list[str]:
    return [text for text in part.locator(".mark.strong").all_text_contents() if text.startswith("DISPUTED")]


def test_a_share_by_the_command_is_scanned_opened_and_ended(playwright: Playwright, world: World, tmp_path: Path):
    """SHR-5, SUM-10, SUM-12, SUM-18, VIE-5, VIE-14."""
    phone = world.phone
    share = phone("share", "create", "--passcode", "--label", "At the counter", "--png", str(tmp_path / "code.png"))
    phone("summary", "--fhir", str(tmp_path / "summary.json"))
    with Image.open(tmp_path / "code.png") as png:
        qr = png.convert("L")
    video = tmp_path / "camera.mjpeg"
    video.write_bytes(b"".join(jpeg(frame(qr, number)) for number in range(4)))
    browser = launch(playwright, *CAMERA, f"--use-file-for-fake-video-capture={video}")
    server = PageServer(world.server.url)
    reader = Reader(browser.new_context(permissions=["camera"], locale="en-GB"), server)

    page = reader.visit(server.view)
    page.get_by_role("button", name="Scan the QR code").click()
    page.locator("[name=passcode]").wait_for()
    wrong = str((int(share["passcode"]) + 1) % 1_000_000).zfill(6)
    reader.answer(wrong)
    page.get_by_text("4 tries left").wait_for()
    reader.answer(share["passcode"])
    page.locator("article.summary").wait_for()
    assert page.url == server.view
    assert share["link"] not in page.content()

    assert sorted(marks(page.locator(ALLERGIES))) == ["DISPUTED: version 1 of 2", "DISPUTED: version 2 of 2"]
    texts = entries(page)
    document = json.loads((tmp_path / "summary.json").read_bytes())
    by_url = {entry["fullUrl"]: entry["resource"] for entry in document["entry"]}
    composition = document["entry"][0]["resource"]
    told = [
        facts(by_url[each["reference"]])
        for section in composition["section"]
        for each in section.get("entry", [])
        if facts(by_url[each["reference"]])
    ]
    assert any(line.startswith("Confirmed") for lines in told for line in lines)
    assert any(line.startswith("According to: the patient, Testa Testperson") for lines in told for line in lines)
    unsaid = [lines for lines in told if not any(all(line in text for line in lines) for text in texts)]
    assert unsaid == []

    opened = phone("share", "log", share["id"])
    assert [(one["outcome"], one["recipient"]) for one in opened] == [
        ("wrong_passcode", "Test reader, Test clinic"),
        ("opened", "Test reader, Test clinic"),
    ]
    assert phone("share", "revoke", share["id"])["state"] == "revoked"
    again = Reader(browser.new_context(locale="en-GB"), server)
    again.visit(share["link"])
    again.answer(share["passcode"])
    assert "This link is closed" in again.page.locator("[role=alert]").text_content()
    assert len(phone("share", "log", share["id"])) == 2
    assert [each for each in reader.complaints if "status of 401" not in each] == []
    browser.close()
