"""Every word that a server refuses an item or a vault with, over HTTP: SYN of openapi/protocol/sync.md."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from sync.wire import limits
from sync.wire.card import RECOVERY
from sync.wire.exchange import VaultAsk, Wrap
from sync.wire.ids import LogHash, PersonId
from sync.wire.item import EDITOR, OWNER, Add, Drop, Item, SetRole, SetSubject, SetVersion, item_hash
from tests.api.family_kit import add, enter, join, pulled, removed, second_phone, set_role
from tests.api.phone_kit import (
    CardKeys,
    LogBook,
    epoch_of,
    founding,
    genesis_of,
    keybox_for,
    make_entry,
    make_frame,
    make_frames,
    noise,
    wraps_for,
)
from tests.api.server_kit import DAY_MS, served


async def test_behind_says_where_the_server_stands(server):
    """SYN-20."""
    mum = await server.registered("mum")
    book = await mum.found()
    ahead = mum.ask(book, cursor=5, log_hash=LogHash(noise("ahead")))
    answer = (await mum.sync(ahead)).one.answer
    assert (answer.code, answer.next, answer.log_hash, answer.acks) == ("behind", 1, book.L[1], ())


async def test_behind_comes_before_removed(server):
    """SYN-20: whoever holds what a restore lost may be the only one."""
    mum, stranger = await server.registered("mum"), await server.registered("stranger")
    book = await mum.found()
    assert (await stranger.sync(stranger.ask(book, cursor=2, log_hash=book.L[1]))).one.code == "behind"
    assert (await stranger.sync(stranger.ask(book))).one.code == "removed"


async def test_behind_of_a_vault_of_which_nothing_is_left_starts_at_nothing(server):
    """SYN-20."""
    mum = await server.registered("mum")
    book, _, _, _ = founding(mum.card, mum.person)
    answer = (await mum.sync(mum.ask(book, cursor=1, log_hash=LogHash(noise(1))))).one.answer
    assert (answer.code, answer.next, answer.log_hash) == ("behind", 0, book.L[0])


async def test_diverged_is_said_to_members_only(server):
    """SYN-21."""
    mum, stranger = await server.registered("mum"), await server.registered("stranger")
    book = await mum.found()
    wrong = {"cursor": 1, "log_hash": LogHash(noise("other log"))}
    assert (await mum.sync(mum.ask(book, make_frame(book, mum.card), **wrong))).one.code == "diverged"
    assert (await stranger.sync(stranger.ask(book, **wrong))).one.code == "removed"
    assert (await pulled(mum, book)).state.seq == 1


async def test_a_stranger_hears_the_same_of_a_vault_that_exists_and_of_one_that_does_not(server):
    """SYN-22."""
    mum, stranger = await server.registered("mum"), await server.registered("stranger")
    book = await mum.found()
    nowhere = LogBook(noise("nowhere"))
    there = (await stranger.sync(stranger.ask(LogBook(book.vault)))).one.answer
    not_there = (await stranger.sync(stranger.ask(nowhere))).one.answer
    assert msgspec.structs.replace(there, vault=b"", log_hash=b"") == msgspec.structs.replace(
        not_there, vault=b"", log_hash=b""
    )


@pytest.mark.parametrize("fault", ["bytes", "signature", "kind", "size", "epoch"])
async def test_shape(server, fault):
    """SYN-30: what cannot be read is refused, and nothing after it is looked at. LIM-2."""
    mum = await server.registered("mum")
    book = await mum.found()
    good, after = make_frames(book, mum.card, 2)
    bad = {
        "bytes": Item(1, good.signed + b"\0", good.signature),
        "signature": Item(1, good.signed, good.signature[:-1]),
        "kind": Item(7, good.signed, good.signature),
        "size": make_frame(book, mum.card, size=limits.FRAME_BYTES_MAX),
        "epoch": make_frame(book, mum.card, epoch=b"short"),
    }[fault]
    answered = (await mum.sync(mum.ask(book, bad, after))).one
    assert (answered.code, answered.answer.acks) == ("shape", ())


@pytest.mark.parametrize("fault", ["wrap", "salt", "box"])
async def test_wraps_of_another_size_are_refused_before_anything_is_stored(server, fault):
    """SYN-30."""
    mum = await server.registered("mum")
    book = await mum.found()
    wraps = (Wrap(book.state.epoch.id, mum.card.id, b"short"),) if fault == "wrap" else ()
    box = keybox_for(book.state.epoch.id)
    box = {
        "salt": msgspec.structs.replace(box, salt=b"s"),
        "box": msgspec.structs.replace(box, sealed=bytes(65_537)),
    }.get(fault)
    answered = (await mum.sync(mum.ask(book, make_frame(book, mum.card), wraps=wraps, keybox=box))).one
    assert (answered.code, answered.answer.next) == ("shape", 1)


async def test_the_same_item_again_is_acknowledged_again(server):
    """SYN-31."""
    mum = await server.registered("mum")
    book = await mum.found()
    before = book.copy()
    frames = make_frames(book, mum.card, 3)
    await mum.push(book, *frames)
    again = (await mum.sync(mum.ask(before, *frames, *frames))).one
    assert (again.code, again.answer.next) == (None, 4)
    assert again.answer.acks == tuple(item_hash(f.signed) for f in frames) * 2
    assert again.items == [item_hash(f.signed) for f in frames]


async def test_the_same_entry_again_is_acknowledged_again(server):
    """SYN-31: idempotent by item hash, though it no longer follows the last entry."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad = CardKeys("dad")
    entry = make_entry(book, mum.card, (add(dad, PersonId(noise("dad", length=16)), EDITOR),))
    wraps = wraps_for(book.state.epoch.id, [dad.id])
    await mum.push(book, entry, wraps=wraps)
    again = (await mum.sync(mum.ask(book, entry, wraps=wraps))).one
    assert (again.code, again.answer.acks) == (None, (item_hash(entry.signed),))


async def test_device_forked_brings_the_stored_frame_as_proof(server):
    """SYN-32, groundless-code: the proof bears the device's own signature."""
    mum = await server.registered("mum")
    book = await mum.found()
    clone = book.copy()
    stored = make_frame(book, mum.card, tag="first")
    await mum.push(book, stored)
    answered = (await mum.sync(mum.ask(clone, make_frame(clone, mum.card, tag="second")))).one
    assert (answered.code, answered.answer.proof) == ("device_forked", stored)


async def test_a_fork_within_one_request_is_found_too(server):
    """SYN-32."""
    mum = await server.registered("mum")
    book = await mum.found()
    first, second = (make_frame(book, mum.card, tag=tag) for tag in (1, 2))
    answered = (await mum.sync(mum.ask(book, first, second))).one
    assert (answered.code, answered.answer.proof) == ("device_forked", first)
    assert answered.answer.acks == (item_hash(first.signed),)


async def test_the_stored_frame_goes_to_nobody_but_its_author(server):
    """SYN-32: else a removed member could fetch what she may no longer read."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, _ = await join(server, mum, book, "dad", "viewer")
    await mum.push(book, make_frame(book, mum.card, tag="first"))
    claim = make_frame(book, mum.card, fseq=1, tag="second")
    answered = (await dad.sync(dad.ask(book, claim))).one
    assert (answered.code, answered.answer.proof) == ("device_forked", None)


@pytest.mark.parametrize("author", ["member", "stranger"])
async def test_signature(server, author):
    """SYN-33."""
    mum = await server.registered("mum")
    book = await mum.found()
    card = mum.card if author == "member" else CardKeys("stranger")
    frame = make_frame(book, card)
    flipped = bytes([frame.signature[0] ^ 1]) + frame.signature[1:] if author == "member" else frame.signature
    answered = (await mum.sync(mum.ask(book, Item(1, frame.signed, flipped)))).one
    assert (answered.code, answered.answer.acks) == ("signature", ())


@pytest.mark.parametrize("seen", [(0, noise("x")), (1, noise("x")), (2, noise("x")), (9, noise("x"))])
async def test_seen_that_is_not_so(server, seen):
    """SYN-34."""
    mum = await server.registered("mum")
    book = await mum.found()
    await mum.push(book, *make_frames(book, mum.card, 2))
    frame = make_frame(book, mum.card, seen=(seen[0], LogHash(seen[1])))
    assert (await mum.sync(mum.ask(book, frame))).one.code == "seen"


async def test_seen_that_is_so_at_any_place_of_the_log(server):
    """SYN-34."""
    mum = await server.registered("mum")
    book = await mum.found()
    await mum.push(book, *make_frames(book, mum.card, 3))
    for seq in range(5):
        answered = await mum.push(book, make_frame(book, mum.card, seen=(seq, book.L[seq])))
        assert answered.code is None


async def test_version(server):
    """SYN-35, unknown-version."""
    mum = await server.registered("mum")
    book = await mum.found()
    assert (await mum.sync(mum.ask(book, make_frame(book, mum.card, version=9)))).one.code == "version"


async def test_a_version_that_the_server_does_not_know_is_not_entered(server):
    """SYN-35: it could not judge what follows."""
    mum = await server.registered("mum")
    book = await mum.found()
    assert (await mum.sync(mum.ask(book, make_entry(book, mum.card, (SetVersion(2),))))).one.code == "version"
    assert (await mum.push(book, make_frame(book, mum.card))).code is None


async def test_an_item_of_another_vault_is_of_another_version(server):
    """SYN-35."""
    mum = await server.registered("mum")
    book, other = await mum.found(), await mum.found()
    frame = make_frame(other, mum.card)
    assert (await mum.sync(mum.ask(book, frame))).one.code in ("version", "seen")


async def test_chain(server):
    """SYN-35."""
    mum = await server.registered("mum")
    book = await mum.found()
    frames = make_frames(book, mum.card, 3)
    answered = (await mum.sync(mum.ask(book, frames[0], frames[2]))).one
    assert (answered.code, answered.answer.acks) == ("chain", (item_hash(frames[0].signed),))


async def test_cas(server):
    """SYN-35: frames in between do not matter, an entry does."""
    mum = await server.registered("mum")
    book = await mum.found()
    tablet, other = await second_phone(server, mum, book, "tablet")
    await mum.push(book, make_frame(book, mum.card))
    assert (await set_role(tablet, other, mum.person, "owner")).code is None
    assert (await set_role(mum, book, mum.person, "owner")).code == "cas"


async def test_rights_of_a_viewer(server):
    """SYN-35."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "viewer")
    assert (await dad.sync(dad.ask(theirs, make_frame(theirs, dad.card)))).one.code == "rights"
    drop = make_entry(theirs, dad.card, (Drop(mum.card.id),))
    assert (await dad.sync(dad.ask(theirs, drop))).one.code == "rights"


async def test_a_co_owner_gets_no_card_as_mum(server):
    """SYN-35, co-owner-as-mum."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "owner")
    entry = make_entry(theirs, dad.card, (add(CardKeys("dads second"), mum.person, OWNER),))
    assert (await dad.sync(dad.ask(theirs, entry))).one.code == "rights"


async def test_a_recovery_card_writes_no_frame(server):
    """SYN-35."""
    mum = await server.registered("mum")
    recovery = CardKeys("sheet", RECOVERY)
    book = await mum.found(recovery=recovery)
    assert (await mum.sync(mum.ask(book, make_frame(book, recovery)))).one.code == "rights"


async def test_epoch_stale(server):
    """SYN-35."""
    mum = await server.registered("mum")
    book = await mum.found()
    dad, theirs = await join(server, mum, book, "dad", "editor")
    tablet, _ = await second_phone(server, mum, book, "tablet")
    await removed(mum, book, tablet.card.id)
    assert (await dad.sync(dad.ask(theirs, make_frame(theirs, dad.card)))).one.code == "epoch_stale"


async def test_epoch(server):
    """SYN-35, garbage-epoch: an owner's drop starts one, and only by so many."""
    mum = await server.registered("mum")
    book = await mum.found()
    tablet, _ = await second_phone(server, mum, book, "tablet")
    drop = Drop(tablet.card.id)
    assert (await enter(mum, book.copy(), drop, wraps=())).code == "epoch"
    for number, suite in ((1, 1), (1 + limits.EPOCH_STEP_MAX + 1, 1), (2, 99)):
        assert (await enter(mum, book.copy(), drop, epoch=epoch_of(number, suite=suite))).code == "epoch"
    assert (await enter(mum, book, drop, epoch=epoch_of(2))).code is None


async def test_limits(server):
    """SYN-35: eight cards a person."""
    mum = await server.registered("mum")
    book = await mum.found()
    cards = [add(CardKeys(f"m{i}"), mum.person, OWNER) for i in range(limits.CARDS_A_PERSON_MAX)]
    assert (await enter(mum, book, *cards)).code == "limits"


async def test_owner(server):
    """SYN-35: never without an owner's phone."""
    mum = await server.registered("mum")
    book = await mum.found()
    assert (await set_role(mum, book, mum.person, "editor")).code == "owner"


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


async def test_an_account_founds_so_many_vaults(tmp_path):
    """SYN-40, LIM-7."""
    async with served(tmp_path, vaults_an_account_max=1) as server:
        mum = await server.registered("mum")
        await mum.found()
        book, item, epoch, live = founding(mum.card, mum.person)
        answered = (await mum.sync(mum.ask(book, item, wraps=wraps_for(epoch.id, live)))).one
        assert answered.code == "vault_limit"


async def test_a_vault_that_is_founded_by_a_replay_counts_like_any_other(tmp_path):
    """SYN-40, LIM-7: a phone hands its new log in as what a restored server lost, from `behind`."""
    async with served(tmp_path, vaults_an_account_max=3) as server:
        mum = await server.registered("mum")
        codes, asks = [], []
        for number in range(7):
            book, item, epoch, live = founding(mum.card, mum.person)
            start = {"cursor": 0, "log_hash": book.L[0], "replay": True}
            ahead = book.copy()
            ahead.take(item)
            assert (await mum.sync(mum.ask(ahead))).one.code == "behind"
            asks.append(mum.ask(ahead, item, wraps=wraps_for(epoch.id, live), epoch_held=0, **start))
            if number == 0:
                codes.append((await mum.sync(asks.pop())).one.code)
        answered = await mum.sync(*asks[:3])
        codes += [vault.code for vault in answered.vaults]
        more = await asyncio.gather(*(mum.sync(ask) for ask in asks[3:]))
        codes += [each.one.code for each in more]
        assert codes == [None, None, None, "vault_limit", "vault_limit", "vault_limit", "vault_limit"]
        assert (await server.engine.reading().fetch("SELECT count(*) FROM vaults"))[0][0] == 3
        dad = await server.registered("dad")
        assert (await dad.sync(asks[3])).one.answer.acks != (), "another account has its own"


async def test_nobody_founds_a_vault_for_another(server):
    """SYN-40."""
    mum, dad = await server.registered("mum"), await server.registered("dad")
    book, item, epoch, live = founding(mum.card, mum.person)
    answered = (await dad.sync(dad.ask(book, item, wraps=wraps_for(epoch.id, live)))).one
    assert answered.code == "rights"
    assert (await mum.sync(mum.ask(book))).one.code == "removed"


@pytest.mark.parametrize("fault", ["frame", "vault", "second add", "no epoch"])
async def test_a_vault_starts_from_its_genesis_or_not_at_all(server, fault):
    """SYN-40."""
    mum = await server.registered("mum")
    book, _, epoch, live = founding(mum.card, mum.person)
    genesis = genesis_of(mum.card, mum.person)
    mine = add(mum.card, mum.person, OWNER)
    bad = {
        "frame": lambda: make_frame(book, mum.card),
        "vault": lambda: make_entry(book, mum.card, (mine,), epoch=epoch, genesis=genesis, prev=book.vault),
        "second add": lambda: make_entry(book, mum.card, (mine, mine), epoch=epoch, genesis=genesis, prev=book.vault),
        "no epoch": lambda: make_entry(book, mum.card, (mine,), genesis=genesis, prev=book.vault),
    }[fault]()
    answered = (await mum.sync(mum.ask(book, bad, wraps=wraps_for(epoch.id, live)))).one
    assert answered.code == "rights"
    assert (await mum.sync(mum.ask(book, cursor=1))).one.answer.next == 0


async def test_a_vault_whose_subject_is_somebody_keeps_her_cards_from_other_owners(server):
    """SYN-35."""
    mum = await server.registered("mum")
    book = await mum.found(subject=False)
    dad, theirs = await join(server, mum, book, "dad", "owner")
    await enter(mum, book, SetSubject(mum.person), wraps=())
    await dad.push(theirs)
    assert (await removed(dad, theirs, mum.card.id)).code == "rights"
    demote = make_entry(theirs, dad.card, (SetRole(mum.person, EDITOR),))
    assert (await dad.sync(dad.ask(theirs, demote))).one.code == "rights"


async def test_vaults_of_one_request_are_independent(server):
    """SYN-41."""
    mum = await server.registered("mum")
    one, two, three = [await mum.found() for _ in range(3)]
    asks = (
        mum.ask(one, make_frame(one, mum.card, version=9)),
        mum.ask(two, make_frame(two, mum.card)),
        VaultAsk(three.vault, 7, LogHash(noise("ahead")), 1),
    )
    answered = await mum.sync(*asks)
    assert [v.code for v in answered.vaults] == ["version", None, "behind"]
    assert [v.answer.vault for v in answered.vaults] == [one.vault, two.vault, three.vault]


def test_add_is_the_wires_own() -> None:
    """The kit builds what the wire defines."""
    assert isinstance(add(CardKeys("x"), PersonId(bytes(16)), OWNER), Add)
