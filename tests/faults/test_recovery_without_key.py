"""A vault whose key does not lie there for the recovery card: nothing is signed until another phone has laid it, and a
rehearsal lays it beforehand (openapi/protocol/recovery.md, MUST REC-3, REC-6)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from crypto.secret.secret import Secret
from sync.device.access import access_token, ask_once
from sync.device.founding import found
from sync.device.phone import Phone
from sync.device.reading import identity_of
from sync.device.records import create
from sync.device.recovering import OwnPhone, card_identity, read_code, recover
from sync.device.refused import Refused
from sync.device.rehearsing import rehearse
from sync.device.syncing import sync
from sync.vault.entries import build_entry
from sync.wire.exchange import VaultAsk, Wrap
from sync.wire.ids import DeviceId
from sync.wire.limits import WRAP_BYTES
from tests.cli import bundles
from tests.cli.kit import cheap_lock
from tests.faults.phone_killing import ORIGIN, phone_on, server_on


def none_lost(phones: Sequence[OwnPhone]) -> Sequence[DeviceId]:
    return []


async def founded(phone: Phone) -> Secret:
    """A person with a vault on the server, whose head epoch lies there as noise for her recovery card; her code."""
    made = await found(phone, ORIGIN, "Testa Testperson", "phone A", "records of a test", subject=True)
    await sync(phone)
    code = read_code(made.recovery_code)
    async with phone.store.transaction() as rows:
        identity, state = await identity_of(rows), await rows.get_vault(1)
        key = Secret(os.urandom(32))
        built = build_entry(
            state.log,
            identity.keys,
            (),
            keyring=state.keyring,
            kem_keys=state.kem_keys,
            fresh_key=key,
            salt=os.urandom(32),
        )
        state.keyring.add(key)
        await rows.put_vault(1, state)
    spoiled = card_identity(ORIGIN, code).device
    wraps = tuple(
        Wrap(wrap.epoch, wrap.device, os.urandom(WRAP_BYTES)) if wrap.device == spoiled else wrap
        for wrap in built.wraps
    )
    ask = VaultAsk(state.vault, state.log.seq, state.log.log_hash, 1, (built.item,), wraps, built.keybox)
    transport = phone.connect(ORIGIN)
    await ask_once(transport, await access_token(phone, transport, identity), [ask])
    await transport.close()
    await create(phone, bundles.own_immunization(), None)
    await sync(phone)
    return code


async def test_a_rehearsal_lays_the_key_that_the_code_would_have_lacked(tmp_path: Path) -> None:
    with cheap_lock():
        async with server_on(tmp_path / "server") as app:
            async with phone_on(tmp_path / "a", app, create=True) as a, phone_on(tmp_path / "n", app, create=True) as n:
                code = await founded(a)
                assert await rehearse(a, code) == []
                made = await recover(n, ORIGIN, "phone N", code, none_lost)
                assert len(made.vaults) == 1


async def test_without_the_key_nothing_is_signed_and_the_same_command_goes_on_later(tmp_path: Path) -> None:
    """REC-6."""
    with cheap_lock():
        async with server_on(tmp_path / "server") as app:
            async with phone_on(tmp_path / "a", app, create=True) as a, phone_on(tmp_path / "n", app, create=True) as n:
                code = await founded(a)
                with pytest.raises(Refused, match="recovery_waits"):
                    await recover(n, ORIGIN, "phone N", code, none_lost)
                await sync(a)
                async with a.store.transaction() as rows:
                    assert len((await rows.get_vault(1)).log.table.cards) == 2  # phone A and the recovery card
                made = await recover(n, ORIGIN, "phone N", code, none_lost)
                assert (len(made.vaults), made.waiting) == (1, 0)
