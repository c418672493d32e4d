"""What a phone sends, made beforehand: real frames, sealed and signed as the shipped phone does it, as request bodies.

A record is 1 KiB that no deflate makes smaller, as base64 in one JSON text. The phones are those of the server's tests.
"""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Iterator

from crypto.secret.secret import Secret
from sync.merge.change import PERSON, Change, RecordId, make_dot
from sync.vault.content import encode_inside
from sync.vault.frames import seal_frame
from sync.vault.outgoing import cut
from sync.wire.exchange import SyncRequest, VaultAsk, encode_request
from sync.wire.item import FrameHeader, Item, item_hash
from sync.wire.limits import PROTOCOL_VERSION
from tests.api.phone_kit import NO_CHAIN, LogBook, Phone

RECORD_BYTES = 1_024
_KEY = Secret(bytes(32))
_AT = 1_790_000_000_000  # milliseconds since 1970 UTC


def births(count: int, seed: int, first: int = 1) -> list[Change]:
    """Records of 1 KiB, each made by one change."""
    source = random.Random(seed)
    made = []
    for n in range(first, first + count):
        value = b'"' + base64.b64encode(source.randbytes(RECORD_BYTES)) + b'"'
        id_ = RecordId(hashlib.sha256(b"%d/%d" % (seed, n)).digest())
        made.append(Change(make_dot(0, n), id_, True, PERSON, None, (), (("data", value),), _AT + n))
    return made


def small_edits(count: int, seed: int, first: int) -> list[Change]:
    """Edits of one short value each."""
    source = random.Random(seed)
    id_ = RecordId(hashlib.sha256(b"%d/edited" % seed).digest())
    return [
        Change(make_dot(0, n), id_, n == first, PERSON, None, (), (("note", b'"%d mg"' % source.randrange(99)),), _AT)
        for n in range(first, first + count)
    ]


def frames(phone: Phone, book: LogBook, batches: Iterator[list[Change]] | list[list[Change]]) -> list[Item]:
    """One frame for each batch, one on top of the other; the book is not changed."""
    chain = book.state.chain.get(phone.card.id, NO_CHAIN)
    assert book.state.epoch is not None
    fseq, prev = chain.fseq, chain.head
    made = []
    for batch in batches:
        fseq += 1
        state = book.state
        header = FrameHeader(
            PROTOCOL_VERSION, book.vault, phone.card.id, fseq, prev, state.epoch.id, state.seq, state.log_hash
        )
        inside = encode_inside(batch, 0, [phone.card.id], {})
        salt = hashlib.sha256(b"%d" % fseq + phone.card.id).digest()
        made.append(seal_frame(header, inside, _KEY, salt, phone.card.signing))
        prev = item_hash(made[-1].signed)
    return made


def bulk(changes: list[Change]) -> Iterator[list[Change]]:
    """Changes as the shipped phone cuts them into frames."""
    return cut(changes)


def one_each(changes: list[Change]) -> list[list[Change]]:
    """One change a frame: what a long log of single edits is made of."""
    return [[change] for change in changes]


def asks(book: LogBook, items: list[Item], bytes_max: int, items_max: int) -> Iterator[VaultAsk]:
    """Hand-ins of at most so many bytes and items, each standing where the book stands then; the book takes them."""
    part: list[Item] = []
    size = 0
    for item in items:
        if part and (size + len(item.signed) > bytes_max or len(part) >= items_max):
            yield _ask(book, part)
            part, size = [], 0
        part.append(item)
        size += len(item.signed)
    if part:
        yield _ask(book, part)


def _ask(book: LogBook, part: list[Item]) -> VaultAsk:
    assert book.state.epoch is not None
    ask = VaultAsk(book.vault, book.state.seq, book.state.log_hash, book.state.epoch.number, items=tuple(part))
    for item in part:
        assert book.take(item) is None, "a frame that is good"
    return ask


def body(*vaults: VaultAsk) -> bytes:
    """The body of a sync."""
    return encode_request(SyncRequest(vaults, 0))
