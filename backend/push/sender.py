"""The port to whoever carries pushes: what is handed over, and what can become of it.

A sender sends each push once and says what happened; when to try again, how often, and what to forget is not its
business. It raises nothing. Spec: openapi/protocol/push.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from sync.wire.push import Class

BATCH_MAX = 500  # pushes handed over at a time: what Firebase takes, and what bounds memory

Word = Literal["sent", "dead", "later", "refused"]
# Why a push was not sent, or given up: all values of the label `reason`.
Reason = Literal[
    "unregistered",
    "sender_mismatch",
    "quota",
    "unavailable",
    "third_party",
    "credentials",
    "timeout",
    "network",
    "invalid_address",
    "invalid",
    "unconfigured",
    "expired",
]


class Outgoing(NamedTuple):
    """One push. `address` is a secret: nothing that shows an `Outgoing` shows it."""

    platform: str
    address_kind: str
    address: str
    topic: str
    class_: Class

    def __repr__(self) -> str:
        return f"Outgoing({self.platform}, {self.class_})"


class Fate(NamedTuple):
    """What became of a push. `dead`: the target is gone for good. `retry_after_ms`: what the service asked for."""

    word: Word
    reason: Reason | None = None
    retry_after_ms: int = 0


SENT = Fate("sent")


class PushSender(Protocol):
    """Sends pushes of the platforms that it is chosen for."""

    async def send(self, pushes: Sequence[Outgoing], now_ms: int) -> list[Fate]:
        """What became of each of at most BATCH_MAX pushes, in order. Ends within a minute; raises nothing."""
        ...

    async def close(self) -> None:
        """Lets go of connections."""
        ...
