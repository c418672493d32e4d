"""PostgreSQL's dialect as SQLite reads it: the few places where the two spell one thing differently.

Pure text, no driver, so that every SQLite adapter (the server's, the simulator's) runs the same statements.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PARAMETER = re.compile(r"\$(\d+)")
_IDENTITY = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
_LOCK = re.compile(r"\s+FOR UPDATE(?: OF \w+)?\b")  # SQLite has one writer: its transaction is the lock


@lru_cache(512)
def sqlite_text(statement: str) -> str:
    """A statement for SQLite: `$1` becomes `?1`, an integer key the row's own number, a row lock nothing."""
    text = _PARAMETER.sub(r"?\1", statement)
    text = text.replace(_IDENTITY, "INTEGER PRIMARY KEY AUTOINCREMENT").replace(
        "BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY"
    )
    return _LOCK.sub("", text)
