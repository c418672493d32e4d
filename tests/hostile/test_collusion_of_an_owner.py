"""co-owner-as-mum, garbage-epoch, unknown-version: a co-owner's entries before shipped phones, on a server in league
with him. The judge by itself is in the tests of these names; here mum's phones hold without the server's.

The tests of `family` are one story: each leaves things as it found them, but for the last, which ends it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from sync.log.reading import ReadItem
from sync.log.state import LogState, Ruling
from sync.vault.entries import CardKeys
from sync.wire.codec import encode
from sync.wire.ids import EpochId, PersonId
from sync.wire.item import ENTRY, ENTRY_LABEL, OWNER, Drop, Entry, Epoch, Item, SetVersion
from sync.wire.limits import EPOCH_STEP_MAX, INTEGER_MAX
from tests.cli.kit import DONE, vault_of
from tests.hostile.colluders import MUM, Collusion, hand_in, noise_for, signed, state_of, voids, who_is_in
from tests.hostile.colluding_server import after
from tests.hostile.family_log import add, card


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collusion]:
    made = Collusion(tmp_path_factory.mktemp("owner"), "keeps", "owner")
    yield made
    made.server.kill()


def fresh(number: int, suite: int = 1) -> Epoch:
    """An epoch whose key nobody has."""
    return Epoch(number, suite, EpochId(os.urandom(32)))


def takes_her_place(family: Collusion) -> None:
    """Al hands in a card of his as mum's, then an entry that drops her phones and her recovery card."""
    log, keys = state_of(family.al)
    mum = log.table.subject
    assert mum is not None
    hers = [Drop(device) for device in log.table.cards_of(mum)]
    assert len(hers) == 3
    assert hand_in(family.al, [signed(log, keys, add(card(99), mum, OWNER))]) is None
    family.al.run("sync")
    log, _ = state_of(family.al)
    assert log.epoch is not None
    epoch = fresh(log.epoch.number + 1)
    assert hand_in(family.al, [signed(log, keys, *hers, epoch=epoch)], *noise_for(epoch, log)) is None


def test_a_co_owner_who_says_to_be_mum_lets_nobody_in_and_drops_nobody(family: Collusion) -> None:
    """co-owner-as-mum."""
    takes_her_place(family)
    family.stands("nobody has taken her place")
    assert voids(family.mum) == ["rights", "rights"]
    assert card(99).device not in state_of(family.mum)[0].table.cards


def test_an_epoch_whose_number_or_suite_would_end_all_others_is_none(family: Collusion) -> None:
    """garbage-epoch: mum's phones stay in their epoch, and her next one has the next number."""
    log, keys = state_of(family.al)
    assert log.epoch is not None
    number = log.epoch.number
    epochs = [fresh(INTEGER_MAX), fresh(number + EPOCH_STEP_MAX + 1), fresh(number), fresh(number + 1, suite=2)]
    for epoch in epochs:
        assert hand_in(family.al, [signed(log, keys, epoch=epoch)], *noise_for(epoch, log)) is None
    family.stands("under the epoch that she knows")
    assert voids(family.mum)[-4:] == ["epoch"] * 4
    assert state_of(family.mum)[0].epoch == log.epoch


def of_version(log: LogState, keys: CardKeys, version: int) -> Item:
    """An entry of a version that nobody has raised, with a layout that nobody knows."""
    said = encode([version, log.vault, log.entry_head, log.seq, log.log_hash, keys.device, "something new"])
    return Item(ENTRY, said, keys.signing.sign(ENTRY_LABEL, said))


def test_an_item_of_an_unknown_version_stops_no_phone(family: Collusion) -> None:
    """unknown-version."""
    log, keys = state_of(family.al)
    for version in (0, 2, 99):
        assert hand_in(family.al, [of_version(log, keys, version)]) is None
    family.stands("past what nobody can read")
    assert voids(family.mum)[-3:] == ["version"] * 3


def test_the_attack_is_seen_on_phones_that_trust_the_server(family: Collusion) -> None:
    log, keys = state_of(family.al)
    mum = PersonId(bytes(log.table.subject or b""))
    assert hand_in(family.al, [signed(log, keys, add(card(98), mum, OWNER))]) is None
    judge = LogState.judge

    def trusting(log: LogState, read: ReadItem) -> Ruling:
        ruling = judge(log, read)
        void = ruling.reason == "rights" and isinstance(read.body, Entry)
        return Ruling(None, after(log.table, read.body)) if void and isinstance(read.body, Entry) else ruling

    with patch.object(LogState, "judge", trusting):
        family.tablet("sync")
    assert who_is_in(family.tablet) != family.people


def test_an_owner_who_raises_the_version_stops_a_phone_which_says_so_and_keeps_everything(family: Collusion) -> None:
    """unknown-version: the one way to it is an owner's; the exit is a vault of her own."""
    family.al("sync")
    log, keys = state_of(family.al)
    assert hand_in(family.al, [signed(log, keys, SetVersion(2))]) is None
    family.mum("annotate", family.record, "written before the update")
    done = family.mum.run("sync")
    assert "This vault needs a newer carnet." in done.stdout + done.stderr
    assert family.mum("status")["halted"] != []
    assert vault_of(family.mum)["pending"] == 1
    assert family.mum.run("vaults", "new", "hers", "--from", log.vault.hex()[:12], "--subject", "self").code == DONE
    family.mum("sync", codes=(0, 1, 3))
    hers = next(vault for vault in family.mum("vaults") if vault["name"] == "hers")
    assert (hers["records"], hers["pending"]) == (1, 0)


def test_mum_whom_the_server_drops_keeps_all_and_is_told_that_the_server_says_so(tmp_path: Path) -> None:
    """co-owner-as-mum, on a server that acts on his entry: it hides the vault from her, and no more than that."""
    family = Collusion(tmp_path, "believes", "owner")
    try:
        takes_her_place(family)
        family.mum("annotate", family.record, "before she heard")
        for phone in (family.mum, family.tablet):
            [vault] = phone.run("sync").json["vaults"]
            assert vault["code"] == "removed"
            assert who_is_in(phone) == family.people, "her own log says so"
            [told] = phone("status")["shut_out"]
            assert told["words"].startswith("The server says that you are not in “records of a test” any more.")
            assert "`carnet vaults new NAME --from V`" in told["words"]
        assert vault_of(family.mum)["pending"] == 1
        assert family.mum.run("vaults", "new", "hers", "--from", vault_of(family.mum)["id"][:12]).code == DONE
        family.mum("sync", codes=(0, 1, 3))
        hers = next(vault for vault in family.mum("vaults") if vault["name"] == "hers")
        assert (hers["records"], hers["pending"], hers["role"]) == (1, 0, "owner")
        assert [person["name"] for person in family.mum("members", "--vault", "hers")] == [MUM]
    finally:
        family.server.kill()
