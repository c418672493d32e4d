"""Lines of a long list for a terminal: a name, what it is, and a remark, the latter two folded to the width there is.

What it is: the one table that may have ten thousand rows. What it is not: a general one; short tables are rich's, which
weighs every cell of all rows before the first is shown. Where output is no terminal nothing is folded, so that one line
is one record for whatever reads it.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_GAP = "  "
_LEAST = 16  # columns that a folded cell has at the least
_BOLD, _DIM, _RED, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[0m"


class Line(NamedTuple):
    """One row. `urgent`: the remark is shown so that it is seen. A heading has no name."""

    name: str
    what: str
    remark: str
    urgent: bool = False


def terminal_width() -> int | None:
    """Columns of the terminal on stdout; None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def styled() -> bool:
    """True if stdout is a terminal whose user has not asked for plain text (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def laid_out(lines: Iterable[Line], width: int | None, *, style: bool = False) -> Iterator[str]:
    """The rows as text, one or more lines each. `width`: columns that a line may have; None: any number."""
    rows = list(lines)
    names = max((cells(row.name) for row in rows), default=0)
    whats = max((cells(row.what) for row in rows), default=0)
    if width is not None:
        room = max(width - names - 2 * len(_GAP), 2 * _LEAST)
        remarks = max((cells(row.remark) for row in rows), default=0)
        if whats + remarks > room:
            whats = min(whats, max(room - remarks, room * 3 // 5))
        folded = room - whats
    for row in rows:
        if width is None:
            parts = [(row.what, row.remark)]
        else:
            said, behind = _folded(row.what, whats), _folded(row.remark, folded)
            deep = max(len(said), len(behind))
            said += [""] * (deep - len(said))
            behind += [""] * (deep - len(behind))
            parts = list(zip(said, behind, strict=True))
        name = row.name
        for what, remark in parts:
            yield _line(name, names, what, whats, remark, row, style=style)
            name = ""


def _line(name: str, names: int, what: str, whats: int, remark: str, row: Line, *, style: bool) -> str:
    first, second = _padded(name, names), _padded(what, whats) if remark else what
    if style:
        first = f"{_DIM}{first}{_PLAIN}" if name else first
        second = second if row.name else f"{_BOLD}{second}{_PLAIN}"
        remark = f"{_RED}{remark}{_PLAIN}" if row.urgent and remark else remark
    return f"{first}{_GAP}{second}{_GAP}{remark}".rstrip()


def _folded(text: str, width: int) -> list[str]:
    if cells(text) <= width:
        return [text]
    # A wide letter takes two columns, so that half as many fit where there are any.
    letters = width if text.isascii() else max(width * len(text) // cells(text), 1)
    return textwrap.wrap(text, letters, break_on_hyphens=False) or [""]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def cells(text: str) -> int:
    """How many columns of a terminal a text takes (Unicode Standard Annex 11; combining marks take none)."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
