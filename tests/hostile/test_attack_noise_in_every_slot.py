"""noise-in-every-slot: after a restore a viewer hands the lost rotation back with noise for its wraps, and goes on
until no good one finds room. One place a person."""

from __future__ import annotations

import itertools
from unittest.mock import patch

import pytest

from backend.vaults import append
from sync.wire.limits import WRAPS_A_CARD_MAX
from tests.hostile.noisy_viewer import NOISE, key_of, lays_noise, viewer
from tests.hostile.shipped_pair import Pair, run
from tests.simulation.shipped import VAULT


async def story(pair: Pair) -> None:
    phone = await viewer(pair)
    old = pair.server.engine.backup()
    stood = (await pair.state(phone))[0].log
    before = (stood.seq, stood.log_hash)
    await pair.a.rotate()
    await pair.a.sync()
    await phone.sync()
    async with phone.phone.store.transaction() as rows:
        lost = [item for seq, item, _ in await rows.get_items(VAULT, 0) if seq > before[0]]
    pair.server.engine.restore(old)
    await lays_noise(pair, phone, *lost, cursor=before)
    assert (await key_of(pair, pair.b)).wraps == (NOISE,), "hers came with the entry, this time"
    for _ in range(WRAPS_A_CARD_MAX):
        await lays_noise(pair, phone)
    await pair.b.sync()
    assert (await pair.state(pair.b))[0].key_missing
    for each in (pair.b, pair.a, pair.b):
        await each.sync()
    assert not (await pair.state(pair.b))[0].key_missing, "it asked, and another phone's good wrap found its place"
    assert (await key_of(pair, pair.b)).wraps.count(NOISE) == 2, "with the entry, and one place of hers"
    word = await pair.writes(pair.b)
    await pair.b.sync()
    await pair.a.sync()
    assert await pair.values(pair.a) == [word]


def test_a_phone_in_use_asks_for_its_key_and_gets_it() -> None:
    run(story)


def test_it_is_seen_without_the_rule() -> None:
    count = itertools.count()
    with (
        patch.object(append, "_giver", lambda vault, device: next(count).to_bytes(16, "big")),
        pytest.raises(AssertionError, match="it asked"),
    ):
        run(story)
