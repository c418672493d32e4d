"""garbage-epoch, proxy-second-card, member-flood: an editor's entries before shipped phones, on a server in league with
her that believes every one. The rules by themselves are in the tests of these names; here mum's phones hold alone.

The tests are one story, in their order: mum writes, rotates and removes through it all; the last ends it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

from crypto.secret.secret import Secret
from sync.device.reading import identity_of, read_record
from sync.device.staging import stage
from sync.log.reading import read_item
from sync.log.state import NO_CHAIN
from sync.merge.change import PERSON, Edit, RecordId, Via
from sync.vault.frames import seal_frame
from sync.wire.ids import EpochId
from sync.wire.item import EDITOR, OWNER, Epoch, FrameHeader
from sync.wire.limits import CARDS_A_PERSON_MAX, ENTRIES_A_DAY_MAX, SIBLINGS_A_DEVICE_MAX
from tests.cli.kit import REFUSED, settle, vault_of
from tests.hostile.colluders import AL, MUM, Collusion, hand_in, noise_for, signed, state_of, voids, who_is_in
from tests.hostile.family_log import add, card, drop

SECOND, THIRD = card(11), card(12)
ADDED = 20  # values that the editor's phone leaves beside one another, more than a phone shows


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collusion]:
    made = Collusion(tmp_path_factory.mktemp("editor"), "believes", "editor", "--until", "2126-12-31")
    yield made
    made.server.kill()


def test_a_second_card_with_more_rights_than_the_first_is_nobodys(family: Collusion) -> None:
    """proxy-second-card."""
    log, keys = state_of(family.al)
    al = log.table.cards[keys.device].person
    until = log.table.people[al].until
    assert until is not None
    for role, end in ((EDITOR, None), (EDITOR, until + 1), (OWNER, until), (OWNER, None)):
        assert hand_in(family.al, [signed(log, keys, add(THIRD, al, role, end))]) is None
    family.stands("past the second card")
    assert voids(family.mum) == ["rights"] * 4


def test_more_cards_than_one_person_may_have_are_none(family: Collusion) -> None:
    """member-flood."""
    log, keys = state_of(family.al)
    al = log.table.cards[keys.device].person
    many = [add(card(30 + n), al, EDITOR, log.table.people[al].until) for n in range(CARDS_A_PERSON_MAX)]
    assert hand_in(family.al, [signed(log, keys, *many)]) is None
    family.stands("past the crowd")
    assert voids(family.mum)[-1] == "limits"


def test_values_without_end_on_one_register_are_sixteen_beside_hers(family: Collusion) -> None:
    """member-flood: what mum wrote is first, and it is one question, which she settles with one word."""
    record = RecordId(bytes.fromhex(family.record))

    async def flood() -> None:
        async with family.al.phone() as phone, phone.store.transaction() as rows:
            held = await read_record(rows, 1, record)
            [(key, hers)] = [
                (key, sibling.value)
                for key in held.keys()
                for sibling in held.siblings(key, PERSON)
                if sibling.value and b"Asthma" in sibling.value
            ]
            edits = [
                Edit(
                    record,
                    False,
                    PERSON,
                    Via("frame", os.urandom(32)),
                    (),
                    ((key, hers.replace(b"Asthma", b"%d" % n)),),
                )
                for n in range(ADDED)
            ]
            await stage(phone, rows, await identity_of(rows), 1, edits)

    asyncio.run(flood())
    settle(family.al, family.mum, family.tablet)
    [asked] = family.mum("conflicts")
    texts = [value["words"] for value in asked["values"]]
    assert texts == ["Asthma", *(str(n) for n in range(ADDED - SIBLINGS_A_DEVICE_MAX, ADDED))]
    family.mum("resolve", asked["id"], "--take", "1")
    family.stands("past the flood")
    assert family.tablet("conflicts") == []


def test_an_epoch_of_hers_is_none_and_mums_next_one_is_for_mums_log_alone(family: Collusion) -> None:
    """garbage-epoch: she drops a second card of hers, first with an epoch that nobody has a key of, then without."""
    log, keys = state_of(family.al)
    al = log.table.cards[keys.device].person
    assert hand_in(family.al, [signed(log, keys, add(SECOND, al, EDITOR, log.table.people[al].until))]) is None
    settle(family.mum, family.tablet)
    with_second = who_is_in(family.mum)
    log, _ = state_of(family.mum)
    assert SECOND.device in log.table.live()
    assert log.epoch is not None
    family.al.run("sync")
    theirs, _ = state_of(family.al)
    garbage = Epoch(log.epoch.number + 1, 1, EpochId(os.urandom(32)))
    dropping = signed(theirs, keys, drop(SECOND), epoch=garbage)
    assert hand_in(family.al, [dropping], *noise_for(garbage, theirs)) is None
    before, family.people = family.people, with_second
    family.stands("past the garbage")
    family.people = before
    assert voids(family.mum)[-1] == "epoch"
    assert state_of(family.mum)[0].epoch == log.epoch
    family.al.run("sync")
    assert hand_in(family.al, [signed(state_of(family.al)[0], keys, drop(SECOND))]) is None
    family.stands("in an epoch of her own")
    now, _ = state_of(family.mum)
    assert now.epoch is not None
    assert (now.epoch.number, now.rotation_due) == (log.epoch.number + 1, False)
    assert family.server.wrapped_for(now.epoch.id) == set(now.table.live()), "and for no card that the server made up"


def test_entries_without_end_do_not_outlast_her_removal(family: Collusion) -> None:
    """member-flood: more of them than any day has room for, before and after mum removes her."""
    family.al.run("sync")
    log, keys = state_of(family.al)
    flood = []
    for _ in range(ENTRIES_A_DAY_MAX + 2):
        flood.append(signed(log, keys))
        log.append(read_item(flood[-1]), log.judge(read_item(flood[-1])))
    assert hand_in(family.al, flood) is None
    assert state_of(family.mum)[0].seq < log.seq
    family.mum("members", "remove", AL)
    family.people = [person for person in family.people if person[0] == MUM]
    family.stands("without her")
    before = len(voids(family.mum))
    log, _ = state_of(family.mum)
    assert hand_in(family.mum, [signed(log, keys)]) is None, "the server puts one in for her"
    family.stands("and past what she says then")
    assert voids(family.mum)[before:] == ["rights"]


def test_a_frame_of_the_second_card_is_a_finding_and_nothing_is_taken_from_there_on(family: Collusion) -> None:
    """proxy-second-card: for mum's phones it is a card that nobody let in, and the exit is a vault of her own."""
    log, _ = state_of(family.mum)
    assert log.epoch is not None
    header = FrameHeader(1, log.vault, THIRD.device, 1, NO_CHAIN.head, log.epoch.id, log.seq, log.log_hash)
    frame = seal_frame(header, b"", Secret(bytes(32)), bytes(32), THIRD.signing)
    assert hand_in(family.mum, [frame]) is None
    family.mum("annotate", family.record, "kept")
    done = family.mum.run("sync")
    assert done.code == REFUSED
    [vault] = done.json["vaults"]
    assert vault["next"] == "The server handed out something that nobody signed: `carnet findings`."
    [finding] = family.mum("findings")
    assert finding["kind"] == "signature"
    assert "This phone took nothing from there on." in finding["words"]
    assert vault_of(family.mum)["pending"] == 1
    family.mum("vaults", "new", "hers", "--from", log.vault.hex()[:12])
    family.mum("sync")
    hers = next(vault for vault in family.mum("vaults") if vault["name"] == "hers")
    assert (hers["records"], hers["pending"]) == (1, 0)
