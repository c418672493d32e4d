"""Every MUST of openapi/protocol/phone.md is held by a test that exists; which one is said here."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HELD_BY = {
    "PHN-1": ("tests/faults/test_phone_kills.py", "test_a_step_that_is_killed"),
    "PHN-2": ("tests/cli/test_readme.py", "test_each_command_of_the_readme"),
    "PHN-3": ("tests/simulation/test_shipped_family.py", "test_worlds_notice_a_phone_that_forgets"),
    "PHN-4": ("tests/simulation/test_worlds.py", "test_"),
    "PHN-5": ("tests/simulation/test_shipped_family.py", "test_shipped_code_passes"),
    "PHN-6": ("tests/simulation/test_shipped_family.py", "test_shipped_code_passes"),
    "PHN-7": ("tests/simulation/test_shipped_family.py", "test_shipped_code_passes"),
    "PHN-8": ("tests/simulation/test_shipped_worlds.py", "test_no_edit_is_lost"),
    "PHN-9": ("tests/faults/test_phone_kills.py", "test_a_sync_that_is_killed"),
    "PHN-10": ("tests/simulation/test_shipped_family.py", "test_shipped_code_passes"),
    "PHN-11": ("tests/simulation/test_shipped_family.py", "test_shipped_code_passes"),
    "PHN-12": ("tests/cli/test_review_phone.py", "test_"),
    "PHN-13": ("tests/faults/test_phone_and_bad_servers.py", "test_"),
    "PHN-14": ("tests/simulation/test_shipped_family.py", "test_shipped_code_passes"),
    "PHN-15": ("tests/vectors/test_crypto_vectors.py", "test_"),
    "PHN-16": ("tests/conformance/test_link_posts.py", "test_"),
    "PHN-17": ("tests/conformance/test_link_posts.py", "test_a_card_that_the_code_does_not_name"),
    "PHN-18": ("tests/conformance/test_link_posts.py", "test_a_new_phone_says_its_own_name"),
}


def musts():
    return re.findall(r"\*\*MUST (PHN-\d+)\*\*", (ROOT / "openapi/protocol/phone.md").read_text())


def test_every_must_says_which_test_holds_it():
    assert set(musts()) == set(HELD_BY)
    assert len(musts()) == len(set(musts()))


@pytest.mark.parametrize("must", HELD_BY)
def test_the_test_that_is_named_exists(must):
    file, name = HELD_BY[must]
    tree = ast.parse((ROOT / file).read_text())
    functions = [n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert any(function.startswith(name) for function in functions), f"{must}: {file} has no {name}…"
