"""Two servers on one database: wherever they can meet, the outcome is one that a single server could have had.

Each has its own connections, committer and buckets, as two processes have; the clock is shared. On SQLite too.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import msgspec
import pytest_asyncio

from backend.accounts import store as accounts
from backend.http.logs import start_logs
from backend.vaults import store as vaults
from sync.wire.account import TokenRequest
from sync.wire.exchange import VaultAsk
from sync.wire.limits import PASSCODE_TRIES
from tests.api.phone_kit import (
    CardKeys,
    LogBook,
    Phone,
    founding,
    make_frame,
    make_frames,
    noise,
    take_answer,
    wraps_for,
)
from tests.api.server_kit import ORIGIN, Served, served
from tests.api.share_kit import Share

ROUNDS = 4
AT_ONCE = 6


class Pair:
    """Both servers, and a way to ask them in turn."""

    def __init__(self, one: Served, other: Served) -> None:
        self.both = (one, other)
        self.one = one

    def phone(self, at: int, phone: Phone) -> Phone:
        """The same phone, talking to one of the two."""
        twin = Phone(phone.card.name, self.both[at % 2].client, ORIGIN, self.one.clock)
        twin.account, twin.token, twin.person = phone.account, phone.token, phone.person
        return twin


@pytest_asyncio.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    start_logs(io.StringIO())
    async with AsyncExitStack() as stack:
        settings = {"devices_an_account_max": 3, "vaults_an_account_max": 3}
        yield Pair(*[await stack.enter_async_context(served(tmp_path, **settings)) for _ in range(2)])


async def read_whole(phone: Phone, book: LogBook) -> LogBook:
    """The log from its beginning, every L checked."""
    cold = LogBook(book.vault)
    take_answer(cold, (await phone.sync(VaultAsk(book.vault, 0, cold.L[0], 0))).one)
    return cold


async def test_one_card_opens_one_account(pair):
    for number in range(ROUNDS):
        new = CardKeys(f"new {number}").new_account(ORIGIN)
        posts = (Phone("x", pair.both[n % 2].client, ORIGIN).post_json("/v1/accounts", new) for n in range(AT_ONCE))
        answers = await asyncio.gather(*posts)
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1


async def test_right_passcodes_at_both_servers_need_one_try_among_them(pair):
    """SHR-16: one try is left; each server waits for the other's check, and wrong ones get that one try."""
    share = await Share(await pair.one.registered("mum"), passcode="4711").made()
    for _ in range(PASSCODE_TRIES - 1):
        assert (await share.open("wrong")).status_code == 401
    for passcode, allowed in (("4711", {200}), ("wrong", {401, 404})):
        answers = await asyncio.gather(
            *(share.open(passcode, client=pair.both[number % 2].client) for number in range(12))
        )
        assert {answer.status_code for answer in answers} == allowed
    assert [answer.status_code for answer in answers].count(401) == 1


async def test_one_card_joins_one_account(pair):
    """Two accounts enrol the same card at once: the first has it, the other hears that it is taken."""
    mum, dad = await pair.one.registered("mum"), await pair.one.registered("dad")
    for number in range(2):
        card = CardKeys(f"shared {number}")
        enrolments = [mum.card.enrolment(mum.account, card), dad.card.enrolment(dad.account, card)]
        posts = [pair.phone(n, mum).post_json("/v1/devices", enrolment) for n, enrolment in enumerate(enrolments)]
        answers = await asyncio.gather(*posts)
        assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_an_account_never_has_more_devices_than_it_may(pair):
    mum = await pair.one.registered("mum")
    cards = [CardKeys(f"phone {n}") for n in range(AT_ONCE)]
    posts = [
        pair.phone(n, mum).post_json("/v1/devices", mum.card.enrolment(mum.account, card))
        for n, card in enumerate(cards)
    ]
    answers = await asyncio.gather(*posts)
    assert sorted(answer.status_code for answer in answers) == [201, 201, *[403] * (AT_ONCE - 2)]


async def test_a_revocation_waits_for_the_enrolment_that_has_begun(pair, monkeypatch):
    """Else its answer would come before a device that the revoked one has let in."""
    mum = await pair.one.registered("mum")
    thief, friend = CardKeys("thief"), CardKeys("friend")
    assert (await mum.post_json("/v1/devices", mum.card.enrolment(mum.account, thief))).status_code == 201
    reached, go_on, was_revoked = asyncio.Event(), asyncio.Event(), accounts.was_revoked

    async def waiting(*arguments):
        reached.set()
        await go_on.wait()
        return await was_revoked(*arguments)

    monkeypatch.setattr(accounts, "was_revoked", waiting)
    enrol = asyncio.create_task(pair.phone(1, mum).post_json("/v1/devices", thief.enrolment(mum.account, friend)))
    await reached.wait()
    call = pair.phone(0, mum).client.delete(f"/v1/devices/{thief.id.hex()}", headers=mum.headers)
    revoke = asyncio.create_task(call)
    assert not (await asyncio.wait([revoke], timeout=0.3))[0]
    go_on.set()
    assert [(await enrol).status_code, (await revoke).status_code] == [201, 204]


async def test_vaults_are_locked_in_one_order_whatever_order_they_are_named_in(pair, monkeypatch):
    """So that two groups never wait in a circle, which the database would end by failing one of them."""
    mum = await pair.one.registered("mum")
    books = [await mum.found() for _ in range(3)]
    locked, lock_head = [], vaults.lock_head

    async def noting(tx, vault):
        locked.append(vault)
        return await lock_head(tx, vault)

    monkeypatch.setattr(vaults, "lock_head", noting)
    for order in (books, books[::-1], [books[1], books[0], books[2]]):
        await mum.sync(*(mum.ask(book, make_frame(book, mum.card, tag=len(locked))) for book in order))
    assert locked == sorted(book.vault for book in books) * 3


async def test_whom_a_revoked_device_enrols_meanwhile_is_in_before_it_or_not_at_all(pair):
    """The answer to a revocation is a border: nobody whom it enrols is let in after it."""
    for number in range(ROUNDS):
        mum = await pair.one.registered(f"mum {number}")
        thief, friend = CardKeys(f"thief {number}"), CardKeys(f"friend {number}")
        assert (await mum.post_json("/v1/devices", mum.card.enrolment(mum.account, thief))).status_code == 201
        revoke = pair.phone(0, mum).client.delete(f"/v1/devices/{thief.id.hex()}", headers=mum.headers)
        enrol = pair.phone(1, mum).post_json("/v1/devices", thief.enrolment(mum.account, friend))
        revoked, enrolled = await asyncio.gather(revoke, enrol)
        assert (revoked.status_code, enrolled.status_code in (201, 404)) == (204, True)
        listed = await mum.client.get("/v1/devices", headers=mum.headers)
        assert len(listed.json()) == (3 if enrolled.status_code == 201 else 2)


async def test_an_assertion_is_good_once(pair):
    """ACC-4: with a time and with a nonce."""
    mum = await pair.one.registered("mum")
    for number in range(ROUNDS):
        claims = {}
        if number % 2:
            old = mum.card.assertion(ORIGIN, mum.now_s() - 3_600)
            problem = await mum.post_json("/v1/token", TokenRequest(old))
            claims = {"exp": None, "nonce": problem.json()["nonce"]}
        same = TokenRequest(mum.card.assertion(ORIGIN, mum.now_s(), **claims))
        answers = await asyncio.gather(*(pair.phone(n, mum).post_json("/v1/token", same) for n in range(AT_ONCE)))
        assert sorted(answer.status_code for answer in answers) == [200, *[401] * (AT_ONCE - 1)]


async def test_a_nonce_is_good_once(pair):
    """ACC-5: also under assertions that differ."""
    mum = await pair.one.registered("mum")
    problem = await mum.post_json("/v1/token", TokenRequest(mum.card.assertion(ORIGIN, mum.now_s() - 3_600)))
    nonce = problem.json()["nonce"]
    requests = [TokenRequest(mum.card.assertion(ORIGIN, 0, exp=None, nonce=nonce)) for _ in range(AT_ONCE)]
    answers = await asyncio.gather(*(pair.phone(n, mum).post_json("/v1/token", r) for n, r in enumerate(requests)))
    assert sorted(answer.status_code for answer in answers) == [200, *[401] * (AT_ONCE - 1)]


async def test_a_vault_is_founded_once_and_an_account_founds_no_more_than_it_may(pair):
    """LIM-7."""
    mum = await pair.one.registered("mum")
    founded = []
    for _ in range(5):
        book, item, epoch, live = founding(mum.card, mum.person)
        asks = [mum.ask(book, item, wraps=wraps_for(epoch.id, live))] * 4
        answers = await asyncio.gather(*(pair.phone(n, mum).sync(ask) for n, ask in enumerate(asks)))
        founded.append({answer.one.code for answer in answers})
    assert founded == [{None}] * 3 + [{"vault_limit"}] * 2
    dad = await pair.one.registered("dad")
    new = [founding(dad.card, dad.person) for _ in range(AT_ONCE)]
    pushes = [
        pair.phone(n, dad).sync(dad.ask(book, item, wraps=wraps_for(epoch.id, live)))
        for n, (book, item, epoch, live) in enumerate(new)
    ]
    codes = [answer.one.code for answer in await asyncio.gather(*pushes)]
    assert sorted(codes, key=str) == [None] * 3 + ["vault_limit"] * (AT_ONCE - 3)


async def test_pushes_to_one_vault_take_turns_and_none_is_lost_or_doubled(pair):
    """SYN-15: the same frames handed in at both, again and again, stand in the log once, in order."""
    mum = await pair.one.registered("mum")
    book = await mum.found()
    frames = make_frames(book, mum.card, 24)
    asks = [mum.ask(book, *frames[: 4 * (n % 6 + 1)]) for n in range(18)]
    answers = await asyncio.gather(*(pair.phone(n, mum).sync(ask) for n, ask in enumerate(asks)))
    for ask, answer in zip(asks, answers, strict=True):
        assert (answer.one.code, len(answer.one.answer.acks)) == (None, len(ask.items))
    assert (await read_whole(mum, book)).items == [*book.items, *frames]


async def test_groups_that_name_many_vaults_in_any_order_never_wait_in_a_circle(pair):
    mum, dad = await pair.one.registered("mum"), await pair.one.registered("dad")
    books = [await phone.found() for phone in (mum, dad) for _ in range(3)]
    for number in range(ROUNDS):
        frames = [make_frame(book, (mum, dad)[n // 3].card, tag=number) for n, book in enumerate(books)]
        mums = [mum.ask(book, frame) for book, frame in zip(books[:3], frames[:3], strict=True)]
        dads = [dad.ask(book, frame) for book, frame in zip(books[3:], frames[3:], strict=True)]
        pushes = []
        for n in range(4):
            turned = slice(None, None, -1 if n % 2 else 1)
            pushes += [pair.phone(n, mum).sync(*mums[turned]), pair.phone(n + 1, dad).sync(*dads[turned])]
        for answer in await asyncio.gather(*pushes):
            assert [vault.code for vault in answer.vaults] == [None] * 3
        for book, frame in zip(books, frames, strict=True):
            book.take(frame)
    assert [(await read_whole((mum, dad)[n // 3], book)).L for n, book in enumerate(books)] == [b.L for b in books]


async def test_the_quota_is_one_quota(pair, tmp_path):
    """LIM-5: what one server has counted the other knows."""
    mum = await pair.one.registered("mum")
    book = await mum.found()
    async with served(tmp_path, vault_bytes_max=9_000) as small, served(tmp_path, vault_bytes_max=9_000) as twin:
        frames = make_frames(book, mum.card, 40, size=272)
        both = Pair(small, twin)
        asks = [mum.ask(book, *frames) for _ in range(6)]
        answers = await asyncio.gather(*(both.phone(n, mum).sync(ask) for n, ask in enumerate(asks)))
        assert {answer.one.code for answer in answers} == {"quota"}
        assert len({answer.one.answer.acks for answer in answers}) == 1
        size = (await small.engine.reading().fetch("SELECT bytes FROM vaults WHERE vault = $1", book.vault))[0][0]
        assert 8_000 < size <= 9_000


async def test_notices_of_one_account_have_numbers_of_their_own(pair):
    """ACC-18: two cards, each handed in at both servers at once: who was first hears of the second, once."""
    mum = await pair.one.registered("mum")
    cards = [CardKeys(f"phone {n}") for n in range(2)]
    posts = [
        pair.phone(n, mum).post_json("/v1/devices", mum.card.enrolment(mum.account, card))
        for n, card in enumerate(cards * 2)
    ]
    assert {answer.status_code for answer in await asyncio.gather(*posts)} == {201}
    rows = await pair.one.engine.reading().fetch("SELECT device, number, kind FROM notices ORDER BY device, number")
    assert len(rows) == 1
    assert rows[0][2] == "new_device"


async def test_a_link_post_is_laid_once(pair):
    link = noise("link", length=16).hex()
    bodies = [msgspec.json.encode({"salt": noise("salt", n), "sealed": noise("x", n)}) for n in range(AT_ONCE)]
    headers = {"content-type": "application/json"}

    async def lay(n: int) -> httpx.Response:
        return await pair.both[n % 2].client.put(f"/v1/links/{link}/hello", content=bodies[n], headers=headers)

    answers = await asyncio.gather(*(lay(n) for n in range(AT_ONCE)))
    assert sorted(answer.status_code for answer in answers) == [204, *[409] * (AT_ONCE - 1)]
