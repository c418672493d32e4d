"""The shipped phones and servers in the model's worlds: a seeded slice, and that these worlds notice what is wrong."""

from unittest.mock import patch

import pytest

from sync.device import aftermath, intake, rebasing
from sync.vault.exit import carried_over
from sync.wire.item import item_hash
from tests.simulation.shipped_family import MIXES, run_world

WORLDS_TO_NOTICE_MAX = 40


@pytest.mark.parametrize("mix", MIXES)
def test_shipped_code_passes_the_worlds_of_the_model(mix):
    _, wrong = run_world(MIXES.index(mix) * 3 + 1, mix)
    assert wrong is None


def noticed(mix, first=0):
    return any(run_world(seed, mix)[1] for seed in range(first, first + WORLDS_TO_NOTICE_MAX))


def test_worlds_notice_a_phone_that_forgets_its_frames_when_they_are_acknowledged():
    hear = intake.hear

    async def forgetful(rows, identity, asked, answer):
        await hear(rows, identity, asked, answer)
        done = [f for f in await rows.get_flying(asked.number) if item_hash(f.item.signed) in answer.acks]
        await rows.drop_flying(asked.number, [f.fseq for f in done])
        await rows.drop_pending(asked.number, [n for f in done for n in f.numbers])

    with patch("sync.device.syncing.hear", forgetful):
        assert noticed("alone, restores", first=27)


def test_worlds_notice_a_phone_that_does_not_come_back_by_the_card_it_had_before():
    async def no(phone, report):
        return False

    with patch.object(aftermath, "_repeat", no):
        assert noticed("clones and races", first=53)


def test_worlds_notice_a_phone_that_leaves_its_own_words_behind_with_a_log():
    with patch.object(rebasing, "_allowed", lambda state, writer, own: ([], [])):
        assert noticed("alone, races", first=5)


def test_worlds_notice_an_exit_that_leaves_a_word_behind():
    with patch("sync.device.vaults.carried_over", lambda *told: carried_over(*told)[:-1]):
        assert "other values after the exit" in str(run_world(1, "alone")[1])


def test_worlds_notice_a_phone_that_does_not_look_into_the_vault_that_another_of_hers_has_made():
    async def no(*told):
        return []

    with patch("sync.device.syncing.look_at", no):
        assert "was not let into the vault" in str([run_world(seed, "alone")[1] for seed in range(3)])
