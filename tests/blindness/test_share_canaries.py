"""A share's key, passcode, readers' names and content stand nowhere on the server: not in its files, its log, its
metrics, its errors, nor in what a page hands on (shares.md; threat-model.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from sync.vault.note import Note
from sync.vault.share import read_link
from tests.blindness.test_canaries import canary, files_in, forms, sings, windows
from tests.cli import bundles
from tests.cli.kit import Inside, Server, make_phone
from tests.cli.note_sender import visited
from tests.cli.share_reader import opened
from tests.fhir.summary_checks import allergy

ADDRESS = "127.91.82.73"  # where a reader asks from
FIRST = 5_000  # canaries from here on are this file's


class World(NamedTuple):
    server: Server
    phone: Inside
    words: list[str]
    secrets: list[bytes]
    said: bytes


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("share-canaries")
    content, passcode, recipient, label, wrong, agent = (canary(FIRST + number) for number in range(6))
    server = Server(folder / "server").start()
    phone = make_phone(folder / "phone", server.url)
    phone("new", "AllergyIntolerance", bundles.dumps(allergy(content)))
    (folder / "passcode").write_text(passcode)
    shares = [
        phone("share", "create", *wish, "--label", label)
        for wish in (["--passcode-file", str(folder / "passcode")], ["--direct"], ["--long-term"])
    ]
    said = b""
    for share in shares:
        assert content in str(opened(share["link"], recipient, share["passcode"]))
        said += _fail(share["link"], wrong, recipient, agent)
    with httpx.Client(transport=httpx.HTTPTransport(local_address=ADDRESS)) as client:
        assert client.get(read_link(shares[1]["link"]).url, params={"recipient": recipient}).status_code == 200
    note = visited(shares[2]["link"], recipient)
    assert note.send(Note(canary(FIRST + 6), canary(FIRST + 7))).status_code == 201
    assert (phone("inbox")[0]["from"], phone("inbox")[0]["text"]) == (canary(FIRST + 6), canary(FIRST + 7))
    phone("inbox", "answer", "1", canary(FIRST + 8))
    assert visited(shares[2]["link"], recipient).marks()[0]["answer"] == canary(FIRST + 8)
    phone("sync")
    assert any((one["reader"] or {}).get("address") == ADDRESS for one in phone("ledger")["entries"])
    phone("share", "revoke", shares[1]["id"])
    secrets = []
    for share in shares:
        link = read_link(share["link"])
        secrets += [link.key.reveal(), link.url.rpartition("/")[2].encode()]
    notes = [canary(FIRST + number) for number in (6, 7, 8)]
    yield World(server, phone, [content, passcode, recipient, label, wrong, agent, *notes], secrets, said)
    server.kill()


def _fail(link: str, wrong: str, recipient: str, agent: str) -> bytes:
    """Requests that go wrong with canaries in every place where a reader may write one; gives all that was said."""
    url, said = read_link(link).url, b""
    headers = {"user-agent": agent, "referer": f"https://viewer.example/#{link}"}
    with httpx.Client(headers=headers) as client:
        for answer in (
            client.post(url, json={"recipient": recipient, "passcode": wrong}),
            client.post(url, json={"passcode": wrong}),
            client.post(url, content=f'{{"recipient": "{recipient}'),
            client.get(url, params={"recipient": recipient, "more": wrong}),
            client.get(url + "x", params={"recipient": recipient}),
            client.request("PATCH", url, content=wrong),
        ):
            said += repr(answer.headers).encode() + (b"" if answer.is_success else answer.content)
    return said


def sought(world: World) -> set[bytes]:
    """Windows of every canary, and of the secrets of every link in the forms in which they may be written."""
    found = windows(world.words) | {ADDRESS.encode()}
    for secret in world.secrets:
        text = {secret, secret.hex().encode()}
        if len(secret) != 32:
            text.update(forms(secret.decode()))
        found.update(form[4:18] for form in text)
    return found


def test_a_planted_key_passcode_or_url_token_would_be_found(world: World) -> None:
    """The guard itself."""
    for planted in (*world.secrets, *(word.encode() for word in world.words)):
        assert sings(b"x" * 99 + planted + b"y" * 99, sought(world))


def test_the_servers_files_hold_nothing_of_a_share_while_it_runs_or_after_it_was_stopped(world: World) -> None:
    seen = sought(world)
    assert [name for name, data in files_in(world.server.data).items() if sings(data, seen)] == []
    world.server.stop()
    assert [name for name, data in files_in(world.server.data).items() if sings(data, seen)] == []
    world.server.start()


def test_the_servers_log_and_its_errors_hold_nothing_of_a_share(world: World) -> None:
    log = world.server.log.read_bytes()
    assert log.count(b"/s/{token}") > 10
    assert not sings(log, sought(world))
    assert not sings(world.said, sought(world))


def test_the_servers_metrics_count_openings_and_name_nothing(world: World) -> None:
    [share] = [one for one in world.phone("share", "list", "--secrets") if one["long_term"]]
    _fail(share["link"], world.words[4], world.words[2], world.words[5])
    metrics = httpx.get(world.server.url + "/metrics")
    assert metrics.status_code == 200
    assert "/s/{token}" in metrics.text
    assert not sings(metrics.content, sought(world))


def test_no_answer_lets_a_browser_hand_the_address_on(world: World) -> None:
    """SHR-20: what is answered is not kept, and names no page to the next one."""
    [share] = [one for one in world.phone("share", "list", "--secrets") if one["long_term"]]
    url = read_link(share["link"]).url
    for answer in (httpx.post(url, json={"recipient": "Dr. Test"}), httpx.post(url), httpx.get(url + "x")):
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
    assert "#shlink:/" in share["link"]  # what opens a share stands behind the #, which no browser sends


def test_the_phones_own_files_hold_nothing_of_a_share(world: World) -> None:
    files = files_in(world.phone.store)
    assert [name for name, data in files.items() if sings(data, sought(world))] == []
