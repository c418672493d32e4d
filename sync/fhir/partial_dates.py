"""Comparing FHIR dates of any precision and zone without inventing an order.

What it is: a date, dateTime or instant as the span of time it may mean, and what follows for two of them. What it is
not: a clock or a calendar for people; no date is changed, completed or moved to another zone here.

Invariants: an order is answered only where every reading of the two texts has it. `2024` holds `2024-03`, so neither
is before the other; a date without a zone may begin fourteen hours before or end twelve hours after the same one in
UTC, so it has no order with an instant it touches. Two dates without zones are compared as calendar dates: both stand
in somebody's own day. Source: FHIR R4 datatypes, date and dateTime; ISO 8601. Spec: openapi/protocol/import.md.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_DATE = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,12}))?)?(Z|[+-]\d{2}:\d{2})?)?)?)?\Z"
)

_SECOND = 1_000_000_000_000  # ticks; a tick is a picosecond, so that twelve digits of a fraction are exact
_DAY = 86_400 * _SECOND
_EAST = 14 * 3_600 * _SECOND  # the day begins up to this much before the same day in UTC
_WEST = 12 * 3_600 * _SECOND  # and ends up to this much after it


class Span(NamedTuple):
    """The half-open span [low, high) of ticks a date may mean; `zoned` if they count from 1970 UTC, else local."""

    low: int
    high: int
    zoned: bool


def parse(text: object) -> Span | None:
    """The span of a FHIR date, dateTime or instant, or None if it is none (other types and nonsense included)."""
    if not isinstance(text, str):
        return None
    found = _DATE.match(text)
    if found is None:
        return None
    year, month, day = int(found[1]), found[2], found[3]
    if month is None:
        return _civil(year, 1, 1, year + 1, 1, 1)
    m = int(month)
    if not 1 <= m <= 12:
        return None
    if day is None:
        return _civil(year, m, 1, year + m // 12, m % 12 + 1, 1)
    d = int(day)
    if not 1 <= d <= _days_in(year, m):
        return None
    low = _days(year, m, d) * _DAY
    if found[4] is None:
        return Span(low, low + _DAY, False)
    hour, minute, second = int(found[4]), int(found[5]), int(found[6] or 0)
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        return None
    low += (hour * 3_600 + minute * 60 + second) * _SECOND
    width = 60 * _SECOND if found[6] is None else _SECOND
    if found[7] is not None:
        width = 10 ** (12 - len(found[7]))
        low += int(found[7]) * width
    zone = found[8]
    if zone is None:
        return Span(low, low + width, False)
    if zone != "Z":
        offset = (int(zone[1:3]) * 60 + int(zone[4:6])) * 60 * _SECOND
        low += -offset if zone[0] == "+" else offset
    return Span(low, low + width, True)


def compare(a: object, b: object) -> int | None:
    """-1 if `a` is surely before `b`, 1 if surely after, 0 if they mean the same span, None if none of these is
    sure."""
    first, second = parse(a), parse(b)
    if first is None or second is None:
        return None
    if first == second:
        return 0
    first, second = _on_one_line(first, second)
    if first.high <= second.low:
        return -1
    if second.high <= first.low:
        return 1
    return None


def may_be_same(a: object, b: object) -> bool:
    """True if some reading of the two texts means one time: `2024` and `2024-03-12` may, `2023` and `2024` may not."""
    first, second = parse(a), parse(b)
    if first is None or second is None:
        return False
    first, second = _on_one_line(first, second)
    return first.low < second.high and second.low < first.high


def rank(text: object) -> tuple[int, int]:
    """A total order for display alone (newest of a list): the beginning of the span, then its end; unknown is
    lowest."""
    span = parse(text)
    return (-(10**30), 0) if span is None else (span.low, span.high)


def _on_one_line(first: Span, second: Span) -> tuple[Span, Span]:
    if first.zoned == second.zoned:
        return first, second
    return _widened(first), _widened(second)


def _widened(span: Span) -> Span:
    return span if span.zoned else Span(span.low - _EAST, span.high + _WEST, True)


def _civil(y1: int, m1: int, d1: int, y2: int, m2: int, d2: int) -> Span:
    return Span(_days(y1, m1, d1) * _DAY, _days(y2, m2, d2) * _DAY, False)


def _days_in(year: int, month: int) -> int:
    return _days(year + month // 12, month % 12 + 1, 1) - _days(year, month, 1)


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of the proleptic Gregorian calendar (H. Hinnant, days_from_civil)."""
    y = year - (month <= 2)
    era = y // 400
    of_era = y - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
