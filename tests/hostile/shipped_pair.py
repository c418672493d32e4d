"""Two phones of one person and their server, all shipped code in one thread, for attacks by a server or by bad luck."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from unittest.mock import patch

from sync.vault.outgoing import Flying
from sync.vault.state import VaultState
from sync.wire.exchange import AnswerReader, Items, VaultAnswer, encode_message
from sync.wire.item import Item
from tests.simulation.shipped import VAULT, ShippedPhone, ShippedServer, record_id, value_of
from tests.simulation.shipped_bad_days import BadDays

CHEAP = {
    "sync.device.store.lock.MEMORY_KIB": 64,
    "sync.device.store.lock.ITERATIONS": 1,
    "sync.device.store.lock.LANES": 1,
}
X = record_id("x")


class LyingServer(ShippedServer):
    """`lie` sees each message of an answer to `victim` and gives what is said instead."""

    victim: bytes | None = None

    def lie(self, message: Any) -> Any:
        return message

    async def answer(self, device: bytes, body: bytes) -> bytes:
        answer = await super().answer(device, body)
        if device != self.victim:
            return answer
        return b"".join(encode_message(self.lie(message)) for message in AnswerReader().feed(answer))


class Pair:
    """Phones `a` and `b`, both at the head; `words` counts values that nobody wrote before."""

    server: LyingServer
    a: ShippedPhone
    b: ShippedPhone

    async def begin(self) -> Pair:
        world = BadDays(1)
        world.server = self.server = LyingServer(world)
        await self.server.start()
        self.a, self.b = await world._phone(), await world._phone()
        await self.a.found()
        await self.a.sync()
        await self.a.let_in(self.b)
        for _ in range(2):
            for phone in (self.a, self.b):
                await phone.sync()
        self.words = 0
        return self

    async def writes(self, phone: ShippedPhone) -> bytes:
        """One edit of record x; gives its value."""
        self.words += 1
        await phone.edit(X, "a", value_of(self.words))
        return value_of(self.words)

    async def values(self, phone: ShippedPhone) -> list[bytes]:
        """Every value of record x that a phone's log holds, in order."""
        changes = (await phone.look())["changes"]
        return [value for change in changes if change.record == X for _, value in change.sets]

    async def state(self, phone: ShippedPhone) -> tuple[VaultState, list[Flying]]:
        """What a phone remembers, and its frames that it has not read back."""
        async with phone.phone.store.transaction() as rows:
            return await rows.get_vault(VAULT), await rows.get_flying(VAULT)


def run(story: Callable[[Pair], Awaitable[None]]) -> None:
    """Runs a story of two phones; store keys are cheap meanwhile."""

    async def told() -> None:
        await story(await Pair().begin())

    for name, value in CHEAP.items():
        patch(name, value).start()
    try:
        asyncio.run(told())
    finally:
        patch.stopall()


def saying(**said: Any) -> Callable[[Any], Any]:
    """A lie: the vault's message of an answer with other fields."""

    def lie(message: Any) -> Any:
        if not isinstance(message, VaultAnswer):
            return message
        return VaultAnswer(
            **{field: said.get(field, getattr(message, field)) for field in VaultAnswer.__struct_fields__}
        )

    return lie


def flipping(message: Any) -> Any:
    """A lie: one bit of the last item's signature is another."""
    if not isinstance(message, Items) or not isinstance(message.items[-1], Item):
        return message
    *before, last = message.items
    return Items((*before, _flipped(last)))


def flipping_the_first(message: Any) -> Any:
    """A lie: one bit of the first item's signature is another; what follows is true."""
    if not isinstance(message, Items) or not isinstance(message.items[0], Item):
        return message
    first, *after = message.items
    return Items((_flipped(first), *after))


def _flipped(item: Item) -> Item:
    return Item(item.kind, item.signed, bytes([item.signature[0] ^ 1]) + item.signature[1:])
