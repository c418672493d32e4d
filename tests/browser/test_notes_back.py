"""A note from the viewer to a phone and its answer in the page: VIE-19; INB-2, INB-4, INB-8 in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.browser.documents import ordinary
from tests.browser.page_kit import Reader, Server
from tests.browser.test_every_screen import faults
from tests.cli.kit import Inside, make_phone

PDF = b"%PDF-1.7\nnothing to see\n%%EOF"
TEXT = "Please lower the evening dose. Ευχαριστώ."


class Phone:
    """A phone beside the browser's own loop."""

    def __init__(self, phone: Inside) -> None:
        self._phone = phone

    def __call__(self, *arguments: str) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(self._phone, *arguments).result()


@pytest.fixture(scope="module")
def phone(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    with ThreadPoolExecutor(1) as pool:
        yield Phone(pool.submit(make_phone, tmp_path_factory.mktemp("notes") / "phone", server.url).result())


def write(reader: Reader, text: str, paper: dict[str, Any] | None = None) -> None:
    """Fills the form and sends it."""
    page = reader.page
    if not page.locator(".notes form").is_visible():
        page.locator(".notes summary").click()
    page.locator(".notes [name=text]").fill(text)
    if paper is not None:
        page.locator(".notes [name=paper]").set_input_files([paper])
    page.locator(".notes form button").click()


def test_a_note_arrives_is_accepted_shows_in_the_summary_and_its_answer_in_the_page(reader, phone, tmp_path: Path):
    """VIE-19, INB-2, INB-4, INB-12."""
    link = phone("share", "create", "--label", "For Dr. Example")["link"]
    page = reader.open(link)
    page.locator(".notes summary").wait_for()
    assert page.locator(".notes li").count() == 0
    write(reader, TEXT, {"name": "letter.pdf", "mimeType": "application/pdf", "buffer": PDF})
    page.get_by_text("decides whether to keep it.", exact=False).last.wait_for()
    page.locator(".notes li").wait_for()
    assert "not received yet" in page.locator(".notes li").text_content()
    assert page.locator(".notes [name=text]").input_value() == ""
    [one] = phone("inbox")
    assert (one["from"], one["text"], one["readable"]) == ("Test reader, Test clinic", TEXT, True)
    phone("inbox", "show", "1", "--save", str(tmp_path / "out.pdf"))
    assert (tmp_path / "out.pdf").read_bytes() == PDF
    phone("inbox", "accept", "1")
    [section] = [each for each in phone("summary")["sections"] if each["name"] == "plan_of_care"]
    said = {each["name"] for entry in section["entries"] for each in entry["said"]}
    assert said == {"Test reader, Test clinic, who had the link For Dr. Example"}
    phone("inbox", "answer", "1", "Thank you. Ναι.")
    assert faults(page) == []
    assert reader.complaints == []
    again = Reader(reader.context, reader.server)
    page = again.open(link)
    page.locator(".notes .answer").wait_for()
    assert "Thank you. Ναι." in page.locator(".notes .answer").text_content()
    assert "read" in page.locator(".notes li").text_content()
    assert faults(page) == []
    fresh = phone("share", "create", "--label", "Next")["link"]
    page = again.open(fresh)
    page.get_by_text("who had the link For Dr. Example", exact=False).first.wait_for(state="attached")


def test_what_cannot_be_sent_is_said_in_words_and_forget_drops_the_form(reader, phone):
    """VIE-19, VIE-8."""
    share = phone("share", "create", "--label", "Words")
    page = reader.open(share["link"])
    page.locator(".notes summary").wait_for()
    write(reader, " ")
    page.get_by_text("Write a note or choose a document.").wait_for()
    write(reader, "", {"name": "a.html", "mimeType": "text/html", "buffer": b"<script>"})
    page.get_by_text("This document cannot be sent.", exact=False).wait_for()
    write(reader, "", {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-" + bytes(524_288)})
    page.get_by_text("This document cannot be sent.", exact=False).wait_for()
    page.locator(".notes [name=paper]").set_input_files([])
    phone("inbox", "off", share["id"])
    write(reader, "Too late.")
    page.get_by_text("Notes can no longer be sent here.", exact=False).wait_for()
    assert page.locator(".notes [name=text]").input_value() == "Too late."  # what was written is not lost
    assert faults(page) == []
    page.locator("button.forget").click()
    assert page.locator(".notes").count() == 0


def test_a_share_without_an_inbox_shows_no_form_and_a_servers_ticket_alone_makes_none(reader, server, phone):
    """VIE-19, INB-1: the key comes from the share's own files."""
    without = phone("share", "create", "--label", "None", "--no-inbox")["link"]
    for link in (without, server.share(ordinary(), inbox=True).link):
        page = reader.open(link)
        page.wait_for_load_state("networkidle")
        assert page.locator(".notes").count() == 0
