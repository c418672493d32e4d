"""MUSTs of phone.md, keys.md and frames.md, each on two shipped phones of one person and their server.

The server is the shipped one; where it has to be a bad one it says so. Random worlds of phones: tests/simulation.
"""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from sync.device import intake
from sync.device.identity import get_identity
from sync.device.outbox import prepare
from sync.device.reading import read_vault
from sync.merge.change import PERSON
from sync.vault import outgoing
from sync.vault.intents import DropCards
from sync.vault.keyring import Keyring
from sync.vault.outgoing import may_seal
from sync.vault.replay import Outcome
from sync.wire.codec import encode
from sync.wire.exchange import AnswerReader, VaultAsk, encode_message
from sync.wire.item import ENTRY, Frame, item_hash, read_frame
from tests.hostile.shipped_pair import LyingServer, Pair, X, run, saying
from tests.simulation.shipped import VAULT, ShippedPhone


async def asks(phone: ShippedPhone) -> VaultAsk:
    """What a phone hands in now; it is stored as if it had been sent."""
    async with phone.phone.store.transaction() as rows:
        identity = await get_identity(rows)
        assert identity is not None
        return (await prepare(phone.phone, rows, identity, VAULT))[0]


def frames(ask: VaultAsk) -> list[Frame]:
    return [read_frame(item.signed) for item in ask.items if item.kind != ENTRY]


async def shown(phone: ShippedPhone) -> tuple[set[bytes | None], set[bytes | None]]:
    """Values of record x: as they are shown, and as the log has settled them."""
    async with phone.phone.store.transaction() as rows:
        vault = await read_vault(rows, VAULT)
    return tuple(  # type: ignore[return-value]
        {s.value for s in records[X].siblings("a", PERSON)} if X in records else set()
        for records in (vault.shown, vault.settled)
    )


def refusing(code: str, server: LyingServer, times: int = 1_000) -> Any:
    """The server in a mood: so many times it stores nothing of what the victim hands in, and says this word."""
    truly, left = server.answer, iter(range(times))

    async def answer(device: bytes, body: bytes) -> bytes:
        asked, seen = msgspec.msgpack.decode(body)
        if device != server.victim or not any(ask[4] for ask in asked) or next(left, None) is None:
            return await truly(device, body)
        bare, lie = encode([[[*ask[:4], [], *ask[5:]] for ask in asked], seen]), saying(code=code)
        return b"".join(encode_message(lie(message)) for message in AnswerReader().feed(await truly(device, bare)))

    return patch.object(server, "answer", answer)


def test_phn_2_ones_own_change_is_shown_at_once_and_settled_when_the_log_brings_it_back() -> None:
    async def story(pair: Pair) -> None:
        word = await pair.writes(pair.a)
        assert await shown(pair.a) == ({word}, set())
        pair.a.fates = ["lost"]
        await pair.a.sync()
        assert await shown(pair.a) == ({word}, set()), "the server has it, the phone has not read it"
        await pair.a.sync()
        assert await shown(pair.a) == ({word}, {word})

    run(story)


def test_phn_4_nothing_is_sealed_while_an_older_frame_is_unread() -> None:
    async def story(pair: Pair) -> None:
        await pair.writes(pair.a)
        first = await asks(pair.a)
        await pair.writes(pair.a)
        assert (await asks(pair.a)).items == first.items, "and PHN-3: byte for byte"

    run(story)


def behind(state: Any) -> None:
    state.at_head = False


def without_key(state: Any) -> None:
    state.keyring = Keyring()


def halted(state: Any) -> None:
    state.halted = "diverged"


@pytest.mark.parametrize("make", [behind, without_key, halted])
def test_phn_4_nothing_is_sealed_off_the_head_without_its_key_or_while_halted(make: Any) -> None:
    async def story(pair: Pair) -> None:
        await pair.writes(pair.a)
        state, _ = await pair.state(pair.a)
        assert may_seal(state, pair.a.device)  # type: ignore[arg-type]
        make(state)
        assert not may_seal(state, pair.a.device)  # type: ignore[arg-type]
        async with pair.a.phone.store.transaction() as rows:
            await rows.put_vault(VAULT, state)
        assert (await asks(pair.a)).items == ()
        assert (await pair.state(pair.a))[1] == []

    run(story)


def a_key_missing(state: Any) -> None:
    state.log.epochs = {**state.log.epochs, b"e" * 32: (1, 1)}


def read_anew(state: Any) -> None:
    state.rebuilding = "diverged"


def a_card_back(state: Any) -> None:
    state.dropped_ever = {next(d for d, row in state.log.table.live().items() if row.ordinal)}


@pytest.mark.parametrize("make", [a_key_missing, read_anew, a_card_back])
def test_phn_4_nothing_is_sealed_without_every_key_in_a_log_read_anew_or_against_a_removal(make: Any) -> None:
    """BAD-23, BAD-50, BAD-51."""

    async def story(pair: Pair) -> None:
        await pair.writes(pair.a)
        state, _ = await pair.state(pair.a)
        assert may_seal(state, pair.a.device)  # type: ignore[arg-type]
        make(state)
        assert not may_seal(state, pair.a.device)  # type: ignore[arg-type]
        async with pair.a.phone.store.transaction() as rows:
            await rows.put_vault(VAULT, state)
        assert frames(await asks(pair.a)) == []

    run(story)


def test_phn_3_what_was_acknowledged_is_not_handed_in_again_before_the_head_was_read() -> None:
    async def story(pair: Pair) -> None:
        await pair.writes(pair.a)
        [item] = (await asks(pair.a)).items
        state, _ = await pair.state(pair.a)
        state.acked = {item_hash(item.signed)}
        async with pair.a.phone.store.transaction() as rows:
            await rows.put_vault(VAULT, state)
        assert (await asks(pair.a)).items == ()
        assert [frame.item for frame in (await pair.state(pair.a))[1]] == [item], "and it is kept"

    run(story)


def test_phn_5_after_a_refusal_the_changes_are_sealed_again_at_the_head() -> None:
    async def story(pair: Pair) -> None:
        word = await pair.writes(pair.a)
        [old] = (await asks(pair.a)).items
        await pair.b.rotate()
        await pair.b.sync()
        for _ in range(2):
            await pair.a.sync()
        assert await pair.values(pair.a) == [word]
        look = await pair.a.look()
        assert (look["flying"], look["pending"], look["quarantined"], look["findings"]) == (0, 0, [], [])
        async with pair.a.phone.store.transaction() as rows:
            assert old not in [item for _, item, _ in await rows.get_items(VAULT, 0)]

    run(story)


@pytest.mark.parametrize("code", ["until", "quota"])
def test_phn_5_after_until_and_quota_frames_stay_as_they_are(code: str) -> None:
    async def story(pair: Pair) -> None:
        await pair.writes(pair.a)
        before = (await asks(pair.a)).items
        pair.server.victim = pair.a.device
        with refusing(code, pair.server):
            for _ in range(3):
                await pair.a.sync()
        assert (await asks(pair.a)).items == before
        assert (await pair.a.look())["quarantined"] == []

    run(story)


def test_phn_6_a_frame_that_is_refused_twice_for_one_reason_is_set_aside_and_the_rest_goes_on() -> None:
    async def story(pair: Pair) -> None:
        await pair.writes(pair.a)
        rest = await pair.writes(pair.a)
        pair.server.victim = pair.a.device
        with patch.object(outgoing, "CHANGES_A_FRAME_MAX", 1):
            with refusing("limits", pair.server, times=2):
                for _ in range(4):
                    await pair.a.sync()
        assert (await pair.a.look())["quarantined"] == ["limits"]
        await pair.b.sync()
        assert await pair.values(pair.b) == await pair.values(pair.a) == [rest]

    run(story)


def test_phn_6_an_own_frame_that_the_log_holds_as_void_is_set_aside() -> None:
    async def story(pair: Pair) -> None:
        await pair.writes(pair.a)
        await asks(pair.a)
        async with pair.a.phone.store.transaction() as rows:
            state, [flying] = await rows.get_vault(VAULT), await rows.get_flying(VAULT)
            outcome, hash_ = Outcome(), item_hash(flying.item.signed)
            outcome.own_read = [(hash_, "rights")]
            await intake._settle_own(rows, VAULT, {hash_: flying}, outcome, state)
        look = await pair.a.look()
        assert (look["quarantined"], look["pending"], look["flying"]) == (["rights"], 0, 0)

    run(story)


def test_phn_8_an_entry_goes_alone_and_is_built_again_at_the_head_that_overtook_it() -> None:
    async def story(pair: Pair) -> None:
        third = await pair.a._world._phone()  # type: ignore[attr-defined]
        await pair.writes(pair.a)
        await pair.a.let_in(third)
        ask = await asks(pair.a)
        assert [item.kind for item in ask.items] == [ENTRY]
        await pair.b.rotate()
        await pair.b.sync()
        for _ in range(2):
            await pair.a.sync()
        look, (state, _) = await pair.a.look(), await pair.state(pair.a)
        assert third.device in state.log.table.live()
        assert not any(look["verdicts"]), "the one that was overtaken was never stored"
        assert (look["intents"], look["pending"]) == (0, 0)

    run(story)


def test_key_9_the_key_of_an_epoch_is_kept_before_its_entry_is_sent() -> None:
    """PHN-8."""

    async def story(pair: Pair) -> None:
        word = await pair.writes(pair.a)
        await pair.a.sync()
        await pair.a.rotate()
        pair.a.fates = ["lost"]
        await pair.a.sync()
        await pair.a.open()  # as if the process had ended
        pair.server.victim = pair.a.device
        pair.server.lie = saying(key=None)  # type: ignore[method-assign]
        await pair.a.sync()
        state, _ = await pair.state(pair.a)
        assert state.log.epoch is not None
        assert state.log.epoch.number == 2
        assert state.head_key is not None
        assert state.head_key.reveal() in state.keyring.raw()
        after = await pair.writes(pair.a)
        await pair.a.sync()
        assert await pair.values(pair.a) == [word, after], "no answer had to bring the key back"

    run(story)


def test_phn_11_a_frame_whose_key_is_not_held_stops_the_reading_and_is_read_when_the_key_has_come() -> None:
    async def story(pair: Pair) -> None:
        pair.server.victim = pair.b.device
        pair.server.lie = saying(key=None)  # type: ignore[method-assign]
        await pair.a.rotate()
        await pair.a.sync()
        word = await pair.writes(pair.a)
        await pair.a.sync()
        await pair.writes(pair.a)
        await pair.a.sync()
        for _ in range(2):
            await pair.b.sync()
        (state, _), (whole, _) = await pair.state(pair.b), await pair.state(pair.a)
        assert state.log.seq == whole.log.seq - 2, "two frames are unread"
        assert await pair.values(pair.b) == []
        assert (await asks(pair.b)).key_missing
        pair.server.victim = None
        for _ in range(2):
            await pair.b.sync()
        assert (await pair.values(pair.b))[0] == word
        assert (await pair.b.look())["root"] == (await pair.a.look())["root"]

    run(story)


def test_frm_2_every_frame_has_a_salt_of_its_own_also_on_a_phone_that_was_put_back() -> None:
    async def story(pair: Pair) -> None:
        for _ in range(3):
            await pair.writes(pair.a)
        backup = pair.a.engine.backup()
        with patch.object(outgoing, "CHANGES_A_FRAME_MAX", 1):
            first = frames(await asks(pair.a))
            pair.a.engine.restore(backup)
            await pair.a.open()
            second = frames(await asks(pair.a))
        assert first[0].header == second[0].header
        salts = {bytes(frame.salt) for frame in [*first, *second]}
        assert {len(salt) for salt in salts} == {32}
        assert len(salts) == 6

    run(story)


def test_frm_10_a_void_frame_changes_nothing_but_its_devices_chain_and_is_kept_and_shown() -> None:
    async def story(pair: Pair) -> None:
        word = await pair.writes(pair.b)
        for phone in (pair.b, pair.a):
            await phone.sync()
        before, (was, _) = await pair.a.look(), await pair.state(pair.a)
        lost = await pair.writes(pair.b)
        with patch.object(outgoing, "encode_inside", lambda *_: b"\xc1"):
            await pair.b.sync()
        await pair.a.sync()
        after, (state, _) = await pair.a.look(), await pair.state(pair.a)
        device = pair.b.device
        assert after["verdicts"][-1] == "decode"
        assert (after["root"], state.vector) == (before["root"], was.vector)
        assert state.log.chain[device].fseq == was.log.chain[device].fseq + 1  # type: ignore[index]
        assert after["quarantined"] == ["decode"]
        assert await shown(pair.a) == ({word}, {word})
        good = await pair.writes(pair.b)
        for phone in (pair.b, pair.a):
            await phone.sync()
        assert not (await pair.a.look())["verdicts"][-1], "the chain goes on from it"
        assert lost not in await pair.values(pair.a)
        assert good in await pair.values(pair.a)

    run(story)


def test_frm_10_what_a_removed_phone_wrote_late_is_in_the_log_and_in_no_record() -> None:
    """LOG-22, BAD-10."""

    async def story(pair: Pair) -> None:
        late = await pair.writes(pair.b)
        await asks(pair.b)  # sealed before it hears of the removal
        async with pair.a.phone.store.transaction() as rows:
            state = await rows.get_vault(VAULT)
            state.intents = [DropCards((pair.b.device,))]  # type: ignore[arg-type]
            await rows.put_vault(VAULT, state)
        for phone in (pair.a, pair.b, pair.a):
            await phone.sync()
        look = await pair.a.look()
        assert (look["verdicts"][-1], look["quarantined"]) == ("rights", ["rights"])
        assert late not in (await shown(pair.a))[0]

    run(story)


def test_bad_23_what_was_sealed_for_the_old_log_never_goes_to_the_new_one() -> None:
    async def story(pair: Pair) -> None:
        old = pair.server.engine.backup()
        first = await pair.writes(pair.a)
        await pair.a.sync()
        pair.server.engine.restore(old)
        await pair.writes(pair.b)
        await pair.b.sync()
        second = await pair.writes(pair.a)
        sealed = (await asks(pair.a)).items
        assert sealed
        for _ in range(6):
            await pair.a.sync()
        look = await pair.a.look()
        assert "diverged" in look["findings"]
        assert "cloned" not in look["findings"], "own frames in the log that is read anew are no clone's"
        assert {first, second} <= set(await pair.values(pair.a))
        async with pair.a.phone.store.transaction() as rows:
            held = [item for _, item, _ in await rows.get_items(VAULT, 0)]
        assert not set(held) & set(sealed)
        assert not any(look["verdicts"])

    run(story)


def test_a_refusing_server_stores_nothing_and_a_request_without_items_is_not_refused() -> None:
    """The guard itself: else the tests above would be about nothing."""

    async def story(pair: Pair) -> None:
        await pair.writes(pair.a)
        pair.server.victim = pair.a.device
        with refusing("limits", pair.server):
            await pair.a.sync()
        await pair.b.sync()
        assert await pair.values(pair.b) == []

    run(story)
