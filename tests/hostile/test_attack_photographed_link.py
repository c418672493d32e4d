"""photographed-link: who photographs the code on a new phone posts his own card under it, or a false welcome."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

import msgspec
import pytest

from backend.main import App
from sync.device import linking
from sync.device.identity import Identity, new_identity
from sync.device.linking import approve, show_code, wait_to_be_let_in
from sync.device.phone import Phone
from sync.device.refused import Refused
from sync.device.transport import Answered
from sync.vault import enrolment
from sync.vault.enrolment import Rendezvous, open_hello, rendezvous, seal_post
from sync.wire.ids import DeviceId, VaultId
from sync.wire.link import LINK_KIND, Head, Hello, SealedPost, Welcome
from tests.cli.kit import cheap_lock
from tests.faults.phone_killing import ORIGIN, phone_on, server_on
from tests.hostile.founded import founded


@asynccontextmanager
async def two_phones(folder: Path) -> AsyncIterator[tuple[App, Phone, Phone]]:
    """The server, mum's phone, and a new one."""
    with cheap_lock():
        async with (
            server_on(folder / "server") as app,
            phone_on(folder / "a", app, create=True) as mum,
            phone_on(folder / "new", app, create=True) as new,
        ):
            await founded(mum)
            yield app, mum, new


async def posts(phone: Phone, code: str, which: str, post: Hello | Welcome) -> None:
    """Lays a post under a photographed code, as anybody may."""
    place = rendezvous(code)
    body = msgspec.json.encode(seal_post(place, post, os.urandom(32)))
    transport = phone.connect(ORIGIN)
    try:
        await transport.call("PUT", f"/v1/links/{place.link.hex()}/{which}", body)
    finally:
        await transport.close()


async def live_cards(phone: Phone) -> set[DeviceId]:
    async with phone.store.transaction() as rows:
        return set((await rows.get_vault(1)).log.table.live())


async def heard(phone: Phone) -> set[DeviceId]:
    async with phone.store.transaction() as rows:
        return set((await rows.get_vault(1)).heard)


async def his_card_under_her_code(app: App, mum: Phone, new: Phone) -> tuple[Identity, set[DeviceId]]:
    """The server helps him: the new phone's post is gone, and his stands there. Gives his card and what mum lists."""
    code = await show_code(new, ORIGIN, "new phone")
    his = new_identity(ORIGIN, "his", "", os.urandom(32), os.urandom(32))
    hello = Hello(LINK_KIND, his.card, "new phone", "")
    with pytest.raises(Answered, match="link_taken"):
        await posts(new, code, "hello", hello)
    async with app.ports.engine.transaction() as tx:
        await tx.execute("DELETE FROM links")
    await posts(new, code, "hello", hello)
    with pytest.raises(Refused, match="link_other_card"):
        await approve(mum, code)
    return his, await live_cards(mum)


async def test_his_card_is_not_let_in(tmp_path: Path) -> None:
    async with two_phones(tmp_path) as (app, mum, new):
        his, live = await his_card_under_her_code(app, mum, new)
        assert his.device not in live


async def test_it_is_seen_without_the_id_in_the_code(tmp_path: Path) -> None:
    def believing(place: Rendezvous, post: SealedPost) -> tuple[Hello, DeviceId]:
        with patch.object(enrolment, "CODE_ID_BYTES", 0):
            return open_hello(place._replace(device_prefix=b""), post)

    async with two_phones(tmp_path) as (app, mum, new):
        with (
            patch.object(linking, "open_hello", believing),
            pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"),
        ):
            await his_card_under_her_code(app, mum, new)


async def test_a_false_welcome_leads_nowhere_and_the_approving_phone_is_told(tmp_path: Path) -> None:
    async with two_phones(tmp_path) as (_, mum, new):
        code = await show_code(new, ORIGIN, "new phone")
        his = new_identity(ORIGIN, "his", "", os.urandom(32), os.urandom(32))
        head = Head(VaultId(b"f" * 32), "records of a test", 3, b"l" * 32)  # type: ignore[arg-type]
        await posts(new, code, "welcome", Welcome(his.device, b"p" * 16, "Mum", 2, (head,), b"a" * 16, b"e" * 64))  # type: ignore[arg-type]
        with pytest.raises(Refused):
            await wait_to_be_let_in(new)
        with pytest.raises(Refused) as refused:
            await approve(mum, code)
        assert refused.value.code == "link_answered"
        unheard = await live_cards(mum) - await heard(mum)
        assert len(unheard) == 2, "the recovery card and the new phone: mum has not heard from it"
