"""What a careful reader of the phone would try: two commands at once, a vault that is halted, a server that is out of
room or lost much of the log, and work that is done twice.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from crypto.public.keys import ED25519
from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.device import intake, outbox, overview, questions
from sync.device.founding import Founded, found
from sync.device.reading import identity_of
from sync.device.refused import Refused
from sync.device.transport import HttpTransport
from sync.log.state import LogState
from sync.vault.content import encode_inside
from sync.vault.entries import found_vault, make_card
from sync.vault.frames import seal_frame
from sync.vault.keyring import Keyring
from sync.vault.replay import Finding, open_items, replay
from sync.vault.state import VaultState
from sync.wire.card import DEVICE
from sync.wire.exchange import VaultAnswer
from sync.wire.ids import LogHash, PersonId
from sync.wire.item import NO_FRAME, FrameHeader, item_hash
from tests.cli import bundles
from tests.cli.imported_phone import World, inside
from tests.cli.kit import DONE, Inside, Server, id_of, make_phone, vault_of

# Work that is done once.


def test_without_tls_no_certificates_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("certificates were read for a server without TLS")

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", refuse)
    HttpTransport("http://127.0.0.1:9")
    with pytest.raises(AssertionError, match="certificates"):
        HttpTransport("https://127.0.0.1:9")


@pytest.mark.parametrize("command", ["status", "conflicts", "quarantine", "sync"])
def test_a_command_looks_for_open_questions_once(command: str, own: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    look, see = questions.open_conflicts, overview.see

    def looked_at(vault: Any) -> Any:
        looked.append(vault.number)
        return look(vault)

    def seen(fetched: Any) -> Any:
        looked.append(fetched.vault.number)
        return see(fetched)

    monkeypatch.setattr(questions, "open_conflicts", looked_at)
    monkeypatch.setattr(overview, "see", seen)
    assert own.run(command).code == DONE
    assert looked == [1]


# Two commands at once, and what a server may say.


def test_of_two_beginnings_in_one_store_one_is_refused(world: World, tmp_path: Path) -> None:
    made = Inside(tmp_path / "twice")

    async def both() -> list[Any]:
        async with made.phone(create=True) as one, made.phone(create=True) as other:
            begun = [
                found(phone, world.server.url, "Testa Testperson", "phone", "a vault", subject=True)
                for phone in (one, other)
            ]
            return await asyncio.gather(*begun, return_exceptions=True)

    ends = asyncio.run(both())
    [refused] = [end for end in ends if isinstance(end, Refused)]
    [founded] = [end for end in ends if isinstance(end, Founded)]
    assert refused.code == "store_exists"
    assert vault_of(made)["id"] == founded.vault.hex()


def test_of_a_vault_that_is_halted_nothing_is_sent(own: Inside) -> None:
    own("annotate", id_of(own, "Condition"), "waits")

    async def asked_twice(phone: Any) -> tuple[int, int]:
        async with phone.store.transaction() as rows:
            identity = await identity_of(rows)
            before, _ = await outbox.prepare(
                phone, rows, identity, 1
            )  # frames are sealed, and their answer never comes
            state = await rows.get_vault(1)
            state.halted = "cloned"
            await rows.put_vault(1, state)
            after, _ = await outbox.prepare(phone, rows, identity, 1)
        return len(before.items), len(after.items)

    assert inside(own, asked_twice) == (1, 0)


def test_a_vault_that_needed_a_newer_app_goes_on_with_it(own: Inside) -> None:
    own("annotate", id_of(own, "Condition"), "waits")

    async def halt(phone: Any) -> None:
        async with phone.store.transaction() as rows:
            state = await rows.get_vault(1)
            state.halted = "newer_version"
            await rows.put_vault(1, state)

    inside(own, halt)
    assert own.run("sync").code == DONE
    assert (own("status")["halted"], vault_of(own)["pending"]) == ([], 0)


def test_a_quota_that_is_used_up_sets_nothing_aside(own: Inside) -> None:
    own("annotate", id_of(own, "Condition"), "waits for another day")

    async def refused(phone: Any) -> Any:
        for _ in range(3):
            async with phone.store.transaction() as rows:
                identity = await identity_of(rows)
                state = await rows.get_vault(1)
                state.at_head = True
                await rows.put_vault(1, state)
                _, asked = await outbox.prepare(phone, rows, identity, 1)
                assert asked.own
                answer = VaultAnswer(state.vault, "quota", (), state.log.seq, state.log.log_hash, False)
                await intake.hear(rows, identity, asked, answer)
                await intake.finish(rows, asked, answer)
        async with phone.store.transaction() as rows:
            return await rows.get_quarantined(1), await rows.count_pending(1)

    assert inside(own, refused) == ([], 1)


def test_a_finding_that_nobody_has_read_leaves_a_vault_unproved(own: Inside) -> None:
    async def found_something(phone: Any) -> None:
        async with phone.store.transaction() as rows:
            await rows.put_findings(1, [Finding("seen", 1, None)])

    inside(own, found_something)
    assert vault_of(own)["unproved"] is True
    own("findings", "read", own("findings")[0]["id"])
    assert vault_of(own)["unproved"] is False


def test_a_server_that_lost_much_is_handed_all_of_it_in_one_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(tmp_path / "server").start()
    phone = make_phone(tmp_path / "phone", server.url)
    server.stop()
    old = server.copied(tmp_path / "backup")
    server.start()
    record = phone("new", "Immunization", bundles.dumps(bundles.own_immunization()))["id"]
    for place in range(7):
        phone("annotate", record, f"note {place}")
        phone("sync")
    server.stop()
    old.start()
    try:
        monkeypatch.setattr(outbox, "SEND_ITEMS_MAX", 1)
        done = phone.run("sync")
        assert (done.code, done.json["vaults"][0]["code"]) == (DONE, None)
        assert phone("sync")["requests"] == 1  # nothing was left to hand back
    finally:
        old.kill()


def test_what_an_author_saw_is_compared_also_with_items_that_came_in_the_same_message() -> None:
    """PHN-12."""
    signing, kem = SigningKey.from_seed(ED25519, Secret(bytes([1]) * 32)), KemKey.from_seed(Secret(bytes([2]) * 32))
    card = make_card(DEVICE, signing, kem)
    key = Secret(bytes([3]) * 32)
    vault, built = found_vault(
        card, PersonId(bytes(16)), subject=True, recovery=None, nonce=bytes(16), key=key, salt=bytes(32)
    )
    keyring = Keyring()
    epoch = keyring.add(key)
    inside_ = encode_inside([], 0, [card.device], {})
    items, prev = [built.item], NO_FRAME
    for fseq, seen_seq in enumerate((0, 0, 1), 1):
        seen = LogState.empty(vault).log_hash if seen_seq == 0 else LogHash(bytes(32))  # what is said of seq 1 is false
        header = FrameHeader(1, vault, card.device, fseq, prev, epoch, seen_seq, seen)
        items.append(seal_frame(header, inside_, key, bytes([fseq]) * 32, signing))
        prev = item_hash(items[-1].signed)
    state = VaultState(LogState.empty(vault), PersonId(bytes(16)), keyring)
    own_hashes = {item_hash(item.signed) for item in items}
    first = {0: LogState.empty(vault).log_hash}
    outcome = replay(state, card.device, open_items(items, state), {}, {}, own_hashes, first.get)
    assert [(finding.kind, finding.seq) for finding in outcome.findings] == [("seen", 4)]
    assert [stored.verdict for stored in outcome.items] == [None] * 4
