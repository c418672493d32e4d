"""another-log: items reordered, left out, doubled, put in or exchanged, an old answer again, keys of another vault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from sync.device.overview import findings
from sync.vault import replay
from sync.wire.exchange import AnswerReader, Items, Key, VaultAnswer, encode_message
from sync.wire.ids import EpochId
from sync.wire.item import Item
from tests.hostile.family_log import card
from tests.hostile.shipped_pair import Pair, run, saying

Lie = Callable[[Any], Any]
SIGNATURE = "The server handed out an item that its author did not sign. This phone took nothing from there on."


def items(changed: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> Lie:
    return lambda said: Items(changed(said.items)) if isinstance(said, Items) else said


def strangers(item: Any) -> Any:
    """The same words, signed by a card that is in no vault."""
    signing = card(99).signing
    return Item(item.kind, item.signed, signing.sign("frame", item.signed)) if isinstance(item, Item) else item


def early(said: Any) -> Any:
    return said if not isinstance(said, VaultAnswer) else msgspec.structs.replace(said, more=False, log_hash=bytes(32))


LIES: dict[str, tuple[Lie, set[str]]] = {
    "reordered": (items(lambda all_: all_[::-1]), {"signature", "seen", "two_histories", "diverged"}),
    "the first left out": (items(lambda all_: all_[1:]), {"signature", "seen", "two_histories", "diverged"}),
    "the last left out": (items(lambda all_: all_[:-1]), set()),
    "all left out": (items(lambda all_: ()), set()),
    "doubled": (items(lambda all_: all_ * 2), set()),
    "an injected device": (items(lambda all_: tuple(map(strangers, all_))), {"signature"}),
    "a head that leads elsewhere": (saying(next=10**6), set()),
    "more without an end": (saying(more=True), set()),
    "no more, too early": (early, {"two_histories"}),
    "another vault": (saying(vault=bytes(32)), set()),
}


async def prepared(pair: Pair) -> None:
    """Two words of a's that b has not read, the second in a new epoch, and one of b's that waits."""
    for _ in range(2):
        await pair.writes(pair.a)
        await pair.a.sync()
        await pair.a.rotate()
        await pair.a.sync()
    await pair.writes(pair.b)


async def settles(pair: Pair) -> None:
    """The truth again: every word once on both phones, nothing waits, nothing is halted."""
    pair.server.victim = None
    for _ in range(2):
        for phone in (pair.b, pair.a):
            assert await phone.sync() is not None
    a, b = await pair.a.look(), await pair.b.look()
    assert a["root"] == b["root"]
    words = await pair.values(pair.b)
    assert len(set(words)) == len(words) == pair.words
    assert (b["pending"], b["flying"], b["halted"], b["quarantined"]) == (0, 0, None, [])


async def story(pair: Pair, lie: Lie, told: set[str]) -> None:
    await prepared(pair)
    held = await pair.values(pair.b)
    pair.server.victim, pair.server.lie = pair.b.device, lie
    await pair.b.sync()
    kinds = {row["kind"] for row in await findings(pair.b.phone)}
    assert kinds <= told
    assert bool(kinds) == bool(told)
    assert (await pair.values(pair.b))[: len(held)] == held
    if "diverged" not in told:  # there it stands on another log for now, in which things follow nothing
        assert not any((await pair.b.look())["verdicts"]), "a lie makes nothing void"
    await settles(pair)


@pytest.mark.parametrize(("lie", "told"), LIES.values(), ids=LIES.keys())
def test_it_is_a_finding_or_nothing_and_the_truth_is_taken_afterwards(lie: Lie, told: set[str]) -> None:
    """PHN-9, PHN-10, PHN-13."""
    run(lambda pair: story(pair, lie, told))


async def an_old_answer(pair: Pair) -> None:
    """What was true for an older place of the log is served again, whatever is asked."""
    await pair.writes(pair.a)
    await pair.a.sync()
    answer, kept = pair.server.answer, list[bytes]()

    async def recording(device: bytes, body: bytes) -> bytes:
        kept.append(await answer(device, body))
        return kept[-1]

    async def again(device: bytes, body: bytes) -> bytes:
        return kept[0]

    pair.server.answer = recording  # type: ignore[method-assign]
    await pair.b.sync()
    await prepared(pair)
    before = (await pair.b.look())["seq"]
    pair.server.answer = again  # type: ignore[method-assign]
    await pair.b.sync()
    look = await pair.b.look()
    assert (look["seq"], look["pending"]) == (before, 1)
    pair.server.answer = answer  # type: ignore[method-assign]
    await settles(pair)


def test_an_old_answer_moves_nothing() -> None:
    """PHN-9, PHN-40: its items were signed, and would be taken again as void ones, round after round."""
    run(an_old_answer)


async def keys_of_another_vault(pair: Pair) -> None:
    """Wraps and keyboxes of another epoch, under the number and id of this one."""
    await prepared(pair)
    old = EpochId(bytes(32))

    def swapped(said: Any) -> Any:
        if isinstance(said, VaultAnswer) and said.key:
            key = said.key
            boxes = tuple(msgspec.structs.replace(box, epoch=old) for box in key.keyboxes)
            return msgspec.structs.replace(said, key=Key(key.number + 1, key.epoch, key.wraps, boxes))
        return said

    pair.server.victim, pair.server.lie = pair.b.device, swapped
    report = await pair.b.sync()
    assert report is not None
    assert [(v.code, v.next) for v in report.vaults] == [
        ("key_missing", "Another phone of this vault has to sync, so that it can hand over the key.")
    ]
    await settles(pair)


def test_a_wrap_of_another_epoch_or_vault_opens_nothing_and_is_told() -> None:
    """KEY-1, KEY-2."""
    run(keys_of_another_vault)


async def noise_at_every_boundary(pair: Pair) -> None:
    """One byte of each message is another: at its length, its type, its fields, its end."""
    await prepared(pair)
    stores = [(each, each.engine.backup()) for each in (pair.a, pair.b, pair.server)]
    answer = pair.server.answer
    whole = AnswerReader().feed(await _asked(pair))
    starts = [0]
    for message in whole:
        starts.append(starts[-1] + len(encode_message(message)))
    places = sorted({place + at for place in starts[:-1] for at in (0, 3, 4, 5, 12, 40)} | {p - 1 for p in starts[1:]})

    for place in places:
        for each, store in stores:
            each.engine.restore(store)

        async def spoiled(device: bytes, body: bytes, place: int = place) -> bytes:
            data = bytearray(await answer(device, body))
            if place < len(data):
                data[place] ^= 0x55
            return bytes(data)

        pair.server.answer = spoiled  # type: ignore[method-assign]
        await pair.b.sync()
        pair.server.answer = answer  # type: ignore[method-assign]
        await settles(pair)


async def _asked(pair: Pair) -> bytes:
    """What the server answers to b's next request, which is not sent."""
    store, kept = (pair.b.engine.backup(), pair.server.engine.backup()), list[bytes]()
    answer = pair.server.answer

    async def recording(device: bytes, body: bytes) -> bytes:
        kept.append(await answer(device, body))
        return kept[-1]

    pair.server.answer = recording  # type: ignore[method-assign]
    await pair.b.sync()
    pair.server.answer = answer  # type: ignore[method-assign]
    pair.b.engine.restore(store[0])
    pair.server.engine.restore(store[1])
    return kept[0]


def test_a_byte_that_is_wrong_anywhere_in_an_answer_breaks_nothing() -> None:
    """PHN-13."""
    run(noise_at_every_boundary)


def test_the_person_is_told_in_these_words() -> None:
    async def words(pair: Pair) -> None:
        await prepared(pair)
        pair.server.victim, pair.server.lie = pair.b.device, LIES["an injected device"][0]
        report = await pair.b.sync()
        assert report is not None
        assert report.vaults[0].next == "The server handed out something that nobody signed: `carnet findings`."
        assert {row["words"] for row in await findings(pair.b.phone)} == {SIGNATURE}

    run(words)


def test_it_is_seen_without_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "verify_item", lambda table, read: None)
    with pytest.raises(AssertionError):
        run(lambda pair: story(pair, *LIES["an injected device"]))
