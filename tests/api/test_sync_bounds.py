"""Refusals that have to do with time and room: end dates, wraps, quotas, grace. SYN of openapi/protocol/sync.md."""

from __future__ import annotations

import pytest

from sync.wire import limits
from sync.wire.card import RECOVERY
from sync.wire.item import EDITOR, OWNER, Drop, item_hash
from tests.api.family_kit import add, enter, join, pulled, removed, second_phone, set_role
from tests.api.phone_kit import (
    CardKeys,
    epoch_of,
    founding,
    keybox_for,
    make_entry,
    make_frame,
    make_frames,
    wraps_for,
)
from tests.api.server_kit import DAY_MS, served


async def test_until_ends_writing_and_not_reading(server):
    """SYN-36."""
    mum = await server.registered("mum")
    book = await mum.found()
    proxy, theirs = await join(server, mum, book, "proxy", "editor", until=server.clock() + DAY_MS)
    assert (await proxy.push(theirs, make_frame(theirs, proxy.card))).code is None
    server.clock.days(1.01)
    await proxy.log_in()
    answered = (await proxy.sync(proxy.ask(theirs, make_frame(theirs, proxy.card)))).one
    assert answered.code == "until"
    await mum.log_in()
    assert (await mum.push(book, make_frame(book, mum.card))).code is None
    assert len((await proxy.sync(proxy.ask(theirs))).one.items) == 1
    await removed(mum, book, proxy.card.id)
    late = (await proxy.sync(proxy.ask(theirs, make_frame(theirs, proxy.card)))).one
    assert late.code == "removed"
    assert len(late.answer.acks) == 1, "after the drop they are late frames"


async def test_a_proxys_own_entry_is_refused_after_the_end_date_too(server):
    """SYN-36, proxy-second-card."""
    mum = await server.registered("mum")
    book = await mum.found()
    until = server.clock() + DAY_MS
    proxy, theirs = await join(server, mum, book, "proxy", "editor", until=until)
    for without in (None, until + 1):
        entry = make_entry(theirs, proxy.card, (add(CardKeys("second"), proxy.person, EDITOR, without),))
        assert (await proxy.sync(proxy.ask(theirs, entry))).one.code == "rights"
    server.clock.days(2)
    await proxy.log_in()
    assert (await enter(proxy, theirs, add(CardKeys("second"), proxy.person, EDITOR, until))).code == "until"


async def test_wraps_of_a_new_epoch_are_for_every_live_card(server):
    """SYN-37, KEY-5."""
    mum = await server.registered("mum")
    recovery = CardKeys("sheet", RECOVERY)
    book, item, epoch, live = founding(mum.card, mum.person, recovery=recovery)
    for some in (live[:1], live[1:], []):
        answered = (await mum.sync(mum.ask(book, item, wraps=wraps_for(epoch.id, some)))).one
        assert answered.code == "wraps"
    assert (await mum.push(book, item, wraps=wraps_for(epoch.id, live))).code is None
    new = epoch_of(2)
    entry = make_entry(book, mum.card, (), epoch=new)
    for fields in (
        {"wraps": wraps_for(new.id, live)},
        {"wraps": wraps_for(new.id, live), "keybox": keybox_for(epoch.id)},
        {"wraps": wraps_for(epoch.id, live), "keybox": keybox_for(new.id)},
    ):
        assert (await mum.sync(mum.ask(book, entry, **fields))).one.code == "wraps"
    assert (await mum.push(book, entry, wraps=wraps_for(new.id, live), keybox=keybox_for(new.id))).code is None


async def test_an_added_card_needs_its_wrap(server):
    """SYN-37, KEY-5."""
    mum = await server.registered("mum")
    book = await mum.found()
    card = CardKeys("tablet")
    for wraps in ((), wraps_for(book.state.epoch.id, [mum.card.id])):
        assert (await enter(mum, book, add(card, mum.person, OWNER), wraps=wraps)).code == "wraps"
    assert (
        await enter(mum, book, add(card, mum.person, OWNER), wraps=wraps_for(book.state.epoch.id, [card.id]))
    ).code is None


async def test_quota_of_a_persons_day(tmp_path):
    """SYN-38: a person's bytes a day, all her phones together, and the next day again. LIM-5."""
    async with served(tmp_path, person_day_bytes_max=5_000) as server:
        mum = await server.registered("mum")
        book = await mum.found()
        dad, theirs = await join(server, mum, book, "dad", "editor")
        tablet, on_tablet = await second_phone(server, dad, theirs, "dads tablet")
        used = await dad.push(theirs, *make_frames(theirs, dad.card, 9, size=500))
        assert used.code == "quota"
        assert 0 < len(used.answer.acks) < 9
        await tablet.push(on_tablet)
        assert (
            await tablet.sync(tablet.ask(on_tablet, make_frame(on_tablet, tablet.card, size=500)))
        ).one.code == "quota"
        await mum.push(book)
        assert (await mum.push(book, make_frame(book, mum.card))).code is None
        server.clock.days(1)
        await dad.log_in()
        await dad.push(theirs)
        assert (await dad.push(theirs, make_frame(theirs, dad.card, size=500))).code is None


async def test_quota_of_a_vault(tmp_path):
    """SYN-38, LIM-5."""
    async with served(tmp_path, vault_bytes_max=6_000) as server:
        mum = await server.registered("mum")
        book = await mum.found()
        answered = await mum.push(book, *make_frames(book, mum.card, 20))
        assert answered.code == "quota"
        size = sum(len(i.signed) + len(i.signature) for i in book.items)
        assert 5_000 < size <= 6_000


async def test_twenty_entries_a_day_of_who_is_no_owner(server):
    """SYN-38, member-flood. LIM-6."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "editor")
    for number in range(limits.ENTRIES_A_DAY_MAX // 2):
        card = CardKeys(f"d{number}")
        for edit in (add(card, dad.person, EDITOR), Drop(card.id)):
            assert (await enter(dad, theirs, edit)).code is None, number
    assert (await enter(dad, theirs, add(CardKeys("one more"), dad.person, EDITOR))).code == "quota"
    await mum.push(book)
    for _ in range(limits.ENTRIES_A_DAY_MAX + 1):
        assert (await set_role(mum, book, mum.person, "owner")).code is None
    server.clock.days(1)
    await dad.log_in()
    await dad.push(theirs)
    assert (await enter(dad, theirs, add(CardKeys("next day"), dad.person, EDITOR))).code is None


async def test_late_frames_are_stored_and_only_acknowledged(server):
    """SYN-39: she hears `removed` and what was acknowledged, nothing else."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "editor")
    frames = make_frames(theirs, dad.card, 2)
    await removed(mum, book, dad.card.id)
    answered = (await dad.sync(dad.ask(theirs, *frames, key_missing=True, epoch_held=0))).one
    answer = answered.answer
    assert (answer.code, answer.acks) == ("removed", tuple(item_hash(f.signed) for f in frames))
    assert (answer.next, answer.log_hash, answer.key, answer.wrap_wanted, answered.items) == (
        theirs.state.seq,
        theirs.state.log_hash,
        None,
        (),
        [],
    )
    shown = await mum.push(book)
    assert shown.items == frames


async def test_frames_written_after_the_removal_was_seen_are_not_late(server):
    """SYN-39."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, _ = await join(server, mum, book, "dad", "editor")
    await set_role(mum, book, dad.person, "viewer")
    theirs = await pulled(dad, book)
    assert (await dad.sync(dad.ask(theirs, make_frame(theirs, dad.card)))).one.code == "rights"


@pytest.mark.parametrize("bound", ["frames", "bytes", "days"])
async def test_grace_is_over(server, bound):
    """SYN-39: 64 frames, 4 MiB, 30 days from the entry."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "editor")
    await set_role(mum, book, dad.person, "viewer")
    seen = (theirs.state.seq, theirs.state.log_hash)
    if bound == "days":
        server.clock.days(30.01)
        await dad.log_in()
        allowed, frames = 0, make_frames(theirs, dad.card, 1)
    elif bound == "frames":
        allowed, frames = limits.GRACE_FRAMES_MAX, make_frames(theirs, dad.card, limits.GRACE_FRAMES_MAX + 1)
    else:
        allowed, frames = 4, make_frames(theirs, dad.card, 5, size=1_000_000)
    assert seen == (theirs.state.seq, theirs.state.log_hash)
    answered = (await dad.sync(dad.ask(theirs, *frames))).one
    assert (answered.code, len(answered.answer.acks)) == ("grace_over", allowed)


async def test_grace_begins_anew_with_another_loss(server):
    """SYN-39: counted from the entry that took the right."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "editor")
    for _ in range(2):
        await set_role(mum, book, dad.person, "viewer")
        late = make_frames(theirs, dad.card, 40)
        assert len((await dad.sync(dad.ask(theirs, *late))).one.answer.acks) == 40
        await mum.push(book)
        await set_role(mum, book, dad.person, "editor")
        theirs = await pulled(dad, book)
