"""harvested-assertion: a man in the middle answers `clock` with next month's date, and keeps what a phone signs for it.
A phone signs a nonce instead, and a nonce is good once, within a minute, for one device."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from backend.access import store
from crypto.public import jws
from sync.device.access import access_token, open_account
from sync.device.phone import Phone
from sync.device.reading import identity_of
from sync.device.transport import Answered, Transport
from sync.wire.account import ASSERTION_TYPE, TokenRequest
from tests.api.server_kit import DAY_MS
from tests.cli.kit import cheap_lock
from tests.faults.phone_killing import ORIGIN, phone_on, server_on
from tests.hostile.founded import founded

NEXT_MONTH = 1_000 * DAY_MS


class Harvester:
    """Stands between a phone and its server, answers as he likes, and keeps every assertion."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    async def call(self, method: str, path: str, body: bytes | None = None, token: str | None = None) -> bytes:
        assert body is not None
        self.kept.append(msgspec.json.decode(body, type=TokenRequest).assertion)
        raise Answered(401, "clock", {"nonce": f"his own {len(self.kept)}", "date": NEXT_MONTH, "now": NEXT_MONTH})


async def harvested(phone: Phone) -> list[str]:
    """What a phone signs for him before it gives up."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
    harvester = Harvester()
    with pytest.raises(Answered, match="clock"):
        await access_token(phone, harvester, identity, renew=True)  # type: ignore[arg-type]
    return harvester.kept


async def played(transport: Transport, assertion: str) -> str:
    """What the server says to it."""
    try:
        await transport.call("POST", "/v1/token", msgspec.json.encode(TokenRequest(assertion)))
    except Answered as refused:
        return refused.code
    return "a token"


async def attack(folder: Path) -> list[str]:
    """What the server says a month later to what was harvested."""
    with cheap_lock():
        async with server_on(folder / "server") as app, phone_on(folder / "a", app, create=True) as phone:
            await founded(phone)
            async with phone.store.transaction() as rows:
                keys = (await identity_of(rows)).keys
            kept = await harvested(phone)
            for assertion in kept:
                claims: dict[str, Any] = jws.verify(
                    assertion, typ=ASSERTION_TYPE, find_key=lambda kid: (keys.signing.key_type, keys.signing.public_key)
                )
                assert claims.get("exp", 0) <= phone.now_ms() // 1000 + 60, "no time but the phone's own is signed"
            transport = phone.connect(ORIGIN)
            await open_account(transport, ORIGIN, keys)
            now_ms = app.ports.now_ms
            object.__setattr__(app.ports, "now_ms", lambda: now_ms() + 30 * DAY_MS)
            said = [await played(transport, assertion) for assertion in kept]
            await transport.close()
            return said


async def test_what_was_harvested_is_worth_nothing_later(tmp_path: Path) -> None:
    assert await attack(tmp_path) == ["clock", "clock"]


async def test_it_would_be_a_token_if_any_nonce_were_good(tmp_path: Path) -> None:
    async def always(*_: object) -> bool:
        return True

    with patch.object(store, "take_once", always):
        assert await attack(tmp_path) == ["clock", "a token"]
