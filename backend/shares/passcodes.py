"""Checks passcodes with Argon2id in a bounded number of threads, so that guessing stalls nobody.

A check takes some 20 ms and 19 MiB. Whoever finds no place is sent away at once: a queue would only hold more memory.
The passcodes of one share are checked one after another, so that any number of right ones at once needs one try.
Spec: openapi/protocol/shares.md, SHR-9 and SHR-16.
"""

from __future__ import annotations

import asyncio
import hmac
import unicodedata
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from crypto.public.errors import BadParameters
from crypto.public.passphrase import derive_key
from sync.wire.share import PASSCODE_HASH_BYTES, PASSCODE_ITERATIONS, PASSCODE_LANES, PASSCODE_MEMORY_KIB

THREADS = 2  # checks that run at a time
WAITING_MAX = 32  # checks that run or wait: at 20 ms each the last one waits a third of a second


class Busy(Exception):
    """As many checks as may be are running or waiting."""


class Passcodes:
    """The threads that check, and their places."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "passcode")
        self._taken = 0
        self._turns: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()  # kept by those who wait for them

    @asynccontextmanager
    async def turn(self, share: bytes) -> AsyncIterator[None]:
        """A place for one check, when those of this share that came before have theirs behind them. Raises: Busy."""
        if self._taken >= WAITING_MAX:
            raise Busy
        self._taken += 1
        turn = self._turns.setdefault(share, asyncio.Lock())
        try:
            async with turn:
                yield
        finally:
            self._taken -= 1

    async def is_right(self, passcode: str, salt: bytes, hash_: bytes) -> bool:
        """Whether a passcode has this hash; compared in constant time. Whoever asks has a place."""
        text = unicodedata.normalize("NFC", passcode).encode(errors="replace")
        return await asyncio.get_running_loop().run_in_executor(self._threads, _check, text, salt, hash_)

    def close(self) -> None:
        """Lets the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _check(text: bytes, salt: bytes, hash_: bytes) -> bool:
    cost = {"memory_kib": PASSCODE_MEMORY_KIB, "iterations": PASSCODE_ITERATIONS, "lanes": PASSCODE_LANES}
    try:
        return hmac.compare_digest(derive_key(text, salt, length=PASSCODE_HASH_BYTES, **cost), hash_)
    except BadParameters:
        return False  # longer than any passcode may be
