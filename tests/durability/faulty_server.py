"""`carnet-server`, broken on purpose, so that the guards of durability are seen to go red. No setting can do this.

python -m tests.durability.faulty_server FAULT run …

- `unsynced`: SQLite with `synchronous=OFF`; commits are acknowledged and never synced
- `early`: a commit is acknowledged before it is done. PostgreSQL: `synchronous_commit=off`, its own word for that.
  SQLite: COMMIT runs a moment later, for posts of links only, because nothing is read again for their answer
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from backend.cli import main
from backend.linking import store as links
from backend.storage import postgres, sqlite

LATER_SECONDS = 0.1
_open = sqlite.open_sqlite
_tasks: list[Any] = []


async def _open_unsynced(path: Path, *, pages_max: int | None = None) -> sqlite.SqliteEngine:
    engine = await _open(path, pages_max=pages_max)
    await engine._writer.execute("PRAGMA synchronous=OFF")
    return engine


class _EarlyWriting(sqlite._Writing):
    _lays_a_post = False

    async def begin(self) -> None:
        while _tasks:  # what was acknowledged early is done before the next transaction
            await _tasks.pop(0)
        self._lays_a_post = False
        await super().begin()

    async def fetch(self, statement: str, *args: Any) -> Any:
        self._lays_a_post |= statement == links.POST_WRITE
        return await super().fetch(statement, *args)

    async def commit(self) -> None:
        if not self._lays_a_post:
            await super().commit()
            return
        # It waits in the connection's thread, and nobody waits for it.
        calls = (self.raw._execute(time.sleep, LATER_SECONDS), self.raw.execute_fetchall("COMMIT"))
        _tasks.extend(asyncio.ensure_future(call) for call in calls)
        await asyncio.sleep(0)


def break_server(fault: str) -> None:
    """Breaks the adapters of this process."""
    if fault == "unsynced":
        sqlite.open_sqlite = _open_unsynced
    elif fault == "early":
        sqlite._Writing = _EarlyWriting  # type: ignore[misc]
        postgres._SESSION["synchronous_commit"] = "off"
    else:
        raise SystemExit(f"no such fault: {fault}")


if __name__ == "__main__":
    break_server(sys.argv[1])
    sys.exit(main(sys.argv[2:]))
