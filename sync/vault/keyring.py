"""A vault's epoch keys as one phone holds them: learning them from wraps and keyboxes, and handing them on.

A key is right if and only if its epoch id is the one in the log; nothing else authenticates it. Every wrap and keybox
of an answer is tried, because a member may have laid noise beside the good one. Spec: openapi/protocol/keys.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crypto.public.errors import CryptoError
from crypto.public.hashing import signed_input
from crypto.public.sealing import seal
from crypto.secret import aead
from crypto.secret.kdf import epoch_id
from crypto.secret.kem import KemKey
from crypto.secret.padding import compress_and_pad, unpad_and_inflate
from crypto.secret.secret import Secret
from sync.wire.codec import Exact, Malformed, encode
from sync.wire.exchange import Key, Keybox, Wrap
from sync.wire.ids import DeviceId, EpochId, VaultId
from sync.wire.item import Epoch

KEY_BYTES = 32
KEYBOX_INFLATED_BYTES_MAX = 65_536  # bytes: 1,000 epochs
_KEYBOX_LABEL = "keybox"
_keys_in_box = Exact(list[bytes])


def wrap_info(vault: VaultId, epoch: Epoch, device: DeviceId) -> bytes:
    """What a wrap is bound to: "wrap" ‖ u16 suite ‖ vault ‖ u64 number ‖ epoch id ‖ device id (HPKE `info`, RFC 9180
    §5.1)."""
    place = epoch.suite.to_bytes(2, "big") + vault + epoch.number.to_bytes(8, "big") + epoch.id + device
    return signed_input("wrap", place)


def wrap_for(key: Secret, vault: VaultId, epoch: Epoch, cards: Mapping[DeviceId, bytes]) -> tuple[Wrap, ...]:
    """The epoch's key sealed for each card; `cards` maps a device id to its X-Wing public key."""
    return tuple(
        Wrap(epoch.id, device, seal(kem_key, wrap_info(vault, epoch, device), key.reveal()))
        for device, kem_key in cards.items()
    )


def seal_keybox(vault: VaultId, epoch: EpochId, key: Secret, older: Iterable[Secret], salt: bytes) -> Keybox:
    """All older keys sealed under `key`, like a frame, with its own label. `salt`: 32 fresh random bytes."""
    plaintext = compress_and_pad(encode([old.reveal() for old in older]))
    return Keybox(epoch, salt, aead.seal(key, _KEYBOX_LABEL, vault + epoch, plaintext, salt))


def open_keybox(vault: VaultId, box: Keybox, key: Secret) -> list[Secret]:
    """The keys of a keybox; an unreadable one holds none, for another member's may be good."""
    try:
        padded = aead.open_(key, _KEYBOX_LABEL, vault + box.epoch, box.sealed, box.salt)
        keys = _keys_in_box.read(unpad_and_inflate(padded, inflated_bytes_max=KEYBOX_INFLATED_BYTES_MAX))
    except (CryptoError, Malformed):
        return []
    return [Secret(old) for old in keys if len(old) == KEY_BYTES]


class Keyring:
    """Epoch id to key. It only grows."""

    def __init__(self, keys: Iterable[bytes] = ()) -> None:
        self._keys: dict[EpochId, Secret] = {}
        for key in keys:
            self.add(Secret(key))

    def add(self, key: Secret) -> EpochId:
        """Takes a key in under the id that it proves; gives that id."""
        id_ = EpochId(epoch_id(key))
        self._keys.setdefault(id_, key)
        return id_

    def get(self, epoch: EpochId) -> Secret | None:
        """The key of an epoch, if this phone holds it."""
        return self._keys.get(epoch)

    def raw(self) -> list[bytes]:
        """Every key, for the phone's own sealed store and for a keybox."""
        return [key.reveal() for key in self._keys.values()]

    def older(self, epochs: Iterable[EpochId], head: EpochId) -> list[Secret]:
        """The keys of a log's epochs but the head's, as far as they are held."""
        return [self._keys[epoch] for epoch in epochs if epoch != head and epoch in self._keys]

    def learn(self, answer: Key, suite: int, vault: VaultId, device: DeviceId, kem: KemKey) -> bool:
        """Tries every wrap, then every keybox that a key opens. True if the epoch's key is held afterwards."""
        epoch = Epoch(answer.number, suite, answer.epoch)
        if self.get(answer.epoch) is None:
            for sealed in answer.wraps:
                try:
                    key = Secret(kem.open(wrap_info(vault, epoch, device), sealed))
                except CryptoError:
                    continue
                if len(key) == KEY_BYTES and epoch_id(key) == answer.epoch:
                    self.add(key)
                    break
        for box in answer.keyboxes:
            opener = self.get(box.epoch)
            for old in open_keybox(vault, box, opener) if opener else ():
                self.add(old)
        return self.get(answer.epoch) is not None
