"""What one sync carries: `POST /v1/sync`, msgpack both ways.

The request is one `SyncRequest`. The answer is a stream of messages, each behind its length as u32 big-endian: first an
`AnswerHead`, then for every vault asked about, in order, one `VaultAnswer` followed by as many `Items` as it takes, and
at the very end `AnswerEnd`. An answer cut short is good up to its last whole message.

No field here can hold a key or plaintext: wraps and keyboxes are sealed by phones for phones. Spec:
openapi/protocol/sync.md.
"""

from __future__ import annotations

import msgspec

from sync.wire.ids import DeviceId, EpochId, ItemHash, LogHash, VaultId
from sync.wire.item import Item


class Wrap(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An epoch's key sealed for one card."""

    epoch: EpochId
    device: DeviceId
    sealed: bytes


class Keybox(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All older keys of the log, sealed under this epoch's key."""

    epoch: EpochId
    salt: bytes  # 32 bytes
    sealed: bytes


class VaultAsk(msgspec.Struct, frozen=True, array_like=True):
    """One vault of a request: where the phone stands (`cursor`, `log_hash`), and what it hands in.

    `replay`: the items are what a restored server lost, verbatim and in order. `key_missing`: a wrap is wanted.
    """

    vault: VaultId
    cursor: int
    log_hash: LogHash
    epoch_held: int
    items: tuple[Item, ...] = ()
    wraps: tuple[Wrap, ...] = ()
    keybox: Keybox | None = None
    replay: bool = False
    key_missing: bool = False
    lost_entries: tuple[Item, ...] = ()


class SyncRequest(msgspec.Struct, frozen=True, array_like=True):
    """All of a device's vaults. `notices_seen`: the number of the last notice shown to a person."""

    vaults: tuple[VaultAsk, ...]
    notices_seen: int = 0


class Key(msgspec.Struct, frozen=True, array_like=True):
    """The head epoch's key as it lies for this card: every wrap and every keybox, to be tried in turn."""

    number: int
    epoch: EpochId
    wraps: tuple[bytes, ...]
    keyboxes: tuple[Keybox, ...]


class Notice(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something that a person must be told: its number, a word, milliseconds since 1970 UTC."""

    number: int
    kind: str
    at: int


class AnswerHead(msgspec.Struct, frozen=True, array_like=True, tag="head"):
    """Starts an answer. `invitations`: vaults whose log lists this card and that the request did not name."""

    notices: tuple[Notice, ...] = ()
    invitations: tuple[VaultId, ...] = ()


class VaultAnswer(msgspec.Struct, frozen=True, array_like=True, tag="vault"):
    """One vault of an answer.

    `code`: why an item was refused or what became of the vault, a word of errors.py, or nil. `acks`: hashes stored.
    `next` and `log_hash`: where the items that follow lead; for `behind`, where the server stands. `proof`: the
    stored frame that a `device_forked` rests on. `wrap_wanted`: cards that could not open the head key.
    """

    vault: VaultId
    code: str | None
    acks: tuple[ItemHash, ...]
    next: int
    log_hash: LogHash
    more: bool
    proof: Item | None = None
    key: Key | None = None
    wrap_wanted: tuple[DeviceId, ...] = ()
    lost_entries: tuple[Item, ...] = ()


class Items(msgspec.Struct, frozen=True, array_like=True, tag="items"):
    """The next items of the vault last answered, in order.

    An item that the same request carried comes back as its hash alone, everything else whole.
    """

    items: tuple[Item | bytes, ...]


class AnswerEnd(msgspec.Struct, frozen=True, array_like=True, tag="end"):
    """The answer is whole."""


Message = AnswerHead | VaultAnswer | Items | AnswerEnd

encode_request = msgspec.msgpack.Encoder().encode
decode_request = msgspec.msgpack.Decoder(SyncRequest).decode
_message_encoder = msgspec.msgpack.Encoder()
_message_decoder = msgspec.msgpack.Decoder(Message)

MESSAGE_BYTES_MAX = 16_777_216  # bytes of one message; a phone refuses a longer one instead of buffering it


def encode_message(message: Message) -> bytes:
    """One message behind its length, as it goes on the wire."""
    body = _message_encoder.encode(message)
    return len(body).to_bytes(4, "big") + body


class AnswerReader:
    """Cuts a stream of bytes, in any pieces, into messages.

    `feed(data)` gives the messages that are whole by now. Raises: ValueError for a message that is too long or not one.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        self._buffer += data
        messages: list[Message] = []
        start = 0
        while len(self._buffer) - start >= 4:
            length = int.from_bytes(self._buffer[start : start + 4], "big")
            if length > MESSAGE_BYTES_MAX:
                raise ValueError("a message longer than allowed")
            if len(self._buffer) - start - 4 < length:
                break
            try:
                messages.append(_message_decoder.decode(bytes(self._buffer[start + 4 : start + 4 + length])))
            except (msgspec.DecodeError, RecursionError) as error:
                raise ValueError("not a message of an answer") from error
            start += 4 + length
        del self._buffer[:start]
        return messages
