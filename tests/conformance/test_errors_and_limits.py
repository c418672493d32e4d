"""errors.md and limits.md say what the code says, and every MUST of the server's chapters is cited by a test."""

from __future__ import annotations

import re
from pathlib import Path

from sync.wire import limits
from sync.wire.errors import PROBLEMS, REFUSALS, VOID_REASONS

PROTOCOL = Path(__file__).parents[2] / "openapi" / "protocol"
TESTS = Path(__file__).parents[1]
# What a test of another kind holds: a phone's duty, a route's shape, the same sentence under another number.
HELD_ELSEWHERE = {"ERR-7", "SYN-1", "LIM-2", "LIM-3", "LIM-4", "LIM-5", "LIM-6", "LIM-7", "ACC-6"}


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


def test_every_must_of_the_server_is_cited_by_a_test():
    musts: set[str] = set()
    for chapter in ("sync", "accounts", "linking", "errors", "limits"):
        text = (PROTOCOL / f"{chapter}.md").read_text("utf-8")
        found = re.findall(r"^- MUST ([A-Z]{3}-\d+)", text, re.MULTILINE)
        assert len(found) == len(set(found))
        musts |= set(found)
    cited: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        cited |= set(re.findall(r"\b(?:SYN|ACC|LNK|ERR|LIM)-\d+", path.read_text("utf-8")))
    assert musts - cited - HELD_ELSEWHERE == set()
    assert len(musts) > 50
