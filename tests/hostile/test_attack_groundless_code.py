"""groundless-code: the server says `device_forked`, `removed` or `behind` without cause."""

from contextlib import suppress
from unittest.mock import patch

import pytest

from sync.device import intake
from sync.device.identity import get_identity
from sync.device.outbox import DAY_MS
from sync.device.refused import Refused
from sync.device.syncing import sync
from sync.vault.outgoing import proves_fork
from sync.wire.codec import encode
from sync.wire.item import FRAME, FRAME_LABEL, Frame, Item, item_hash, read_frame
from tests.hostile.shipped_pair import Pair, run, saying


async def forked(pair: Pair, proof: Item | None) -> None:
    """The code with this proof, while a frame of the phone is under way."""
    await pair.writes(pair.a)
    pair.a.fates = ["unsent"]
    await pair.a.sync()
    before = (await pair.state(pair.a))[1]
    pair.server.victim = pair.a.device
    pair.server.lie = saying(code="device_forked", acks=(), proof=proof)
    device = pair.a.device
    pair.a.fates = []
    await pair.a.sync()
    look, (state, flying) = await pair.a.look(), await pair.state(pair.a)
    assert pair.a.device == device, "nothing made it take another card"
    assert "groundless" in look["findings"]
    assert state.halted is None
    assert {frame.item for frame in flying} <= {frame.item for frame in before}, "nothing is sealed anew"
    pair.server.victim = None
    await pair.a.sync()
    assert len(await pair.values(pair.a)) == pair.words
    async with pair.a.phone.store.transaction() as rows:
        log = [item for _, item, _ in await rows.get_items(1, 0)]
    assert [frame.item for frame in before] == log[-len(before) :], "frames stay as they were sealed"


async def without_proof(pair: Pair) -> None:
    await forked(pair, None)


async def with_a_frame_that_it_has_read(pair: Pair) -> None:
    await pair.writes(pair.a)
    await pair.a.sync()
    async with pair.a.phone.store.transaction() as rows:
        items = await rows.get_items(1, 0)
    await forked(pair, items[-1][1])


async def removed(pair: Pair) -> None:
    first = await pair.writes(pair.a)
    await pair.a.sync()
    pair.server.victim, pair.server.lie = pair.a.device, saying(code="removed", acks=())
    await pair.a.sync()
    assert await pair.values(pair.a) == [first], "it erases nothing"
    pair.server.victim = None
    await pair.a.sync()
    second = await pair.writes(pair.a)
    await pair.a.sync()
    assert await pair.values(pair.a) == [first, second]


async def behind(pair: Pair) -> None:
    first = await pair.writes(pair.a)
    await pair.a.sync()
    state = (await pair.state(pair.a))[0]
    pair.server.victim, pair.server.lie = (
        pair.a.device,
        saying(code="behind", acks=(), next=0, log_hash=state.log.empty(state.vault).log_hash),
    )
    await pair.a.sync()
    pair.server.victim = None
    await pair.a.sync()
    assert await pair.values(pair.a) == [first]
    assert (await pair.a.look())["halted"] is None


@pytest.mark.parametrize("story", [without_proof, with_a_frame_that_it_has_read, removed, behind])
def test_a_code_without_cause_costs_a_round_trip_and_no_more(story) -> None:  # type: ignore[no-untyped-def]
    """BAD-30."""
    run(story)


async def with_a_frame_that_nobody_signed(pair: Pair) -> None:
    """Another frame at the place of the one under way, all but the signature as a copy of this phone would have it."""
    await pair.writes(pair.a)
    pair.a.fates = ["unsent"]
    await pair.a.sync()
    state, [flying] = await pair.state(pair.a)
    true = read_frame(flying.item.signed)
    signed = encode(Frame(true.header, b"f" * 32, true.ciphertext))
    own = {item_hash(flying.item.signed): flying.item}
    async with pair.a.phone.store.transaction() as rows:
        identity = await get_identity(rows)
    assert identity is not None
    for signature, believed in ((bytes(64), False), (identity.keys.signing.sign(FRAME_LABEL, signed), True)):
        proof = Item(FRAME, signed, signature)
        assert proves_fork(state, identity.device, proof, own, true.header.seen_L) is believed


async def behind_for_hours(pair: Pair) -> None:
    """An app that syncs by itself meets a server that says it every time."""
    await pair.writes(pair.a)
    await pair.a.sync()
    state = (await pair.state(pair.a))[0]
    pair.server.victim = pair.a.device
    pair.server.lie = saying(code="behind", acks=(), next=0, log_hash=state.log.empty(state.vault).log_hash)
    truly, bodies = pair.server.answer, list[int]()

    async def answer(device: bytes, body: bytes) -> bytes:
        bodies.append(len(body))
        return await truly(device, body)

    async def largest_of_a_sync() -> int:
        bodies.clear()
        with suppress(Refused):  # an answer that contradicts itself ends a sync
            await sync(pair.a.phone, asked_by_person=False)
        return max(bodies)

    pair.a._world.now += DAY_MS  # type: ignore[attr-defined]  # the server was new to it today
    with patch.object(pair.server, "answer", answer):
        first, second, third = [await largest_of_a_sync() for _ in range(3)]
        assert first > 2 * second, "everything once"
        assert second == third
        pair.a._world.now += DAY_MS  # type: ignore[attr-defined]
        assert await largest_of_a_sync() > 2 * second, "and once again the next day"


@pytest.mark.parametrize("story", [with_a_frame_that_nobody_signed, behind_for_hours])
def test_only_a_signature_proves_a_fork_and_unasked_a_log_is_handed_back_once_a_day(story) -> None:  # type: ignore[no-untyped-def]
    """BAD-30, BAD-40."""
    run(story)


def test_a_fork_that_is_believed_without_proof_is_seen() -> None:
    with pytest.raises((AssertionError, AttributeError)), patch.object(intake, "proves_fork", lambda *_: True):
        run(with_a_frame_that_it_has_read)
