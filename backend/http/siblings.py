"""What the processes of one server tell each other: figures when one is asked for them, and announcements on SQLite.

Each process of `--workers N` answers on a UNIX socket in a folder that only their user can enter; its name is the
process's number. One connection, one request line: `figures` is answered with the text of metrics.py, `announced`
followed by JSON with nothing. A socket that nobody answers belongs to a process that has ended, and is removed. Between
hosts nothing of this is needed: each is scraped by itself, and PostgreSQL relays announcements
(storage/postgres_relay.py).

Not here: what is counted, who is told. Spec: openapi/protocol/limits.md, LIM-11; events.md, EVT-9.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from backend.storage.announcing import Announced, Listener, add

FOLDER = "CARNET_SIBLINGS"  # the variable by which the parent names the folder
ANSWER_SECONDS = 2.0  # that a sibling has to answer; figures do not wait longer for one that hangs
FIGURES, ANNOUNCED = b"figures", b"announced"
LINE_BYTES_MAX = 1 << 20  # of a request: what one commit has announced
_read = msgspec.json.Decoder(dict[str, bytes]).decode


class Siblings:
    """One process among several. `figures`: its own; `heard`: told what others announce."""

    def __init__(self, folder: Path, figures: Callable[[], Awaitable[str]], heard: Listener) -> None:
        self._folder, self._figures, self._heard = folder, figures, heard
        self._own = folder / str(os.getpid())
        self._gathered: Announced = {}
        self._server: asyncio.Server | None = None
        self._telling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to answer. Raises: OSError."""
        self._server = await asyncio.start_unix_server(self._answer, self._own, limit=LINE_BYTES_MAX)

    async def close(self) -> None:
        """Tells what has gathered, and answers no more."""
        if self._telling is not None:
            await self._telling
        if self._server is not None:
            self._server.close()
            self._own.unlink(missing_ok=True)

    async def figures(self) -> list[str]:
        """The figures of every process that answers, one's own first."""
        others = await asyncio.gather(*(self._ask(path, FIGURES) for path in self._others()))
        return [await self._figures(), *(text.decode() for text in others if text)]

    def tell(self, announced: Announced) -> None:
        """Has the others told, soon: what gathers while they are being told is told next."""
        for topic, by in announced.items():
            add(self._gathered, topic, by)
        if self._telling is None:
            self._telling = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        try:
            while self._gathered:
                told, self._gathered = self._gathered, {}
                line = ANNOUNCED + b" " + msgspec.json.encode(told)
                await asyncio.gather(*(self._ask(path, line) for path in self._others()))
        finally:
            self._telling = None

    def _others(self) -> list[Path]:
        return sorted(path for path in self._folder.iterdir() if path != self._own)

    async def _ask(self, path: Path, line: bytes) -> bytes:
        """What one sibling answers; nothing if it does not."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_unix_connection(path)
                try:
                    writer.write(line + b"\n")
                    return await reader.read(-1)
                finally:
                    writer.close()
        except ConnectionRefusedError:
            _forget(path)
        except (OSError, TimeoutError):
            pass
        return b""

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError):  # a line that is too long, or no JSON, is a ValueError
            word, _, rest = (await reader.readline()).rstrip(b"\n").partition(b" ")
            if word == FIGURES:
                writer.write((await self._figures()).encode())
                await writer.drain()
            elif word == ANNOUNCED:
                self._heard(_read(rest))
        writer.close()


def _forget(path: Path) -> None:
    """The process that answered here has ended without a word."""
    path.unlink(missing_ok=True)
