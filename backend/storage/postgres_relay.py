"""Announcements between the processes on one PostgreSQL: LISTEN and NOTIFY, on one connection of each process.

What this process has committed is told to the others in one NOTIFY after another, each with all that has gathered while
the last one ran: no timer, and no more of them than there is time for. They are sent after the commit and not by it,
because a transaction that notifies holds one lock of the whole server's while it commits (async.c), which would put all
commits in one row. What is lost with the process is lost; the wish in the outbox is not (backend/push).

The connection is made anew whenever it breaks, for as long as it takes; then `missed` is called, for nobody knows what
was said meanwhile, and what has gathered is told. Not here: who is told (events/hub.py). Source: postgresql.org/docs,
"NOTIFY". See openapi/decisions/0150.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import msgspec
import structlog

from backend.storage.announcing import EVERYTHING, NOBODY, Announced, Listener, add
from backend.storage.postgres import CONNECT_SECONDS

CHANNEL = "carnet_announced"
NOTIFY_MANY = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) payload"
STILL_THERE = "SELECT 1"
PAYLOAD_TOPICS_MAX = 40  # topics of one payload, which has at most 8,000 bytes: one takes up to 150
GATHERED_MAX = 20_000  # topics kept while PostgreSQL is away; beyond, everybody is told to look
BEAT_SECONDS = 10  # of silence after which the connection is asked whether it stands
ANSWER_SECONDS = 5  # that it has to say so
WAIT_SECONDS, WAIT_SECONDS_MAX = 0.2, 10.0  # before it is made anew: at first, and at most
# The others wait for no disk: a NOTIFY that a power cut loses has nobody left to hear it.
_SESSION = {"application_name": "carnet announcements", "synchronous_commit": "off"}
_log = structlog.get_logger("carnet")


class _Payload(msgspec.Struct, array_like=True):
    """Who tells (a number drawn by each process), and what: topics, each with a device."""

    origin: str
    announced: dict[str, bytes]


_read = msgspec.json.Decoder(_Payload).decode


class PostgresRelay:
    """`heard`: told what other processes have announced; `missed`: that something may have been."""

    def __init__(self, url: str, heard: Listener, missed: Callable[[], None]) -> None:
        self._url, self._heard, self._missed = url, heard, missed
        self._origin = os.urandom(8).hex()
        self._gathered: Announced = {}
        self._something = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins, in the loop that runs."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def tell(self, announced: Announced) -> None:
        """Has other processes told, soon. Neither waits nor raises."""
        for topic, by in announced.items():
            add(self._gathered, topic, by)
        if len(self._gathered) > GATHERED_MAX:
            self._gathered = {EVERYTHING: NOBODY}
        self._something.set()

    async def close(self) -> None:
        """Ends, whatever has gathered."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        wait = WAIT_SECONDS
        while True:
            try:
                connection = await asyncpg.connect(
                    self._url, timeout=CONNECT_SECONDS, command_timeout=ANSWER_SECONDS, server_settings=_SESSION
                )
                try:
                    await connection.add_listener(CHANNEL, self._on_notify)
                    connection.add_termination_listener(lambda _: self._something.set())
                    wait = WAIT_SECONDS
                    self._missed()
                    await self._speak(connection)
                finally:
                    connection.terminate()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
                _log.warning("announcements interrupted", kind=type(error).__name__)
            await asyncio.sleep(wait * (0.5 + random.random()))  # noqa: S311  jitter
            wait = min(wait * 2, WAIT_SECONDS_MAX)

    async def _speak(self, connection: Any) -> None:
        """Tells what gathers until the connection breaks. Raises: what asyncpg raises then."""
        while not connection.is_closed():
            if not self._gathered:
                self._something.clear()
                try:
                    async with asyncio.timeout(BEAT_SECONDS):
                        await self._something.wait()
                except TimeoutError:
                    await connection.fetchval(STILL_THERE)
                continue
            telling, self._gathered = self._gathered, {}
            try:
                await connection.execute(NOTIFY_MANY, CHANNEL, list(self._payloads(telling)))
            except BaseException:
                self.tell(telling)
                raise

    def _payloads(self, announced: Announced) -> Iterator[str]:
        left = iter(announced.items())
        while part := dict(islice(left, PAYLOAD_TOPICS_MAX)):
            yield msgspec.json.encode(_Payload(self._origin, part)).decode()

    def _on_notify(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        try:
            told = _read(payload)
        except msgspec.MsgspecError:
            self._missed()  # of another version: something has happened, and nobody here knows what
            return
        if told.origin != self._origin:
            self._heard(told.announced)
