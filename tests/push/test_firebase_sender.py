"""The Firebase adapter with the real SDK: what it sends, what it makes of answers, each fault that it works around."""

from __future__ import annotations

import asyncio
import datetime
import json

import pytest

from backend.push import firebase as adapter
from backend.push.sender import SENT, Fate
from backend.settings import SettingsError
from infra.fcm.rules import FIELDS, SAID
from infra.fcm.server import write_credentials
from tests.push.firebase_kit import NOW_MS, firebase, keys, push

__all__ = ["keys"]
ENGINES = ("sqlite",)  # no database is asked
HTTP = pytest.mark.parametrize("http", [1, 2])


@HTTP
async def test_a_batch_of_five_hundred_is_sent_by_either_version_of_http(keys, monkeypatch, http):
    """PSH-14: really sent, and not only checked (`validate_only`)."""
    async with firebase(keys, monkeypatch, http) as (sender, server):
        fates = await sender.send([push(f"phone-{number}") for number in range(500)], NOW_MS)
        assert fates == [SENT] * 500
        assert len({taken.address for taken in server.rules.taken}) == 500
        assert server.rules.wrong == []
        assert server.connections <= (101 if http == 1 else 2)  # one of them was for the access token


async def test_bodies_of_all_kinds_are_equal_but_for_the_topic(keys, monkeypatch):
    """PSH-14: what a phone gets is a version and a topic; what else is there depends on class and platform alone."""
    async with firebase(keys, monkeypatch) as (sender, server):
        for platform in ("android", "apple"):
            for class_ in ("wake", "notice"):
                for kind in ("token", "fid"):
                    pushes = [push(name, class_, platform, kind) for name in ("phone-a", "phone-b")]
                    assert await sender.send(pushes, NOW_MS) == [SENT, SENT]
                    one, other = (json.loads(taken.body)["message"] for taken in server.rules.taken[-2:])
                    assert one.pop("data") == {"v": "1", "t": "phone-a_______________"}
                    assert other.pop("data") == {"v": "1", "t": "phone-b_______________"}
                    assert (one.pop(kind), other.pop(kind)) == ("phone-a", "phone-b")
                    assert one == other
        assert server.rules.wrong == []


FATES = {
    "UNREGISTERED": Fate("dead", "unregistered"),
    "SENDER_ID_MISMATCH": Fate("dead", "sender_mismatch"),
    "QUOTA_EXCEEDED": Fate("later", "quota", 7_000),
    "UNAVAILABLE": Fate("later", "unavailable", 7_000),
    "INTERNAL": Fate("later", "unavailable"),
    "UNSPECIFIED_ERROR": Fate("later", "unavailable"),
    "THIRD_PARTY_AUTH_ERROR": Fate("later", "third_party"),
    "INVALID_ARGUMENT": Fate("dead", "invalid_address"),
}
BLAMED = {
    "INVALID_FIELD token": Fate("dead", "invalid_address"),
    "INVALID_FIELD ttl": Fate("refused", "invalid"),
}


def test_the_table_has_every_documented_error():
    assert FATES.keys() == SAID.keys()
    assert BLAMED.keys() == FIELDS.keys()


@HTTP
async def test_every_documented_error_has_its_fate(keys, monkeypatch, http):
    """PSH-11, PSH-12."""
    async with firebase(keys, monkeypatch, http) as (sender, server):
        server.rules.retry_after = "7"
        for word in FATES:
            server.rules.say(word, word)
        fates = await sender.send([push(word) for word in FATES], NOW_MS)
        assert dict(zip(FATES, fates, strict=True)) == FATES
        assert server.rules.asked == len(FATES)


async def test_an_argument_is_the_addresss_fault_unless_another_field_is_named(keys, monkeypatch):
    """PSH-12, PSH-16: an address that is none will be none for ever; a field of ours is our fault, and no phone's."""
    async with firebase(keys, monkeypatch) as (sender, server):
        for name, word in zip("ab", BLAMED, strict=True):
            server.rules.say(name, word)
        assert await sender.send([push("a"), push("b")], NOW_MS) == list(BLAMED.values())
        server.rules.say("c", "INVALID_FIELD token")
        assert await sender.send([push("c", kind="fid")], NOW_MS) == [Fate("refused", "invalid")]
        monkeypatch.setattr(adapter, "PUSH_WAKE_SECONDS", 1)  # a body that the service does not take
        assert await sender.send([push("d")], NOW_MS) == [Fate("refused", "invalid")]


async def test_retry_after_may_be_a_date(keys, monkeypatch):
    """PSH-11."""
    async with firebase(keys, monkeypatch) as (sender, server):
        at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=90)
        server.rules.retry_after = at.strftime("%a, %d %b %Y %H:%M:%S GMT")
        server.rules.say("phone", "UNAVAILABLE")
        (fate,) = await sender.send([push()], NOW_MS)
        assert fate.word == "later"
        assert 60_000 < fate.retry_after_ms <= 90_000


@HTTP
async def test_answers_that_fail_use_up_no_connection(keys, monkeypatch, http):
    """The SDK repeats 500 and 503 and never closes those answers: after 25 such messages nothing is sent any more."""
    async with firebase(keys, monkeypatch, http) as (sender, server):
        server.rules.always = "UNAVAILABLE"
        fates = await sender.send([push(f"phone-{number}") for number in range(120)], NOW_MS)
        assert {fate.word for fate in fates} == {"later"}
        assert server.rules.asked == 120
        server.rules.always = ""
        assert await sender.send([push(f"phone-{number}") for number in range(120)], NOW_MS) == [SENT] * 120


async def test_credentials_are_refreshed_beside_the_loop(keys, monkeypatch):
    """In the loop the refresh would wait for an answer that the loop itself has to give."""
    async with firebase(keys, monkeypatch) as (sender, server):
        assert await sender.send([push()], NOW_MS) == [SENT]
        sender._google.expiry = datetime.datetime(2020, 1, 1)
        assert await sender.send([push()], NOW_MS) == [SENT]
        assert server.rules.refreshes == 2


async def test_a_refresh_that_hangs_holds_up_its_batch_alone_and_is_not_doubled(keys, monkeypatch):
    monkeypatch.setattr(adapter, "REFRESH_SECONDS", 0.2)
    async with firebase(keys, monkeypatch) as (sender, server):
        server.rules.token_manner = "hang"
        assert (
            await asyncio.gather(*(sender.send([push()], NOW_MS) for _ in range(3)))
            == [[Fate("later", "credentials")]] * 3
        )
        assert (server.rules.refreshes, server.rules.asked) == (1, 0)
        server.rules.token_manner = ""
        assert await sender.send([push()], NOW_MS) == [SENT]


async def test_without_credentials_a_batch_is_not_sent(keys, monkeypatch):
    async with firebase(keys, monkeypatch) as (sender, server):
        server.rules.token_manner = "refuse"
        assert await sender.send([push("a"), push("b")], NOW_MS) == [Fate("later", "credentials")] * 2
        assert server.rules.asked == 0


async def test_a_token_that_is_refused_is_asked_for_once_and_fetched_anew_before_the_next_batch(keys, monkeypatch):
    """The SDK would ask three times and refresh twice, in the loop."""
    async with firebase(keys, monkeypatch) as (sender, server):
        await sender.send([push()], NOW_MS)
        server.rules.forget_tokens()
        assert await sender.send([push()], NOW_MS) == [Fate("later", "credentials")]
        assert (server.rules.asked, server.rules.refreshes) == (2, 1)
        assert await sender.send([push()], NOW_MS) == [SENT]
        assert server.rules.refreshes == 2


@HTTP
async def test_one_that_hangs_is_given_up_and_holds_up_no_other(keys, monkeypatch, http):
    """The SDK waits for all of a batch, and for two minutes."""
    async with firebase(keys, monkeypatch, http) as (sender, server):
        monkeypatch.setattr(adapter, "SEND_SECONDS", 1)  # now: the SDK's own patience is a hundred
        server.rules.say("b", "hang")
        server.rules.say("c", "slow")
        async with asyncio.timeout(50):
            fates = await sender.send([push("a"), push("b"), push("c")], NOW_MS)
        assert fates == [SENT, Fate("later", "timeout"), SENT]


async def test_what_no_service_answers_is_sent_later(keys, monkeypatch):
    """PSH-11: a connection that is cut, an answer that is none, nobody there."""
    async with firebase(keys, monkeypatch) as (sender, server):
        for word in ("cut", "garbage"):
            server.rules.say(word, word)
        fates = await sender.send([push("cut"), push("garbage")], NOW_MS)
        assert fates == [Fate("later", "network")] * 2
        server.go_down()
        (fate,) = await sender.send([push()], NOW_MS)
        assert fate.word == "later"
        server.come_up()
        assert await sender.send([push()], NOW_MS) == [SENT]


async def test_a_sender_is_closed_inside_a_running_loop_and_another_takes_its_place(keys, monkeypatch):
    """`delete_app` runs a loop of its own."""
    for _ in range(2):
        async with firebase(keys, monkeypatch) as (sender, _):
            assert await sender.send([push()], NOW_MS) == [SENT]


async def test_the_sdk_still_has_what_the_adapter_relies_on(keys, monkeypatch):
    """A new version that renames one of these must be looked at."""
    async with firebase(keys, monkeypatch) as (sender, _):
        service = sender._service
        assert callable(service._async_client.aclose)
        assert service._fcm_url.endswith("/messages:send")
        assert len(service._async_client._mounts) == 2
        assert all(transport._retry.retries_left == 0 for transport in service._async_client._mounts.values())
        assert isinstance(service._async_client.async_client.auth, adapter._Bearer)


def test_bad_credentials_are_said_at_the_start(tmp_path, keys):
    """Which file, and what is wrong; nothing that stands in it."""
    file = tmp_path / "key.json"
    cases = {
        "cannot be read": None,
        "that is no JSON": "secret-words",
        "the key of a service account is needed": '{"type": "authorized_user", "refresh_token": "secret-words"}',
        "client_email is missing": '{"type": "service_account", "project_id": "secret-words"}',
    }
    for words, text in cases.items():
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_text(text)
        with pytest.raises(SettingsError, match=words) as refused:
            adapter.open_firebase(str(file))
        assert "secret-words" not in str(refused.value)
    made = json.loads(write_credentials(file, "http://127.0.0.1:1").read_text())
    file.write_text(json.dumps(made | {"private_key": "secret-words"}))
    with pytest.raises(SettingsError, match="private key"):
        adapter.open_firebase(str(file))
    with pytest.raises(SettingsError, match="push_endpoint"):
        adapter.open_firebase(str(file), "http://push.example")


def test_a_push_shows_no_address():
    assert "secret" not in repr(push("secret"))
