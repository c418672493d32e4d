"""Building entries: what each intent means on the table as it stands, signed, with the wraps that must come along.

An entry is built online only, after a pull to the head, and pushed alone; on `cas` it is built again from the intent
and never signed again. Randomness is an argument. Spec: openapi/protocol/membership.md, keys.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from crypto.secret.kdf import epoch_id
from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.log.state import LogState
from sync.vault.keyring import Keyring, seal_keybox, wrap_for
from sync.wire.card import CARD_LABEL, Card, SignedCard, read_card
from sync.wire.card import device_id as id_of_card
from sync.wire.codec import encode
from sync.wire.exchange import Keybox, Wrap
from sync.wire.ids import DeviceId, EpochId, PersonId, VaultId
from sync.wire.item import (
    ENTRY,
    ENTRY_LABEL,
    OWNER,
    Add,
    Drop,
    Entry,
    EntryEdit,
    Epoch,
    Genesis,
    Item,
    first_log_hash,
    vault_id,
)
from sync.wire.limits import EPOCH_STEP_MAX, PROTOCOL_VERSION, SUITES_KNOWN


class CardKeys(NamedTuple):
    """A card with the secret keys behind it: a phone's own, or that of a recovery code."""

    signed: SignedCard
    device: DeviceId
    signing: SigningKey
    kem: KemKey


class Built(NamedTuple):
    """An entry ready to be pushed alone, with its wraps and keybox, and the key of the epoch it starts."""

    item: Item
    wraps: tuple[Wrap, ...]
    keybox: Keybox | None
    epoch_key: Secret | None


def make_card(kind: int, signing: SigningKey, kem: KemKey) -> CardKeys:
    """A self-signed card for these keys; kind card.DEVICE or card.RECOVERY."""
    card = encode(Card(kind, signing.key_type, signing.public_key, kem.public_key))
    return CardKeys(SignedCard(card, signing.sign(CARD_LABEL, card)), id_of_card(card), signing, kem)


def _sign(entry: Entry, signing: SigningKey) -> Item:
    signed = encode(entry)
    return Item(ENTRY, signed, signing.sign(ENTRY_LABEL, signed))


def found_vault(
    creator: CardKeys,
    person: PersonId,
    *,
    subject: bool,
    recovery: CardKeys | None,
    nonce: bytes,
    key: Secret,
    salt: bytes,
) -> tuple[VaultId, Built]:
    """The first entry of a new vault. `nonce`: 16, `key` and `salt`: 32 fresh random bytes each."""
    genesis = Genesis(creator.device, person, subject, nonce)
    vault = vault_id(genesis)
    epoch = Epoch(1, SUITES_KNOWN[-1], EpochId(epoch_id(key)))
    cards = [creator, *([recovery] if recovery else [])]
    edits = tuple(Add(card.signed, person, OWNER, None) for card in cards)
    entry = Entry(PROTOCOL_VERSION, vault, vault, 0, first_log_hash(vault), creator.device, edits, epoch, genesis)
    wraps = wrap_for(key, vault, epoch, {card.device: card.kem.public_key for card in cards})
    box = seal_keybox(vault, epoch.id, key, [], salt)
    return vault, Built(_sign(entry, creator.signing), wraps, box, key)


def build_entry(
    log: LogState,
    author: CardKeys,
    edits: tuple[EntryEdit, ...],
    *,
    keyring: Keyring,
    kem_keys: Mapping[DeviceId, bytes],
    fresh_key: Secret | None,
    salt: bytes,
    epoch_above: int = 0,
) -> Built:
    """An entry on top of the log's head. `fresh_key`: the key of the epoch that it starts, or None to start none;
    `epoch_above`: the highest number that this phone has ever seen on one, if another log had more.

    `kem_keys`: X-Wing keys of the cards in the log. The wraps cover every card that is live after the entry when it
    starts an epoch, else the cards that it adds. Raises: LookupError if the head epoch's key is not held.
    """
    if log.epoch is None:
        raise LookupError("the log has no epoch yet")
    added = {id_of_card(e.card.card): read_card(e.card).kem_key for e in edits if isinstance(e, Add)}
    dropped = {e.device for e in edits if isinstance(e, Drop)}
    epoch, key = None, keyring.get(log.epoch.id)
    if fresh_key is not None:
        number = min(max(log.epoch.number, epoch_above), log.epoch.number + EPOCH_STEP_MAX - 1) + 1
        epoch = Epoch(number, log.epoch.suite, EpochId(epoch_id(fresh_key)))
        key = fresh_key
        live = [device for device in log.table.live() if device not in dropped]
        cards = {device: kem_keys[device] for device in live} | added
    else:
        cards = added
    if key is None:
        raise LookupError("the head epoch's key is not held")
    entry = Entry(
        log.table.version, log.vault, log.entry_head, log.seq, log.log_hash, author.device, edits, epoch, None
    )
    in_force = epoch or log.epoch
    older = keyring.older(log.epochs, in_force.id)
    box = seal_keybox(log.vault, in_force.id, key, older, salt) if epoch else None
    return Built(_sign(entry, author.signing), wrap_for(key, log.vault, in_force, cards), box, fresh_key)
