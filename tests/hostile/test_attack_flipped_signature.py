"""flipped-signature: the server flips one bit of one item's signature for one phone."""

from unittest.mock import patch

import pytest

from sync.vault import replay
from tests.hostile.shipped_pair import Pair, flipping, flipping_the_first, run


async def story(pair: Pair) -> None:
    first = await pair.writes(pair.a)
    await pair.a.sync()
    pair.server.victim, pair.server.lie = pair.b.device, flipping
    before = (await pair.state(pair.b))[0].log.seq
    await pair.b.sync()
    look = await pair.b.look()
    assert look["seq"] == before, "it takes nothing from there on, and keeps its cursor"
    assert look["findings"] == ["signature"]
    assert not any(look["verdicts"]), "it is void for nobody"
    pair.server.victim = None
    await pair.b.sync()
    assert await pair.values(pair.b) == [first]
    assert (await pair.b.look())["root"] == (await pair.a.look())["root"]


async def amid_others(pair: Pair) -> None:
    words = []
    for _ in range(3):
        words.append(await pair.writes(pair.a))
        await pair.a.sync()
    pair.server.victim, pair.server.lie = pair.b.device, flipping_the_first
    before = (await pair.state(pair.b))[0].log
    await pair.b.sync()
    after = (await pair.state(pair.b))[0].log
    assert (after.seq, after.log_hash) == (before.seq, before.log_hash), "what follows it is not taken either"
    pair.server.victim = None
    await pair.b.sync()
    assert await pair.values(pair.b) == words
    assert (await pair.b.look())["root"] == (await pair.a.look())["root"]


def test_nothing_that_follows_it_is_taken_in_its_place() -> None:
    """PHN-10."""
    run(amid_others)


def test_that_phone_stops_there_asks_again_and_shows_a_finding() -> None:
    """PHN-10."""
    run(story)


def test_it_is_seen_without_the_rule() -> None:
    with pytest.raises(AssertionError), patch.object(replay, "verify_item", lambda table, read: None):
        run(story)
