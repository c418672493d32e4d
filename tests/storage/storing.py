"""Every way to store something at a server, as requests that are the same bytes every time, over a small world."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec

from sync.wire.item import EDITOR
from sync.wire.share import ShareFile
from tests.api.family_kit import add, enter
from tests.api.phone_kit import JSON, CardKeys, LogBook, Phone, founding, make_frames, noise, wraps_for
from tests.api.server_kit import Served, served
from tests.api.share_kit import FHIR, Share, jwe

TABLES = ("accounts", "devices", "revoked_enrolments", "links", "vaults", "items", "members", "wraps", "keyboxes",
    "lost_entries", "notices", "shares", "share_files", "share_openings", "share_tickets")  # fmt: skip


class World:
    """A server with a family, a share and a phone to be enrolled; each request is the same bytes every time."""

    def __init__(self, server: Served, mum: Phone, book: LogBook, share: Share) -> None:
        self.server, self.mum, self.book, self.share = server, mum, book, share

    async def stored(self) -> list[list[Any]]:
        """Every row of every table that a client can read of."""
        read = self.server.engine.reading()
        return [sorted(map(repr, await read.scan(f"SELECT * FROM {table}"))) for table in TABLES]


@contextlib.asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    async with served(folder) as server:
        mum = await server.registered("mum")
        book = await mum.found()
        assert (await mum.push(book, *make_frames(book, mum.card, 3))).code is None
        await enter(mum, book, add(CardKeys("dad"), noise("dad", length=16), EDITOR))
        yield World(server, mum, book, await Share(mum, "held").made())


async def push_frames(w: World) -> httpx.Response:
    frames = make_frames(w.book, w.mum.card, 12, size=20_000)
    return await w.mum.send(w.mum.ask(w.book, *frames))


async def found_vault(w: World) -> httpx.Response:
    book, first, epoch, live = founding(CardKeys("mum"), w.mum.person)
    return await w.mum.send(w.mum.ask(book, first, wraps=wraps_for(epoch.id, live)))


async def make_share(w: World) -> httpx.Response:
    return await Share(w.mum, "new", files=[ShareFile(FHIR, jwe(noise(n, length=30_000))) for n in range(3)]).make()


async def replace_files(w: World) -> httpx.Response:
    return await w.share.replace(*(ShareFile(FHIR, jwe(noise(n, length=30_000))) for n in range(3)))


async def open_share(w: World) -> httpx.Response:
    return await w.share.open()


async def revoke_share(w: World) -> httpx.Response:
    return await w.share.revoke()


async def lay_post(w: World) -> httpx.Response:
    post = msgspec.json.encode({"salt": noise("salt"), "sealed": noise("sealed", length=4_000)})
    return await w.mum.client.put(f"/v1/links/{noise('link', length=16).hex()}/hello", content=post, headers=JSON)


async def enrol(w: World) -> httpx.Response:
    assert w.mum.account is not None
    return await w.mum.post_json("/v1/devices", w.mum.card.enrolment(w.mum.account, CardKeys("second phone")))


async def open_account(w: World) -> httpx.Response:
    return await w.mum.post_json("/v1/accounts", CardKeys("somebody").new_account(w.mum.origin))


Request = Callable[[World], Awaitable[httpx.Response]]
REQUESTS: list[Request] = [
    push_frames, found_vault, make_share, replace_files, open_share, revoke_share, lay_post, enrol, open_account
]  # fmt: skip
