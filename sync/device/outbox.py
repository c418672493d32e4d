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
from sync.vault.intents import Intent, Meaning, Rotate, meaning
from sync.vault.keyring import seal_keybox, wrap_for
from sync.vault.outgoing import Flying, may_seal, seal_changes
from sync.vault.rollback import held_back, to_repeat
from sync.vault.state import VaultState
from sync.wire.exchange import Keybox, VaultAsk, Wrap
from sync.wire.ids import DeviceId, ItemHash, LogHash, VaultId
from sync.wire.item import Epoch, Item, item_hash
from sync.wire.limits import LOST_ENTRIES_MAX

SEND_BYTES_MAX = 4_194_304  # bytes of own items in one request
SEND_ITEMS_MAX = 256  # own items of one vault in one request
DAY_MS = 86_400_000
_REPEATED = Rotate(-1)  # an entry that no wish asked for
NEWER_VERSION = "newer_version"  # why a vault is halted that a newer app can go on with


class Asked(NamedTuple):
    """What was asked about one vault: enough to understand the answer."""

    number: int
    vault: VaultId
    cursor: int
    own: dict[ItemHash, Item]
    intent: Intent | None  # what the entry that was handed in says


async def prepare(
    phone: Phone, rows: Rows, identity: Identity, number: int, *, entries_wait: bool = False
) -> tuple[VaultAsk, Asked]:
    """The ask about one vault: where this phone stands, and what it hands in. `entries_wait`: frames alone."""
    state = await rows.get_vault(number)
    if state.halted == NEWER_VERSION:
        state.at_head, state.halted = False, None  # this may be the newer app by now; if not, the log says so again
    flying = await rows.get_flying(number)
    built: Built | None = None
    waiting = await rows.count_pending(number)
    if not flying and not state.halted:
        built = None if entries_wait else _entry_of_intent(phone, identity, state)
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
        lost_entries=tuple(state.lost.values())[:LOST_ENTRIES_MAX],
    )
    own = {item_hash(item.signed): item for item in [*(f.item for f in flying), *items]}
    said = (_REPEATED if held_back(state) else state.intents[0]) if built else None
    return ask, Asked(number, state.vault, state.log.seq, own, said)


async def _seal(phone: Phone, rows: Rows, identity: Identity, number: int, state: VaultState) -> list[Flying]:
    changes = await rows.get_pending(number)
    held = await rows.get_records(number, {change.record for change in changes})
    births: dict[RecordId, Dot] = {id_: record.births[0].dot for id_, record in held.items() if record.births}
    sealed = seal_changes(state, identity.device, identity.keys.signing, changes, births, lambda: phone.draw(32))
    await rows.put_flying(number, sealed)
    return sealed


def _to_send(state: VaultState, flying: list[Flying]) -> list[Item]:
    """Frames that have not been acknowledged, as many as one request should carry; none of a vault that is halted."""
    if state.halted:
        return []
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
    if held_back(state):  # a phone says nothing then but what ends it
        edits = to_repeat(state, identity.device)
        return _build(phone, identity, state, Meaning(edits, True)) if edits is not None else None
    while state.intents:
        means = meaning(state.intents[0], state.log, identity.device)
        if means is not None:
            return _build(phone, identity, state, means)
        state.intents = state.intents[1:]
    return None


def _build(phone: Phone, identity: Identity, state: VaultState, means: Meaning) -> Built:
    return build_entry(
        state.log,
        identity.keys,
        means.edits,
        keyring=state.keyring,
        kem_keys=state.kem_keys,
        fresh_key=Secret(phone.draw(32)) if means.starts_epoch else None,
        salt=phone.draw(32),
        epoch_above=state.epoch_top,
    )


def _granted(phone: Phone, state: VaultState) -> tuple[tuple[Wrap, ...], Keybox | None]:
    """Wraps for cards that could not open the head's key.

    Only the epoch that this phone's own log stands in, only for cards which that log lists, at most once a day each:
    else a server obtains the new key for a removed card from a phone that has not read the removal.
    """
    key, epoch, today = state.head_key, state.log.epoch, phone.now_ms() // DAY_MS
    cards = {device: state.kem_keys[device] for device in may_grant(state, today)}
    state.wanted = []
    if not cards or key is None or epoch is None:
        return (), None
    state.wrapped.update(dict.fromkeys(cards, (bytes(epoch.id), today)))
    return wrap_for(key, state.vault, epoch, cards), _keybox(phone, state, epoch, key)


def _keybox(phone: Phone, state: VaultState, epoch: Epoch, key: Secret) -> Keybox | None:
    """All older keys; only from who holds every one: a partial box would take the place of her full one."""
    if state.key_missing:
        return None
    return seal_keybox(state.vault, epoch.id, key, state.keyring.older(state.log.epochs, epoch.id), phone.draw(32))


def may_grant(state: VaultState, today: int) -> list[DeviceId]:
    """The cards that wait for a wrap which this phone may lay now. `today`: days since 1970 by its own clock."""
    epoch = state.log.epoch
    if state.head_key is None or epoch is None or not state.at_head or state.halted:
        return []
    live = state.log.table.live()
    return [d for d in state.wanted if d in live and state.wrapped.get(d) != (epoch.id, today)]


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
