"""Milliseconds since 1970 as people and programs read them: RFC 3339 in UTC, for display only."""

from __future__ import annotations

from datetime import UTC, datetime


def when(ms: int | None) -> str | None:
    """RFC 3339 in UTC; None stays None. A year that no calendar has is said as such: clocks of phones go wrong."""
    if ms is None:
        return None
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return "at an impossible time"
