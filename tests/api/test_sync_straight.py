"""Sync goes past the router: what it answers is what Litestar would, by the same handler (decision 0115)."""

from __future__ import annotations

import httpx
import pytest

from tests.api.phone_kit import MSGPACK, Phone
from tests.api.server_kit import ORIGIN


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        (MSGPACK, None),
        (MSGPACK, b"no request"),
        ({"content-type": "text/plain"}, b"x"),
        (MSGPACK | {"authorization": "Bearer nobody"}, b"x"),
    ],
)
async def test_the_router_gives_the_same_answer(server, headers, content):
    mum: Phone = await server.registered("mum")
    book = await mum.found()
    body = (await _recorded(mum, book)) if content is None else content
    answers = []
    for asgi in (server.app.asgi, server.app.litestar):
        transport = httpx.ASGITransport(asgi, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            answers.append(await client.post("/v1/sync", content=body, headers=mum.headers | headers))
    straight, routed = answers
    assert (straight.status_code, straight.content) == (routed.status_code, routed.content)
    assert straight.headers["content-type"] == routed.headers["content-type"]
    assert straight.headers["content-length"] == routed.headers["content-length"]


async def _recorded(phone: Phone, book) -> bytes:
    """The body of a sync with nothing new."""
    bodies: list[bytes] = []

    async def keep(request: httpx.Request) -> None:
        bodies.append(request.content)

    phone.client.event_hooks["request"].append(keep)
    await phone.sync(phone.ask(book))
    return bodies[-1]


async def test_another_method_is_the_routers(server):
    assert (await server.client.get("/v1/sync")).status_code == 405


async def test_it_is_counted_under_its_route(server):
    await server.registered("mum")
    await server.client.post("/v1/sync")
    figures = (await server.client.get("/metrics")).text
    assert 'carnet_requests_total{method="POST",route="/v1/sync",status="401"} 1' in figures
