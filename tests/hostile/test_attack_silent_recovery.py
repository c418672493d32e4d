"""silent-recovery: a thief of the recovery sheet reads in silence for years. Each token given to that card is a notice
on every phone of hers, and it signs only the entry that drops it, about nobody's cards but her own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from crypto.public.keys import ED25519
from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.device.access import access_token, ask_once
from sync.device.founding import found
from sync.device.identity import Identity
from sync.device.linking import approve, show_code, wait_to_be_let_in
from sync.device.phone import Phone
from sync.device.reading import identity_of
from sync.device.recovering import card_identity, read_code
from sync.device.syncing import sync
from sync.merge.change import Change, RecordId, make_dot
from sync.vault.entries import Built, CardKeys, build_entry, make_card
from sync.vault.outgoing import seal_changes
from sync.vault.state import VaultState
from sync.wire.card import DEVICE
from sync.wire.exchange import AnswerHead, VaultAnswer, VaultAsk
from sync.wire.ids import PersonId
from sync.wire.item import OWNER, Add, Drop, EntryEdit, Item
from tests.cli.kit import cheap_lock
from tests.faults.phone_killing import ORIGIN, phone_on, server_on


class World(NamedTuple):
    """Two phones of one person, and a thief who holds her sheet: the card, and what its phone would know."""

    a: Phone
    b: Phone
    thief: Identity


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    with cheap_lock():
        async with (
            server_on(tmp_path / "server") as app,
            phone_on(tmp_path / "a", app, create=True) as a,
            phone_on(tmp_path / "b", app, create=True) as b,
        ):
            made = await found(a, ORIGIN, "Testa Testperson", "phone A", "records of a test", subject=True)
            await sync(a)
            await approve(a, await show_code(b, ORIGIN, "phone B"))
            await wait_to_be_let_in(b)
            await sync(a)
            yield World(a, b, card_identity(ORIGIN, read_code(made.recovery_code)))


async def notices(phone: Phone) -> list[str]:
    """What the server has to tell this phone."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
    transport = phone.connect(ORIGIN)
    heads = await ask_once(transport, await access_token(phone, transport, identity))
    await transport.close()
    return [notice.kind for head in heads if isinstance(head, AnswerHead) for notice in head.notices]


async def test_each_token_given_to_the_recovery_card_is_a_notice_on_every_phone(world: World) -> None:
    transport = world.a.connect(ORIGIN)
    before = [(await notices(phone)).count("recovery_used") for phone in (world.a, world.b)]
    for _ in range(2):
        await access_token(world.a, transport, world.thief, renew=True)
    await transport.close()
    after = [(await notices(phone)).count("recovery_used") for phone in (world.a, world.b)]
    assert [later - earlier for later, earlier in zip(after, before, strict=True)] == [2, 2]


def card_of_the_thief() -> CardKeys:
    signing, kem = SigningKey.from_seed(ED25519, Secret(os.urandom(32))), KemKey.from_seed(Secret(os.urandom(32)))
    return make_card(DEVICE, signing, kem)


async def state_of(phone: Phone) -> VaultState:
    await sync(phone)
    async with phone.store.transaction() as rows:
        return await rows.get_vault(1)


async def pushed(world: World, state: VaultState, items: tuple[Item, ...], built: Built | None = None) -> str | None:
    """What the server says to the recovery card that hands these in."""
    transport = world.a.connect(ORIGIN)
    token = await access_token(world.a, transport, world.thief, renew=True)
    wraps, box = (built.wraps, built.keybox) if built else ((), None)
    ask = VaultAsk(state.vault, state.log.seq, state.log.log_hash, state.epoch_held, items, wraps, box)
    [answer] = [m for m in await ask_once(transport, token, [ask]) if isinstance(m, VaultAnswer)]
    await transport.close()
    return answer.code


async def entry_says(world: World, edits: list[EntryEdit]) -> str | None:
    state = await state_of(world.a)
    built = build_entry(
        state.log,
        world.thief.keys,
        tuple(edits),
        keyring=state.keyring,
        kem_keys=state.kem_keys,
        fresh_key=Secret(os.urandom(32)),
        salt=os.urandom(32),
    )
    return await pushed(world, state, (built.item,), built)


async def test_it_lets_nobody_in_while_it_stays_itself(world: World) -> None:
    state = await state_of(world.a)
    person = state.log.table.cards[world.thief.device].person
    assert await entry_says(world, [Add(card_of_the_thief().signed, person, OWNER, None)]) == "rights"
    assert world.thief.device in (await state_of(world.b)).log.table.live()


async def test_it_changes_nothing_but_cards_of_its_own_person(world: World) -> None:
    stranger = Add(card_of_the_thief().signed, PersonId(os.urandom(16)), OWNER, None)
    assert await entry_says(world, [stranger, Drop(world.thief.device)]) == "rights"


async def test_it_writes_no_frame(world: World) -> None:
    state = await state_of(world.a)
    dot = make_dot(state.log.table.cards[world.thief.device].ordinal, 1)
    change = Change(dot, RecordId(os.urandom(32)), True, 0, None, (), (("status", b'"active"'),), 0)
    frames = seal_changes(state, world.thief.device, world.thief.keys.signing, [change], {}, lambda: os.urandom(32))
    assert await pushed(world, state, tuple(frame.item for frame in frames)) == "rights"


async def test_the_entry_that_drops_it_is_read_by_every_phone(world: World) -> None:
    state = await state_of(world.a)
    person = state.log.table.cards[world.thief.device].person
    phone = card_of_the_thief()
    edits: list[EntryEdit] = [Add(phone.signed, person, OWNER, None), Drop(world.thief.device)]
    assert await entry_says(world, edits) == "removed"  # stored, and from now on the code is nobody's
    table = (await state_of(world.b)).log.table
    assert phone.device in table.live()
    assert world.thief.device not in table.live()
