"""seal-late: an answer is lost, the epoch changes meanwhile, and what was stored must not be sealed anew."""

import pytest

from tests.hostile.shipped_pair import Pair, run


async def story(pair: Pair) -> None:
    first = await pair.writes(pair.a)
    pair.a.fates = ["lost"]
    await pair.a.sync()
    second = await pair.writes(pair.a)
    await pair.b.rotate()
    await pair.b.sync()
    await pair.a.sync()
    look = await pair.a.look()
    assert await pair.values(pair.a) == [first, second]
    assert look["findings"] == [], "an honest phone does not look forked"
    assert not any(look["verdicts"])
    assert look["quarantined"] == []


def test_frames_are_sent_again_byte_for_byte_and_the_rest_is_sealed_at_the_head() -> None:
    """PHN-3."""
    run(story)


def test_it_is_seen_without_the_rule() -> None:
    """A phone that drops what a lost answer left unread, and seals it again, meets a frame of its own that it does not
    know."""

    async def forgetful(pair: Pair) -> None:
        sync = pair.a.sync

        async def sync_and_forget() -> None:
            await sync()
            async with pair.a.phone.store.transaction() as rows:
                await rows.drop_flying(1, [frame.fseq for frame in await rows.get_flying(1)])

        pair.a.sync = sync_and_forget  # type: ignore[method-assign]
        await story(pair)

    with pytest.raises(AssertionError):
        run(forgetful)
