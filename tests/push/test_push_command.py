"""`carnet push`: what a person's phone is woken and told for, against a real server; and `make run`'s local sender."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.device.pushes import quiet_hours
from sync.device.refused import Refused
from sync.wire.push import QuietHours
from tests.cli.kit import REFUSED, Inside, Server, link_phone, make_phone


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Inside, Inside]]:
    folder = tmp_path_factory.mktemp("pushed")
    server = Server(folder / "server").start()
    phone = make_phone(folder / "phone", server.url)
    yield server, phone, link_phone(folder / "tablet", phone, server.url)
    server.kill()


def test_a_phone_says_what_it_wants_and_takes_it_back(pair):
    """PSH-1."""
    _, phone, _ = pair
    assert phone("push")["on"] is False
    found = phone("push", "on", "--quiet", "22:00-07:00", "--mute", "share_opened", "--no-wakes")
    assert {**found, "since": None} == {
        "on": True,
        "platform": "local",
        "wakes": False,
        "muted": ["share_opened"],
        "quiet": "22:00-07:00",
        "since": None,
    }
    kept = phone("push", "on", "--wakes", "--mute", "removed")
    assert (kept["quiet"], kept["muted"], kept["wakes"]) == ("22:00-07:00", ["removed", "share_opened"], True)
    assert phone("push", "on", "--no-quiet", "--unmute", "removed", "--unmute", "share_opened")["muted"] == []
    assert phone("push")["quiet"] is None
    assert phone.run("push", "on", "--as", "android").code == REFUSED  # this server has no push service
    assert phone("push")["platform"] == "local"
    assert phone("push", "off")["on"] is False
    assert phone("push")["on"] is False


def test_hours_that_are_none_are_refused(pair):
    _, phone, _ = pair
    assert phone.run("push", "on", "--quiet", "22-7").code == REFUSED
    assert phone.run("push", "on", "--mute", "the_weather").code == REFUSED
    for text in ("24:00-07:00", "07:00-07:00", "", "7:00-9:00"):
        with pytest.raises(Refused):
            quiet_hours(text, 0)
    assert quiet_hours("22:00-07:00", 60) == QuietHours(21 * 60, 6 * 60)
    assert quiet_hours("00:30-06:00", 60) == QuietHours(23 * 60 + 30, 5 * 60)


def test_an_edit_on_one_phone_is_a_wake_for_the_other_in_the_servers_log(pair):
    """PSH-4, PSH-15: without credentials the local sender shows that the outbox works."""
    server, phone, tablet = pair
    tablet("push", "on")
    before = server.log.read_text().count('"kind":"wake"')
    phone("new", "AllergyIntolerance", '{"clinicalStatus": {"coding": [{"code": "active"}]}, "code": {"text": "Nuts"}}')
    phone("sync")
    deadline = time.monotonic() + 60
    while server.log.read_text().count('"kind":"wake"') == before:
        assert time.monotonic() < deadline, Path(server.log).read_text()[-2000:]
        time.sleep(0.1)
    tablet("push", "off")
