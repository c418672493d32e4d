"""silencing-number: a notice with the highest number there is, so that no later notice is ever new to a phone."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from sync.device import notices
from sync.device.overview import status
from sync.wire.exchange import AnswerHead, Notice, decode_request
from sync.wire.limits import INTEGER_MAX
from tests.hostile.shipped_pair import Pair, run


def naming(number: int):  # type: ignore[no-untyped-def]
    return lambda said: AnswerHead((Notice(number, "new_device", 1),)) if isinstance(said, AnswerHead) else said


async def new_ones(pair: Pair) -> int:
    return sum(notice["new"] for notice in (await status(pair.b.phone))["notices"])


async def story(pair: Pair) -> None:
    pair.server.victim, pair.server.lie = pair.b.device, naming(INTEGER_MAX)
    await pair.b.sync()
    assert await new_ones(pair) == 1
    pair.server.victim = None
    await pair.b.sync()  # acknowledges the number once, and is told nothing
    await pair.b.sync()
    acknowledged = []
    answer = pair.server.answer

    async def heard(device: bytes, body: bytes) -> bytes:
        acknowledged.append(decode_request(body).notices_seen)
        return await answer(device, body)

    pair.server.answer = heard  # type: ignore[method-assign]
    pair.server.victim, pair.server.lie = pair.b.device, naming(7)
    await pair.b.sync()
    assert acknowledged == [0], "what no answer names any more is not acknowledged"
    assert await new_ones(pair) == 1, "a true notice after it is new"
    assert await new_ones(pair) == 0
    await pair.b.sync()
    assert acknowledged == [0, 7]


def test_a_true_notice_after_a_false_one_is_shown_and_acknowledged() -> None:
    """PHN-44."""
    run(story)


def test_it_is_seen_without_the_rule() -> None:
    async def keeps_the_highest(rows, told):  # type: ignore[no-untyped-def]
        kept = await notices.kept_notices(rows)
        new = [one for one in told if one.number > kept.shown]
        if new:
            kept.notices, kept.told, kept.unseen = (*kept.notices, *new), new[-1].number, len(new)
            await rows.put_single(notices._NOTICES, notices._encoder.encode(kept))

    with pytest.raises(AssertionError), patch("sync.device.syncing.keep_notices", keeps_the_highest):
        run(story)
