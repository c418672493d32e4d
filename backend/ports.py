"""What a route may use of the world: settings, the database, a clock, randomness, and how often callers may come.

Handed to each room when the application is built; nothing is looked up from a global. Not here: any adapter's name
(main.py), any decision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backend.http.limits import Buckets
from backend.settings import Settings
from backend.storage.engine import Engine


@dataclass(frozen=True)
class Ports:
    """`origin`: what devices sign. `now_ms`: milliseconds since 1970 UTC. `entropy(n)`: n random bytes.

    `addresses`: by network, of requests without a token. `accounts`: by account, of requests with one.
    """

    settings: Settings
    origin: str
    engine: Engine
    now_ms: Callable[[], int]
    entropy: Callable[[int], bytes]
    addresses: Buckets
    accounts: Buckets
