"""A phone for tests of the server: it signs cards, entries, frames and assertions, and keeps the blind fold of its log.

Wraps, keyboxes and ciphertexts are noise of the right length: the server could not tell, which is what is tested here.
"""

from __future__ import annotations

import hashlib
import itertools

import httpx
import msgspec

from crypto.public.keys import ED25519
from crypto.secret import jose
from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.log.reading import read_item
from sync.log.state import NO_CHAIN, LogState
from sync.wire import limits
from sync.wire.account import (
    ACCOUNT_LABEL,
    ASSERTION_TYPE,
    ENROL_LABEL,
    ENROLLED_LABEL,
    AccountMade,
    Enrolment,
    NewAccount,
    Token,
    TokenRequest,
)
from sync.wire.card import CARD_LABEL, DEVICE, Card, SignedCard, device_id
from sync.wire.codec import encode
from sync.wire.exchange import (
    AnswerEnd,
    AnswerHead,
    AnswerReader,
    Items,
    Keybox,
    Message,
    SyncRequest,
    VaultAnswer,
    VaultAsk,
    Wrap,
    encode_request,
)
from sync.wire.ids import AccountId, DeviceId, EpochId, ItemHash, LogHash, PersonId, VaultId
from sync.wire.item import (
    ENTRY,
    ENTRY_LABEL,
    FRAME,
    FRAME_LABEL,
    OWNER,
    Add,
    Entry,
    EntryEdit,
    Epoch,
    Frame,
    FrameHeader,
    Genesis,
    Item,
    first_log_hash,
    item_hash,
    next_log_hash,
    vault_id,
)

MSGPACK = {"content-type": "application/msgpack"}
JSON = {"content-type": "application/json"}
_serial = itertools.count(1)


def noise(*parts: object, length: int = 32) -> bytes:
    """Bytes that depend on nothing but these parts."""
    return hashlib.shake_256(repr(parts).encode()).digest(length)


class CardKeys:
    """A card and the key that signs for it."""

    def __init__(self, name: str, kind: int = DEVICE, key_type: int = ED25519) -> None:
        self.name = name
        self.signing = SigningKey.from_seed(key_type, Secret(noise(name, "signing")))
        card = Card(kind, key_type, self.signing.public_key, KemKey.from_seed(Secret(noise(name, "kem"))).public_key)
        raw = encode(card)
        self.signed = SignedCard(raw, self.signing.sign(CARD_LABEL, raw))
        self.id: DeviceId = device_id(raw)

    def new_account(self, origin: str) -> NewAccount:
        return NewAccount(self.signed, self.signing.sign(ACCOUNT_LABEL, origin.encode()))

    def assertion(self, origin: str, now_s: int, **claims: object) -> str:
        text = self.id.hex()
        jti = noise("jti", self.name, next(_serial)).hex()
        base: dict[str, object] = {"iss": text, "sub": text, "aud": origin, "jti": jti, "exp": now_s + 50}
        typ = str(claims.pop("typ", ASSERTION_TYPE))
        kid = str(claims.pop("kid", text))
        made = {name: value for name, value in (base | claims).items() if value is not None}
        return jose.sign(self.signing, typ=typ, kid=kid, claims=made)

    def enrolment(self, account: AccountId, card: CardKeys) -> Enrolment:
        """This card enrols another."""
        mine = self.signing.sign(ENROL_LABEL, card.id + account)
        return Enrolment(account, self.id, mine, card.signed, card.signing.sign(ENROLLED_LABEL, account))


class LogBook:
    """A log as a phone holds it: every item, the blind fold, L at every seq. Built here or read from a server."""

    def __init__(self, vault: VaultId) -> None:
        self.vault = vault
        self.state = LogState.empty(vault)
        self.items: list[Item] = []
        self.L: list[LogHash] = [first_log_hash(vault)]

    def take(self, item: Item) -> str | None:
        """Appends an item; gives the judge's reason if it is void."""
        read = read_item(item)
        ruling = self.state.judge(read)
        self.state.append(read, ruling)
        self.items.append(item)
        self.L.append(self.state.log_hash)
        return ruling.reason

    def copy(self) -> LogBook:
        other = LogBook(self.vault)
        for item in self.items:
            other.take(item)
        return other

    def cut(self, seq: int) -> LogBook:
        other = LogBook(self.vault)
        for item in self.items[:seq]:
            other.take(item)
        return other


def genesis_of(card: CardKeys, person: PersonId, *, subject: bool = True, nonce: bytes | None = None) -> Genesis:
    return Genesis(card.id, person, subject, nonce or noise("genesis", next(_serial), length=16))


def make_entry(
    book: LogBook,
    author: CardKeys,
    edits: tuple[EntryEdit, ...],
    *,
    epoch: Epoch | None = None,
    genesis: Genesis | None = None,
    seen: tuple[int, LogHash] | None = None,
    prev: bytes | None = None,
    version: int = limits.PROTOCOL_VERSION,
) -> Item:
    state = book.state
    seen_seq, seen_hash = seen or (state.seq, state.log_hash)
    prev = state.entry_head if prev is None else prev
    signed = encode(Entry(version, book.vault, prev, seen_seq, seen_hash, author.id, edits, epoch, genesis))
    return Item(ENTRY, signed, author.signing.sign(ENTRY_LABEL, signed))


def make_frame(
    book: LogBook,
    author: CardKeys,
    *,
    size: int = 272,
    seen: tuple[int, LogHash] | None = None,
    fseq: int | None = None,
    prev: bytes | None = None,
    epoch: EpochId | None = None,
    version: int = limits.PROTOCOL_VERSION,
    tag: object = 0,
) -> Item:
    state = book.state
    chain = state.chain.get(author.id, NO_CHAIN)
    seen_seq, seen_hash = seen or (state.seq, state.log_hash)
    fseq = chain.fseq + 1 if fseq is None else fseq
    epoch = epoch or (state.epoch.id if state.epoch else EpochId(bytes(32)))
    header = FrameHeader(
        version, book.vault, author.id, fseq, chain.head if prev is None else prev, epoch, seen_seq, seen_hash
    )
    body = noise("frame", author.name, fseq, tag, length=size)
    signed = encode(Frame(header, noise("salt", author.name, fseq, tag), body))
    return Item(FRAME, signed, author.signing.sign(FRAME_LABEL, signed))


def make_frames(book: LogBook, author: CardKeys, count: int, *, size: int = 272, tag: object = 0) -> list[Item]:
    """A chain of frames that follow each other; the book is not changed."""
    chain = book.state.chain.get(author.id, NO_CHAIN)
    frames: list[Item] = []
    head = chain.head
    for number in range(count):
        frame = make_frame(book, author, size=size, fseq=chain.fseq + 1 + number, prev=head, tag=tag)
        head = item_hash(frame.signed)
        frames.append(frame)
    return frames


def epoch_of(number: int, tag: object = 0, suite: int = 1) -> Epoch:
    return Epoch(number, suite, EpochId(noise("epoch", number, tag)))


def wraps_for(epoch: EpochId, devices: object, giver: object = 0) -> tuple[Wrap, ...]:
    return tuple(
        Wrap(epoch, device, noise("wrap", epoch, device, giver, length=limits.WRAP_BYTES))
        for device in devices  # type: ignore[attr-defined]
    )


def keybox_for(epoch: EpochId, giver: object = 0) -> Keybox:
    return Keybox(epoch, noise("salt", epoch, giver), noise("box", epoch, giver, length=272))


class VaultAnswered(msgspec.Struct):
    """What one vault's part of an answer says."""

    answer: VaultAnswer
    items: list[Item | bytes] = []

    @property
    def code(self) -> str | None:
        return self.answer.code


class Answered(msgspec.Struct):
    """A whole answer."""

    head: AnswerHead
    vaults: list[VaultAnswered]
    messages: int
    bytes: int

    @property
    def one(self) -> VaultAnswered:
        assert len(self.vaults) == 1
        return self.vaults[0]


def read_answer(data: bytes) -> Answered:
    """An answer from its bytes; it must be whole."""
    messages: list[Message] = AnswerReader().feed(data)
    assert isinstance(messages[0], AnswerHead)
    assert isinstance(messages[-1], AnswerEnd)
    vaults: list[VaultAnswered] = []
    for message in messages[1:-1]:
        if isinstance(message, VaultAnswer):
            vaults.append(VaultAnswered(message, []))
        else:
            assert isinstance(message, Items)
            vaults[-1].items += message.items
    return Answered(messages[0], vaults, len(messages), len(data))


class Phone:
    """One card, its books, and a way to ask a server."""

    def __init__(self, name: str, client: httpx.AsyncClient, origin: str, now_ms: object = None) -> None:
        self.card = CardKeys(name)
        self.client, self.origin, self.now_ms = client, origin, now_ms
        self.person = PersonId(noise("person", name, length=16))
        self.account: AccountId | None = None
        self.token = ""
        self.books: dict[VaultId, LogBook] = {}

    def now_s(self) -> int:
        import time

        return int(time.time()) if self.now_ms is None else self.now_ms() // 1000  # type: ignore[operator]

    async def post_json(self, path: str, body: object) -> httpx.Response:
        return await self.client.post(path, content=msgspec.json.encode(body), headers=JSON)

    async def register(self) -> Phone:
        response = await self.post_json("/v1/accounts", self.card.new_account(self.origin))
        assert response.status_code == 201, response.text
        self.account = msgspec.json.decode(response.content, type=AccountMade).account
        return await self.log_in()

    async def log_in(self) -> Phone:
        response = await self.post_json("/v1/token", TokenRequest(self.card.assertion(self.origin, self.now_s())))
        assert response.status_code == 200, response.text
        self.token = msgspec.json.decode(response.content, type=Token).access_token
        return self

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    async def send(self, *asks: VaultAsk, notices_seen: int = 0) -> httpx.Response:
        body = encode_request(SyncRequest(asks, notices_seen))
        return await self.client.post("/v1/sync", content=body, headers=self.headers | MSGPACK)

    async def sync(self, *asks: VaultAsk, notices_seen: int = 0) -> Answered:
        response = await self.send(*asks, notices_seen=notices_seen)
        assert response.status_code == 200, response.text
        return read_answer(response.content)

    def ask(self, book: LogBook, *items: Item, **fields: object) -> VaultAsk:
        """An ask that stands at the end of this book."""
        number = book.state.epoch.number if book.state.epoch else 0
        values: dict[str, object] = {"cursor": book.state.seq, "log_hash": book.state.log_hash, "epoch_held": number}
        return VaultAsk(vault=book.vault, items=items, **(values | fields))  # type: ignore[arg-type]

    async def push(self, book: LogBook, *items: Item, **fields: object) -> VaultAnswered:
        """Hands items in and takes the answer's items into the book."""
        answered = (await self.sync(self.ask(book, *items, **fields))).one
        take_answer(book, answered, items)
        return answered

    async def found(self, *, recovery: CardKeys | None = None, subject: bool = True) -> LogBook:
        """A new vault on the server, with its first entry."""
        book, item, epoch, live = founding(self.card, self.person, recovery=recovery, subject=subject)
        answered = await self.push(book, item, wraps=wraps_for(epoch.id, live))
        assert answered.code is None, answered.code
        self.books[book.vault] = book
        return book


def founding(
    card: CardKeys, person: PersonId, *, recovery: CardKeys | None = None, subject: bool = True
) -> tuple[LogBook, Item, Epoch, list[DeviceId]]:
    """A new book, its first entry (not yet taken), its epoch, the cards that need wraps."""
    genesis = genesis_of(card, person, subject=subject)
    book, epoch = LogBook(vault_id(genesis)), epoch_of(1, tag=genesis.nonce)
    cards = [card, *([recovery] if recovery else [])]
    edits = tuple(Add(each.signed, person, OWNER, None) for each in cards)
    item = make_entry(book, card, edits, epoch=epoch, genesis=genesis, prev=book.vault)
    return book, item, epoch, [each.id for each in cards]


def take_answer(book: LogBook, answered: VaultAnswered, own: tuple[Item, ...] = ()) -> None:
    """Takes an answer's items into a book and checks L at the end of the page."""
    mine = {item_hash(item.signed): item for item in own}
    for item in answered.items:
        book.take(mine[ItemHash(item)] if isinstance(item, bytes) else item)
    if answered.code not in ("behind", "diverged", "removed"):
        assert book.state.seq == answered.answer.next
        assert book.state.log_hash == answered.answer.log_hash


def chain_hash(before: LogHash, seq: int, item: Item) -> LogHash:
    return next_log_hash(before, seq, item_hash(item.signed))
