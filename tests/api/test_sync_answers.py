"""What a server answers: pages, keys, wraps, wishes, lost entries, replay. SYN of openapi/protocol/sync.md."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from sync.wire import limits
from sync.wire.card import RECOVERY
from sync.wire.exchange import SyncRequest, VaultAsk, encode_request
from sync.wire.ids import LogHash, VaultId
from sync.wire.item import EDITOR, OWNER, Drop, SetRole, item_hash
from tests.api.family_kit import add, enter, join, pulled, removed, second_phone, set_role
from tests.api.phone_kit import (
    MSGPACK,
    CardKeys,
    LogBook,
    epoch_of,
    founding,
    keybox_for,
    make_entry,
    make_frame,
    make_frames,
    noise,
    read_answer,
    take_answer,
    wraps_for,
)
from tests.api.server_kit import DAY_MS, code_of, served


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


async def wraps_of(phone, book, card_phone):
    ask = VaultAsk(book.vault, book.state.seq, book.state.log_hash, 0)
    key = (await card_phone.sync(ask)).one.answer.key
    return key.wraps, key.keyboxes


async def test_what_came_with_the_entry_is_never_replaced(server):
    """SYN-19, spoiled-wrap: a viewer's noise lies beside it, once, and only she replaces it."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "viewer")
    epoch = book.state.epoch.id
    good = wraps_for(epoch, [mum.card.id])[0].sealed
    for number in range(3):
        noise_wrap, noise_box = wraps_for(epoch, [mum.card.id], giver=number), keybox_for(epoch, giver=number)
        await dad.push(theirs, wraps=noise_wrap, keybox=noise_box)
    wraps, boxes = await wraps_of(dad, book, mum)
    assert wraps == (good, noise_wrap[0].sealed)
    assert boxes == (noise_box,), "the first epoch has no older keys, so that no keybox came with its entry"


async def test_everyone_has_one_place(server):
    """SYN-19, noise-in-every-slot: as many places as people, so that a good wrap always fits."""
    mum = await server.registered("mum")
    book = await mum.found()
    epoch = book.state.epoch.id
    dad, theirs = await join(server, mum, book, "dad", "viewer")
    await dad.push(theirs, wraps=wraps_for(epoch, [mum.card.id], giver="noise"))
    own = wraps_for(epoch, [mum.card.id], giver="mum again")
    await mum.push(book, wraps=own)
    wraps, _ = await wraps_of(mum, book, mum)
    assert len(wraps) == 3
    assert own[0].sealed in wraps


async def test_only_the_head_epoch_and_listed_cards_are_wrapped(server):
    """SYN-19."""
    mum = await server.registered("mum")
    book = await mum.found()
    gone, _ = await second_phone(server, mum, book, "gone")
    old = book.state.epoch.id
    await removed(mum, book, gone.card.id)
    new = book.state.epoch.id
    await mum.push(
        book, wraps=wraps_for(old, [mum.card.id], giver=1) + wraps_for(new, [gone.card.id, noise("x")], giver=1)
    )
    rows = await server.engine.reading().fetch("SELECT count(*) FROM wraps WHERE slot <> x''")
    assert rows[0][0] == 0


async def test_wraps_are_stored_though_the_entry_drops_its_author(server):
    """SYN-37: she leaves, and the others have the new key."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "owner")
    await mum.push(book)
    epoch = epoch_of(2)
    left = await enter(mum, book, Drop(mum.card.id), epoch=epoch)
    assert (left.code, len(left.answer.acks)) == ("removed", 1)
    key = (await dad.sync(dad.ask(theirs))).one.answer.key
    assert (key.epoch, len(key.wraps), len(key.keyboxes)) == (epoch.id, 1, 1)


async def test_a_refused_entry_leaves_no_wrap_in_the_entrys_place(server):
    """SYN-19."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "viewer")
    tablet = CardKeys("dads tablet")
    bad = make_entry(theirs, dad.card, (add(tablet, mum.person, OWNER),))
    await dad.sync(dad.ask(theirs, bad, wraps=wraps_for(book.state.epoch.id, [mum.card.id], giver="noise")))
    wraps, _ = await wraps_of(dad, book, mum)
    assert wraps[0] == wraps_for(book.state.epoch.id, [mum.card.id])[0].sealed


async def replayed(server, phone, book, vault_items, **fields):
    """Hands a whole log to a server that has nothing of it."""
    empty = LogBook(book.vault)
    ask = VaultAsk(book.vault, 0, empty.L[0], 0, items=tuple(vault_items), replay=True, **fields)
    return (await phone.sync(ask)).one


async def test_a_restored_server_takes_the_lost_items_from_any_member(tmp_path_factory):
    """SYN-23: verbatim and in order; L comes out the same; a viewer's phone may be the only one left."""
    async with served(tmp_path_factory.mktemp("before")) as server:
        mum = await server.registered("mum")
        book = await mum.found(recovery=CardKeys("sheet", RECOVERY))
        dad, theirs = await join(server, mum, book, "dad", "viewer")
        tablet, on_tablet = await second_phone(server, mum, book, "tablet")
        await tablet.push(on_tablet, *make_frames(on_tablet, tablet.card, 3))
        late = make_frame(on_tablet, tablet.card)
        await mum.push(book)
        await removed(mum, book, tablet.card.id)
        await tablet.sync(tablet.ask(on_tablet, late))
        await mum.push(book)
        await dad.push(theirs)
    async with served(tmp_path_factory.mktemp("after")) as server:
        dad = await server.registered("dad")
        assert (await dad.sync(dad.ask(theirs))).one.answer.next == 0
        epoch = theirs.state.epoch.id
        wraps, box = wraps_for(epoch, theirs.state.table.live(), giver="dad"), keybox_for(epoch, giver="dad")
        answered = await replayed(server, dad, theirs, theirs.items, wraps=wraps, keybox=box)
        assert (answered.code, len(answered.answer.acks)) == (None, theirs.state.seq)
        assert answered.answer.log_hash == theirs.state.log_hash
        mum = await server.registered("mum")
        key = (await mum.sync(VaultAsk(book.vault, 0, book.L[0], 0))).one.answer.key
        assert (len(key.wraps), len(key.keyboxes)) == (1, 1)


async def test_a_replay_is_judged_by_the_log_alone(tmp_path):
    """SYN-23: end dates, grace, quotas and the demand for wraps bind first-hand pushes only."""
    folder, other = tmp_path / "a", tmp_path / "b"
    folder.mkdir()
    other.mkdir()
    async with served(folder) as server:
        mum = await server.registered("mum")
        book = await mum.found()
        proxy, theirs = await join(server, mum, book, "proxy", "editor", until=server.clock() + DAY_MS)
        await proxy.push(theirs, *make_frames(theirs, proxy.card, 3, size=2_000))
        late = make_frame(theirs, proxy.card)
        await mum.push(book)
        await removed(mum, book, proxy.card.id)
        await proxy.sync(proxy.ask(theirs, late))
        await mum.push(book)
    async with served(other, person_day_bytes_max=3_000) as server:
        server.clock.days(400)
        mum = await server.registered("mum")
        answered = await replayed(server, mum, book, book.items)
        assert (answered.code, answered.answer.log_hash) == (None, book.state.log_hash)


async def test_calling_new_frames_a_replay_outlasts_no_end_date(server):
    """SYN-23, SYN-36: neither by her own phone, nor by a card of hers that the vault does not know."""
    mum, stranger = await server.registered("mum"), await server.registered("stranger")
    book = await mum.found()
    proxy, theirs = await join(server, mum, book, "proxy", "editor", until=server.clock() + DAY_MS)
    tablet, _ = await second_phone(server, proxy, theirs, "proxys tablet")
    server.clock.days(2)
    frame = make_frame(theirs, proxy.card)
    for phone in (proxy, tablet, stranger, mum):
        await phone.log_in()
    for phone, seen in ((proxy, theirs), (tablet, theirs), (stranger, theirs)):
        assert (await phone.sync(phone.ask(seen, frame, replay=True))).one.answer.acks == ()
    assert (await mum.sync(mum.ask(theirs, frame, replay=True))).one.answer.acks == (item_hash(frame.signed),)


async def test_calling_late_frames_a_replay_gives_no_more_grace(server):
    """SYN-23, SYN-39: who was removed cannot fill the vault."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "editor")
    await removed(mum, book, dad.card.id)
    late = make_frames(theirs, dad.card, limits.GRACE_FRAMES_MAX + 1)
    answered = (await dad.sync(dad.ask(theirs, *late, replay=True))).one
    assert len(answered.answer.acks) == limits.GRACE_FRAMES_MAX
    await mum.push(book)
    again = (await mum.sync(mum.ask(book, late[-1], replay=True))).one
    assert again.answer.acks == (item_hash(late[-1].signed),)


async def test_a_replay_fills_no_vault_beyond_its_bytes(tmp_path):
    """SYN-23, LIM-5: what a server once held it can hold again, and no more."""
    async with served(tmp_path, vault_bytes_max=6_000) as server:
        mum = await server.registered("mum")
        book = await mum.found()
        answered = await mum.push(book, *make_frames(book, mum.card, 20), replay=True)
        assert answered.code == "quota"
        assert 5_000 < sum(len(i.signed) + len(i.signature) for i in book.items) <= 6_000


async def test_a_replay_does_not_make_good_what_is_not(server):
    """SYN-23."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "viewer")
    for item in (make_frame(theirs, dad.card), make_entry(theirs, dad.card, (SetRole(dad.person, OWNER),))):
        assert (await dad.sync(dad.ask(theirs, item, replay=True))).one.code == "rights"


async def test_a_stranger_with_nothing_to_replay_lays_no_noise(server):
    """SYN-19."""
    mum, stranger = await server.registered("mum"), await server.registered("stranger")
    book = await mum.found()
    wraps = wraps_for(book.state.epoch.id, [mum.card.id], giver="noise")
    answered = (await stranger.sync(stranger.ask(book, book.items[0], wraps=wraps, replay=True))).one
    assert answered.code == "removed"
    assert len((await wraps_of(mum, book, mum))[0]) == 1


async def lost_after_restore(server, lose):
    """A vault whose server has lost what `lose` appends: the server's own log is cut by building it anew."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "editor")
    branch = book.copy()
    entry = make_entry(branch, mum.card, lose(dad))
    branch.take(entry)
    return mum, book, dad, theirs, entry


async def test_lost_entries_reach_owners_and_nobody_else(server):
    """SYN-24, rolled-back-membership."""
    mum, book, dad, theirs, entry = await lost_after_restore(server, lambda dad: (SetRole(dad.person, EDITOR),))
    await dad.sync(dad.ask(theirs, lost_entries=(entry,)))
    assert (await mum.sync(mum.ask(book))).one.answer.lost_entries == (entry,)
    assert (await dad.sync(dad.ask(theirs))).one.answer.lost_entries == ()
    await mum.push(book, make_frame(book, mum.card))
    await mum.push(book)
    assert (await mum.sync(mum.ask(book))).one.answer.lost_entries == ()


async def test_an_unsigned_or_foreign_entry_is_not_kept_as_lost(server):
    """SYN-24, signed-wish: kept is what someone of the vault has signed; what it is worth, phones judge."""
    mum, book, dad, theirs, entry = await lost_after_restore(server, lambda dad: (SetRole(dad.person, EDITOR),))
    other = await mum.found()
    foreign = make_entry(other, mum.card, (SetRole(mum.person, OWNER),))
    unsigned = msgspec.structs.replace(entry, signature=bytes(64))
    frame = make_frame(theirs, dad.card)
    stands = book.items[-1]
    await dad.sync(dad.ask(theirs, lost_entries=(foreign, unsigned, frame, stands)))
    assert (await mum.sync(mum.ask(book))).one.answer.lost_entries == ()


async def test_lost_entries_are_bounded_and_shared_fairly(server):
    """SYN-24: a flood of one person leaves room for another's."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "editor")
    sam, sams = await join(server, mum, book, "sam", "editor")
    flood = [make_entry(theirs, dad.card, (Drop(noise("flood", i)),)) for i in range(limits.LOST_ENTRIES_MAX)]
    await dad.sync(dad.ask(theirs, lost_entries=tuple(flood)))
    wanted = make_entry(sams, sam.card, (Drop(sam.card.id),))
    await sam.sync(sam.ask(sams, lost_entries=(wanted,)))
    kept = (await mum.sync(VaultAsk(book.vault, 1, book.L[1], 1))).one.answer.lost_entries
    assert len(kept) == limits.LOST_ENTRIES_MAX
    assert wanted in kept


async def test_a_lost_entry_that_stands_again_is_let_go(server):
    """SYN-24."""
    mum, book, dad, theirs, entry = await lost_after_restore(server, lambda dad: (SetRole(dad.person, EDITOR),))
    await dad.sync(dad.ask(theirs, lost_entries=(entry,)))
    assert (await mum.push(book, entry, replay=True)).code is None
    assert (await server.engine.reading().fetch("SELECT count(*) FROM lost_entries"))[0][0] == 0


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
