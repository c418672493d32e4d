"""Keys of health cards on the server: published for each card, read by anybody, withdrawn (health-cards.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest_asyncio

from crypto.public.keys import ES256
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.vault.health_card import jwk_of
from sync.wire.issuer import ISSUER_BYTES, IssuerId, NewIssuer, issuer_text
from sync.wire.limits import ISSUERS_MAX
from tests.api.phone_kit import JSON, Phone, noise
from tests.api.server_kit import Served, code_of, served

ISSUER = IssuerId(noise("an issuer", length=ISSUER_BYTES))
KEY = SigningKey.from_seed(ES256, Secret(noise("a card's key"))).public_key


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        yield running


async def publish(phone: Phone, issuer: bytes = ISSUER, key: bytes = KEY):  # type: ignore[no-untyped-def]
    body = msgspec.json.encode(NewIssuer(key))
    return await phone.client.put(f"/v1/issuers/{issuer.hex()}", content=body, headers=phone.headers | JSON)


async def keys(server: Served, issuer: IssuerId = ISSUER):  # type: ignore[no-untyped-def]
    return await server.client.get(f"/i/{issuer_text(issuer)}/.well-known/jwks.json")


async def test_a_published_key_is_read_by_any_page_with_its_thumbprint(server: Served) -> None:
    """MUST SHC-6."""
    mum = await server.registered("mum")
    assert (await publish(mum)).status_code == 204
    assert (await publish(mum)).status_code == 204, "again, for an answer that was lost"
    answer = await keys(server)
    assert answer.json() == {"keys": [jwk_of(KEY)]}
    assert answer.headers["access-control-allow-origin"] == "*"
    assert mum.account.hex() not in answer.text


async def test_nobody_publishes_under_a_name_that_is_taken(server: Served) -> None:
    """MUST SHC-6."""
    mum, eve = await server.registered("mum"), await server.registered("eve")
    await publish(mum)
    other = SigningKey.from_seed(ES256, Secret(noise("another"))).public_key
    assert code_of(await publish(eve)) == "issuer_taken"
    assert code_of(await publish(mum, key=other)) == "issuer_taken"
    assert (await keys(server)).json() == {"keys": [jwk_of(KEY)]}


async def test_only_its_account_withdraws_a_key(server: Served) -> None:
    """MUST SHC-6."""
    mum, eve = await server.registered("mum"), await server.registered("eve")
    await publish(mum)
    path = f"/v1/issuers/{ISSUER.hex()}"
    assert (await server.client.delete(path, headers=eve.headers)).status_code == 204
    assert (await keys(server)).status_code == 200
    assert (await server.client.delete(path, headers=mum.headers)).status_code == 204
    assert code_of(await keys(server)) == "not_found"


async def test_what_is_no_key_or_too_many_is_refused(server: Served) -> None:
    """MUST SHC-6."""
    mum = await server.registered("mum")
    assert code_of(await publish(mum, key=b"\4" + bytes(64))) == "malformed"
    for number in range(ISSUERS_MAX):
        assert (await publish(mum, number.to_bytes(ISSUER_BYTES, "big"))).status_code == 204
    assert code_of(await publish(mum)) == "too_many_cards"
