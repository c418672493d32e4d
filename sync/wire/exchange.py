"""What one sync carries: `POST /v1/sync`, msgpack both ways.

The request is one `SyncRequest`. The answer is a stream of messages, each behind its length as u32 big-endian: first an
`AnswerHead`, then for every vault asked about, in order, one `VaultAnswer` followed by as many `Items` as it takes, and
at the very end `AnswerEnd`. An answer cut short is good up to its last whole message.

No field here can hold a key or plaintext: wraps and keyboxes are sealed by phones for phones. What only a server says
has its bounds in the types, so that a phone refuses whatever no server of ours would say (PHN-40). Spec:
openapi/protocol/sync.md.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sync.wire.ids import HASH_BYTES, DeviceId, EpochId, ItemHash, LogHash, VaultId
from sync.wire.item import Item
from sync.wire.limits import (
    CARDS_MAX,
    INTEGER_MAX,
    ITEMS_A_REQUEST_MAX,
    LOST_ENTRIES_MAX,
    PAGE_BYTES_MAX,
    VAULTS_A_REQUEST_MAX,
    WRAPS_A_CARD_MAX,
)

_Number = Annotated[int, Meta(ge=0, le=INTEGER_MAX)]
MESSAGE_BYTES_MAX = 16_777_216  # bytes of one message; a phone refuses a longer one instead of buffering it
MESSAGE_ITEMS_MAX = 1_024  # items of one message
_LENGTH_BYTES = 4  # ahead of each message
ITEMS_BYTES_MAX = 2 * PAGE_BYTES_MAX  # bytes of all items of one vault in one answer, as they are packed
_HASH = Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)


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

    number: _Number
    epoch: Annotated[EpochId, _HASH]
    wraps: Annotated[tuple[bytes, ...], Meta(max_length=WRAPS_A_CARD_MAX)]
    keyboxes: Annotated[tuple[Keybox, ...], Meta(max_length=WRAPS_A_CARD_MAX)]


class Notice(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something that a person must be told: its number, a word, milliseconds since 1970 UTC."""

    number: _Number
    kind: str
    at: int


class AnswerHead(msgspec.Struct, frozen=True, array_like=True, tag="head"):
    """Starts an answer. `invitations`: vaults whose log lists this card and that the request did not name."""

    notices: tuple[Notice, ...] = ()
    invitations: tuple[Annotated[VaultId, _HASH], ...] = ()


class VaultAnswer(msgspec.Struct, frozen=True, array_like=True, tag="vault"):
    """One vault of an answer.

    `code`: why an item was refused or what became of the vault, a word of errors.py, or nil. `acks`: hashes stored.
    `next` and `log_hash`: where the items that follow lead; for `behind`, where the server stands. `proof`: the
    stored frame that a `device_forked` rests on. `wrap_wanted`: cards that could not open the head key.
    """

    vault: Annotated[VaultId, _HASH]
    code: Annotated[str, Meta(pattern="^[a-z_]{1,32}$")] | None
    acks: Annotated[tuple[Annotated[ItemHash, _HASH], ...], Meta(max_length=ITEMS_A_REQUEST_MAX)]
    next: _Number
    log_hash: Annotated[LogHash, _HASH]
    more: bool
    proof: Item | None = None
    key: Key | None = None
    wrap_wanted: Annotated[tuple[Annotated[DeviceId, _HASH], ...], Meta(max_length=CARDS_MAX)] = ()
    lost_entries: Annotated[tuple[Item, ...], Meta(max_length=LOST_ENTRIES_MAX)] = ()


class Items(msgspec.Struct, frozen=True, array_like=True, tag="items"):
    """The next items of the vault last answered, in order.

    An item that the same request carried comes back as its hash alone, everything else whole.
    """

    items: Annotated[tuple[Item | Annotated[bytes, _HASH], ...], Meta(max_length=MESSAGE_ITEMS_MAX)]


class AnswerEnd(msgspec.Struct, frozen=True, array_like=True, tag="end"):
    """The answer is whole."""


Message = AnswerHead | VaultAnswer | Items | AnswerEnd

encode_request = msgspec.msgpack.Encoder().encode
decode_request = msgspec.msgpack.Decoder(SyncRequest).decode
_message_encoder = msgspec.msgpack.Encoder()
_message_decoder = msgspec.msgpack.Decoder(Message)


def encode_message(message: Message) -> bytes:
    """One message behind its length, as it goes on the wire."""
    body = _message_encoder.encode(message)
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


class AnswerReader:
    """Cuts a stream of bytes, in any pieces, into messages, and holds it to the order and the bounds of an answer.

    `vaults`: how many were asked about. `feed(data)` gives the messages that are whole by now; those before a fault are
    given first, and the fault is raised by the next call, or by this one if there are none. Raises: ValueError for a
    message that is too long or not one, stands where it may not, or one more than an answer can have.
    """

    def __init__(self, vaults: int = VAULTS_A_REQUEST_MAX) -> None:
        self._buffer = bytearray()
        self._vaults_left = vaults
        self._state = "head"  # what came last was: nothing, the head, a vault or its items, the end
        self._items_left = 0
        self._fault: ValueError | None = None

    def feed(self, data: bytes) -> list[Message]:
        messages: list[Message] = []
        if self._fault is None:
            self._buffer += data
            try:
                while (message := self._next()) is not None:
                    messages.append(message)
            except ValueError as fault:
                self._fault = fault
                self._buffer.clear()
        if self._fault is not None and not messages:
            raise self._fault
        return messages

    def _next(self) -> Message | None:
        """The next message, if it is whole by now."""
        if self._state == "end" and self._buffer:
            raise ValueError("bytes after the end of an answer")
        if len(self._buffer) < _LENGTH_BYTES:
            return None
        end = _LENGTH_BYTES + int.from_bytes(self._buffer[:_LENGTH_BYTES], "big")
        if end - _LENGTH_BYTES > MESSAGE_BYTES_MAX:
            raise ValueError("a message longer than allowed")
        if len(self._buffer) < end:
            return None
        try:
            message: Message = _message_decoder.decode(bytes(self._buffer[_LENGTH_BYTES:end]))
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError("not a message of an answer") from error
        self._place(message, end)
        del self._buffer[:end]
        return message

    def _place(self, message: Message, size: int) -> None:
        """Looks whether a message of this size may stand here. Raises: ValueError."""
        if isinstance(message, AnswerHead) != (self._state == "head"):
            raise ValueError("a message where an answer has another")
        if isinstance(message, AnswerHead):
            self._state = "asked"
        elif isinstance(message, VaultAnswer):
            self._state, self._items_left, self._vaults_left = "vault", ITEMS_BYTES_MAX, self._vaults_left - 1
            if self._vaults_left < 0:
                raise ValueError("an answer about more than was asked")
        elif isinstance(message, Items):
            self._items_left -= size
            if self._state != "vault" or self._items_left < 0:
                raise ValueError("more items than a page has")
        else:
            self._state = "end"
