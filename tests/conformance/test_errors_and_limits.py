"""errors.md and limits.md say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from sync.wire import limits
from sync.wire.errors import PROBLEMS, REFUSALS, VOID_REASONS

PROTOCOL = Path(__file__).parents[2] / "openapi" / "protocol"


def table(text: str, heading: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    part = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in part.splitlines() if line.startswith("| `")
    ]
    return [[cell.strip("` ") if i == 0 else cell.strip(" |") for i, cell in enumerate(row)] for row in rows]


def test_the_problems_are_those_of_the_table():
    """ERR-1."""
    rows = table((PROTOCOL / "errors.md").read_text("utf-8"), "Problems")
    said = {code: (int(status), title, after, later == "yes") for code, status, title, after, later in rows}
    assert said == {code: tuple(problem) for code, problem in PROBLEMS.items()}


def test_the_refusals_are_those_of_the_table():
    rows = table((PROTOCOL / "errors.md").read_text("utf-8"), "Refusals")
    assert dict(rows) == REFUSALS


def test_the_void_reasons_are_listed():
    part = (PROTOCOL / "errors.md").read_text("utf-8").split("## Void reasons")[1]
    assert tuple(re.findall(r"`(\w+)`", part)) == VOID_REASONS


def test_a_problem_is_no_refusal():
    """ERR-1: no word in two senses."""
    assert not PROBLEMS.keys() & REFUSALS.keys()


def test_every_limit_is_in_the_table_with_its_value():
    """LIM-4."""
    text = (PROTOCOL / "limits.md").read_text("utf-8")
    rows = table(text, "Computed alike by server and phones") + table(text, "Refused by the server")
    said = {row[0]: int(row[1]) for row in rows}
    numbers = {
        name: value
        for name, value in vars(limits).items()
        if name.isupper() and isinstance(value, int) and "VERSION" not in name
    }
    assert said == numbers
