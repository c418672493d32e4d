"""Many requests at the same moment: one winner where there may be one, never more than a bound, nothing of a loser.

Real concurrency of one process over its database; two processes over one database are tried with PostgreSQL.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import msgspec
import pytest

from backend.vaults import store
from sync.wire import limits
from sync.wire.account import TokenRequest
from sync.wire.card import RECOVERY
from sync.wire.ids import VaultId
from sync.wire.item import EDITOR, OWNER, Drop, Item
from sync.wire.link import SealedPost
from tests.api.family_kit import add, join, pulled, second_phone
from tests.api.phone_kit import (
    JSON,
    CardKeys,
    LogBook,
    Phone,
    epoch_of,
    founding,
    keybox_for,
    make_entry,
    make_frame,
    wraps_for,
)
from tests.api.server_kit import ORIGIN, Served, code_of, served

LINK = "/v1/links/" + "c3" * 16


def words(answers: list[httpx.Response]) -> Counter[str]:
    return Counter("done" if answer.status_code < 300 else code_of(answer) for answer in answers)


async def count(server: Served, table: str, condition: str = "1 = 1") -> int:
    return (await server.engine.reading().fetch(f"SELECT count(*) FROM {table} WHERE {condition}"))[0][0]


# One winner


async def test_a_card_that_two_accounts_enrol_at_once_is_in_one(server: Served):
    """ACC-13."""
    mum, dad, card = await server.registered("mum"), await server.registered("dad"), CardKeys("tablet")
    wishes = [phone.card.enrolment(phone.account, card) for phone in (mum, dad) for _ in range(10)]  # type: ignore[arg-type]
    answers = await asyncio.gather(*(mum.post_json("/v1/devices", wish) for wish in wishes))
    assert words(answers) == {"done": 10, "card_enrolled": 10}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert await count(server, "devices") == 3


async def test_an_enrolment_and_a_revocation_at_once_leave_the_card_revoked(server: Served):
    """ACC-15: whichever comes first; what enrolled it once does so never again."""
    mum, card = await server.registered("mum"), CardKeys("tablet")
    wish = mum.card.enrolment(mum.account, card)  # type: ignore[arg-type]
    await mum.post_json("/v1/devices", wish)
    path = f"/v1/devices/{card.id.hex()}"
    wishes = [mum.post_json("/v1/devices", wish) for _ in range(20)]
    wishes.insert(7, server.client.delete(path, headers=mum.headers))
    await asyncio.gather(*wishes)
    assert code_of(await mum.post_json("/v1/devices", wish)) == "revoked"
    assert await count(server, "devices", "revoked_at IS NULL") == 1


@pytest.mark.parametrize("post", ["hello", "welcome"])
async def test_a_link_that_many_claim_at_once_is_one_ones(server: Served, post: str):
    """LNK-2."""
    bodies = [msgspec.json.encode(SealedPost(bytes([n]) * 32, b"mine")) for n in range(50)]
    answers = await asyncio.gather(
        *(server.client.put(f"{LINK}/{post}", content=body, headers=JSON) for body in bodies)
    )
    assert words(answers) == {"done": 1, "link_taken": 49}
    winner = bodies[[answer.status_code for answer in answers].index(204)]
    assert (await server.client.get(f"{LINK}/{post}")).content == winner


async def test_an_assertion_and_a_nonce_that_are_used_at_once_give_one_token(server: Served):
    """ACC-4, ACC-5."""
    mum = await server.registered("mum")
    body = TokenRequest(mum.card.assertion(ORIGIN, mum.now_s()))
    answers = await asyncio.gather(*(mum.post_json("/v1/token", body) for _ in range(50)))
    assert words(answers) == {"done": 1, "assertion_invalid": 49}
    nonce = (await mum.post_json("/v1/token", TokenRequest(mum.card.assertion(ORIGIN, 0)))).json()["nonce"]
    bodies = [TokenRequest(mum.card.assertion(ORIGIN, 0, exp=None, nonce=nonce)) for _ in range(50)]
    answers = await asyncio.gather(*(mum.post_json("/v1/token", body) for body in bodies))
    assert words(answers) == {"done": 1, "clock": 49}
    assert await count(server, "tokens") == 3


async def test_a_recovery_that_two_use_at_once_is_one_ones(server: Served):
    """SYN-35: both have the sheet and let a phone of their own in; one of them is stored."""
    mum, sheet = await server.registered("mum"), CardKeys("sheet", RECOVERY)
    book = await mum.found(recovery=sheet)
    finders = []
    for name in ("one", "two"):
        finder = await Phone(name, server.client, ORIGIN, server.clock).register()
        new, finder.card = finder.card, sheet
        finders.append((finder, new))
    await mum.post_json("/v1/devices", mum.card.enrolment(mum.account, sheet))  # type: ignore[arg-type]
    asks = []
    for finder, new in finders:
        await finder.log_in()
        epoch = epoch_of(2, tag=new.name)
        entry = make_entry(book, sheet, (Drop(sheet.id), add(new, mum.person, OWNER)), epoch=epoch)
        laid = wraps_for(epoch.id, [mum.card.id, new.id])
        asks.append((finder, finder.ask(book, entry, wraps=laid, keybox=keybox_for(epoch.id))))
    answers = await asyncio.gather(*(finder.sync(ask) for finder, ask in asks))
    # The entry drops the sheet, so that neither hears more than whether it was stored.
    assert {answer.one.code for answer in answers} == {"removed"}
    assert sorted(len(answer.one.answer.acks) for answer in answers) == [0, 1]
    assert await count(server, "items") == 2


# Bounds


async def test_an_account_never_has_more_devices_than_it_may(tmp_path: Path):
    """LIM-7: and what was refused takes no place."""
    async with served(tmp_path, devices_an_account_max=5) as server:
        mum = await server.registered("mum")
        wishes = [mum.card.enrolment(mum.account, CardKeys(f"c{n}")) for n in range(60)]  # type: ignore[arg-type]
        answers = await asyncio.gather(*(mum.post_json("/v1/devices", wish) for wish in wishes))
        assert words(answers) == {"done": 4, "too_many_devices": 56}
        one = wishes[[answer.status_code for answer in answers].index(201)]
        gone = CardKeys(f"c{wishes.index(one)}").id.hex()
        await server.client.delete(f"/v1/devices/{gone}", headers=mum.headers)
        more = [mum.card.enrolment(mum.account, CardKeys(f"d{n}")) for n in range(60)]  # type: ignore[arg-type]
        answers = await asyncio.gather(*(mum.post_json("/v1/devices", wish) for wish in more))
        assert words(answers) == {"done": 1, "too_many_devices": 59}


async def test_an_account_never_founds_more_vaults_than_it_may(tmp_path: Path):
    """LIM-7: foundings that are refused for another reason take no place."""
    async with served(tmp_path, vaults_an_account_max=4) as server:
        mum = await server.registered("mum")
        bad = [founding(mum.card, mum.person) for _ in range(30)]
        asks = [mum.ask(book, item) for book, item, _, _ in bad]  # without a wrap
        codes = [(answer.one.code) for answer in await asyncio.gather(*(mum.sync(ask) for ask in asks))]
        assert Counter(codes) == {"wraps": 30}
        good = [founding(mum.card, mum.person) for _ in range(60)]
        asks = [mum.ask(book, item, wraps=wraps_for(epoch.id, live)) for book, item, epoch, live in good]
        codes = [answer.one.code for answer in await asyncio.gather(*(mum.sync(ask) for ask in asks))]
        assert Counter(codes) == {None: 4, "vault_limit": 56}
        assert await count(server, "vaults") == 4


async def usage(server: Served, vault: VaultId) -> tuple[int, int, int]:
    """Bytes that the head says its log holds, bytes that the day's counts say were appended, bytes that are there."""
    head = await store.read_head(server.engine.reading(), vault)
    assert head is not None
    rows = await server.engine.reading().fetch("SELECT signed, signature FROM items")
    there = sum(len(signed) + len(signature) for signed, signature in rows)
    return head.bytes, sum(used.bytes for used in head.facts.usage.values()), there


async def phones_of_one(server: Served, number: int) -> tuple[LogBook, list[Phone]]:
    """A vault with so many phones of one person who is no owner."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "editor")
    phones = [dad]
    for n in range(number - 1):
        other, _ = await second_phone(server, dad, theirs, f"dad {n}")
        phones.append(other)
    return await pulled(dad, book), phones


async def test_a_day_and_a_vault_never_hold_more_bytes_than_they_may(tmp_path: Path):
    """LIM-5: six phones of one person, eighty requests; what is refused is not counted."""
    async with served(tmp_path, person_day_bytes_max=30_000) as server:
        book, phones = await phones_of_one(server, 6)
        asks = []
        for phone in phones:
            own = book.copy()
            for n in range(14):
                frame = make_frame(own, phone.card, size=1_000, tag=n, seen=(book.state.seq, book.L[-1]))
                own.take(frame)
                asks.append((phone, phone.ask(book, frame)))
        answers = await asyncio.gather(*(phone.sync(ask) for phone, ask in asks))
        codes = Counter(answer.one.code for answer in answers)
        assert codes.keys() <= {None, "quota", "chain"}
        assert codes["quota"] > 0
        head, day, there = await usage(server, book.vault)
        assert head == there == day
        dads = next(iter(p for p in phones)).person
        vault = await store.read_head(server.engine.reading(), book.vault)
        assert vault is not None
        used = vault.facts.usage[dads].bytes
        assert 30_000 - 1_400 < used <= 30_000


async def test_a_day_never_holds_more_entries_than_it_may(server: Served):
    """LIM-6: fifty requests, each with a whole chain of entries."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "editor")
    ahead, entries, wraps = theirs.copy(), [], ()
    for n in range(limits.ENTRIES_A_DAY_MAX // 2 + 5):
        card = CardKeys(f"d{n}")
        for edit in (add(card, dad.person, EDITOR), Drop(card.id)):
            entries.append(make_entry(ahead, dad.card, (edit,)))
            assert ahead.take(entries[-1]) is None
        wraps += wraps_for(ahead.state.epoch.id, [card.id])  # type: ignore[union-attr]
    asks = [dad.ask(theirs, *entries[: 10 + n % 21], wraps=wraps) for n in range(50)]
    answers = await asyncio.gather(*(dad.sync(ask) for ask in asks))
    assert {answer.one.code for answer in answers} == {None, "quota"}
    head = await store.read_head(server.engine.reading(), book.vault)
    assert head is not None
    assert head.facts.usage[dad.person].entries == limits.ENTRIES_A_DAY_MAX
    assert await count(server, "items", "kind = 0") == 2 + limits.ENTRIES_A_DAY_MAX


async def test_what_did_not_fit_on_the_disk_is_not_counted(tmp_path: Path):
    """SYN-10, LIM-5: requests that fail as a whole give back what they would have used."""
    async with served(tmp_path, pages_max=120) as server:
        mum = await server.registered("mum")
        book = await mum.found()
        own, failed = book.copy(), 0
        for n in range(60):
            frame = make_frame(own, mum.card, size=20_000, tag=n)
            answers = await asyncio.gather(*(mum.send(mum.ask(own, frame)) for _ in range(3)))
            if {answer.status_code for answer in answers} == {200}:
                own.take(frame)
            failed += sum(answer.status_code == 507 for answer in answers)
        assert failed > 0
        head, day, there = await usage(server, book.vault)
        assert head == there == day


@pytest.mark.parametrize("bound", ["address_per_minute_max", "address_all_per_minute_max", "account_per_minute_max"])
async def test_a_bucket_gives_no_more_than_it_holds(tmp_path: Path, bound: str):
    """LIM-8, LIM-10: a hundred at one moment."""
    async with served(tmp_path, **{bound: 40}) as server:
        mum = await server.registered("mum")  # two without a token
        spent = 0 if bound == "account_per_minute_max" else 2
        path, headers = "/v1/devices", mum.headers
        if bound == "address_per_minute_max":
            path, headers = LINK + "/hello", {}
        answers = await asyncio.gather(*(server.client.get(path, headers=headers) for _ in range(100)))
        limited = sum(answer.status_code == 429 for answer in answers)
        assert 100 - limited == 40 - spent


async def test_pushes_of_one_frame_at_once_store_it_once(server: Served):
    """SYN-31: and it is counted once."""
    mum = await server.registered("mum")
    book = await mum.found()
    frame: Item = make_frame(book, mum.card)
    answers = await asyncio.gather(*(mum.sync(mum.ask(book, frame)) for _ in range(60)))
    assert {(answer.one.code, len(answer.one.answer.acks)) for answer in answers} == {(None, 1)}
    head, day, there = await usage(server, book.vault)
    assert head == there == day
    assert await count(server, "items") == 2
