"""spoiled-wrap: a viewer overwrites somebody's wrap or the keybox. What came with the entry stays, and the phone tries
each."""

from __future__ import annotations

from unittest.mock import patch

import msgspec
import pytest

from backend.vaults import append, beside
from tests.hostile.noisy_viewer import NOISE, key_of, lays_noise, opens, viewer
from tests.hostile.shipped_pair import Pair, run


async def story(pair: Pair) -> None:
    phone = await viewer(pair)
    await pair.a.rotate()
    for each in (pair.a, pair.b, phone):
        await each.sync()
    good = await key_of(pair, pair.b)
    for _ in range(2):
        await lays_noise(pair, phone)
    key = await key_of(pair, pair.b)
    assert key.wraps == (*good.wraps, NOISE), "what came with the entry is first; hers lies beside it, once"
    assert key.keyboxes[: len(good.keyboxes)] == good.keyboxes
    assert await opens(pair, pair.b, key)
    turned = msgspec.structs.replace(key, wraps=key.wraps[::-1], keyboxes=key.keyboxes[::-1])
    assert await opens(pair, pair.b, turned), "a phone tries every wrap"
    assert not await opens(pair, pair.b, msgspec.structs.replace(turned, wraps=turned.wraps[:1])), "one is not enough"


def test_what_came_with_the_entry_stays_and_the_phone_tries_each() -> None:
    run(story)


def test_it_is_seen_without_the_rule() -> None:
    def overwriting(taken: object, giver: bytes, with_entry: bool) -> bytes:
        return beside.WITH_ENTRY

    with (
        patch.object(beside, "slot_for", overwriting),
        patch.object(append, "slot_for", overwriting),
        pytest.raises(AssertionError, match="what came with the entry"),
    ):
        run(story)
