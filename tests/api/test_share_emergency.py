"""Emergency shares: whom an opening is told to (openapi/protocol/shares.md, "Emergency")."""

from __future__ import annotations

import pytest

from sync.wire.item import OWNER, SetRole
from tests.api.family_kit import enter, join
from tests.api.phone_kit import Phone
from tests.api.server_kit import Served, code_of
from tests.api.share_kit import Share


async def kinds(phone: Phone) -> list[str]:
    return [notice.kind for notice in (await phone.sync()).head.notices]


async def test_every_opening_is_told_to_all_phones_of_all_owners_at_once(server: Served) -> None:
    """MUST SHR-40: not to an editor, not to a stranger; the phone that made the share is told, too."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, _ = await join(server, mum, book, "dad", "owner")
    carer, _ = await join(server, mum, book, "carer", "editor")
    stranger = await server.registered("stranger")
    share = await Share(mum, long_term=True, emergency_vault=book.vault).made()
    before = [await kinds(phone) for phone in (mum, dad, carer, stranger)]
    assert (await share.open(recipient="Dr. Test: found unconscious")).status_code == 200
    after = [await kinds(phone) for phone in (mum, dad, carer, stranger)]
    assert after == [[*before[0], "emergency_opened"], [*before[1], "emergency_opened"], before[2], before[3]]


async def test_who_is_an_owner_is_asked_when_it_is_opened(server: Served) -> None:
    """MUST SHR-40."""
    mum = await server.registered("mum")
    book = await mum.found()
    carer, _ = await join(server, mum, book, "carer", "editor")
    share = await Share(mum, long_term=True, emergency_vault=book.vault).made()
    await enter(mum, book, SetRole(carer.person, OWNER))
    await share.open()
    assert "emergency_opened" in await kinds(carer)


async def test_an_ordinary_share_is_no_emergency(server: Served) -> None:
    """MUST SHR-40."""
    mum = await server.registered("mum")
    await mum.found()
    share = await Share(mum, long_term=True).made()
    await share.open()
    assert await kinds(mum) == ["share_opened"]


@pytest.mark.parametrize("settings", [{"passcode": "123456"}, {"opens_max": 1}, {"vault": b"x"}])
async def test_it_has_neither_passcode_nor_a_total(server: Served, settings: dict[str, object]) -> None:
    """MUST SHR-40, SHR-41."""
    mum = await server.registered("mum")
    book = await mum.found()
    vault = settings.get("vault", book.vault)
    more = {name: value for name, value in settings.items() if name != "vault"}
    share = Share(mum, long_term=True, emergency_vault=vault, **more)
    assert code_of(await share.make()) == "malformed"
