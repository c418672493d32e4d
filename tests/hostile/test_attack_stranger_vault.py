"""stranger-vault: a vault that names mum's person and lists her phone, made by somebody whom she does not know."""

import asyncio
from pathlib import Path

import pytest

from sync.device import invitations
from sync.device.founding import store_vault
from sync.device.reading import identity_of
from sync.vault.intents import AddCard
from sync.wire.item import OWNER
from tests.cli.kit import Inside, Server, link_phone, make_phone


def found_in_her_name(stranger: Inside, mum: Inside) -> None:
    """A vault whose genesis names mum's person, under which the stranger then adds her phone."""

    async def about_mum() -> tuple:
        async with mum.phone() as phone, phone.store.transaction() as rows:
            return (await identity_of(rows)).card, (await rows.get_vault(1)).person

    async def found(card, person) -> None:
        async with stranger.phone() as phone, phone.store.transaction() as rows:
            identity = await identity_of(rows)
            await store_vault(phone, rows, identity, person, "yours", subject=True, recovery=None)
            state = await rows.get_vault(2)
            state.intents = [AddCard(card, person, OWNER, None)]
            await rows.put_vault(2, state)

    asyncio.run(found(*asyncio.run(about_mum())))
    stranger("sync")


def test_a_strangers_vault_is_an_invitation_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PPL-12, PPL-13."""
    server = Server(tmp_path / "server").start()
    try:
        mum = make_phone(tmp_path / "mum", server.url)
        tablet = link_phone(tmp_path / "tablet", mum, server.url)
        stranger = make_phone(tmp_path / "stranger", server.url, person="Sy Teststranger", device="stranger")
        found_in_her_name(stranger, mum)
        mum("sync")
        assert [(v["role"], v.get("invitation", False)) for v in mum("vaults")] == [("owner", False), (None, True)]
        assert "somebody unknown" in mum("vaults")[1]["name"]
        mum("vaults", "new", "hers")
        tablet("sync")
        assert [v["name"] for v in tablet("vaults")] == ["records of a test", "hers"], "her own phone's vault enters"

        monkeypatch.setattr(invitations, "INVITATIONS_MAX", 1)
        found_in_her_name_again(stranger, mum)
        mum("sync")
        assert len([v for v in mum("vaults") if v.get("invitation")]) == 1, "only so many are listed"
    finally:
        server.kill()


def found_in_her_name_again(stranger: Inside, mum: Inside) -> None:
    """One more, of the stranger's own name this time."""

    async def about_mum() -> object:
        async with mum.phone() as phone, phone.store.transaction() as rows:
            return (await identity_of(rows)).card

    async def found(card) -> None:
        async with stranger.phone() as phone, phone.store.transaction() as rows:
            identity = await identity_of(rows)
            own, other = phone.draw(16), phone.draw(16)
            await store_vault(phone, rows, identity, own, "more", subject=False, recovery=None)
            state = await rows.get_vault(3)
            state.intents = [AddCard(card, other, OWNER, None)]
            await rows.put_vault(3, state)

    asyncio.run(found(asyncio.run(about_mum())))
    stranger("sync")
