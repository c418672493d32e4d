"""Notices: what a person's other phones are told, by sync, until they say that they have shown it. ACC-17 to ACC-21."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from backend.notices.store import NOTICES_A_KIND_MAX, Kind, lay_down, tell
from sync.wire.account import TokenRequest
from sync.wire.card import RECOVERY
from sync.wire.exchange import Notice
from sync.wire.item import EDITOR, OWNER, Drop
from tests.api.family_kit import add, enter, join, removed
from tests.api.phone_kit import CardKeys, Phone, epoch_of, make_entry, make_frame
from tests.api.server_kit import Served, code_of
from tests.storage.both_engines import columns_of

ACCOUNTS = Path(__file__).parents[2] / "openapi" / "protocol" / "accounts.md"


async def enrolled(server: Served, by: Phone, name: str) -> Phone:
    """A further phone of an account, with a token."""
    phone = server.phone(name)
    phone.account, phone.person = by.account, by.person
    answer = await phone.post_json("/v1/devices", by.card.enrolment(by.account, phone.card))
    assert answer.status_code == 201, answer.text
    return await phone.log_in()


async def enrol_sheet(by: Phone, name: str = "sheet") -> CardKeys:
    sheet = CardKeys(name, RECOVERY)
    assert (await by.post_json("/v1/devices", by.card.enrolment(by.account, sheet))).status_code == 201
    return sheet


async def use_sheet(phone: Phone, sheet: CardKeys) -> str:
    """A token for a recovery card."""
    answer = await phone.post_json("/v1/token", TokenRequest(sheet.assertion(phone.origin, phone.now_s())))
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


async def revoke(phone: Phone, device: bytes) -> None:
    answer = await phone.client.delete(f"/v1/devices/{device.hex()}", headers=phone.headers)
    assert answer.status_code == 204


async def kinds(phone: Phone) -> list[str]:
    return [notice.kind for notice in (await phone.sync()).head.notices]


async def seen(phone: Phone) -> None:
    """Acknowledges all that waits."""
    waiting = (await phone.sync()).head.notices
    if waiting:
        assert (await phone.sync(notices_seen=waiting[-1].number)).head.notices == ()


def test_the_kinds_are_those_of_the_table():
    """ACC-17."""
    text = ACCOUNTS.read_text("utf-8").split("## Notices")[1]
    assert tuple(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == Kind.__args__  # type: ignore[attr-defined]
    assert f"at most {NOTICES_A_KIND_MAX} wait" in text


async def test_a_new_phone_is_told_to_the_others(server):
    """ACC-17: not to who enrolled it, not to itself, not to anybody else."""
    mum, dad = await server.registered("mum"), await server.registered("dad")
    tablet = await enrolled(server, mum, "tablet")
    watch = await enrolled(server, mum, "watch")
    assert [await kinds(phone) for phone in (mum, tablet, watch, dad)] == [[], ["new_device"], [], []]
    notice = (await tablet.sync()).head.notices[0]
    assert (notice.number, notice.at) == (server.clock(), server.clock())


async def test_the_same_enrolment_again_tells_nothing(server):
    """ACC-10."""
    mum = await server.registered("mum")
    tablet = await enrolled(server, mum, "tablet")
    watch = server.phone("watch")
    for _ in range(3):
        await watch.post_json("/v1/devices", mum.card.enrolment(mum.account, watch.card))
    assert await kinds(tablet) == ["new_device"]


async def test_a_refused_enrolment_tells_nothing(server):
    """ACC-17: in the transaction of its cause."""
    mum, dad = await server.registered("mum"), await server.registered("dad")
    tablet = await enrolled(server, mum, "tablet")
    assert code_of(await mum.post_json("/v1/devices", mum.card.enrolment(mum.account, dad.card))) == "card_enrolled"
    assert await kinds(tablet) == []


async def test_a_new_sheet_is_told_to_the_others(server):
    """ACC-17."""
    mum = await server.registered("mum")
    tablet = await enrolled(server, mum, "tablet")
    await enrol_sheet(mum)
    assert [await kinds(mum), await kinds(tablet)] == [[], ["new_recovery"]]


async def test_a_revoked_device_is_told_to_the_others_once(server):
    """ACC-17: what waited for the revoked one is gone."""
    mum = await server.registered("mum")
    tablet = await enrolled(server, mum, "tablet")
    watch = await enrolled(server, mum, "watch")
    for _ in range(2):
        await revoke(mum, watch.card.id)
    assert [await kinds(mum), await kinds(tablet)] == [[], ["new_device", "device_revoked"]]
    await revoke(mum, tablet.card.id)
    assert (await server.engine.reading().fetch("SELECT count(*) FROM notices"))[0][0] == 0


async def test_each_token_of_a_recovery_card_is_told_to_every_phone(server):
    """ACC-17, silent-recovery: a rehearsal too."""
    mum = await server.registered("mum")
    tablet = await enrolled(server, mum, "tablet")
    sheet = await enrol_sheet(mum)
    await seen(tablet)
    for count in (1, 2):
        await use_sheet(mum, sheet)
        assert await kinds(mum) == await kinds(tablet) == ["recovery_used"] * count


async def test_a_refused_token_of_a_recovery_card_tells_nothing(server):
    """ACC-17."""
    mum = await server.registered("mum")
    sheet = await enrol_sheet(mum)
    assertion = sheet.assertion(mum.origin, mum.now_s())
    assert (await mum.post_json("/v1/token", TokenRequest(assertion))).status_code == 200
    assert code_of(await mum.post_json("/v1/token", TokenRequest(assertion))) == "assertion_invalid"
    late = TokenRequest(sheet.assertion(mum.origin, mum.now_s() - 500))
    assert code_of(await mum.post_json("/v1/token", late)) == "clock"
    assert await kinds(mum) == ["recovery_used"]


async def test_a_recovery_card_that_leaves_the_account_is_heard_all_the_same(server):
    """ACC-20, silent-recovery: it revokes itself, opens an account of its own, and reads there."""
    mum = await server.registered("mum")
    sheet = await enrol_sheet(mum)
    token = await use_sheet(mum, sheet)
    gone = await mum.client.delete(f"/v1/devices/{sheet.id.hex()}", headers={"authorization": f"Bearer {token}"})
    assert gone.status_code == 204
    assert (await mum.post_json("/v1/accounts", sheet.new_account(mum.origin))).status_code == 201
    await use_sheet(mum, sheet)
    assert await kinds(mum) == ["recovery_used", "device_revoked", "recovery_used"]


async def test_a_recovery_card_is_told_nothing(server):
    """ACC-17."""
    mum = await server.registered("mum")
    sheet = await enrol_sheet(mum)
    await enrolled(server, mum, "tablet")
    reader = server.phone("sheet")
    reader.token = await use_sheet(mum, sheet)
    assert await kinds(reader) == []


async def test_a_dropped_card_is_told_to_the_phones_of_its_account(server):
    """ACC-17: by somebody else, or by another phone of one's own; once an entry, however many cards it drops."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "editor")
    other = CardKeys("dads tablet")
    tablet = await enrolled(server, dad, "dads tablet")
    await enter(dad, theirs, add(other, dad.person, EDITOR))
    await mum.push(book)
    await removed(mum, book, dad.card.id, other.id)
    assert [await kinds(mum), await kinds(dad), await kinds(tablet)] == [[], ["removed"], ["removed"]]
    own, watch = await enrolled(server, mum, "mums tablet"), await enrolled(server, mum, "mums watch")
    assert (await enter(mum, book, add(own.card, mum.person, OWNER))).code is None
    await removed(mum, book, own.card.id)
    assert [await kinds(mum), await kinds(watch)] == [[], ["removed"]]


async def test_a_refused_drop_tells_nothing_and_a_replayed_one_tells(server):
    """ACC-17: calling an entry a replay does not make it silent."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "editor")
    entry = make_entry(theirs, dad.card, (Drop(mum.card.id),))
    assert (await dad.sync(dad.ask(theirs, entry))).one.code == "rights"
    assert await kinds(mum) == []
    drop = make_entry(book, mum.card, (Drop(dad.card.id),), epoch=epoch_of(2))
    assert (await mum.push(book, drop, replay=True)).code is None
    assert await kinds(dad) == ["removed"]


async def test_a_notice_comes_again_until_it_is_acknowledged_by_each_phone_for_itself(server):
    """SYN-25."""
    mum = await server.registered("mum")
    tablet, watch = await enrolled(server, mum, "tablet"), await enrolled(server, mum, "watch")
    await seen(tablet)
    for phone_name in ("one", "two"):
        server.clock.seconds(1)
        await enrolled(server, mum, phone_name)
    first, second = (await tablet.sync()).head.notices
    assert (await tablet.sync()).head.notices == (first, second)
    assert (await tablet.sync(notices_seen=first.number - 1)).head.notices == (first, second)
    assert (await tablet.sync(notices_seen=first.number)).head.notices == (second,)
    assert (await tablet.sync(notices_seen=0)).head.notices == (second,)
    assert (await tablet.sync(notices_seen=second.number)).head.notices == ()
    assert (await watch.sync()).head.notices == (first, second)


async def test_acknowledging_is_the_only_write(server):
    """SYN-14, SYN-25: what waits is read without one, and acknowledged once."""
    mum = await server.registered("mum")
    tablet = await enrolled(server, mum, "tablet")
    await enrolled(server, mum, "watch")
    commits = server.engine.commits
    notice = (await tablet.sync()).head.notices[0]
    assert server.engine.commits == commits
    for _ in range(3):
        await tablet.sync(notices_seen=notice.number)
    assert server.engine.commits == commits + 1


async def test_numbers_rise_though_the_clock_stands_still_or_goes_back(server):
    """ACC-18."""
    mum = await server.registered("mum")
    tablet = await enrolled(server, mum, "tablet")
    start = server.clock()
    for name in ("a", "b"):
        await enrolled(server, mum, name)
    server.clock.now -= 3_600_000
    await tablet.log_in()
    await enrolled(server, mum, "c")
    assert (await tablet.sync()).head.notices == (
        Notice(start, "new_device", start),
        Notice(start + 1, "new_device", start),
        Notice(start + 2, "new_device", start - 3_600_000),
    )


async def test_a_number_is_not_used_again_when_all_is_acknowledged(server):
    """ACC-18: else a phone would acknowledge what it was not shown."""
    mum = await server.registered("mum")
    tablet = await enrolled(server, mum, "tablet")
    await enrolled(server, mum, "a")
    last = (await tablet.sync()).head.notices[-1].number
    await tablet.sync(notices_seen=last)
    await enrolled(server, mum, "b")
    assert [notice.number for notice in (await tablet.sync(notices_seen=last)).head.notices] == [last + 1]


async def test_a_restored_server_takes_nothing_new_for_acknowledged(server):
    """ACC-18: the backup knows less than the phone has shown; the number is of the time, so a later one is higher."""
    mum = await server.registered("mum")
    tablet = await enrolled(server, mum, "tablet")
    await enrolled(server, mum, "a")
    last = (await tablet.sync()).head.notices[-1].number
    async with server.engine.transaction() as tx:
        await tx.execute("DELETE FROM notices")
        await tx.execute("UPDATE accounts SET last_notice = 0")
    server.clock.seconds(1)
    await enrolled(server, mum, "b")
    assert len((await tablet.sync(notices_seen=last)).head.notices) == 1


async def test_many_of_one_kind_push_out_none_of_another(server):
    """ACC-19."""
    mum = await server.registered("mum")
    tablet = await enrolled(server, mum, "tablet")
    sheet = await enrol_sheet(mum)
    await enrolled(server, mum, "watch")
    for _ in range(NOTICES_A_KIND_MAX + 5):
        await use_sheet(mum, sheet)
    waiting = (await tablet.sync()).head.notices
    assert [n.kind for n in waiting] == ["new_recovery", "new_device"] + ["recovery_used"] * NOTICES_A_KIND_MAX
    numbers = [n.number for n in waiting]
    assert numbers == sorted(numbers)
    assert numbers[-1] - numbers[2] == NOTICES_A_KIND_MAX - 1, "the newest of the kind stay"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_cause_and_notice_are_stored_together_or_not_at_all(server, monkeypatch, when):
    """ACC-17: a failure between them leaves neither."""
    mum = await server.registered("mum")
    tablet = await enrolled(server, mum, "tablet")
    book = await mum.found()
    dad, _ = await join(server, mum, book, "dad", "editor")

    def failing(as_it_is: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def fail(*args: object) -> None:
            if when == "after":
                await as_it_is(*args)
            raise RuntimeError

        return fail

    for module in ("accounts.routes", "access.routes"):
        monkeypatch.setattr(f"backend.{module}.tell", failing(tell))
    monkeypatch.setattr("backend.vaults.append.lay_down", failing(lay_down))
    answer = await mum.client.delete(f"/v1/devices/{tablet.card.id.hex()}", headers=mum.headers)
    assert answer.status_code == 500
    drop = make_entry(book, mum.card, (Drop(dad.card.id),), epoch=epoch_of(2))
    assert (await mum.send(mum.ask(book, drop, replay=True))).status_code == 500
    monkeypatch.undo()
    assert [await kinds(tablet), await kinds(dad)] == [[], []]
    assert (await mum.push(book, make_frame(book, mum.card))).answer.next == 3, "the drop is not in the log"


async def test_a_notice_names_nobody(server):
    """ACC-21: number, word, time, and nothing else."""
    assert Notice.__struct_fields__ == ("number", "kind", "at")
    assert await columns_of(server.engine, "notices") == ["device", "number", "kind", "at_ms"]
