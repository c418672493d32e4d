"""A device registers where and for what it is pushed to: for itself, in one form, and its address is a secret."""

from __future__ import annotations

import io
import json

import msgspec
import pytest

from backend.http.logs import start_logs
from backend.operate.reveal import as_words, reveal
from tests.api.server_kit import code_of
from tests.push.push_kit import PATH, put, register, target_of
from tests.push.serving_kit import pushing

SECRET = "canary-of-an-address"


async def test_what_was_registered_is_shown_without_its_address_and_can_be_taken_away(server):
    """PSH-1, PSH-2."""
    mum = await server.registered("mum")
    assert code_of(await mum.client.get(PATH, headers=mum.headers)) == "not_found"
    await register(mum, SECRET, "local", quiet=(1_320, 360), muted=("share_opened",))
    answer = await mum.client.get(PATH, headers=mum.headers)
    quiet = {"start": 1_320, "end": 360}
    settings = {"wakes": True, "muted": ["share_opened"], "quiet": quiet}
    assert answer.json() == {"platform": "local", "settings": settings, "set_at": server.clock()}
    await register(mum, "other", "local")
    settings = {"wakes": True, "muted": [], "quiet": None}
    assert (await mum.client.get(PATH, headers=mum.headers)).json()["settings"] == settings
    for _ in range(2):
        assert (await mum.client.delete(PATH, headers=mum.headers)).status_code == 204
    assert code_of(await mum.client.get(PATH, headers=mum.headers)) == "not_found"


async def test_a_device_registers_for_itself_alone(server):
    """PSH-1."""
    mum, dad = await server.registered("mum"), await server.registered("dad")
    await register(mum, "mum", "local")
    assert code_of(await dad.client.get(PATH, headers=dad.headers)) == "not_found"
    await dad.client.delete(PATH, headers=dad.headers)
    assert (await mum.client.get(PATH, headers=mum.headers)).status_code == 200


async def test_a_platform_that_nobody_pushes_to_is_said_to_be_one(server):
    """PSH-1: without credentials for Firebase."""
    mum = await server.registered("mum")
    for platform in ("android", "apple"):
        answer = await put(mum, msgspec.json.encode(target_of("mum", platform)))
        assert (answer.status_code, code_of(answer)) == (409, "push_unavailable")


GOOD = json.loads(msgspec.json.encode(target_of("mum", "local")))


@pytest.mark.parametrize(
    "change",
    [
        {"platform": "fax"},
        {"topic": "short"},
        {"topic": "é" * 22},
        {"address": {"kind": "phone", "value": "x"}},
        {"address": {"kind": "token", "value": ""}},
        {"address": {"kind": "token", "value": "x" * 4_097}},
        {"address": {"kind": "token", "value": "two words"}},
        {"settings": {"quiet": {"start": 0, "end": 1_440}}},
        {"settings": {"muted": ["Not A Kind"]}},
        {"settings": {"muted": ["x"] * 65}},
        {"vault": "ab"},
    ],
    ids=str,
)
async def test_another_form_is_malformed(server, change):
    """PSH-1: so that nothing can be slipped into a push."""
    mum = await server.registered("mum")
    assert (await put(mum, json.dumps(GOOD).encode())).status_code == 204
    answer = await put(mum, json.dumps(GOOD | change).encode())
    assert (answer.status_code, code_of(answer)) == (400, "malformed")


async def test_an_address_stands_in_no_log_no_error_no_figure_and_is_not_revealed(tmp_path):
    """PSH-2."""
    log = io.StringIO()
    start_logs(log)
    async with pushing(tmp_path) as (server, carrier):
        mum = await server.registered("mum")
        await register(mum, SECRET)
        bad = json.dumps(GOOD | {"address": {"kind": "token", "value": SECRET + " "}}).encode()
        said = (await put(mum, bad)).text
        async with server.engine.transaction() as tx:
            from backend.notices.store import tell

            await tell(tx, mum.account, "share_opened", None, server.clock())
        server.clock.seconds(2)

        async def fail() -> None:
            raise RuntimeError(f"the carrier says {SECRET}")

        carrier.meanwhile = fail
        with pytest.raises(RuntimeError):
            await server.app.pushes.turn()
        found = await reveal(server.engine.reading(), mum.account.hex())
        shown = msgspec.json.encode(found).decode() + as_words(found)
        figures = (await server.client.get("/metrics")).text
    for text in (log.getvalue(), said, shown, figures):
        assert text
        assert SECRET not in text
