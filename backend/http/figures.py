"""What /metrics shows: the figures of this process, or of all processes of one server that share its address.

A scrape reaches one process of several, whichever took the connection; it asks the others (siblings.py), so that every
scrape shows them all, told apart by the label `worker`. One that has just ended is missing from then on, as a counter
that begins anew would be. Not here: who may read it (health.py). Source: Prometheus exposition format 0.0.4, "a
family's lines stand together". Spec: openapi/protocol/limits.md, LIM-11.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from backend.http import machine
from backend.http.metrics import Metrics
from backend.http.siblings import Siblings
from backend.storage.engine import Engine


class Figures:
    """`freshen`: awaited before this process's own are read, sets those measured then. `folder`: the server's."""

    def __init__(self, metrics: Metrics, freshen: Callable[[], Awaitable[None]], engine: Engine, folder: Path) -> None:
        self._metrics, self._freshen, self._engine, self._folder = metrics, freshen, engine, folder
        self.siblings: Siblings | None = None

    async def own(self) -> str:
        """This process's, in the text format."""
        await self._freshen()
        return self._metrics.text(await machine.figures(self._engine, self._folder))

    async def all(self) -> str:
        """Those of every process of this server."""
        return await self.own() if self.siblings is None else merged(await self.siblings.figures())


def merged(texts: Iterable[str]) -> str:
    """Texts of several processes as one: each family once, with the samples of all."""
    families: dict[str, list[str]] = {}
    for text in texts:
        samples: list[str] = []
        for line in text.splitlines():
            if line.startswith("# HELP "):
                name = line.split(" ", 3)[2]
                samples = families.setdefault(name, [])
            if not line.startswith("#") or line not in samples:
                samples.append(line)
    return "".join(f"{line}\n" for name in sorted(families) for line in families[name])
