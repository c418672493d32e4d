"""impossible-answers: numbers, sizes and orders that no server of ours would send, to break a phone for good."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from sync.device.overview import status
from sync.wire import exchange
from sync.wire.exchange import (
    MESSAGE_ITEMS_MAX,
    AnswerEnd,
    AnswerHead,
    AnswerReader,
    Items,
    Key,
    Notice,
    VaultAnswer,
    encode_message,
)
from sync.wire.ids import EpochId
from sync.wire.item import Item
from tests.hostile.shipped_pair import LyingServer, Pair, run, saying

NEVER = (-1, 2**53, 2**63, 2**64 - 1)


def noticing(number: int) -> Callable[[Any], Any]:
    return lambda said: AnswerHead((Notice(number, "new_device", 0),)) if isinstance(said, AnswerHead) else said


def keyed(number: int) -> Callable[[Any], Any]:
    return saying(key=Key(number, EpochId(bytes(32)), (bytes(1168),), ()))


LIES: dict[str, Callable[[Any], Any]] = {
    **{f"notice {number}": noticing(number) for number in NEVER},
    **{f"epoch {number}": keyed(number) for number in NEVER},
    **{f"behind at {number}": saying(code="behind", next=number) for number in NEVER},
    "an invitation of another length": lambda m: AnswerHead((), (b"x",) * 9) if isinstance(m, AnswerHead) else m,  # type: ignore[arg-type]
    "a hash of another length": saying(log_hash=b"x"),
    "a code that is no word": saying(code="\x1b[2J"),
    "too many wishes": saying(wrap_wanted=(bytes(32),) * 33),
    "too many lost entries": saying(lost_entries=(Item(0, b"", b""),) * 65),
    "too many items": lambda m: Items((Item(0, b"", b""),) * (MESSAGE_ITEMS_MAX + 1)) if isinstance(m, Items) else m,
}


async def told(pair: Pair, lie: Callable[[Any], Any]) -> None:
    """Phone b hears the lie with a word of a's to read and one of its own to send, and later the truth."""
    await pair.writes(pair.a)
    await pair.a.sync()
    await pair.writes(pair.b)
    before = await pair.b.look()
    pair.server.victim, pair.server.lie = pair.b.device, lie
    assert await pair.b.sync() is None, "it says `unreachable`, with what to do"
    await status(pair.b.phone)
    now = await pair.b.look()
    assert (now["seq"], now["findings"], now["pending"]) == (before["seq"], [], 1)
    pair.server.victim = None
    await honest_again(pair)


async def honest_again(pair: Pair) -> None:
    """Nothing of the lie has stayed: each word is there once on both phones, and nothing waits."""
    for phone in (pair.b, pair.a, pair.b):
        report = await phone.sync()
        assert report is not None
        assert [vault.code for vault in report.vaults] == [None]
    words = await pair.values(pair.b)
    assert len(set(words)) == len(words) == pair.words
    a, b = await pair.a.look(), await pair.b.look()
    assert (a["root"], b["pending"], b["flying"], b["halted"]) == (b["root"], 0, 0, None)


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_what_no_server_of_ours_would_say_is_no_answer_and_leaves_no_trace(lie: Callable[[Any], Any]) -> None:
    """PHN-40."""
    run(lambda pair: told(pair, lie))


def message(number: int) -> VaultAnswer:
    return VaultAnswer(bytes([number]) * 32, None, (), 0, bytes(32), False)  # type: ignore[arg-type]


ONE = message(1)
OUT_OF_ORDER = {
    "no head": [ONE, AnswerEnd()],
    "two heads": [AnswerHead(), AnswerHead()],
    "items of nothing": [AnswerHead(), Items(())],
    "more than was asked": [AnswerHead(), ONE, message(2), AnswerEnd()],
    "after the end": [AnswerHead(), ONE, AnswerEnd(), AnswerEnd()],
}


@pytest.mark.parametrize("messages", OUT_OF_ORDER.values(), ids=OUT_OF_ORDER.keys())
def test_an_answer_has_one_order_and_what_stands_before_a_fault_is_good(messages: list[Any]) -> None:
    """PHN-40."""
    reader = AnswerReader(1)
    data = b"".join(encode_message(one) for one in messages)
    whole = []
    with pytest.raises(ValueError, match=r"answer|page"):
        for _ in range(2):
            whole += reader.feed(data)
            data = b""
    assert whole == messages[: len(whole)]


async def twice(pair: Pair) -> None:
    """The same vault is answered again and again in one answer, with every time more to believe."""
    answer = LyingServer.answer

    async def repeating(device: bytes, body: bytes) -> bytes:
        head, vault, *_ = AnswerReader().feed(await answer(pair.server, device, body))
        return b"".join(encode_message(each) for each in (head, *[vault] * 3, AnswerEnd()))

    pair.server.answer = repeating  # type: ignore[method-assign]
    assert await pair.b.sync() is None
    pair.server.answer = answer.__get__(pair.server)  # type: ignore[method-assign]
    await honest_again(pair)


def test_a_vault_is_answered_once() -> None:
    """PHN-40."""
    run(twice)


def test_it_is_seen_without_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notice's number that the phone would acknowledge ever after shuts it out of an honest server."""

    def decode(data: bytes) -> Any:
        said = msgspec.msgpack.decode(data)
        if said[0] == "head":
            return AnswerHead(tuple(Notice(*one) for one in said[1]), tuple(said[2]))
        return msgspec.convert(said, exchange.Message)

    monkeypatch.setattr(exchange, "_message_decoder", SimpleNamespace(decode=decode))
    with pytest.raises(Exception, match=r"assert|Request|store_damaged"):
        run(lambda pair: told(pair, noticing(2**60)))
