"""exhausted-emergency: a stranger who has seen the wallet card opens its link until nobody else can."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.api.server_kit import Served, served
from tests.api.share_kit import Share

A_MINUTE = 8
ELSEWHERE = ("198.51.100.7", 40_000)  # an address for documentation, RFC 5737


async def story(server: Served, emergency_room: tuple[str, int]) -> None:
    mum = await server.registered("mum")
    book = await mum.found()
    share = await Share(mum, long_term=True, emergency_vault=book.vault).made()
    server.clock.seconds(60)
    stranger = [(await share.open(recipient="a stranger")).status_code for _ in range(5 * A_MINUTE)]
    assert stranger == [200] * A_MINUTE + [429] * 4 * A_MINUTE, "he is limited"
    way = httpx.ASGITransport(server.app.asgi, client=emergency_room)
    async with httpx.AsyncClient(transport=way, base_url=str(server.client.base_url)) as there:
        share.client = there
        assert (await share.open(recipient="emergency room")).status_code == 200, "and nobody else is"
    share.client = server.client
    server.clock.seconds(60)
    await share.phone.log_in()
    assert (await share.state()).live
    assert [who.recipient for *_, who in await share.openings()][-1] == "emergency room"
    notices = (await mum.sync()).head.notices
    assert [notice.kind for notice in notices][-1] == "emergency_opened", "and she is told"


async def test_a_link_is_limited_for_each_address_and_never_in_total(tmp_path: Path) -> None:
    """SHR-19, SHR-41."""
    async with served(tmp_path, address_per_minute_max=A_MINUTE) as server:
        await story(server, ELSEWHERE)


async def test_it_is_seen_if_all_share_one_limit(tmp_path: Path) -> None:
    """As if everybody came from the stranger's address."""
    async with served(tmp_path, address_per_minute_max=A_MINUTE) as server:
        with pytest.raises(AssertionError, match="nobody else is"):
            await story(server, ("127.0.0.1", 123))
