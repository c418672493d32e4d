"""forged-emergency: a viewer, who reads the share's secrets in the vault, replaces the files of the emergency share."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import msgspec
import pytest

from backend.shares import store
from sync.wire.share import OWNER_HEADER, ShareFile
from tests.api.family_kit import join
from tests.api.phone_kit import JSON
from tests.api.server_kit import code_of, served
from tests.api.share_kit import FHIR, Share, b64, jwe


async def story(folder: Path) -> None:
    async with served(folder) as server:
        share = await Share(await server.registered("mum")).made()
        viewer = await server.registered("viewer")
        headers = viewer.headers | {OWNER_HEADER: b64(share.owner_token)} | JSON
        files = msgspec.json.encode([ShareFile(FHIR, jwe(b"no allergies"))])
        for refused in (
            await server.client.put(f"{share.path}/files", content=files, headers=headers),
            await server.client.patch(share.path, content=b'{"paused":true}', headers=headers),
            await server.client.delete(share.path, headers=headers),
        ):
            assert refused.status_code == 404
        [file] = (await share.open()).json()["files"]
        assert file["embedded"] == share.new.files[0].jwe


async def test_who_knows_every_secret_of_the_vault_still_lacks_the_account(tmp_path: Path) -> None:
    """SHR-7."""
    await story(tmp_path)


async def test_it_is_seen_if_the_account_is_not_looked_at(tmp_path: Path) -> None:
    read = store.read_share

    async def anybodys(db, share):  # type: ignore[no-untyped-def]
        row = await read(db, share)
        return row and row._replace(account=AnyAccount(row.account))

    with patch.object(store, "read_share", anybodys), pytest.raises(AssertionError):
        await story(tmp_path)


async def test_nobody_but_an_owner_has_the_owners_of_a_vault_told(tmp_path: Path) -> None:
    """SHR-40: else a stranger who knows a vault's id would ring everybody's phone at night."""
    async with served(tmp_path) as server:
        mum = await server.registered("mum")
        book = await mum.found()
        editor, _ = await join(server, mum, book, "dad", "editor")
        stranger = await server.registered("stranger")
        for phone in (editor, stranger):
            share = Share(phone, phone.card.id.hex(), long_term=True, emergency_vault=book.vault)
            assert code_of(await share.make()) == "malformed"
        own = Share(mum, long_term=True, emergency_vault=book.vault)
        assert (await own.make()).status_code == 204


class AnyAccount(bytes):
    """An account that is whoever asks."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = bytes.__hash__
