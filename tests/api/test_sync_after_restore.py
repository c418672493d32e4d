"""What a restored server takes back: replayed items and lost entries. SYN-23 and SYN-24 of openapi/protocol/sync.md."""

from __future__ import annotations

import msgspec

from sync.wire import limits
from sync.wire.card import RECOVERY
from sync.wire.exchange import VaultAsk
from sync.wire.item import EDITOR, OWNER, Drop, SetRole, item_hash
from tests.api.family_kit import join, removed, second_phone
from tests.api.phone_kit import (
    CardKeys,
    LogBook,
    keybox_for,
    make_entry,
    make_frame,
    make_frames,
    noise,
    wraps_for,
)
from tests.api.server_kit import DAY_MS, served


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
