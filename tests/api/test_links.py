"""Rendezvous over HTTP: LNK of openapi/protocol/linking.md."""

from __future__ import annotations

import msgspec
import pytest

from sync.wire.limits import LINK_POST_BYTES_MAX, LINK_SECONDS
from sync.wire.link import SealedPost
from tests.api.phone_kit import JSON
from tests.api.server_kit import code_of, served

LINK = "/v1/links/" + "a1" * 16
POST = SealedPost(b"s" * 32, b"sealed")


async def put(server, post: SealedPost = POST, path: str = LINK + "/hello"):
    return await server.client.put(path, content=msgspec.json.encode(post), headers=JSON)


async def test_a_post_is_fetched_as_it_was_laid(server):
    """LNK-1."""
    assert (await put(server)).status_code == 204
    answer = await server.client.get(LINK + "/hello")
    assert msgspec.json.decode(answer.content, type=SealedPost) == POST
    assert code_of(await server.client.get(LINK + "/welcome")) == "not_found"


async def test_the_same_bytes_again_change_nothing_and_others_are_refused(server):
    """LNK-2."""
    assert [(await put(server)).status_code for _ in range(2)] == [204, 204]
    other = await put(server, SealedPost(b"s" * 32, b"another"))
    assert (other.status_code, code_of(other)) == (409, "link_taken")
    assert (await put(server, SealedPost(b"s" * 32, b"another"), LINK + "/welcome")).status_code == 204


async def test_a_post_ends_after_ten_minutes(server):
    """LNK-3."""
    await put(server)
    server.clock.seconds(LINK_SECONDS)
    assert code_of(await server.client.get(LINK + "/hello")) == "not_found"
    assert (await put(server, SealedPost(b"t" * 32, b"another"))).status_code == 204


@pytest.mark.parametrize("post", [SealedPost(b"s" * 31, b"x"), SealedPost(b"s" * 32, b"")], ids=["salt", "empty"])
async def test_a_post_of_another_shape_is_refused(server, post):
    """LNK-4."""
    assert code_of(await put(server, post)) == "malformed"


async def test_a_post_may_be_so_long_and_no_longer(server):
    """LNK-4."""
    assert (await put(server, SealedPost(b"s" * 32, bytes(LINK_POST_BYTES_MAX)))).status_code == 204
    assert code_of(await put(server, SealedPost(b"s" * 32, bytes(LINK_POST_BYTES_MAX + 1)))) == "malformed"
    assert code_of(await put(server, SealedPost(b"s" * 32, bytes(40_000)))) == "too_large"


@pytest.mark.parametrize("link", ["a1" * 15, "A1" * 16, "zz" * 16, "a1" * 32])
async def test_an_id_of_another_shape_is_nowhere(server, link):
    """LNK-1."""
    assert code_of(await put(server, path=f"/v1/links/{link}/hello")) == "not_found"
    assert code_of(await server.client.get(f"/v1/links/{link}/welcome")) == "not_found"


async def test_an_address_that_comes_too_often_has_to_wait(tmp_path):
    """LNK-5: with Retry-After, and only for a while."""
    async with served(tmp_path, address_per_minute_max=3) as server:
        for _ in range(3):
            assert code_of(await server.client.get(LINK + "/hello")) == "not_found"
        refused = await server.client.get(LINK + "/hello")
        assert (refused.status_code, code_of(refused)) == (429, "rate_limited")
        assert int(refused.headers["retry-after"]) == refused.json()["retry_after"] == 20
        server.clock.seconds(20)
        assert code_of(await server.client.get(LINK + "/hello")) == "not_found"
