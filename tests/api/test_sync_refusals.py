"""Every word that a server refuses an item or a vault with, over HTTP: SYN of openapi/protocol/sync.md.

End dates, wraps, quotas and grace are in test_sync_bounds.py, founding in test_sync_founding.py.
"""

from __future__ import annotations

import msgspec
import pytest

from sync.wire import limits
from sync.wire.card import RECOVERY
from sync.wire.exchange import VaultAsk, Wrap
from sync.wire.ids import LogHash, PersonId
from sync.wire.item import EDITOR, OWNER, Add, Drop, Item, SetVersion, item_hash
from tests.api.family_kit import add, enter, join, pulled, removed, second_phone, set_role
from tests.api.phone_kit import (
    CardKeys,
    LogBook,
    epoch_of,
    founding,
    keybox_for,
    make_entry,
    make_frame,
    make_frames,
    noise,
    wraps_for,
)


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
