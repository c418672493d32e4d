"""stolen-enrolment: a stranger enrols somebody's recovery card in his account and revokes it. A card signs its own
enrolment, and membership of a vault does not depend on accounts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from sync.device.access import access_token, enrolment_signature, open_account, revoke
from sync.device.identity import new_identity
from sync.device.reading import identity_of
from sync.device.recovering import OwnPhone, card_identity, read_code, recover
from sync.device.syncing import sync
from sync.device.transport import Answered
from sync.wire.account import ENROLLED_LABEL, Enrolment
from sync.wire.ids import DeviceId
from tests.cli.kit import cheap_lock
from tests.faults.phone_killing import ORIGIN, phone_on, server_on
from tests.hostile.founded import founded


def all_lost(phones: Sequence[OwnPhone]) -> Sequence[DeviceId]:
    return [one.device for one in phones]


async def test_a_card_that_has_not_signed_is_enrolled_nowhere(tmp_path: Path) -> None:
    with cheap_lock():
        async with server_on(tmp_path / "server") as app, phone_on(tmp_path / "a", app, create=True) as phone:
            hers = card_identity(ORIGIN, read_code(await founded(phone)))
            stranger = new_identity(ORIGIN, "his", "Stranger", phone.draw(32), phone.draw(32))
            transport = phone.connect(ORIGIN)
            account = await open_account(transport, ORIGIN, stranger.keys)
            wish = enrolment_signature(stranger.keys, hers.device, account)
            forged = stranger.keys.signing.sign(ENROLLED_LABEL, account)
            body = msgspec.json.encode(Enrolment(account, stranger.device, wish, hers.card, forged))
            with pytest.raises(Answered, match="malformed"):
                await transport.call("POST", "/v1/devices", body)
            assert await open_account(transport, ORIGIN, hers.keys) != account
            await transport.close()


async def test_a_recovery_card_that_somebody_revoked_recovers_all_the_same(tmp_path: Path) -> None:
    """MUST REC-4."""
    with cheap_lock():
        async with (
            server_on(tmp_path / "server") as app,
            phone_on(tmp_path / "a", app, create=True) as stolen,
            phone_on(tmp_path / "new", app, create=True) as new,
        ):
            code = read_code(await founded(stolen))
            async with stolen.store.transaction() as rows:
                thief = await identity_of(rows)
            transport = stolen.connect(ORIGIN)
            await revoke(transport, card_identity(ORIGIN, code).device, await access_token(stolen, transport, thief))
            await transport.close()
            made = await recover(new, ORIGIN, "phone N", code, all_lost)
            async with new.store.transaction() as rows:
                table = (await rows.get_vault(1)).log.table
            assert made.device in table.live()
            assert thief.device not in table.live()
            assert [v.code for v in (await sync(stolen)).vaults] == ["removed"]
