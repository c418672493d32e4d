"""When a push goes out: pure decisions over what is due for one device at one time.

One send a device: a notice takes the wake with it. A device has one bucket, spent in time: `paced_at` lies ahead of now
by what has been sent lately; a wake may not bring it as far ahead as a notice may, so that wakes never use up what a
notice needs. Not here: SQL (store.py), sending (sender.py). Spec: openapi/protocol/push.md. Sources:
firebase.google.com/docs/cloud-messaging/throttling-and-quotas (20 collapsible messages at once, then one per three
minutes), developer.apple.com "Pushing background updates to your App" (two or three an hour).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from backend.push.store import NOTICE, WAKE, Due
from sync.wire.limits import PUSH_NOTICE_SECONDS, PUSH_WAKE_SECONDS
from sync.wire.push import DAY_MINUTES

MINUTE_MS = 60_000
BACKOFF_MS, BACKOFF_MS_MAX = 10_000, 600_000  # Google: not sooner than ten seconds
QUOTA_MS_MIN = 60_000  # Google: a minute when QUOTA_EXCEEDED comes without Retry-After
AGE_MS_MAX = {WAKE: PUSH_WAKE_SECONDS * 1_000, NOTICE: PUSH_NOTICE_SECONDS * 1_000}


class Pace(NamedTuple):
    """What a send of a class costs, and how far ahead of now it may find the bucket, in milliseconds; by class."""

    cost: tuple[int, int]
    ahead: tuple[int, int]


PACES = {
    "android": Pace((3 * MINUTE_MS, 3 * MINUTE_MS), (15 * 3 * MINUTE_MS, 19 * 3 * MINUTE_MS)),
    "apple": Pace((20 * MINUTE_MS, 3 * MINUTE_MS), (2 * 20 * MINUTE_MS, 75 * MINUTE_MS)),
    "local": Pace((0, 0), (0, 0)),
}

Act = Literal["send", "with", "hold", "seen", "expired"]


class Planned(NamedTuple):
    """What is done about a due wish. `until_ms`: of one that is held. `paced_at`: the device's, if this is sent.

    `with`: another send to this device serves it too. `seen`: everything it was for has been acknowledged.
    """

    due: Due
    act: Act
    until_ms: int = 0
    paced_at: int = 0


def plan(dues: Iterable[Due], now_ms: int) -> list[Planned]:
    """What is done about all that is due; at most one send a device."""
    by_device: dict[bytes, list[Due]] = {}
    for due in dues:
        by_device.setdefault(due.device, []).append(due)
    return [planned for of_device in by_device.values() for planned in _plan_device(of_device, now_ms)]


def _plan_device(dues: Sequence[Due], now_ms: int) -> list[Planned]:
    planned: list[Planned] = []
    for due in sorted(dues, key=lambda due: -due.class_):  # a notice first
        if due.class_ == WAKE and any(other.act == "send" for other in planned):
            planned.append(Planned(due, "with"))
        else:
            planned.append(_plan_one(due, now_ms))
    return planned


def _plan_one(due: Due, now_ms: int) -> Planned:
    if due.class_ == NOTICE and not due.unseen:
        return Planned(due, "seen")
    if now_ms - due.since > AGE_MS_MAX[due.class_]:
        return Planned(due, "expired")
    if due.class_ == NOTICE and not due.urgent:
        quiet_until = quiet_end(due.quiet_from, due.quiet_until, now_ms)
        if quiet_until is not None:
            return Planned(due, "hold", quiet_until)
    pace = PACES[due.platform]
    may_at = due.paced_at - pace.ahead[due.class_]
    if may_at > now_ms:
        return Planned(due, "hold", may_at)
    return Planned(due, "send", paced_at=max(due.paced_at, now_ms) + pace.cost[due.class_])


def quiet_end(start: int | None, end: int | None, now_ms: int) -> int | None:
    """When the quiet hours end that `now_ms` lies in, or None. `start`, `end`: minutes of the UTC day."""
    if start is None or end is None or start == end:
        return None
    minute = now_ms // MINUTE_MS % DAY_MINUTES
    if (minute - start) % DAY_MINUTES >= (end - start) % DAY_MINUTES:
        return None
    return (now_ms // MINUTE_MS + (end - minute) % DAY_MINUTES) * MINUTE_MS


def retry_at(attempts: int, asked_ms: int, is_quota: bool, now_ms: int, chance: Callable[[], float]) -> int:
    """When to try again after `attempts` that failed: twice as long each time, spread, and never before what was asked.

    `chance`: a number from 0 to 1.
    """
    least = max(asked_ms, QUOTA_MS_MIN if is_quota else 0)
    backoff = min(BACKOFF_MS * 2 ** min(attempts, 10), BACKOFF_MS_MAX)
    return now_ms + max(least, BACKOFF_MS, backoff // 2) + int(chance() * max(backoff // 2, least // 10))
