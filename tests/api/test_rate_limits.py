"""How often a caller may come: LIM-8 and LIM-10 of openapi/protocol/limits.md."""

from __future__ import annotations

import pytest

from backend.http.limits import CALLERS_MAX, Buckets, network_of
from backend.http.problems import ProblemError
from backend.settings import Settings
from tests.api.phone_kit import make_frame
from tests.api.server_kit import START_MS, Served, code_of, served


def drained(buckets: Buckets, caller: object, now_ms: int) -> int:
    """How many requests of a caller are taken at one moment."""
    taken = 0
    try:
        while True:
            buckets.take(caller, now_ms)
            taken += 1
    except ProblemError:
        return taken


def test_a_bucket_refills_evenly():
    """LIM-8."""
    buckets = Buckets(60)
    assert drained(buckets, "a", START_MS) == 60
    buckets.take("b", START_MS)
    assert drained(buckets, "a", START_MS + 999) == 0
    assert drained(buckets, "a", START_MS + 1_000) == 1
    assert drained(buckets, "a", START_MS + 11_000) == 10
    assert drained(buckets, "a", START_MS + 10**9) == 60


@pytest.mark.parametrize("per_minute", [1, 7, 60, 90, 3_000])
def test_waiting_as_long_as_it_says_suffices(per_minute):
    """LIM-8: never one second too few."""
    buckets, now = Buckets(per_minute), START_MS
    drained(buckets, "a", now)
    for _ in range(5):
        now += 130
        try:
            buckets.take("a", now)
        except ProblemError as error:
            now += error.members["retry_after"] * 1_000
            buckets.take("a", now)


def test_a_clock_that_goes_back_refills_nothing_and_locks_nobody_out():
    """LIM-8."""
    buckets = Buckets(60)
    drained(buckets, "a", START_MS)
    assert drained(buckets, "a", START_MS - 3_600_000) == 0
    assert drained(buckets, "a", START_MS - 3_600_000 + 2_000) == 2


def test_buckets_are_bounded():
    """LIM-8: the least recent caller is forgotten."""
    buckets = Buckets(1)
    for number in range(CALLERS_MAX + 50):
        buckets.take(number, START_MS)
    assert len(buckets._buckets) == CALLERS_MAX
    buckets.take(0, START_MS)
    with pytest.raises(ProblemError):
        buckets.take(CALLERS_MAX + 49, START_MS)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::"),
        ("", "unknown"),
    ],
)
def test_a_caller_is_an_address_or_a_64(address, network):
    """LIM-8."""
    assert network_of(address) == network


async def every_route(server: Served) -> list[tuple[str, str]]:
    made = (await server.client.get("/openapi.json")).json()
    concrete = {"{device}": "ab" * 32, "{link}": "ab" * 16}
    found = []
    for path, operations in made["paths"].items():
        for name, value in concrete.items():
            path = path.replace(name, value)
        found += [(method.upper(), path) for method in operations]
    return found


async def test_every_route_is_limited_by_address_and_says_how_long_to_wait(tmp_path):
    """LIM-8: also one that does not exist, before anything is looked at."""
    async with served(tmp_path, address_all_per_minute_max=1) as server:
        routes = await every_route(server)
        assert len(routes) > 10
        for method, path in [*routes, ("GET", "/nope"), ("PATCH", "/v1/sync")]:
            answer = await server.client.request(method, path)
            assert (answer.status_code, code_of(answer)) == (429, "rate_limited"), path
            assert answer.headers["retry-after"] == str(answer.json()["retry_after"]) == "60"
            assert answer.headers["cache-control"] == "no-store"
        server.clock.seconds(60)
        assert (await server.client.get("/livez")).status_code == 200


async def test_routes_without_a_token_have_a_lower_limit(tmp_path):
    """LIM-8: who has a token is not held up by it."""
    async with served(tmp_path, address_per_minute_max=4) as server:
        mum = await server.registered("mum")
        for _ in range(2):
            await server.client.get("/v1/links/" + "ab" * 16 + "/hello")
        for method, path in await every_route(server):
            answer = await server.client.request(method, path)
            guarded = (
                path in ("/v1/token", "/v1/accounts")
                or "/links/" in path
                or path.startswith(("/s/", "/i/", "/v1/terms"))
                or (method, path[:12])
                == (
                    "POST",
                    "/v1/devices",
                )
            )
            assert (answer.status_code == 429) == guarded, path
        assert (await mum.sync()).vaults == []


async def test_an_account_is_limited_on_every_route_with_a_token_all_its_devices_together(tmp_path):
    """LIM-10: and nobody else is held up by it."""
    async with served(tmp_path, account_per_minute_max=6) as server:
        mum, tablet, dad = await server.registered("mum"), server.phone("tablet"), await server.registered("dad")
        await tablet.post_json("/v1/devices", mum.card.enrolment(mum.account, tablet.card))
        await tablet.log_in()
        for phone in (mum, tablet) * 3:
            assert (await phone.client.get("/v1/devices", headers=phone.headers)).status_code == 200
        for phone in (mum, tablet):
            for method, path in (("GET", "/v1/devices"), ("DELETE", "/v1/devices/" + "ab" * 32), ("POST", "/v1/sync")):
                answer = await server.client.request(method, path, headers=phone.headers)
                assert (answer.status_code, code_of(answer)) == (429, "rate_limited"), path
                assert answer.headers["retry-after"] == "10"
        assert (await dad.sync()).vaults == []
        server.clock.seconds(10)
        assert (await mum.sync()).vaults == []


async def test_a_burst_of_syncs_is_not_held_up_by_the_defaults(server):
    """LIM-10: a first import, and eight phones at once."""
    mum = await server.registered("mum")
    book = await mum.found()
    for _ in range(300):
        assert (await mum.push(book, make_frame(book, mum.card))).code is None
    assert Settings().account_per_minute_max >= 10 * 300
    assert Settings().address_all_per_minute_max >= 10 * Settings().account_per_minute_max
