"""The data plane of shares: SHR-12 to SHR-22 of openapi/protocol/shares.md."""

from __future__ import annotations

import asyncio

import pytest

from backend.shares import store
from backend.shares.public_routes import TURN_MS
from sync.wire.limits import EMBEDDED_CHARS_MAX, PASSCODE_TRIES, SHARE_POLL_SECONDS, TICKET_SECONDS
from sync.wire.share import OPENED, WRONG_PASSCODE, Opener, ShareFile
from tests.api.phone_kit import JSON
from tests.api.server_kit import Served, code_of, served
from tests.api.share_kit import FHIR, Share, b64, jwe


async def test_a_link_gives_its_files_in_the_standards_words(server: Served):
    """SHR-13."""
    share = await Share(await server.registered("mum")).made()
    answer = await share.open()
    assert answer.headers["content-type"] == "application/json"
    (file,) = answer.json()["files"]
    assert (file["contentType"], file["embedded"]) == (FHIR, share.new.files[0].jwe)
    assert set(file) == {"contentType", "embedded", "lastUpdated"}
    assert answer.json()["status"] == "finalized"
    assert "retry-after" not in answer.headers


async def test_a_link_that_follows_the_vault_says_when_to_ask_again(server: Served):
    """SHR-13, SHR-19."""
    answer = await (await Share(await server.registered("mum"), long_term=True).made()).open()
    assert answer.json()["status"] == "can-change"
    assert answer.headers["retry-after"] == str(SHARE_POLL_SECONDS)


@pytest.mark.parametrize(("longest", "embedded"), [(None, False), (10, False), (100_000, True)])
async def test_a_file_is_embedded_if_the_reader_has_room_and_never_twice(server: Served, longest, embedded):
    """SHR-13, SHR-15."""
    long = ShareFile(FHIR, jwe(bytes(EMBEDDED_CHARS_MAX)))
    share = await Share(await server.registered("mum"), files=[long]).made()
    more = {} if longest is None else {"embeddedLengthMax": longest}
    (file,) = (await share.open(**more)).json()["files"]
    assert ("embedded" in file, "location" in file) == (embedded, not embedded)
    if not embedded:
        fetched = await server.client.get(file["location"])
        assert (fetched.headers["content-type"], fetched.text) == ("application/jose", long.jwe)


async def test_a_location_lives_an_hour_and_no_longer_than_the_share(server: Served):
    """SHR-15."""
    share = await Share(await server.registered("mum")).made()
    location = (await share.open(embeddedLengthMax=1)).json()["files"][0]["location"]
    await share.change(paused=True)
    assert (await server.client.get(location)).status_code == 404
    await share.change(paused=False)
    assert (await server.client.get(location)).status_code == 200
    server.clock.seconds(TICKET_SECONDS)
    assert (await server.client.get(location)).status_code == 404


async def test_a_direct_link_gives_its_file(server: Served):
    """SHR-14."""
    share = await Share(await server.registered("mum"), direct=True).made()
    answer = await share.fetch()
    assert (answer.headers["content-type"], answer.text) == ("application/jose", share.new.files[0].jwe)
    assert code_of(await share.fetch("")) == "malformed"
    assert code_of(await share.open()) == "not_found"


async def test_a_link_with_a_manifest_is_no_direct_one(server: Served):
    """SHR-14."""
    share = await Share(await server.registered("mum")).made()
    assert code_of(await share.fetch()) == "not_found"
    assert (await share.state()).opens == 0


async def in_state(server: Served, state: str) -> Share:
    mum = await server.registered("mum")
    if state == "never made":
        return Share(mum)
    settings = {"ended": {"expires_at": server.clock() + 1000}, "used up": {"opens_max": 1}}.get(state, {})
    share = await Share(mum, passcode="4711" if state == "guessed" else None, **settings).made()
    if state == "revoked":
        await share.revoke()
    elif state == "paused":
        await share.change(paused=True)
    elif state == "ended":
        server.clock.seconds(1)
    elif state == "used up":
        assert (await share.open()).status_code == 200
    elif state == "guessed":
        for _ in range(PASSCODE_TRIES):
            await share.open("wrong")
    return share


@pytest.mark.parametrize("state", ["revoked", "paused", "ended", "used up", "guessed"])
async def test_what_is_not_live_is_like_what_never_was(tmp_path, state):
    """SHR-12: status, bytes and headers, but for the random id of the request."""
    answers = []
    for folder, name in (("a", "never made"), ("b", state)):
        (tmp_path / folder).mkdir()
        async with served(tmp_path / folder) as server:
            share = await in_state(server, name)
            answer = await share.open("4711")
            headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
            answers.append((answer.status_code, answer.content, headers))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


async def test_a_passcode_is_asked_and_not_asking_costs_nothing(server: Served):
    """SHR-16."""
    share = await Share(await server.registered("mum"), passcode="Käse").made()
    for _ in range(PASSCODE_TRIES + 1):
        answer = await share.open()
        assert (answer.status_code, code_of(answer)) == (401, "passcode_needed")
        assert answer.json()["remainingAttempts"] == PASSCODE_TRIES
        assert "www-authenticate" not in answer.headers
    assert (await share.open("Ka\u0308se")).status_code == 200, "the same letters, composed otherwise"


async def test_wrong_passcodes_are_counted_for_life(server: Served):
    """SHR-16, SHR-22."""
    share = await Share(await server.registered("mum"), passcode="4711").made()
    left = []
    for _ in range(PASSCODE_TRIES):
        answer = await share.open("wrong")
        assert (answer.status_code, code_of(answer)) == (401, "passcode_wrong")
        left.append(answer.json()["remainingAttempts"])
        if len(left) < PASSCODE_TRIES:
            assert (await share.open("4711")).status_code == 200, "the right one gives no try back but its own"
    assert left == [4, 3, 2, 1, 0]
    server.clock.days(300)
    assert (await share.open("4711")).status_code == 404
    assert [outcome for _, _, outcome, _ in await share_log(server, share)].count(WRONG_PASSCODE) == PASSCODE_TRIES


async def share_log(server: Served, share: Share):
    await share.phone.log_in()
    return await share.openings()


async def test_a_hundred_guesses_at_once_get_no_more_tries(server: Served):
    """SHR-16: the race that links in the wild have lost."""
    share = await Share(await server.registered("mum"), passcode="4711").made()
    answers = await asyncio.gather(*(share.open(f"guess {number}") for number in range(100)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(401) == PASSCODE_TRIES
    assert set(statuses) <= {401, 404, 503}
    assert (await share.state()).attempts_left == 0
    assert len(await share.openings()) == PASSCODE_TRIES


async def test_right_passcodes_at_once_need_one_try_among_them(server: Served):
    """SHR-16: a ward opens one link together, and a wrong passcode among theirs costs what it costs alone."""
    share = await Share(await server.registered("mum"), passcode="4711").made()
    for left in range(PASSCODE_TRIES, 1, -1):
        answers = await asyncio.gather(*(share.open("wrong" if number == 6 else "4711") for number in range(20)))
        assert sorted(answer.status_code for answer in answers) == [200] * 19 + [401]
        assert (await share.state()).attempts_left == left - 1
    answers = await asyncio.gather(*(share.open("4711") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}, "one try is enough for all of them"


async def test_a_check_that_never_ends_holds_others_up_for_moments(server: Served):
    """SHR-16: a server died while it checked; its try is lost and nothing else."""
    share = await Share(await server.registered("mum"), passcode="4711").made()
    async with server.engine.transaction() as tx:
        assert await store.take_try(tx, share.new.token_hash, server.clock(), server.clock() + TURN_MS)
    waits = await share.open("4711")
    assert (waits.status_code, waits.headers["retry-after"]) == (503, "1")
    server.clock.seconds(TURN_MS / 1000)
    assert (await share.open("4711")).status_code == 200
    assert (await share.state()).attempts_left == PASSCODE_TRIES - 1


async def test_a_location_gives_the_file_that_it_was_given_for_and_no_later_one(server: Served):
    """SHR-10."""
    share = await Share(await server.registered("mum"), long_term=True).made()
    location = (await share.open(embeddedLengthMax=1)).json()["files"][0]["location"]
    await share.replace(ShareFile(FHIR, jwe(b"later")))
    assert (await server.client.get(location)).status_code == 404
    location = (await share.open(embeddedLengthMax=1)).json()["files"][0]["location"]
    assert (await server.client.get(location)).status_code == 200


async def test_the_maximum_of_opens_holds_for_all_who_open_at_once(server: Served):
    """SHR-17."""
    share = await Share(await server.registered("mum"), opens_max=3).made()
    answers = await asyncio.gather(*(share.open() for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [404] * 17
    assert [number for number, *_ in await share.openings()] == [1, 2, 3]


async def test_only_manifests_and_direct_files_are_opens(server: Served):
    """SHR-17."""
    share = await Share(await server.registered("mum")).made()
    location = (await share.open(embeddedLengthMax=1)).json()["files"][0]["location"]
    await server.client.get(location)
    await server.client.head(f"/s/{share.token}")
    await server.client.options(f"/s/{share.token}")
    assert (await share.state()).opens == 1


async def test_an_opening_says_who_to_the_owner_alone(server: Served):
    """SHR-21: nothing on the server names who opened."""
    share = await Share(await server.registered("mum"), passcode="4711").made()
    await share.open("wrong", recipient="Canary Clinic")
    await share.open("4711", recipient="Canary Clinic")
    records = await share.openings()
    assert [(number, outcome) for number, _, outcome, _ in records] == [(1, WRONG_PASSCODE), (2, OPENED)]
    assert records[1][3] == Opener("Canary Clinic", "127.0.0.1", "reader/1", (FHIR,))
    assert records[1][1] == server.clock()
    rows = await server.engine.reading().fetch("SELECT length(opener) FROM share_openings")
    assert len({row[0] for row in rows}) == 1, "no size tells who it was"


@pytest.mark.parametrize("recipient", ["", " ", "x" * 257])
async def test_who_asks_has_to_say_so(server: Served, recipient):
    """SHR-13."""
    share = await Share(await server.registered("mum")).made()
    assert code_of(await share.open(recipient=recipient)) == "malformed"


@pytest.mark.parametrize("token", ["short", b64(bytes(31)), b64(bytes(33)), "A" * 42 + "!"])
async def test_a_token_of_another_shape_is_nowhere(server: Served, token):
    """SHR-12."""
    answer = await server.client.post(f"/s/{token}", content=b'{"recipient":"x"}', headers=JSON)
    assert answer.status_code == 404


async def test_pages_of_any_origin_may_read_the_data_plane_and_nothing_else(server: Served):
    """SHR-18, SHR-20."""
    share = await Share(await server.registered("mum")).made()
    for answer in (
        await share.open(),
        await share.fetch(),
        await server.client.get("/s/nothing"),
        await server.client.put(f"/s/{share.token}"),
        await server.client.options(f"/s/{share.token}"),
    ):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert (await share.open()).headers["access-control-expose-headers"] == "Retry-After, Carnet-Inbox"
    assert "access-control-allow-origin" not in (await server.client.get(share.path, headers=share.headers)).headers


async def test_an_address_is_limited_and_the_link_is_not_used_up_by_it(tmp_path):
    """SHR-19, attack `exhausted-emergency`."""
    async with served(tmp_path, address_per_minute_max=8) as server:
        share = await Share(await server.registered("mum"), long_term=True).made()
        server.clock.seconds(60)
        answers = [await share.open() for _ in range(12)]
        assert [answer.status_code for answer in answers] == [200] * 8 + [429] * 4
        assert answers[-1].headers["access-control-allow-origin"] == "*"
        assert int(answers[-1].headers["retry-after"]) > 0
        server.clock.seconds(60)
        await share.phone.log_in()
        assert (await share.open()).status_code == 200
        assert (await share.state()).live
