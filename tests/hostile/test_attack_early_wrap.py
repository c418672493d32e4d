"""early-wrap: the server asks a phone that has not read a removal to wrap the new key for the removed card."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from sync.device import outbox
from sync.device.identity import get_identity
from sync.device.outbox import prepare
from sync.vault.intents import DropCards
from sync.wire.exchange import VaultAsk
from tests.hostile.shipped_pair import Pair, run
from tests.simulation.shipped import VAULT

STRANGER = b"s" * 32


async def asked(pair: Pair, wanted: bytes) -> VaultAsk:
    """What phone a hands in when the server says that this card waits for a wrap."""
    state, _ = await pair.state(pair.a)
    state.wanted = [wanted]  # type: ignore[list-item]
    async with pair.a.phone.store.transaction() as rows:
        await rows.put_vault(VAULT, state)
        identity = await get_identity(rows)
        assert identity is not None
        ask, _ = await prepare(pair.a.phone, rows, identity, VAULT)
    return ask


async def removed_card(pair: Pair) -> None:
    """Phone b is dropped by a and the epoch changed: nothing is wrapped for it, whoever asks."""
    state, _ = await pair.state(pair.a)
    state.intents = [DropCards((pair.b.device,))]  # type: ignore[arg-type]
    async with pair.a.phone.store.transaction() as rows:
        await rows.put_vault(VAULT, state)
    await pair.a.sync()
    assert (await asked(pair, pair.b.device)).wraps == ()  # type: ignore[arg-type]


async def unknown_card(pair: Pair) -> None:
    assert (await asked(pair, STRANGER)).wraps == ()


async def only_the_epoch_of_its_own_log(pair: Pair) -> None:
    """A phone that has not read the new epoch lays the key of the one it knows, which that card had anyway."""
    await pair.b.rotate()
    await pair.b.sync()
    before = (await pair.state(pair.a))[0].log.epoch
    ask = await asked(pair, pair.b.device)  # type: ignore[arg-type]
    assert before is not None
    assert {wrap.epoch for wrap in ask.wraps} == {before.id}


@pytest.mark.parametrize("story", [removed_card, unknown_card, only_the_epoch_of_its_own_log])
def test_a_phone_wraps_only_the_epoch_and_for_the_cards_of_its_own_log(story) -> None:  # type: ignore[no-untyped-def]
    """KEY-7."""
    run(story)


def test_key_7_a_card_is_given_a_wrap_once_a_day_and_again_for_another_epoch_or_day() -> None:
    async def story(pair: Pair) -> None:
        assert pair.b.device is not None
        given = [len((await asked(pair, pair.b.device)).wraps) for _ in range(3)]
        assert given == [1, 0, 0]
        pair.a._world.now += outbox.DAY_MS  # type: ignore[attr-defined]
        assert len((await asked(pair, pair.b.device)).wraps) == 1
        await pair.a.rotate()
        for _ in range(2):
            await pair.a.sync()
        assert len((await asked(pair, pair.b.device)).wraps) == 1

    run(story)


def test_it_is_seen_without_the_rule() -> None:
    with pytest.raises(AssertionError), patch.object(outbox, "may_grant", lambda state, today: list(state.wanted)):
        run(removed_card)
