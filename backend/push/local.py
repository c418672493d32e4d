"""A sender for phones that nobody pushes to from outside: it writes a line that says which class was due.

What reaches such a phone is its open line (`/v1/events`) or its own schedule; the line in the log shows an operator and
a demonstration that the outbox works. Spec: openapi/protocol/push.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from backend.push.sender import SENT, Fate, Outgoing

_log = structlog.get_logger("carnet")


class LocalSender:
    """Logs the class of each push; names no device and no topic."""

    async def send(self, pushes: Sequence[Outgoing], now_ms: int) -> list[Fate]:
        for push in pushes:
            _log.info("push", kind=push.class_)
        return [SENT] * len(pushes)

    async def close(self) -> None:
        return None
