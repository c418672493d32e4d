"""The phone's ports in one place: its store, its way to a server, its clock and its source of randomness. No verbs.

Everything that a command does is a function of its own module that takes a Phone; a simulator hands in its own ports.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sync.device.store.store import Store
from sync.device.transport import Transport


class Phone(NamedTuple):
    """`connect(origin)` opens a transport; `now_ms()` is wall-clock milliseconds since 1970; `draw(n)` n random
    bytes."""

    store: Store
    connect: Callable[[str], Transport]
    now_ms: Callable[[], int]
    draw: Callable[[int], bytes]
