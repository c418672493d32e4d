"""Every MUST of openapi/protocol/bad-days.md is held by a test that exists; which one is said here."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAWS = "tests/property/test_rebase_laws.py"
DAYS = "tests/cli/test_bad_days.py"
BACK = "tests/cli/test_rolled_back.py"
WORLDS = "tests/simulation/test_shipped_bad_days.py"
ROLLED = "tests/hostile/test_attack_rolled_back_membership.py"
HELD_BY = {
    "BAD-1": (LAWS, "test_nothing_is_lost_or_doubled"),
    "BAD-2": (LAWS, "test_a_pred_names_what_its_author_had_seen"),
    "BAD-10": (BACK, "test_an_editor_cannot_adopt"),
    "BAD-11": (BACK, "test_what_an_owner_declines"),
    "BAD-12": (BACK, "test_what_one_owner_has_adopted"),
    "BAD-13": ("tests/hostile/test_attack_adopted_over_own.py", "test_what_the_carrier_wrote_meanwhile"),
    "BAD-20": (DAYS, "test_a_server_put_back_after_which_others_wrote"),
    "BAD-21": (WORLDS, "test_worlds_notice_a_rebase_that_looks_at_dots"),
    "BAD-22": (WORLDS, "test_no_edit_is_lost_or_doubled"),
    "BAD-23": (WORLDS, "test_no_edit_is_lost_or_doubled"),
    "BAD-24": (DAYS, "test_a_copied_store_is_found_out"),
    "BAD-30": ("tests/hostile/test_attack_groundless_code.py", "test_a_code_without_cause"),
    "BAD-31": (DAYS, "test_a_copied_store_is_found_out"),
    "BAD-32": (DAYS, "test_a_copied_store_is_found_out"),
    "BAD-33": (DAYS, "test_a_phone_with_a_new_card_comes_back"),
    "BAD-40": (DAYS, "test_a_server_put_back_before_others_wrote"),
    "BAD-41": ("tests/hostile/test_attack_acknowledged_then_restored.py", "test_the_frame_is_sent_again"),
    "BAD-50": (ROLLED, "test_a_lowered_role"),
    "BAD-51": (ROLLED, "test_a_removal_holds"),
    "BAD-52": ("tests/hostile/test_attack_signed_wish.py", "test_a_signed_wish"),
    "BAD-53": ("tests/hostile/test_attack_half_repeated.py", "test_a_rotation_by_an_owner_who_never_saw_it"),
    "BAD-54": (ROLLED, "test_a_card_of_ones_own"),
    "BAD-55": (ROLLED, "test_where_no_owner_of_both"),
}


def musts():
    return re.findall(r"\*\*MUST (BAD-\d+)\*\*", (ROOT / "openapi/protocol/bad-days.md").read_text())


def test_every_must_says_which_test_holds_it():
    assert set(musts()) == set(HELD_BY)
    assert len(musts()) == len(set(musts()))


@pytest.mark.parametrize("must", HELD_BY)
def test_the_test_that_is_named_exists(must):
    file, name = HELD_BY[must]
    tree = ast.parse((ROOT / file).read_text())
    functions = [n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert any(function.startswith(name) for function in functions), f"{must}: {file} has no {name}…"
