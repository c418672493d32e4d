"""two-histories: two histories for two phones, an item withheld, a false `seen`."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from sync.device import intake
from sync.device.identity import get_identity
from sync.device.overview import findings, read_finding
from sync.merge.change import Change
from sync.vault.outgoing import seal_changes
from sync.wire.ids import LogHash
from sync.wire.item import item_hash
from tests.hostile.shipped_pair import Pair, X, run, saying
from tests.simulation.shipped import VAULT, value_of


async def a_false_seen(pair: Pair) -> None:
    """Phone b was shown another history: what it signs contradicts what a holds at that seq."""
    await pair.b.edit(X, "a", value_of(1))
    state, _ = await pair.state(pair.b)
    real = state.log.log_hash
    async with pair.b.phone.store.transaction() as rows:
        identity = await get_identity(rows)
        assert identity is not None
        state.log.log_hash = LogHash(b"another history".ljust(32, b"\0"))
        [flying] = seal_changes(
            state, identity.device, identity.keys.signing, await rows.get_pending(VAULT), {}, lambda: bytes(32)
        )
    state.log.log_hash = real
    opened = intake.open_items([flying.item], state)
    before = state.log.seq
    outcome = intake.replay(state, b"a" * 32, opened, {}, {}, set(), lambda seq: real if seq == before else None)  # type: ignore[arg-type]
    assert [(finding.kind, finding.proof) for finding in outcome.findings] == [("seen", flying.item)]
    assert [stored.verdict for stored in outcome.items] == [None], "a finding is no reason to void"


async def a_head_that_is_not_what_the_items_make(pair: Pair) -> None:
    """The server leads to another L than the items that it handed out: one was withheld or exchanged."""
    pair.server.victim, pair.server.lie = pair.b.device, saying(log_hash=LogHash(b"x" * 32))
    await pair.writes(pair.a)
    await pair.a.sync()
    await pair.b.sync()
    assert "two_histories" in (await pair.b.look())["findings"]


async def a_head_that_another_phone_vouched_for(pair: Pair) -> None:
    """A phone was welcomed with a head, and the log that it is served is another at that place."""
    word = await pair.writes(pair.a)
    state, _ = await pair.state(pair.b)
    state.expected = (state.log.seq + 1, LogHash(item_hash(word)))
    async with pair.b.phone.store.transaction() as rows:
        await rows.put_vault(VAULT, state)
    await pair.a.sync()
    await pair.b.sync()
    assert "two_histories" in (await pair.b.look())["findings"]


async def nothing_is_said_in_a_log_that_nobody_vouched_for(pair: Pair) -> None:
    """What a phone writes after that waits, until its person has read the finding."""
    await a_head_that_another_phone_vouched_for(pair)
    await pair.writes(pair.b)
    await pair.b.sync()
    state, _ = await pair.state(pair.b)
    assert state.halted == "two_histories"
    assert len(await _waiting(pair)) == 1
    [row] = [row for row in await findings(pair.b.phone) if row["kind"] == "two_histories"]
    await read_finding(pair.b.phone, row["id"])
    await pair.b.sync()
    assert await _waiting(pair) == []


async def _waiting(pair: Pair) -> list[Change]:
    async with pair.b.phone.store.transaction() as rows:
        return await rows.get_pending(VAULT)


def test_a_phone_that_was_let_into_another_log_says_nothing_there_unasked() -> None:
    """MUST PHN-18."""
    run(nothing_is_said_in_a_log_that_nobody_vouched_for)


@pytest.mark.parametrize(
    "story", [a_false_seen, a_head_that_is_not_what_the_items_make, a_head_that_another_phone_vouched_for]
)
def test_it_is_a_finding_with_proof_at_the_next_item(story) -> None:  # type: ignore[no-untyped-def]
    """PHN-12."""
    run(story)


def test_it_is_seen_without_the_rule() -> None:
    async def trusting(rows, number, findings):  # type: ignore[no-untyped-def]
        """Keeps nothing."""

    with pytest.raises(AssertionError), patch("sync.device.store.rows.Rows.put_findings", trusting):
        run(a_head_that_another_phone_vouched_for)
