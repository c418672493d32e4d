"""What travels as events: the words of a stream, and reading it (Server-Sent Events, as far as ours go).

A reader that takes bytes as they come and gives whole events. It believes nothing: what is no event of ours is passed
over, and a line or an event that is longer than any of ours ends the reading. Not here: what a phone does then. Source:
WHATWG HTML, "Server-sent events". Spec: openapi/protocol/events.md.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

SYNC, NOTICES, END = "sync", "notices", "end"
BYTES_MAX = 4_096  # of an event that is not whole yet; ours have some 150


class Sent(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event as it is sent. `data`: `{}`, or why the stream ends, as JSON."""

    event: Literal["sync", "notices", "end"]
    data: str
    id: str | msgspec.UnsetType = msgspec.UNSET


class Event(NamedTuple):
    """`word`: what happened. `id`: where everything stood, if it is said. `reason`: why the stream ends."""

    word: str
    id: str | None = None
    reason: str | None = None


class _End(msgspec.Struct):
    reason: str


class EventReader:
    """Gives events as they become whole. `feed` raises ValueError for what is no stream of ours."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, piece: bytes) -> list[Event]:
        """The events that end in this piece; comments and beats are none. Raises: ValueError."""
        *whole, self._held = (self._held + piece).split(b"\n\n")
        if len(self._held) > BYTES_MAX or any(len(block) > BYTES_MAX for block in whole):
            raise ValueError("longer than any event")
        return [event for block in whole if (event := _event(block)) is not None]


def _event(block: bytes) -> Event | None:
    fields: dict[str, str] = {}
    for line in block.decode("utf-8").split("\n"):
        name, colon, value = line.partition(":")
        if name and colon:
            fields[name] = value.removeprefix(" ")
    word = fields.get("event")
    if word is None:
        return None
    return Event(word, fields.get("id"), _reason(fields.get("data", "")) if word == END else None)


def _reason(data: str) -> str:
    try:
        return msgspec.json.decode(data, type=_End).reason
    except msgspec.MsgspecError:
        return ""
