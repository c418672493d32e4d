"""Every row of the threat model's table names tests that exist, or is one of those whose subject is not built yet."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LATER = "later"  # the attacked thing is not built yet, and the row becomes a test with it
WITHOUT_TEST = {
    "false-checkpoint": LATER,
    "purged-returns": LATER,
    "edit-on-forged-state": LATER,
    "checkpoint-questions": LATER,
    "forged-emergency": LATER,
    "exhausted-emergency": LATER,
}
NAMED_RULE = re.compile(r'"([^"]+)"')


def rows():
    """Each attack's id, and what holds it."""
    text = (ROOT / "openapi/protocol/threat-model.md").read_text()
    table = text.split("## Attacks that were tried on the design", 1)[1]
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "id":
            for attack in cells[0].split(", "):
                yield attack, cells[-1]


def files(cell):
    """The files of tests and vectors that a cell names in full."""
    return re.findall(r"tests/[a-z_]+/[a-z_]+\.py", cell)


def own_test(attack):
    return f"tests/hostile/test_attack_{attack.replace('-', '_')}.py"


CITED = [(attack, file) for attack, cell in rows() for file in files(cell)]


def test_no_attack_is_told_twice():
    attacks = [attack for attack, _ in rows()]
    assert len(attacks) == len(set(attacks)) > len(WITHOUT_TEST)


@pytest.mark.parametrize(("attack", "file"), CITED)
def test_a_test_that_is_cited_exists(attack, file):
    assert (ROOT / file).is_file(), f"{attack} cites {file}"


def test_every_attack_has_a_test_of_its_name_or_is_one_that_comes_later():
    assert {attack for attack, cell in rows() if own_test(attack) not in files(cell)} == set(WITHOUT_TEST)
    assert all(f"issue {why}" in cell for attack, cell in rows() if (why := WITHOUT_TEST.get(attack)))


def test_every_test_of_an_attack_is_cited_by_its_row():
    there = {file.name for file in (ROOT / "tests/hostile").glob("test_attack_*.py")}
    assert there == {Path(own_test(attack)).name for attack, _ in rows() if attack not in WITHOUT_TEST}


def test_a_rule_that_is_quoted_can_be_taken_out_of_the_worlds():
    worlds = "".join((ROOT / "tests/simulation" / name).read_text() for name in ("worlds.py", "test_worlds.py"))
    quoted = {rule for _, cell in rows() if "test_worlds" in cell for rule in NAMED_RULE.findall(cell)}
    assert quoted
    assert all(f'"{rule}"' in worlds for rule in quoted)
