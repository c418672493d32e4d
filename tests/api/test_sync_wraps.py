"""Where wraps lie and who may lay them: SYN-19 and SYN-37 of openapi/protocol/sync.md."""

from __future__ import annotations

from sync.wire.exchange import VaultAsk
from sync.wire.item import OWNER, Drop
from tests.api.family_kit import add, enter, join, removed, second_phone
from tests.api.phone_kit import (
    CardKeys,
    epoch_of,
    keybox_for,
    make_entry,
    noise,
    wraps_for,
)


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
    rows = await server.engine.reading().fetch("SELECT count(*) FROM wraps WHERE slot <> $1", b"")
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


async def test_a_stranger_with_nothing_to_replay_lays_no_noise(server):
    """SYN-19."""
    mum, stranger = await server.registered("mum"), await server.registered("stranger")
    book = await mum.found()
    wraps = wraps_for(book.state.epoch.id, [mum.card.id], giver="noise")
    answered = (await stranger.sync(stranger.ask(book, book.items[0], wraps=wraps, replay=True))).one
    assert answered.code == "removed"
    assert len((await wraps_of(mum, book, mum))[0]) == 1
