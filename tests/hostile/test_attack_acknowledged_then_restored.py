"""acknowledged-then-restored: the server acknowledges, and is restored before the phone reads its frame back."""

from unittest.mock import patch

import pytest

from sync.device import intake
from sync.wire.item import item_hash
from tests.hostile.shipped_pair import Pair, run


async def story(pair: Pair) -> None:
    old = pair.server.engine.backup()
    word = await pair.writes(pair.a)
    before = (await pair.state(pair.a))[0].acked
    for share in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        pair.a.fates = [share]
        await pair.a.sync()
        state, _ = await pair.state(pair.a)
        if state.acked - before:
            break
    assert state.acked - before, "acknowledged, and not read back"
    pair.server.engine.restore(old)
    for _ in range(2):
        await pair.a.sync()
        await pair.b.sync()
    assert await pair.values(pair.a) == await pair.values(pair.b) == [word]


def test_the_frame_is_sent_again_until_it_is_read_in_the_log() -> None:
    """PHN-7, BAD-41."""
    run(story)


def test_it_is_seen_without_the_rule() -> None:
    hear = intake.hear

    async def forgetful(rows, identity, asked, answer):  # type: ignore[no-untyped-def]
        await hear(rows, identity, asked, answer)
        done = [f for f in await rows.get_flying(asked.number) if item_hash(f.item.signed) in answer.acks]
        await rows.drop_flying(asked.number, [f.fseq for f in done])
        await rows.drop_pending(asked.number, [n for f in done for n in f.numbers])

    with pytest.raises(AssertionError), patch("sync.device.syncing.hear", forgetful):
        run(story)
