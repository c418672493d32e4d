"""Every way to be wrong still fits the source, and a few of them, noticed. `make prove` puts all of them in."""

import random
from pathlib import Path

import pytest

from tests.mutations import run
from tests.mutations.checks import LOG_VECTORS, MERGE_VECTORS
from tests.mutations.mutation import ROOT, Mutation, Stale, mutated
from tests.mutations.run import ALL, TABLES
from tests.mutations.tree import Tree

QUICK = {LOG_VECTORS, MERGE_VECTORS, "tests/api/test_rulings.py", "tests/conformance/test_carried_law.py"}
SLICE = random.Random(1).sample([m for m in ALL if set(m.caught_by) <= QUICK], 2)
SECONDS = 120.0  # long: the machine may be busy
HARMLESS = Mutation(
    "another local name",
    "none",
    "sync/merge/life.py",
    "    deleted = False",
    "    deleted = 0 > 1",
    ("tests/conformance/test_carried_law.py",),
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree(Path(tmp_path_factory.mktemp("tree")))


@pytest.mark.parametrize("table", TABLES)
def test_each_text_stands_once_in_the_source_and_what_replaces_it_is_other_code(table: str) -> None:
    for mutation in TABLES[table]:
        source = (ROOT / mutation.path).read_text()
        assert mutated(mutation, source) != source


def test_the_checks_that_have_to_notice_exist() -> None:
    checks = [check for mutation in ALL for check in mutation.caught_by]
    files = {word for check in checks for word in check.split(" ") if word.startswith("tests/")}
    assert [word for word in files if not (ROOT / word.partition("::")[0]).is_file()] == []
    assert all(mutation.caught_by for mutation in ALL)


def test_no_two_have_one_name_and_every_table_has_some() -> None:
    assert len({mutation.name for mutation in ALL}) == len(ALL) >= 36
    assert all(TABLES.values())


@pytest.mark.parametrize("before", ["    nowhere", "return"])
def test_a_text_that_is_not_there_or_there_twice_is_stale(before: str) -> None:
    with pytest.raises(Stale):
        mutated(HARMLESS._replace(before=before), (ROOT / HARMLESS.path).read_text())


@pytest.mark.parametrize("after", ["    deleted =", "    deleted = False  # nothing else"])
def test_what_is_no_code_or_the_same_code_is_stale(after: str) -> None:
    with pytest.raises(Stale):
        mutated(HARMLESS._replace(after=after), (ROOT / HARMLESS.path).read_text())


@pytest.mark.parametrize("mutation", SLICE, ids=lambda mutation: mutation.name)
def test_a_few_are_noticed(tree: Tree, mutation: Mutation) -> None:
    found = tree.try_(mutation, SECONDS)
    assert [one.caught for one in found] == [True] * len(mutation.caught_by), found


def test_what_changes_nothing_is_not_taken_for_noticed(tree: Tree) -> None:
    [found] = tree.try_(HARMLESS, SECONDS)
    assert (found.caught, found.broken) == (False, None)
    assert found.examples > 1


def test_a_check_that_cannot_run_or_does_not_end_has_noticed_nothing(tree: Tree) -> None:
    for check, seconds in (("tests/no_such_file.py", SECONDS), (LOG_VECTORS, 0.01)):
        found = tree.check(check, seconds)
        assert (found.caught, bool(found.broken)) == (False, True)
    assert run.red_by_themselves([tree], [HARMLESS._replace(caught_by=("tests/no_such_file.py",))])
