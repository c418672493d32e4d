"""What a server answers: pages, keys, wishes, invitations. SYN of openapi/protocol/sync.md.

Wraps are in test_sync_wraps.py, what comes after a restore in test_sync_after_restore.py.
"""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from sync.wire import limits
from sync.wire.exchange import SyncRequest, VaultAsk, encode_request
from sync.wire.ids import LogHash, VaultId
from sync.wire.item import item_hash
from tests.api.family_kit import join, pulled, removed, second_phone, set_role
from tests.api.phone_kit import (
    MSGPACK,
    LogBook,
    founding,
    keybox_for,
    make_frame,
    make_frames,
    noise,
    read_answer,
    take_answer,
    wraps_for,
)
from tests.api.server_kit import code_of


async def test_own_items_come_back_as_hashes_and_others_whole(server):
    """SYN-12."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "editor")
    first, last = make_frame(book, mum.card), make_frames(theirs, dad.card, 2)
    await mum.push(book, first)
    answered = await dad.push(theirs, *last)
    assert answered.items == [first, *(item_hash(f.signed) for f in last)]


async def test_a_cold_phone_reads_the_log_in_bounded_pages(server, monkeypatch):
    """SYN-13."""
    mum = await server.registered("mum")
    book = await mum.found()
    await mum.push(book, *make_frames(book, mum.card, 100, size=1_000))
    monkeypatch.setattr(limits, "PAGE_BYTES_MAX", 40_000)
    cold, pages, more = LogBook(book.vault), 0, True
    while more:
        answered = (await mum.sync(mum.ask(cold))).one
        assert sum(len(i.signed) + len(i.signature) for i in answered.items) <= 40_000
        take_answer(cold, answered)
        pages, more = pages + 1, answered.answer.more
    assert cold.L == book.L
    assert pages == 4


async def test_a_page_holds_one_item_at_least(server, monkeypatch):
    """SYN-13: however long it is."""
    monkeypatch.setattr(limits, "PAGE_BYTES_MAX", 100)
    mum = await server.registered("mum")
    book = await mum.found()
    cold = LogBook(book.vault)
    answered = (await mum.sync(mum.ask(cold))).one
    assert len(answered.items) == 1


async def test_a_long_answer_is_streamed_in_small_messages(server):
    """SYN-11: memory a request stays bounded."""
    mum = await server.registered("mum")
    book = await mum.found()
    for _ in range(3):
        await mum.push(book, *make_frames(book, mum.card, 3, size=300_000))
    await mum.push(book, *make_frames(book, mum.card, 700, size=1_000))
    response = await mum.send(mum.ask(LogBook(book.vault)))
    assert "content-length" not in response.headers
    answered = read_answer(response.content)
    assert answered.messages > 10
    cold = LogBook(book.vault)
    take_answer(cold, answered.one)
    assert cold.L == book.L


async def test_nothing_new_needs_no_transaction(server):
    """SYN-14: most syncs only read."""
    mum = await server.registered("mum")
    book = await mum.found()
    commits = server.engine.commits
    answered = await mum.sync(mum.ask(book))
    assert (answered.one.items, answered.one.answer.more, answered.messages) == ([], False, 3)
    assert server.engine.commits == commits


async def test_concurrent_pushes_share_commits(server):
    """SYN-15: fewer commits than pushes, each push acknowledged."""
    mum = await server.registered("mum")
    books = [await mum.found() for _ in range(20)]
    commits = server.engine.commits
    pushes = (mum.push(book, make_frame(book, mum.card)) for book in books)
    answers = await asyncio.gather(*pushes)
    assert [a.code for a in answers] == [None] * 20
    assert server.engine.commits - commits < 10


async def test_pushes_to_one_vault_at_once_take_turns(server):
    """SYN-15: two phones, one log, both chains whole."""
    mum = await server.registered("mum")
    book = await mum.found()
    tablet, theirs = await second_phone(server, mum, book, "tablet")
    asks = [mum.push(book, *make_frames(book, mum.card, 5)), tablet.push(theirs, *make_frames(theirs, tablet.card, 5))]
    assert [a.code for a in await asyncio.gather(*asks)] == [None, None]
    assert (await pulled(mum, book)).state.seq == 12


async def test_invitations_are_vaults_that_list_the_card_and_were_not_named(server):
    """SYN-16."""
    mum = await server.registered("mum")
    book, other = await mum.found(), await mum.found()
    dad, _ = await join(server, mum, book, "dad", "viewer")
    assert (await dad.sync()).head.invitations == (book.vault,)
    assert (await dad.sync(VaultAsk(book.vault, 0, LogBook(book.vault).L[0], 0))).head.invitations == ()
    assert set((await mum.sync(mum.ask(other))).head.invitations) == {book.vault}
    await removed(mum, book, dad.card.id)
    assert (await dad.sync()).head.invitations == ()


async def test_the_head_key_comes_whatever_the_page(server):
    """SYN-17: while epoch_held is below the head's number, or a key is missing. KEY-6."""
    mum = await server.registered("mum")
    book = await mum.found()
    tablet, theirs = await second_phone(server, mum, book, "tablet")
    gone, _ = await second_phone(server, mum, book, "gone")
    await tablet.push(theirs)
    await removed(mum, book, gone.card.id)
    behind = VaultAsk(book.vault, 0, book.L[0], 1)
    key = (await tablet.sync(behind)).one.answer.key
    assert (key.number, key.epoch) == (2, book.state.epoch.id)
    assert key.wraps == tuple(w.sealed for w in wraps_for(key.epoch, [tablet.card.id]))
    assert key.keyboxes == (keybox_for(key.epoch),)
    assert (await tablet.sync(msgspec.structs.replace(behind, epoch_held=2))).one.answer.key is None
    missing = msgspec.structs.replace(behind, epoch_held=2, key_missing=True)
    assert (await tablet.sync(missing)).one.answer.key == key


async def test_a_wish_reaches_the_others_until_it_is_withdrawn(server):
    """SYN-18."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "viewer")
    own = (await dad.sync(dad.ask(theirs, key_missing=True))).one
    assert own.answer.wrap_wanted == ()
    assert (await mum.sync(mum.ask(book))).one.answer.wrap_wanted == (dad.card.id,)
    await dad.sync(dad.ask(theirs))
    assert (await mum.sync(mum.ask(book))).one.answer.wrap_wanted == ()


async def test_a_wish_ends_with_the_card(server):
    """SYN-18, early-wrap: nobody is asked to wrap for a card that is not listed."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "editor")
    await dad.sync(dad.ask(theirs, key_missing=True))
    await removed(mum, book, dad.card.id)
    await dad.sync(dad.ask(theirs, key_missing=True))
    await dad.sync(dad.ask(theirs, make_frame(theirs, dad.card), key_missing=True))
    assert (await mum.sync(mum.ask(book))).one.answer.wrap_wanted == ()


@pytest.mark.parametrize(
    "request_",
    [
        SyncRequest((VaultAsk(VaultId(b"short"), 0, LogHash(bytes(32)), 0),)),
        SyncRequest((VaultAsk(VaultId(bytes(32)), 0, LogHash(b"short"), 0),)),
        SyncRequest((VaultAsk(VaultId(bytes(32)), -1, LogHash(bytes(32)), 0),)),
        SyncRequest((VaultAsk(VaultId(bytes(32)), 2**40, LogHash(bytes(32)), 0),)),
        SyncRequest((VaultAsk(VaultId(bytes(32)), 0, LogHash(bytes(32)), 0),) * 2),
        SyncRequest(tuple(VaultAsk(VaultId(noise(i)), 0, LogHash(bytes(32)), 0) for i in range(65))),
        SyncRequest((), -1),
        SyncRequest((), 2**53),
    ],
    ids=["vault", "hash", "negative", "beyond", "twice", "too many", "notice below", "notice beyond"],
)
async def test_a_request_beyond_its_limits_is_malformed_as_a_whole(server, request_):
    """SYN-3, LIM-3."""
    mum = await server.registered("mum")
    response = await server.client.post("/v1/sync", content=encode_request(request_), headers=mum.headers | MSGPACK)
    assert code_of(response) == "malformed"


async def test_too_many_items_are_malformed_as_a_whole(server):
    """SYN-3, LIM-3."""
    mum = await server.registered("mum")
    book = await mum.found()
    frame = make_frame(book, mum.card)
    response = await mum.send(mum.ask(book, *[frame] * (limits.ITEMS_A_REQUEST_MAX + 1)))
    assert code_of(response) == "malformed"
    assert (await mum.push(book)).answer.next == 1


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x90", b"\x91\xc0", b"\x92\x90\xa1x", b"\xdf" * 40, b"\x91" * 5_000])
async def test_a_body_that_is_no_request_is_malformed(server, body):
    """SYN-3: also one nested without end."""
    mum = await server.registered("mum")
    response = await server.client.post("/v1/sync", content=body, headers=mum.headers | MSGPACK)
    assert code_of(response) == "malformed"


async def test_an_empty_request_is_answered(server):
    """SYN-2."""
    mum = await server.registered("mum")
    assert (await mum.sync()).messages == 2


async def test_members_sync_though_their_account_founded_nothing(server):
    """SYN-16: membership does not depend on accounts."""
    mum = await server.registered("mum")
    book, item, epoch, live = founding(mum.card, mum.person)
    await mum.push(book, item, wraps=wraps_for(epoch.id, live))
    await set_role(mum, book, mum.person, "owner")
    await mum.client.delete(f"/v1/devices/{mum.card.id.hex()}", headers=mum.headers)
    await mum.register()
    assert (await mum.push(book, make_frame(book, mum.card))).code is None
