"""Who listens in this process, and to what: streams by device and by topic, each with two flags for a buffer.

A hint carries no content, so any number of them is one: memory does not grow with what happens, and nobody who
announces ever waits for somebody who reads. One stream a device: the newest, for a phone that lost its network does
not know that the old one stands. Knows neither HTTP nor SQL, and nothing of other processes: what they announce is
handed to `hear` like this process's own. Spec: openapi/protocol/events.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from backend.storage.announcing import EVERYTHING, Announced, of_account, of_device
from sync.wire.ids import AccountId, DeviceId

SYNC, NOTICES = 1, 2  # what a hint says, as flags
STEP_SECONDS = 0.002  # between the hints of two streams when all have to look
REPLACED, STOPPING = "replaced", "stopping"


class HubFull(Exception):
    """As many streams are open as may be."""


class Stream:
    """One device that listens. `ended`: why it is over, once it is."""

    __slots__ = ("_pending", "_waiter", "device", "ended", "topics")

    def __init__(self, device: DeviceId, topics: Iterable[str]) -> None:
        self.device, self.topics = device, frozenset(topics)
        self.ended: str | None = None
        self._pending = 0
        self._waiter: asyncio.Future[None] | None = None

    def hint(self, what: int) -> None:
        """Adds to what waits to be said."""
        self._pending |= what
        self._wake()

    def end(self, why: str) -> None:
        """Ends it; the first reason stands."""
        if self.ended is None:
            self.ended = why
            self._wake()

    async def next(self, seconds: float) -> int:
        """What was hinted since the last time; 0 when nothing was for so long, or when it is over."""
        if not self._pending and self.ended is None:
            self._waiter = asyncio.get_running_loop().create_future()
            tick = asyncio.get_running_loop().call_later(max(seconds, 0), self._wake)
            try:
                await self._waiter
            finally:
                tick.cancel()
                self._waiter = None
        what, self._pending = self._pending, 0
        return what

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Hub:
    """The streams of one process. `streams_max`: how many; memory and file handles are bounded by it."""

    def __init__(self, streams_max: int) -> None:
        self._streams_max = streams_max
        self._by_device: dict[DeviceId, Stream] = {}
        self._by_topic: dict[str, set[Stream]] = {}

    def __len__(self) -> int:
        return len(self._by_device)

    def open(self, device: DeviceId, account: AccountId) -> Stream:
        """A stream that hears of its device and its account; an older one of the device ends. Raises: HubFull."""
        older = self._by_device.get(device)
        if older is not None:
            older.end(REPLACED)
            self.close(older)
        elif len(self._by_device) >= self._streams_max:
            raise HubFull
        stream = Stream(device, ())
        self._by_device[device] = stream
        self.follow(stream, {of_device(device), of_account(account)})
        return stream

    def follow(self, stream: Stream, topics: Iterable[str]) -> None:
        """From now on the stream hears of these topics and no others."""
        topics = frozenset(topics)
        self._leave(stream, stream.topics - topics)
        if self._by_device.get(stream.device) is stream:
            for topic in topics - stream.topics:
                self._by_topic.setdefault(topic, set()).add(stream)
        stream.topics = topics

    def close(self, stream: Stream) -> None:
        """Forgets a stream, if it is still known."""
        if self._by_device.get(stream.device) is stream:
            del self._by_device[stream.device]
        self._leave(stream, stream.topics)
        stream.topics = frozenset()

    def hear(self, announced: Announced) -> None:
        """Hints every stream that a topic concerns, but that of the device which caused it."""
        if EVERYTHING in announced:
            self.missed()
            return
        for topic, by in announced.items():
            what = NOTICES if topic.startswith("a") else SYNC
            for stream in self._by_topic.get(topic, ()):
                if stream.device != by:
                    stream.hint(what)

    def missed(self) -> None:
        """Hints every stream, for nobody knows what was announced; one after the other, or all would sync at once."""
        loop = asyncio.get_running_loop()
        for place, stream in enumerate(self._by_device.values()):
            loop.call_later(place * STEP_SECONDS, stream.hint, SYNC | NOTICES)

    def end_all(self, why: str) -> None:
        """Ends every stream."""
        for stream in self._by_device.values():
            stream.end(why)

    def _leave(self, stream: Stream, topics: Iterable[str]) -> None:
        for topic in topics:
            others = self._by_topic.get(topic)
            if others is not None:
                others.discard(stream)
                if not others:
                    del self._by_topic[topic]
