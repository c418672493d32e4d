"""One way out: what a phone asks and hands in for one vault, decided and stored in one local transaction.

Frames are sealed here, late, and stored before they are sent. An entry is built here, from its intent, at the head of
the log, and goes alone. Spec: openapi/protocol/sync.md.
"""

from __future__ import annotations

from typing import NamedTuple

from crypto.secret.secret import Secret
from sync.device.identity import Identity
from sync.device.phone import Phone
from sync.device.store.rows import Rows
from sync.merge.change import Dot, RecordId
from sync.vault.entries import Built, build_entry
from sync.vault.keyring import seal_keybox, wrap_for
from sync.vault.outgoing import Flying, may_seal, seal_changes
from sync.vault.state import AddCard, VaultState
from sync.wire.card import device_id as id_of_card
from sync.wire.exchange import Keybox, VaultAsk, Wrap
from sync.wire.ids import ItemHash, LogHash, VaultId
from sync.wire.item import OWNER, Add, EntryEdit, Epoch, Item, item_hash

SEND_BYTES_MAX = 4_194_304  # bytes of own items in one request
SEND_ITEMS_MAX = 256  # own items of one vault in one request
DAY_MS = 86_400_000


class Asked(NamedTuple):
    """What was asked about one vault: enough to understand the answer."""

    number: int
    vault: VaultId
    cursor: int
    own: dict[ItemHash, Item]
    entry_sent: bool


async def prepare(phone: Phone, rows: Rows, identity: Identity, number: int) -> tuple[VaultAsk, Asked]:
    """The ask about one vault: where this phone stands, and what it hands in."""
    state = await rows.get_vault(number)
    flying = await rows.get_flying(number)
    built: Built | None = None
    waiting = await rows.count_pending(number)
    if not flying:
        built = _entry_of_intent(phone, identity, state)
        if built is None and waiting and may_seal(state, identity.device):
            flying = await _seal(phone, rows, identity, number, state)
    items = [built.item] if built else _to_send(state, flying)
    wraps, keybox = (built.wraps, built.keybox) if built else _granted(phone, state)
    if built and built.epoch_key:
        state.keyring.add(built.epoch_key)  # kept before it is sent: the answer may get lost
    await rows.put_vault(number, state)
    ask = VaultAsk(
        state.vault,
        state.log.seq,
        state.log.log_hash,
        state.epoch_held,
        tuple(items),
        wraps,
        keybox,
        key_missing=state.key_missing,
    )
    own = {item_hash(item.signed): item for item in [*(f.item for f in flying), *items]}
    return ask, Asked(number, state.vault, state.log.seq, own, built is not None)


async def _seal(phone: Phone, rows: Rows, identity: Identity, number: int, state: VaultState) -> list[Flying]:
    changes = await rows.get_pending(number)
    held = await rows.get_records(number, {change.record for change in changes})
    births: dict[RecordId, Dot] = {id_: record.births[0].dot for id_, record in held.items() if record.births}
    sealed = seal_changes(state, identity.device, identity.keys.signing, changes, births, lambda: phone.draw(32))
    await rows.put_flying(number, sealed)
    return sealed


def _to_send(state: VaultState, flying: list[Flying]) -> list[Item]:
    """Frames that have not been acknowledged, as many as one request should carry."""
    items: list[Item] = []
    size = 0
    for frame in flying:
        if item_hash(frame.item.signed) in state.acked:
            continue
        size += len(frame.item.signed)
        if items and (size > SEND_BYTES_MAX or len(items) >= SEND_ITEMS_MAX):
            break
        items.append(frame.item)
    return items


def _entry_of_intent(phone: Phone, identity: Identity, state: VaultState) -> Built | None:
    """The entry that the oldest intent means on the table as it stands; intents that hold already are dropped."""
    if not state.at_head or state.removed or state.halted or state.head_key is None:
        return None
    while state.intents:
        intent = state.intents[0]
        edits: tuple[EntryEdit, ...] = ()
        fresh: Secret | None = None
        if isinstance(intent, AddCard):
            if id_of_card(intent.card.card) not in state.log.table.cards:
                edits = (Add(intent.card, intent.person, intent.role, intent.until),)
        elif (
            state.log.epoch
            and state.log.epoch.number <= intent.after
            and state.log.table.role(identity.device) == OWNER
        ):
            fresh = Secret(phone.draw(32))
        if edits or fresh:
            return build_entry(
                state.log,
                identity.keys,
                edits,
                keyring=state.keyring,
                kem_keys=state.kem_keys,
                fresh_key=fresh,
                salt=phone.draw(32),
            )
        state.intents.pop(0)
    return None


def _granted(phone: Phone, state: VaultState) -> tuple[tuple[Wrap, ...], Keybox | None]:
    """Wraps for cards that could not open the head's key.

    Only the epoch that this phone's own log stands in, only for cards which that log lists, at most once a day each:
    else a server obtains the new key for a removed card from a phone that has not read the removal.
    """
    key, epoch, today = state.head_key, state.log.epoch, phone.now_ms() // DAY_MS
    wanted, state.wanted = state.wanted, []
    if key is None or epoch is None or not state.at_head:
        return (), None
    live = state.log.table.live()
    cards = {
        device: state.kem_keys[device]
        for device in wanted
        if device in live and state.wrapped.get(device) != (epoch.id, today)
    }
    if not cards:
        return (), None
    state.wrapped.update(dict.fromkeys(cards, (bytes(epoch.id), today)))
    return wrap_for(key, state.vault, epoch, cards), _keybox(phone, state, epoch, key)


def _keybox(phone: Phone, state: VaultState, epoch: Epoch, key: Secret) -> Keybox | None:
    """All older keys; only from who holds every one: a partial box would take the place of her full one."""
    if state.key_missing:
        return None
    return seal_keybox(state.vault, epoch.id, key, state.keyring.older(state.log.epochs, epoch.id), phone.draw(32))


async def replay_ask(phone: Phone, rows: Rows, number: int, seq: int, log_hash: LogHash) -> VaultAsk | None:
    """What a restored server lost, verbatim and in order, with the head's wraps and keybox; None if it holds another
    log."""
    state = await rows.get_vault(number)
    head = (await rows.get_heads(number, [seq])).get(seq) if seq else state.log.empty(state.vault).log_hash
    if head != log_hash:
        return None
    items: list[Item] = []
    size = 0
    for _, item, _ in await rows.get_items(number, seq, SEND_ITEMS_MAX):
        size += len(item.signed)
        if items and size > SEND_BYTES_MAX:
            break
        items.append(item)
    wraps: tuple[Wrap, ...] = ()
    box = None
    if state.head_key is not None and state.log.epoch is not None:
        cards = {device: state.kem_keys[device] for device in state.log.table.live()}
        epoch = state.log.epoch
        wraps = wrap_for(state.head_key, state.vault, epoch, cards)
        box = _keybox(phone, state, epoch, state.head_key)
    return VaultAsk(
        state.vault,
        seq,
        log_hash,
        state.epoch_held,
        tuple(items),
        wraps,
        box,
        replay=True,
        key_missing=state.key_missing,
    )
