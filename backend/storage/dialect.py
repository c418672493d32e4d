"""PostgreSQL's dialect, and where SQLite spells it otherwise: all differences between the two engines, as text.

Statements are written for PostgreSQL. Pure text, no driver, so that every SQLite adapter (the server's, the
simulator's) runs the same statements. What SQLite has no need of, because its one writer is alone, becomes nothing:
row locks, names held off, time limits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

HOLD_NAME = "SELECT pg_advisory_xact_lock($1)"  # holds a name off, which may have no row to lock yet
DATABASE_BYTES = "SELECT pg_database_size(current_database())"

_PARAMETER = re.compile(r"\$(\d+)")
_IDENTITY = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
_LOCK = re.compile(r"\s+FOR UPDATE(?: OF \w+)?(?: SKIP LOCKED)?\b")  # SQLite has one writer: it is the lock
_ONE_ROW = re.compile(r"(INSERT INTO \w+ \([\w, ]+\)) VALUES \((\$\d+(?:, \$\d+)*)\)( ON CONFLICT .+ DO NOTHING)?")


@lru_cache(512)
def sqlite_text(statement: str) -> str:
    """A statement for SQLite: `$1` becomes `?1`, an integer key the row's own number, a lock nothing."""
    if statement == HOLD_NAME:
        return "SELECT ?1"
    if statement == DATABASE_BYTES:
        return "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    text = _PARAMETER.sub(r"?\1", statement)
    text = text.replace(_IDENTITY, "INTEGER PRIMARY KEY AUTOINCREMENT").replace(
        "BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY"
    )
    return _LOCK.sub("", text)


def unnest_text(statement: str, types: Sequence[str]) -> str | None:
    """An insert of one row as an insert of many: a column of values for each parameter. None: it must go row by row.

    `types`: PostgreSQL's names of the parameters' types. What updates on a conflict goes row by row, because one
    statement may not change a row twice; row by row the last one wins, as it does in SQLite.
    """
    one = _ONE_ROW.fullmatch(statement)
    if one is None or [int(number) for number in _PARAMETER.findall(one[2])] != list(range(1, len(types) + 1)):
        return None
    columns = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types, 1))
    return f"{one[1]} SELECT * FROM unnest({columns}){one[3] or ''}"  # noqa: S608  our own constant


def each_text(statement: str, types: Sequence[str]) -> str:
    """A question of one row of arguments as a question of many: a column of values for each parameter.

    Each row of the answer stands behind the place of its arguments, from 1 on; those of one place keep their order.
    """
    columns = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types, 1))
    names = ", ".join(f"a{number}" for number in range(1, len(types) + 1))
    asked = _PARAMETER.sub(r"k.a\1", statement)
    return f"SELECT k.place, q.* FROM unnest({columns}) WITH ORDINALITY k({names}, place), LATERAL ({asked}) q"  # noqa: S608
