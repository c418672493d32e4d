"""The threat model's table and the tests hold each other: a row has a test or says that it is a residual, and a test of
an attack has a row."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COLUMNS = ["id", "who tries", "who notices", "when", "what the person is told", "test"]
NAMED_RULE = re.compile(r'"([^"]+)"')
SAID = re.compile("“([^”]+)”")
RESIDUAL = re.compile(r"residual: .{20,}")


def table() -> list[list[str]]:
    """The rows of the one table of attacks, each as its cells."""
    text = (ROOT / "openapi/protocol/threat-model.md").read_text().split("\n## Attacks\n", 1)[1]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert head == COLUMNS
    return rows


ROWS = {row[0]: row for row in table()}


def files(cell: str) -> list[str]:
    """The files of tests that a cell names in full."""
    return re.findall(r"tests/[a-z_]+/[a-z_0-9]+\.py", cell)


def own_test(attack: str) -> str:
    return f"tests/hostile/test_attack_{attack.replace('-', '_')}.py"


def functions_of(source: str) -> list[str]:
    """The test functions of a file, as they stand in its code."""
    found = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [node.name for node in found if node.name.startswith("test_")]


CITED = [(attack, file) for attack, row in ROWS.items() for file in files(row[-1])]


def test_no_attack_is_told_twice_and_every_cell_says_something():
    rows = table()
    assert len(rows) == len(ROWS)
    assert all(len(row) == len(COLUMNS) and all(row) for row in rows)


@pytest.mark.parametrize(("attack", "file"), CITED)
def test_a_test_that_is_cited_exists_and_tests_something(attack, file):
    assert functions_of((ROOT / file).read_text()), f"{attack} cites {file}"


@pytest.mark.parametrize("attack", ROWS)
def test_a_row_names_a_test_or_says_that_it_is_a_residual(attack):
    cell = ROWS[attack][-1]
    assert files(cell) or RESIDUAL.fullmatch(cell)
    assert "It takes " in cell or files(cell), "a residual says what it would take"


def test_each_test_of_an_attack_has_the_row_of_its_name_and_says_the_id_first():
    for path in sorted((ROOT / "tests/hostile").glob("test_attack_*.py")):
        [attack] = [attack for attack in ROWS if own_test(attack) == f"tests/hostile/{path.name}"] or [None]
        assert attack is not None, f"{path.name} has no row"
        assert own_test(attack) in files(ROWS[attack][-1])
        said = ast.get_docstring(ast.parse(path.read_text())) or ""
        assert said.startswith(f"{attack}: "), f"{path.name} does not say which attack it is"


def words_of_the_phone() -> list[str]:
    """Every text in the phone's code."""
    trees = (ast.parse(path.read_text()) for path in (ROOT / "sync/device").rglob("*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree))
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_what_a_person_is_told_stands_in_the_phones_code():
    words = words_of_the_phone()
    quoted = [part.strip() for row in ROWS.values() for said in SAID.findall(row[4]) for part in said.split("…")]
    assert sum(map(bool, quoted)) > 10
    assert [part for part in quoted if not any(part in text for text in words)] == []


def test_a_file_without_a_test_function_is_noticed():
    assert functions_of("def story(): ...\n\nx = 'def test_nothing'") == []
    assert functions_of("async def test_something(): ...") == ["test_something"]


def test_a_rule_that_is_quoted_can_be_taken_out_of_the_worlds():
    worlds = "".join((ROOT / "tests/simulation" / name).read_text() for name in ("worlds.py", "test_worlds.py"))
    quoted = {rule for row in ROWS.values() if "test_worlds" in row[-1] for rule in NAMED_RULE.findall(row[-1])}
    assert quoted
    assert all(f'"{rule}"' in worlds for rule in quoted)
