"""A phone killed at every await: what is on its disk is the state before a step or after it, and sync makes it whole.

Every local step is one transaction (openapi/protocol/sync.md). The places are counted first, then each one is died at.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest

from sync.device.founding import found
from sync.device.linking import approve, show_code, wait_to_be_let_in
from sync.device.listing import show_record
from sync.device.overview import status
from sync.device.phone import Phone
from sync.device.records import create, write
from sync.device.refused import Refused
from sync.device.store.store import FILE_NAME
from sync.device.syncing import sync
from sync.fhir import editing
from tests.cli import bundles
from tests.cli.kit import cheap_lock
from tests.faults.linked_pair import Seen, both_synced, dose, import_a_newer_copy, linked_pair, root, seen, set_a_dose
from tests.faults.phone_killing import ORIGIN, KillHere, copied, count_steps, dies, phone_on, sample, server_on

PLACES_MAX = 22  # of one step's places to die at; all of them where there are fewer, and in `make prove`


async def wrote(a: Phone, b: Phone) -> None:
    for number in range(3):
        await write(b, "Ramipril", dose(f"by B, {number}"), None)
    await sync(b)
    await write(a, "Penicillin", lambda record, seed, newer: editing.annotate(record, "by A", seed), None)
    await write(a, "Hypertension", lambda record, seed, newer: editing.delete(record), None)
    await create(a, bundles.own_immunization(), None)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server's data and two linked phones; A has imported a summary, B has edited it, and A edited something else."""
    return linked_pair(tmp_path_factory.mktemp("kills"), wrote)


async def delete_an_allergy(phone: Phone) -> None:
    await write(phone, "Penicillin", lambda record, seed, newer: editing.delete(record), None)


@pytest.mark.parametrize("step", [set_a_dose, import_a_newer_copy, delete_an_allergy], ids=lambda step: step.__name__)
async def test_a_step_that_is_killed_anywhere_was_done_wholly_or_not_at_all(
    step, prepared: Path, tmp_path: Path
) -> None:
    """PHN-1."""
    before = await seen(prepared / "a")
    whole = copied(prepared / "a", tmp_path / "whole")
    steps = await count_steps(whole, None, step)
    assert steps >= 5
    after = await seen(whole)
    assert after != before
    found_before = found_after = 0
    for place in sample(steps, PLACES_MAX):
        folder = copied(prepared / "a", tmp_path / "a")
        assert await dies(folder, None, place, step)
        now = await seen(folder)
        found_before += now == before
        found_after += now == after
        assert now in (before, after), place
        async with phone_on(folder, None) as phone:
            await create(phone, bundles.own_allergy("low"), None)  # its number must not be taken already
        assert (await seen(folder)).waiting == now.waiting + 1
    assert found_before
    assert found_after


async def check_whole(a: Path, b: Path, wanted: Seen) -> None:
    """Both phones hold exactly what a phone that never died holds: nothing lost, nothing twice."""
    for folder in (a, b):
        assert await seen(folder) == wanted
        async with phone_on(folder, None) as phone:
            told = await status(phone)
            assert (told["pending"], told["quarantined"], told["findings"], told["halted"]) == (0, 0, 0, [])
            history = (await show_record(phone, "Penicillin", None, history=True))["history"]
            assert [step["value"]["text"] for step in history if step["element"].startswith("@note/")] == ["by A"]
            history = (await show_record(phone, "Ramipril", None, history=True))["history"]
            doses = [
                step["value"] for step in history if step["value"] and "by B" in json.dumps(step["value"], default=str)
            ]
            assert len(doses) == 3
    assert await root(a) == await root(b) is not None


async def test_a_sync_that_is_killed_anywhere_is_made_whole_by_the_next_one(prepared: Path, tmp_path: Path) -> None:
    """PHN-9."""
    server, a, b = (copied(prepared / name, tmp_path / f"whole-{name}") for name in ("server", "a", "b"))
    async with server_on(server) as app:
        steps = await count_steps(a, app, sync)
    await both_synced(server, a, b)
    wanted = await seen(a)
    await check_whole(a, b, wanted)
    assert len({record[:32] for record in wanted.records}) == len(wanted.records)
    assert steps >= 30
    for place in sample(steps, PLACES_MAX):
        server, a, b = (copied(prepared / name, tmp_path / name) for name in ("server", "a", "b"))
        async with server_on(server) as app:
            assert await dies(a, app, place, sync), place
        await both_synced(server, a, b)
        await check_whole(a, b, wanted)


async def test_a_sync_that_dies_again_and_again_gets_there_in_the_end(prepared: Path, tmp_path: Path) -> None:
    """Each run survives a little longer; whatever each has done counts."""
    server, a, b = (copied(prepared / name, tmp_path / f"whole-{name}") for name in ("server", "a", "b"))
    await both_synced(server, a, b)
    wanted = await seen(a)
    server, a, b = (copied(prepared / name, tmp_path / name) for name in ("server", "a", "b"))
    async with server_on(server) as app:
        for place in range(1, 400, 7):
            if not await dies(a, app, place, sync):
                break
        else:
            raise AssertionError("it never got to the end")
    await both_synced(server, a, b)
    await check_whole(a, b, wanted)


async def test_the_first_sync_of_a_new_phone_that_is_killed_anywhere_reads_the_same_vault(
    prepared: Path, tmp_path: Path
) -> None:
    """Linking dies at every place after the welcome was posted; `link` again, or `sync`, brings it to an end."""
    async with server_on(copied(prepared / "server", tmp_path / "server")) as app:
        a = copied(prepared / "a", tmp_path / "a")
        async with phone_on(a, app) as phone:
            await sync(phone)
            with cheap_lock():
                async with phone_on(tmp_path / "c", app, create=True) as new:
                    code = await show_code(new, ORIGIN, "phone C")
            await approve(phone, code)
    first = copied(tmp_path / "c", tmp_path / "c0")
    server = copied(tmp_path / "server", tmp_path / "server0")
    async with server_on(copied(server, tmp_path / "server")) as app:
        steps = await count_steps(tmp_path / "c", app, wait_to_be_let_in)
    wanted = await seen(tmp_path / "c")
    assert wanted.records
    for place in sample(steps, PLACES_MAX // 2):
        c = copied(first, tmp_path / "c")
        async with server_on(copied(server, tmp_path / "server")) as app:
            assert await dies(c, app, place, wait_to_be_let_in), place
            async with phone_on(c, app) as phone:
                with contextlib.suppress(Refused):  # "store_exists" once it has been let in: then sync goes on
                    await wait_to_be_let_in(phone)
                await sync(phone)
        assert await seen(c) == wanted, place


async def test_an_init_that_is_killed_before_its_account_is_kept_leaves_a_store_that_can_begin_again(
    tmp_path: Path,
) -> None:
    async def begin(phone: Phone) -> None:
        await found(phone, ORIGIN, "Testa Testperson", "phone A", "records of a test", subject=True)

    with cheap_lock():
        async with phone_on(tmp_path / "empty", None, create=True):
            pass
    async with server_on(tmp_path / "server") as app:
        steps = await count_steps(copied(tmp_path / "empty", tmp_path / "a"), app, begin)
        for place in sample(steps, PLACES_MAX // 2):
            a = copied(tmp_path / "empty", tmp_path / "a")
            assert await dies(a, app, place, begin), place
            async with phone_on(a, app) as phone:
                with contextlib.suppress(Refused):  # "store_exists" once the vault is stored: then sync goes on
                    await begin(phone)
                report = await sync(phone)
                assert [vault.code for vault in report.vaults] == [None], place
                assert report.waiting == 0


async def test_a_fuse_that_burns_inside_a_transaction_really_leaves_nothing(prepared: Path, tmp_path: Path) -> None:
    """The guard itself: a step cut into two transactions is caught by these tests, because something between is
    seen."""

    async def in_two_parts(phone: Phone) -> None:
        await set_a_dose(phone)
        await delete_an_allergy(phone)

    before = await seen(prepared / "a")
    whole = copied(prepared / "a", tmp_path / "whole")
    steps = await count_steps(whole, None, in_two_parts)
    after = await seen(whole)
    between = []
    for place in range(1, steps + 1):
        folder = copied(prepared / "a", tmp_path / "a")
        assert await dies(folder, None, place, in_two_parts)
        between.append((await seen(folder)).waiting not in (before.waiting, after.waiting))
    assert any(between)


async def test_a_kill_is_not_an_error_that_somebody_might_catch(prepared: Path, tmp_path: Path) -> None:
    folder = copied(prepared / "a", tmp_path / "a")
    with pytest.raises(KillHere):
        async with phone_on(folder, None, None) as phone, phone.store.transaction():
            raise KillHere
    assert (folder / FILE_NAME).exists()
