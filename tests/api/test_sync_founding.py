"""Founding a vault by sync: whose, how many, from which entry. SYN of openapi/protocol/sync.md."""

from __future__ import annotations

import asyncio

import pytest

from sync.wire.item import EDITOR, OWNER, SetRole, SetSubject
from tests.api.family_kit import add, enter, join, removed
from tests.api.phone_kit import (
    founding,
    genesis_of,
    make_entry,
    make_frame,
    wraps_for,
)
from tests.api.server_kit import served


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
