"""`carnet watch` and `carnet notices`: a person looks on while others write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import bundles
from tests.cli.kit import DONE, REFUSED, Carnet, Server, link_phone, make_phone
from tests.cli.watcher import WAIT_SECONDS, Watcher


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Carnet, Carnet]]:
    tmp_path = tmp_path_factory.mktemp("watch")
    server = Server(tmp_path / "server").start()
    a = make_phone(tmp_path / "a", server.url)
    a("import", bundles.written(tmp_path, "summary.json", bundles.summary()), "--source", "Example Hospital")
    b = link_phone(tmp_path / "b", a, server.url)
    b("sync")
    yield server, a, b
    server.kill()


def test_another_phones_edit_appears_as_it_happens_also_after_a_restart_of_the_server(pair):
    """EVT-10, EVT-11, CLI-2: in plain words, as one JSON object a line; SIGINT is an ordinary end."""
    server, a, b = pair
    watcher = Watcher(b)
    try:
        watcher.until("listening")
        a("set", "ramipril", "dosage", bundles.dumps(bundles.dosage("10", "mg", "10 mg")))
        a("sync")
        said = watcher.until("change")
        assert (said["what"], said["elements"], said["device"]) == ("changed", ["dosage"], "phone A")
        assert "Ramipril" in said["label"]
        server.stop()
        watcher.until("away")
        server.start()
        watcher.until("listening")
        a("annotate", "ramipril", "makes me cough")
        a("sync")
        assert watcher.until("change")["what"] == "noted"
        assert watcher.stop() == DONE
    finally:
        watcher.process.kill()
        watcher.process.wait()


def test_what_is_written_on_the_phone_itself_meanwhile_is_sent_and_is_no_news_to_it(pair):
    """EVT-10: no other command has to sync."""
    _, a, b = pair
    watcher = Watcher(b)
    try:
        watcher.until("listening")
        b("annotate", "ramipril", "from this phone")
        while b("status")["pending"]:
            pass
        a("delete", "penicillin")
        a("sync")
        assert watcher.until("change")["what"] == "deleted"
        notes = a("show", "ramipril")["notes"]
        assert "from this phone" in [note["text"] for note in notes]
    finally:
        watcher.process.kill()
        watcher.process.wait()


def test_a_second_watch_ends_the_first_which_says_so(pair):
    """EVT-11."""
    _, _, b = pair
    first = Watcher(b)
    second = None
    try:
        first.until("listening")
        second = Watcher(b)
        second.until("listening")
        assert first.until("watched_elsewhere")["next"]
        assert first.process.wait(WAIT_SECONDS) == REFUSED
    finally:
        for one in filter(None, (first, second)):
            one.process.kill()
            one.process.wait()


def test_a_notice_is_said_while_one_watches_and_listed_as_seen_afterwards(pair, tmp_path: Path):
    """EVT-10: and what is listed once is seen from then on."""
    server, a, b = pair
    watcher = Watcher(b)
    try:
        watcher.until("listening")
        link_phone(tmp_path / "c", a.inside(), server.url, device="phone C")
        assert watcher.until("notice")["kind"] == "new_device"
    finally:
        watcher.process.kill()
        watcher.process.wait()
    [notice] = b("notices")
    assert (notice["kind"], notice["new"]) == ("new_device", False)


def test_notices_lists_what_was_told_and_marks_it_as_seen(pair, tmp_path: Path):
    server, a, b = pair
    b("notices")
    link_phone(tmp_path / "d", a.inside(), server.url, device="phone D")
    b("sync")
    notice = b("notices")[0]
    assert (notice["kind"], notice["new"], set(notice)) == ("new_device", True, {"kind", "words", "at", "new"})
    assert b("notices")[0]["new"] is False
    assert b("status")["notices"][0]["new"] is False
