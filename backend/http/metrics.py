"""Figures for whoever runs the server, in Prometheus' text format: counters, gauges, a histogram, of one process.

A label holds only what the software itself knows a closed list of: route templates, methods, statuses, words of
errors.py, kinds. Never an id, an address, a path, or a size of one person's. Written here, because a family is a
dictionary and four lines of text; what several processes count is told apart by the label `worker`. Not here: who may
read it (health.py). Source: Prometheus exposition format 0.0.4. Spec: openapi/protocol/limits.md, LIM-11.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from backend.http.machine import Figure

TEXT = "text/plain; version=0.0.4"  # the charset is added
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # upper bounds of buckets

REQUESTS, PROBLEMS = "carnet_requests_total", "carnet_problems_total"
REFUSALS, NOTICES, ITEMS = "carnet_refusals_total", "carnet_notices_total", "carnet_items_total"
PUSHES, PUSH_GROUPS = "carnet_pushes_total", "carnet_push_groups_total"
HINTS, STREAM_ENDS, STREAMS = "carnet_event_hints_total", "carnet_event_ends_total", "carnet_event_streams"
PUSH_SENT, PUSH_COALESCED = "carnet_push_sent_total", "carnet_push_coalesced_total"
PUSH_FAILED, PUSH_OLDEST = "carnet_push_failed_total", "carnet_push_oldest_wish_seconds"
DURATION = "carnet_request_seconds"
_DURATION = "Seconds from request to the end of its answer, or to the beginning of a stream of events."


class _Family(NamedTuple):
    """What a counter counts, in a sentence, and the names of its labels."""

    words: str
    labels: tuple[str, ...] = ()


FAMILIES = {
    REQUESTS: _Family("Requests answered.", ("method", "route", "status")),
    PROBLEMS: _Family("Requests answered with a problem, by its word.", ("code",)),
    REFUSALS: _Family("Vaults answered with a word, by the word.", ("code",)),
    NOTICES: _Family("Notices in answers; one is in each answer until it is acknowledged.", ("kind",)),
    ITEMS: _Family("Items stored.", ("kind",)),
    PUSH_SENT: _Family("Pushes that a push service has taken, by class.", ("class",)),
    PUSH_COALESCED: _Family("Wishes that were served by the push for another one, by class.", ("class",)),
    PUSH_FAILED: _Family("Pushes that were not taken, each try, and wishes given up, by reason.", ("reason",)),
    PUSHES: _Family("What devices handed in for one vault, ruled on."),
    PUSH_GROUPS: _Family("Groups of pushes that were committed together."),
    HINTS: _Family("Hints sent to phones that listen.", ("kind",)),
    STREAM_ENDS: _Family("Streams of events that ended, by why.", ("reason",)),
}

GAUGES = {
    STREAMS: "Phones that listen now.",
    PUSH_OLDEST: "Seconds that the oldest wish waits that is due or has failed; 0 if there is none.",
}


class Metrics:
    """The figures of one process. `worker`: its name among several, or empty."""

    def __init__(self, worker: str = "") -> None:
        self._every = (("worker", worker),) if worker else ()
        self._counts: dict[str, dict[tuple[str, ...], int]] = {name: {} for name in FAMILIES}
        self._durations: dict[str, list[int]] = {}  # route -> requests within each bound, the last one past all
        self._sums: dict[str, float] = {}
        self._gauges: dict[str, float] = dict.fromkeys(GAUGES, 0.0)
        for name, family in FAMILIES.items():
            if not family.labels:
                self._counts[name][()] = 0

    def count(self, name: str, *labels: str, by: int = 1) -> None:
        """Adds to a counter; `labels` in the order of its family."""
        family = self._counts[name]
        family[labels] = family.get(labels, 0) + by

    def set(self, name: str, value: float) -> None:
        """What a gauge shows from now on."""
        self._gauges[name] = value

    def observe(self, method: str, route: str, status: int, code: str | None, seconds: float) -> None:
        """One request that was answered. `route`: its template, from a closed list."""
        self.count(REQUESTS, method, route, str(status))
        if code is not None:
            self.count(PROBLEMS, code)
        buckets = self._durations.get(route)
        if buckets is None:
            buckets = self._durations[route] = [0] * (len(SECONDS) + 1)
            self._sums[route] = 0.0
        buckets[bisect_left(SECONDS, seconds)] += 1
        self._sums[route] += seconds

    def text(self, more: Iterable[Figure] = ()) -> str:
        """All figures in the text format, families and samples sorted. `more`: read for this answer."""
        lines: list[str] = []
        for name, kind, words, value in more:
            lines += [f"# HELP {name} {words}", f"# TYPE {name} {kind}", f"{name}{self._labels(())} {value}"]
        for name, family in sorted(FAMILIES.items()):
            lines += [f"# HELP {name} {family.words}", f"# TYPE {name} counter"]
            for labels, value in sorted(self._counts[name].items()):
                lines.append(f"{name}{self._labels(zip(family.labels, labels, strict=True))} {value}")
        for name, level in sorted(self._gauges.items()):
            lines += [f"# HELP {name} {GAUGES[name]}", f"# TYPE {name} gauge", f"{name}{self._labels(())} {level!r}"]
        lines += [f"# HELP {DURATION} {_DURATION}", f"# TYPE {DURATION} histogram"]
        for route, buckets in sorted(self._durations.items()):
            within = 0
            for bound, number in zip((*map(repr, SECONDS), "+Inf"), buckets, strict=True):
                within += number
                lines.append(f"{DURATION}_bucket{self._labels((('route', route), ('le', bound)))} {within}")
            lines.append(f"{DURATION}_sum{self._labels((('route', route),))} {self._sums[route]!r}")
            lines.append(f"{DURATION}_count{self._labels((('route', route),))} {within}")
        return "\n".join(lines) + "\n"

    def _labels(self, pairs: Iterable[tuple[str, str]]) -> str:
        inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in (*self._every, *pairs))
        return f"{{{inside}}}" if inside else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
