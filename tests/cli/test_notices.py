"""A person's other phones are told what happened to her account, and told again until they have shown it."""

from pathlib import Path

import pytest

from tests.cli.kit import Inside, Server, link_phone, make_phone


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("notices")
    server = Server(folder / "server").start()
    first = make_phone(folder / "first", server.url)
    second = link_phone(folder / "second", first, server.url)
    link_phone(folder / "third", first, server.url, device="phone C")
    yield server, first, second
    server.stop()


def kinds(phone: Inside) -> list[str]:
    return [notice["kind"] for notice in phone("status")["notices"]]


def test_a_phone_is_told_of_a_new_one_and_told_again_until_it_has_shown_it(family):
    _, _, second = family
    second("sync")
    second("sync")
    [notice] = second("status")["notices"]
    assert (notice["kind"], notice["new"]) == ("new_device", True)
    assert notice["words"]
    assert notice["at"]


def test_what_was_shown_is_acknowledged_and_not_told_twice(family):
    _, _, second = family
    second("sync")
    assert [notice["new"] for notice in second("status")["notices"]] == [False]


def test_the_phone_that_did_it_is_not_told(family):
    _, first, _ = family
    first("sync")
    assert kinds(first) == []
