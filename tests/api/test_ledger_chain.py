"""The account's ledger on the server: LED-1 to LED-7 of openapi/protocol/ledger.md, on both databases."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from backend.ledger import store
from sync.vault.ledger import Kept, read_ledger
from sync.wire.account import TokenRequest
from sync.wire.card import RECOVERY
from sync.wire.item import SetRole
from sync.wire.ledger import LedgerEntry, LedgerPage, first_hash, opener_digest, read_entry
from sync.wire.limits import LEDGER_DAYS, LEDGER_PAGE_MAX, PASSCODE_TRIES
from sync.wire.share import OpeningRecord
from tests.api.family_kit import join
from tests.api.phone_kit import CardKeys, Phone, make_entry
from tests.api.server_kit import Served, code_of
from tests.api.share_kit import Share, passcode_hash


async def page(phone: Phone, after: int = 0) -> LedgerPage:
    answer = await phone.client.get(f"/v1/ledger?after={after}", headers=phone.headers)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=LedgerPage)


async def entries(server: Served, phone: Phone) -> list[LedgerEntry]:
    """Every entry, checked as a phone checks it."""
    got = await page(phone)
    read = read_ledger(phone.account, got.base, got.head, got.entries, None, server.clock())
    assert read.found is None
    return [entry for entry, _ in read.entries]


def kinds(found: list[LedgerEntry]) -> list[str]:
    return [entry.kind for entry in found]


async def test_what_is_done_with_a_share_stands_in_order(server: Served):
    """LED-1, LED-2, LED-6."""
    mum = await server.registered("mum")
    empty = await page(mum)
    assert (empty.base.number, empty.base.hash, empty.entries) == (0, first_hash(mum.account), [])
    share = await Share(mum).made()
    await share.make()
    await share.open()
    await share.change(paused=True)
    await share.change(paused=True)
    await share.change(paused=False, opens_max=9)
    await share.revoke()
    await share.revoke()
    found = await entries(server, mum)
    done = ["share_opened", "share_paused", "share_changed", "share_resumed", "share_revoked"]
    assert kinds(found) == ["share_made", *done]
    assert [entry.number for entry in found] == [1, 2, 3, 4, 5, 6]
    assert {entry.subject for entry in found} == {share.id}
    assert [entry.by for entry in found if entry.kind != "share_opened"] == [mum.card.id] * 5


async def test_an_opening_is_bound_to_its_sealed_opener_and_names_nobody(server: Served):
    """LED-4."""
    mum = await server.registered("mum")
    share = await Share(mum, passcode="4711").made()
    await share.open("0000", recipient="Dr. Nobody-Reads-This")
    await share.open("4711", recipient="Dr. Nobody-Reads-This")
    got = await page(mum)
    wrong, opened = (read_entry(row.entry) for row in got.entries[1:])
    assert [(wrong.kind, wrong.place, wrong.by), (opened.kind, opened.place, opened.by)] == [
        ("passcode_wrong", 1, b""),
        ("share_opened", 2, b""),
    ]
    answer = await mum.client.get(f"{share.path}/openings", headers=share.headers)
    records = msgspec.json.decode(answer.content, type=list[OpeningRecord])
    assert [row.opener for row in got.entries[1:]] == [record.opener for record in records]
    assert [wrong.digest, opened.digest] == [opener_digest(record.opener) for record in records]
    assert len({len(record.opener) for record in records}) == 1
    assert b"Nobody" not in b"".join(row.entry + (row.opener or b"") for row in got.entries)


async def test_phones_and_codes_that_come_and_go_are_entered(server: Served):
    """LED-1: devices."""
    mum = await server.registered("mum")
    tablet, sheet = CardKeys("tablet"), CardKeys("sheet", RECOVERY)
    for card in (tablet, sheet):
        await mum.post_json("/v1/devices", mum.card.enrolment(mum.account, card))
        await mum.post_json("/v1/devices", mum.card.enrolment(mum.account, card))
    await mum.client.delete(f"/v1/devices/{tablet.id.hex()}", headers=mum.headers)
    await mum.client.delete(f"/v1/devices/{tablet.id.hex()}", headers=mum.headers)
    await mum.post_json("/v1/token", TokenRequest(sheet.assertion(mum.origin, mum.now_s())))
    assert [(entry.kind, entry.subject, entry.by) for entry in await entries(server, mum)] == [
        ("device_added", tablet.id, mum.card.id),
        ("recovery_added", sheet.id, mum.card.id),
        ("device_revoked", tablet.id, mum.card.id),
        ("recovery_used", sheet.id, b""),
    ]


async def test_who_is_in_a_vault_is_entered_for_everybody_in_it(server: Served):
    """LED-1: membership; an entry of another vault is none of theirs."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "editor")
    await mum.push(theirs, make_entry(theirs, mum.card, (SetRole(dad.person, 0),)))
    for phone, seqs in ((mum, [1, 2, 3]), (dad, [2, 3])):
        found = [entry for entry in await entries(server, phone) if entry.kind == "membership"]
        assert {entry.subject for entry in found} == {book.state.vault}
        assert [entry.place for entry in found] == seqs
        assert all(entry.by == mum.card.id for entry in found)
    stranger = await server.registered("stranger")
    assert (await page(stranger)).entries == []


async def test_many_causes_at_once_make_one_chain_without_gaps(server: Served):
    """LED-3."""
    mum = await server.registered("mum")
    share = await Share(mum).made()
    opens = [share.open() for _ in range(12)]
    changes = [share.change(paused=False, opens_max=100 + n) for n in range(4)]
    cards = [mum.post_json("/v1/devices", mum.card.enrolment(mum.account, CardKeys(f"card {n}"))) for n in range(4)]
    await asyncio.gather(*opens, *changes, *cards)
    found = await entries(server, mum)
    counts = [kinds(found).count(kind) for kind in ("share_opened", "share_changed", "device_added")]
    assert counts == [12, 4, 4]


async def test_a_cause_that_is_refused_or_fails_is_not_entered(server: Served, monkeypatch: pytest.MonkeyPatch):
    """LED-3: neither is stored, or both."""
    mum = await server.registered("mum")
    share = await Share(mum).made()
    before = await page(mum)

    async def fails(*_: object) -> None:
        raise RuntimeError("as if the disk failed here")

    monkeypatch.setattr("backend.shares.public_routes.append", fails)
    monkeypatch.setattr("backend.shares.owner_routes.append", fails)
    assert (await share.open()).status_code == 500
    assert (await share.change(paused=True)).status_code == 500
    monkeypatch.undo()
    state = await share.state()
    assert (state.opens, state.paused) == (0, False)
    assert await share.openings() == []
    assert await page(mum) == before


async def test_wrong_passcodes_are_entered_only_while_there_are_tries(server: Served):
    """LED-7."""
    mum = await server.registered("mum")
    share = await Share(mum, passcode="4711").made()
    for number in range(3 * PASSCODE_TRIES):
        await share.open(str(number))
    assert kinds(await entries(server, mum)).count("passcode_wrong") == PASSCODE_TRIES
    await share.change(passcode=passcode_hash("4712"))
    for number in range(3 * PASSCODE_TRIES):
        await share.open(str(number))
    assert kinds(await entries(server, mum)).count("passcode_wrong") == 2 * PASSCODE_TRIES


async def test_after_three_years_entries_and_openers_go_and_the_chain_still_holds(server: Served):
    """LED-5."""
    mum = await server.registered("mum")
    share = await Share(mum).made()
    for _ in range(4):
        await share.open()
    old = await page(mum)
    server.clock.days(LEDGER_DAYS + 1)
    await mum.log_in()
    await share.open()
    got = await page(mum)
    assert got.base.number == 4
    assert [read_entry(row.entry).number for row in got.entries] == [5, 6]
    assert got.entries[0].opener is None
    assert len(await share.openings()) == 1
    kept = read_ledger(mum.account, old.base, old.head, old.entries, None, 0)
    last = kept.entries[-1][0]
    mine = Kept(old.head.number, old.head.hash, last.at_ms)
    assert read_ledger(mum.account, got.base, got.head, got.entries, mine, server.clock()).found is None


async def test_a_clock_set_back_does_not_turn_the_order(server: Served):
    """LED-1."""
    mum = await server.registered("mum")
    share = await Share(mum).made()
    server.clock.seconds(-60)
    await share.open()
    made, opened = await entries(server, mum)
    assert opened.at_ms == made.at_ms


async def test_it_comes_in_pages_and_to_its_own_account_alone(server: Served):
    """LED-6."""
    mum, dad = await server.registered("mum"), await server.registered("dad")
    async with server.engine.transaction() as tx:
        for number in range(LEDGER_PAGE_MAX + 3):
            happened = store.Happened("share_made", number.to_bytes(16, "big"))
            await store.append(tx, mum.account, happened, server.clock())
    first, second = await page(mum), await page(mum, LEDGER_PAGE_MAX)
    assert (len(first.entries), len(second.entries)) == (LEDGER_PAGE_MAX, 3)
    rows = [*first.entries, *second.entries]
    assert read_ledger(mum.account, first.base, second.head, rows, None, server.clock()).found is None
    assert (await page(mum, 10_000)).entries == []
    assert (await page(dad)).entries == []
    for after in ("-1", "x", "1" * 17, ""):
        assert code_of(await mum.client.get(f"/v1/ledger?after={after}", headers=mum.headers)) == "malformed"
    assert code_of(await mum.client.get("/v1/ledger")) == "token_invalid"
