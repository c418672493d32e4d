"""What one phone remembers of one vault, records aside: the fold of its log, its keys, and where its own sending
stands.

Kept sealed in the phone's own store and read afresh in every local transaction. It only grows where the protocol says
so: entries and epochs once seen, `n`. Spec: openapi/protocol/phone.md.
"""

from __future__ import annotations

from typing import Any

import msgspec

from crypto.secret.secret import Secret
from sync.log.state import LogState
from sync.vault.intents import Intent
from sync.vault.keyring import Keyring
from sync.wire.ids import DeviceId, ItemHash, LogHash, PersonId, VaultId
from sync.wire.item import Item


class VaultState(msgspec.Struct):
    """One vault on one phone.

    `vector`: last good n by device. `kem_keys`: X-Wing key by device. `n`: the last number this phone gave to
    a change, never given again. `at_head`: the last answer led to the end of the log. `acked`: own items stored but
    not read back yet. `refusal`: code and entry head of the last refusal. `expected`: a head that another phone
    vouched for, checked when the log reaches it. `halted`: why nothing is sent. `rebuilding`: why this log is read anew
    beside the one that it replaces, None once it has; until then nothing is sent and own frames met are no clone's.
    `adopted`: frames that the log names as adopted or declined. `dropped_ever`: cards that this phone ever saw dropped,
    in this log or one that it left. `lost`: good entries of a log that was left, or that owners were handed, which this
    one lacks; `known_lost`: those that are dealt with; `owners_before`: owners' cards of the log that was left;
    `spoken`: an owner of both has appended an entry since; `epoch_top`: the highest epoch number ever seen.
    `left_frames`: own frames of logs that were left; who never left one may bring it back in parts.
    """

    log: LogState
    person: PersonId
    keyring: Keyring
    vector: dict[DeviceId, int] = {}
    kem_keys: dict[DeviceId, bytes] = {}
    n: int = 0
    at_head: bool = False
    acked: set[ItemHash] = set()
    refusal: tuple[str, bytes] | None = None
    intents: list[Intent] = []
    wanted: list[DeviceId] = []
    wrapped: dict[DeviceId, tuple[bytes, int]] = {}
    expected: tuple[int, LogHash] | None = None
    unproved: bool = False
    removed: bool = False
    halted: str | None = None
    replayed_day: int = -1
    heard: dict[DeviceId, int] = {}
    rebuilding: str | None = None
    adopted: set[ItemHash] = set()
    dropped_ever: set[DeviceId] = set()
    lost: dict[ItemHash, Item] = {}
    known_lost: set[ItemHash] = set()
    owners_before: set[DeviceId] | None = None
    spoken: bool = False
    epoch_top: int = 0
    left_frames: set[ItemHash] = set()

    @property
    def vault(self) -> VaultId:
        return self.log.vault

    @property
    def ordinals(self) -> dict[DeviceId, int]:
        """The ordinal of every device that the log has ever listed."""
        return {device: row.ordinal for device, row in self.log.table.cards.items()}

    @property
    def devices(self) -> list[DeviceId]:
        """Devices by ordinal: the table keeps the order of their `add`."""
        return list(self.log.table.cards)

    @property
    def epoch_held(self) -> int:
        """The number of the newest epoch of this log whose key is held; 0 for none."""
        held = [number for epoch, (number, _) in self.log.epochs.items() if self.keyring.get(epoch) is not None]
        return max(held, default=0)

    @property
    def key_missing(self) -> bool:
        """True if the log has an epoch whose key is not held: another phone has to hand it over."""
        return any(self.keyring.get(epoch) is None for epoch in self.log.epochs)

    @property
    def head_key(self) -> Secret | None:
        """The key of the epoch that new frames are sealed under."""
        return self.keyring.get(self.log.epoch.id) if self.log.epoch else None


def _enc_hook(value: Any) -> Any:
    if isinstance(value, Keyring):
        return value.raw()
    raise NotImplementedError(f"a {type(value).__name__} is not kept")


def _dec_hook(type_: type, value: Any) -> Any:
    if type_ is Keyring:
        return Keyring(value)
    raise NotImplementedError(f"a {type_.__name__} is not kept")


_encoder = msgspec.msgpack.Encoder(enc_hook=_enc_hook)
_decoder = msgspec.msgpack.Decoder(VaultState, dec_hook=_dec_hook)


def encode_vault(state: VaultState) -> bytes:
    """The state as bytes, keys among them: for the sealed store alone."""
    return _encoder.encode(state)


def decode_vault(data: bytes) -> VaultState:
    """The state from the store. Raises: msgspec.DecodeError for another layout."""
    return _decoder.decode(data)
