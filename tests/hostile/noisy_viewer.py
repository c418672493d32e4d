"""A viewer beside two phones of mum's who says to the server whatever she likes, with noise for every wrap."""

from __future__ import annotations

import os

from sync.device.identity import get_identity
from sync.vault.intents import AddCard
from sync.vault.keyring import Keyring
from sync.wire.exchange import AnswerReader, Key, Keybox, SyncRequest, VaultAnswer, VaultAsk, Wrap, encode_request
from sync.wire.ids import DeviceId, PersonId
from sync.wire.item import VIEWER, Item
from sync.wire.limits import WRAP_BYTES
from tests.hostile.shipped_pair import Pair
from tests.simulation.shipped import VAULT, ShippedPhone

NOISE = b"\x5a" * WRAP_BYTES


async def asks(pair: Pair, phone: ShippedPhone, **said: object) -> VaultAnswer:
    """What the server answers to one ask of this card at the head of its log, with other fields."""
    state, _ = await pair.state(phone)
    asked = {"cursor": state.log.seq, "log_hash": state.log.log_hash, "epoch_held": state.epoch_held} | said
    ask = VaultAsk(vault=state.vault, **asked)  # type: ignore[arg-type]
    messages = AnswerReader().feed(await pair.server.answer(phone.device, encode_request(SyncRequest((ask,)))))
    return next(message for message in messages if isinstance(message, VaultAnswer))


async def key_of(pair: Pair, phone: ShippedPhone) -> Key:
    """Every wrap and keybox of the head epoch as they lie for this card."""
    key = (await asks(pair, phone, epoch_held=0)).key
    assert key is not None
    return key


async def opens(pair: Pair, phone: ShippedPhone, key: Key) -> bool:
    """True if a store that holds no key yet, with this phone's card, gets the epoch's key from this."""
    state, _ = await pair.state(phone)
    async with phone.phone.store.transaction() as rows:
        identity = await get_identity(rows)
    assert identity is not None
    return Keyring().learn(key, 1, state.vault, phone.device, identity.keys.kem)


async def viewer(pair: Pair) -> ShippedPhone:
    """A viewer's phone, let in by phone a and at the head."""
    phone = await pair.a._world._phone()
    await pair.a.let_in(phone)
    async with pair.a.phone.store.transaction() as rows:
        state = await rows.get_vault(VAULT)
        *before, wish = state.intents
        assert isinstance(wish, AddCard)
        state.intents = [*before, AddCard(wish.card, PersonId(b"viewer".ljust(16, b"\0")), VIEWER, None)]
        await rows.put_vault(VAULT, state)
    for each in (pair.a, phone, pair.b):
        await each.sync()
    return phone


async def lays_noise(pair: Pair, phone: ShippedPhone, *items: Item, cursor: tuple[int, bytes] | None = None) -> None:
    """Noise for every card of the head epoch and for its keybox; `items`: with what a restored server lost."""
    state, _ = await pair.state(phone)
    assert state.log.epoch is not None
    epoch = state.log.epoch.id
    wraps = tuple(Wrap(epoch, DeviceId(device), NOISE) for device in state.log.table.live())
    box = Keybox(epoch, os.urandom(32), b"\x5a" * 272)
    where = {"cursor": cursor[0], "log_hash": cursor[1]} if cursor else {}
    await asks(pair, phone, items=items, wraps=wraps, keybox=box, replay=bool(items), **where)
