"""Every numbered MUST of openapi/protocol is cited by a vector or a test, and nothing cites a MUST that is not there.

A vector cites in the `must` (or `musts`) of a case, a test in its name (`test_log_7_…`) or its docstring (`LOG-7`). A
file's docstring or a comment cites nothing: it would go on citing when the test that it means is gone. There is no list
of exceptions.
"""

import ast
import json
import re
from collections import Counter
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROTOCOL = ROOT / "openapi" / "protocol"
DEMAND = re.compile(r"^- (?:\*\*)?MUST ([A-Z]{3}-\d+)\b", re.MULTILINE)


def demands() -> list[str]:
    """The id of each MUST, as often as a chapter makes it."""
    return [must for path in PROTOCOL.glob("*.md") for must in DEMAND.findall(path.read_text("utf-8"))]


MUSTS = demands()
CITATION = re.compile(rf"\b(?:{'|'.join(sorted({must[:3] for must in MUSTS}))})-\d+\b")


def of_tests(source: str) -> list[str]:
    """What the test functions of a file cite."""
    tests = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]
    named = [f"{m[1].upper()}-{m[2]}" for test in tests if (m := re.match(r"test_([a-z]{3})_(\d+)_", test.name))]
    return named + [must for test in tests for must in CITATION.findall(ast.get_docstring(test) or "")]


def cited() -> set[str]:
    """What some vector or some test cites."""
    tests = (of_tests(path.read_text("utf-8")) for path in (ROOT / "tests").rglob("test_*.py"))
    files = (ROOT / "openapi" / "vectors").rglob("*.json")
    cases = chain.from_iterable(json.loads(path.read_bytes())["cases"] for path in files)
    return {
        *chain.from_iterable(tests),
        *chain.from_iterable(case.get("must") or case.get("musts", ()) for case in cases),
    }


def test_no_id_is_given_to_two_demands():
    assert [must for must, times in Counter(MUSTS).items() if times > 1] == []


def test_every_demand_of_a_chapter_has_an_id():
    """A MUST that this file's pattern overlooks would be held by nobody unseen."""
    texts = [path.read_text("utf-8") for path in PROTOCOL.glob("*.md")]
    assert sum(len(re.findall(r"\bMUST [A-Z]{2,}", text)) for text in texts) == len(MUSTS)


def test_every_must_is_cited_by_a_vector_or_a_test():
    held_by_nobody = sorted(set(MUSTS) - cited())
    assert held_by_nobody == [], ", ".join(held_by_nobody)


def test_what_is_cited_anywhere_is_demanded_by_a_chapter():
    folders = ("openapi", "tests", "sync", "crypto", "backend")
    texts = [p for folder in folders for kind in ("md", "json", "py") for p in (ROOT / folder).rglob(f"*.{kind}")]
    unknown = {
        f"{path.relative_to(ROOT)}: {must}"
        for path in texts
        for must in CITATION.findall(path.read_text("utf-8"))
        if must not in MUSTS
    }
    assert sorted(unknown) == []


def test_a_test_cites_by_its_name_and_its_docstring_and_by_nothing_else():
    source = "\n".join(
        (
            "'FHI-1.'",
            "def test_log_7_x():",
            "    'MEM-2 and KEY-3.'",
            "    # FRM-4",
            "def kit():",
            "    'IMP-5.'",
        )
    )
    assert of_tests(source) == ["LOG-7", "MEM-2", "KEY-3"]
