"""Valid bodies to spoil, on a server that can take nothing more: every one of them ends at its last check.

The server is filled first, then started again with its bounds below what is there: a good frame, entry or founding is
`quota` or `vault_limit`, a good account `registration_closed`, a good card `too_many_devices`, a good assertion is one
of a revoked device, a good post finds its place taken. So whatever a mutation makes of a body, nothing may be stored,
and no check before the last one is left out.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

import httpx
import msgspec

from crypto.secret import jose
from sync.log.reading import read_item
from sync.wire.account import ASSERTION_TYPE, Enrolment, NewAccount, TokenRequest
from sync.wire.checkpoint import ChainHead, Claim, Segment, read_claim
from sync.wire.codec import Malformed, encode
from sync.wire.exchange import SyncRequest, VaultAsk, decode_request, encode_request
from sync.wire.item import ENTRY, ENTRY_LABEL, FRAME, FRAME_LABEL, VIEWER, Add, Item
from sync.wire.limits import REQUEST_BYTES_MAX, SMALL_BODY_BYTES_MAX
from sync.wire.link import SealedPost
from tests.api.family_kit import enter
from tests.api.phone_kit import (
    JSON,
    MSGPACK,
    CardKeys,
    LogBook,
    Phone,
    founding,
    keybox_for,
    make_entry,
    make_frame,
    noise,
    wraps_for,
)
from tests.hostile_clients.mutations import of_json, of_msgpack

FILLED = {  # settings under which nothing more fits
    "vault_bytes_max": 1,
    "vaults_an_account_max": 1,
    "devices_an_account_max": 1,
    "registration": "closed",
    "address_per_minute_max": 10_000_000,
    "account_per_minute_max": 10_000_000,
    "address_all_per_minute_max": 10_000_000,
}
LINK = "/v1/links/" + "b2" * 16 + "/hello"


class Sent(NamedTuple):
    """One request: what was done to which kind of body, and whether this project's own decoder takes it."""

    kind: str
    mutation: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    decodes: bool


class Family(NamedTuple):
    """Who is on the server: an owner and her log, someone who is in no vault, a phone that was revoked."""

    mum: Phone
    book: LogBook
    stranger: Phone
    strange_book: LogBook
    revoked: Phone


async def moved_in(client: httpx.AsyncClient, url: str) -> Family:
    """Fills a server that is empty."""
    mum, stranger = await Phone("mum", client, url).register(), await Phone("stranger", client, url).register()
    book, strange_book = await mum.found(), await stranger.found()
    dad = await Phone("dad", client, url).register()
    await enter(mum, book, Add(dad.card.signed, dad.person, VIEWER, None))
    for number in range(4):
        await mum.push(book, make_frame(book, mum.card, tag=number))
    revoked = Phone("revoked", client, url)
    await revoked.post_json("/v1/devices", mum.card.enrolment(mum.account, revoked.card))  # type: ignore[arg-type]
    await client.delete(f"/v1/devices/{revoked.card.id.hex()}", headers=mum.headers)
    post = msgspec.json.encode(SealedPost(noise("salt"), noise("post", length=300)))
    await client.put(LINK, content=post, headers=JSON)
    return Family(mum, book, stranger, strange_book, revoked)


class Bodies:
    """Makes spoiled requests without end; `seed` decides all of them."""

    def __init__(self, family: Family, seed: int) -> None:
        self._family, self._rng = family, random.Random(seed)
        self._kinds: dict[str, Callable[[], tuple[str, bytes, bool]]] = {
            "frame": lambda: self._item(FRAME, signed_again=False),
            "frame, signed again": lambda: self._item(FRAME, signed_again=True),
            "entry": lambda: self._item(ENTRY, signed_again=False),
            "entry, signed again": lambda: self._item(ENTRY, signed_again=True),
            "first entry": self._first_entry,
            "lost entry": self._lost_entry,
            "claim": self._claim,
            "sync request": self._request,
            "account": lambda: self._json(self._account(), NewAccount),
            "enrolment": lambda: self._json(self._enrolment(), Enrolment),
            "token": lambda: self._json(TokenRequest(self._assertion()), TokenRequest),
            "assertion, signed again": self._signed_assertion,
            "post": lambda: self._json(SealedPost(noise("other"), noise("post", length=300)), SealedPost),
        }
        self._number = 0

    def next(self) -> Sent:
        """The next request."""
        kind = list(self._kinds)[self._number % len(self._kinds)]
        self._number += 1
        mutation, body, decodes = self._kinds[kind]()
        small = kind in ("account", "enrolment", "token", "assertion, signed again", "post")
        headers, rng = dict(JSON if small else MSGPACK), self._rng
        limit = 2 * SMALL_BODY_BYTES_MAX if small else REQUEST_BYTES_MAX
        if rng.randrange(150) == 0:
            mutation, body, decodes = "oversized", body + rng.choice([b" ", b"\x00"]) * limit, False
        elif rng.randrange(60) == 0:
            mutation, decodes, headers["content-encoding"] = "called compressed", False, rng.choice(["gzip", "br", "x"])
        elif rng.randrange(60) == 0:
            mutation, decodes, headers["content-type"] = "called another type", False, rng.choice(["", "text/plain"])
        path = {"account": "/v1/accounts", "enrolment": "/v1/devices", "token": "/v1/token", "post": LINK}.get(
            kind.partition(",")[0], "/v1/token" if small else "/v1/sync"
        )
        if not small:
            owners = kind.startswith(("frame", "entry", "claim", "lost"))
            headers |= (self._family.mum if owners else self._family.stranger).headers
        return Sent(kind, mutation, "PUT" if kind == "post" else "POST", path, headers, body, decodes)

    # Items, inside a request that is good

    def _item(self, kind: int, *, signed_again: bool) -> tuple[str, bytes, bool]:
        family, wraps = self._family, ()
        if kind == FRAME:
            item = make_frame(family.book, family.mum.card, tag=self._number)
        else:
            new = CardKeys("new")
            edits = (Add(new.signed, noise("p", length=16), VIEWER, None),)  # type: ignore[arg-type]
            item = make_entry(family.book, family.mum.card, edits)
            wraps = wraps_for(family.book.state.epoch.id, [new.id])  # type: ignore[union-attr]
        mutation, spoiled = self._spoiled(item, family.mum.card, signed_again=signed_again)
        # Wraps for a card that is not listed are laid nowhere; a replay is judged by the log alone.
        ask = family.mum.ask(family.book, spoiled, wraps=wraps, replay=self._rng.random() < 0.2)
        return mutation, encode_request(SyncRequest((ask,))), _reads(spoiled)

    def _first_entry(self) -> tuple[str, bytes, bool]:
        stranger = self._family.stranger
        book, item, epoch, live = founding(stranger.card, stranger.person)
        mutation, spoiled = self._spoiled(item, stranger.card, signed_again=self._rng.random() < 0.5)
        ask = stranger.ask(book, spoiled, wraps=wraps_for(epoch.id, live))
        return mutation, encode_request(SyncRequest((ask,))), _reads(spoiled)

    def _lost_entry(self) -> tuple[str, bytes, bool]:
        family = self._family
        mutation, spoiled = self._spoiled(family.book.items[1], family.mum.card, signed_again=False)
        ask = family.mum.ask(family.book, lost_entries=(spoiled,))
        return mutation, encode_request(SyncRequest((ask,))), _reads(spoiled)

    def _claim(self) -> tuple[str, bytes, bool]:
        """No route takes a claim yet: it is handed in as an item, and read by its own reader here."""
        family = self._family
        head = ChainHead(family.mum.card.id, 4, 4, family.book.state.entry_head)  # type: ignore[arg-type]
        claim = Claim(
            family.book.vault, family.book.state.seq, family.book.state.log_hash, family.book.state.entry_head,
            family.book.state.epoch.id, (head,), noise("root"), (Segment(noise("s"), 4_096),), (noise("blob"),),
        )  # fmt: skip
        mutation, spoiled = of_msgpack(self._rng, encode(claim))
        item = Item(self._rng.choice([ENTRY, FRAME, 2]), spoiled, family.mum.card.signing.sign(FRAME_LABEL, spoiled))
        try:
            read_claim(spoiled)
        except Malformed:
            decodes = False
        else:
            decodes = True
        return mutation, encode_request(SyncRequest((family.mum.ask(family.book, item),))), decodes

    def _spoiled(self, item: Item, card: CardKeys, *, signed_again: bool) -> tuple[str, Item]:
        mutation, signed = of_msgpack(self._rng, item.signed)
        label = ENTRY_LABEL if item.kind == ENTRY else FRAME_LABEL
        return mutation, Item(item.kind, signed, card.signing.sign(label, signed) if signed_again else item.signature)

    # Bodies as a whole

    def _request(self) -> tuple[str, bytes, bool]:
        """From someone who is in neither vault: whatever the fields say, nothing of it is his to lay down."""
        family = self._family
        epoch = family.book.state.epoch
        assert epoch is not None
        ask = VaultAsk(
            family.book.vault, family.book.state.seq, family.book.state.log_hash, 1,
            (make_frame(family.book, family.mum.card, tag=self._number), family.book.items[0]),
            wraps_for(epoch.id, [family.mum.card.id]), keybox_for(epoch.id), False, True, (family.book.items[1],),
        )  # fmt: skip
        mutation, body = of_msgpack(self._rng, encode_request(SyncRequest((ask,), 7)))
        try:
            decode_request(body)
        except (ValueError, RecursionError):
            return mutation, body, False
        return mutation, body, True

    def _json(self, value: object, type_: type) -> tuple[str, bytes, bool]:
        mutation, body = of_json(self._rng, msgspec.json.encode(value))
        try:
            msgspec.json.decode(body, type=type_)
        except (ValueError, RecursionError):
            return mutation, body, False
        return mutation, body, True

    def _account(self) -> NewAccount:
        return CardKeys("newcomer").new_account(self._family.mum.origin)

    def _enrolment(self) -> Enrolment:
        mum = self._family.mum
        return mum.card.enrolment(mum.account, CardKeys("newcomer"))  # type: ignore[arg-type]

    def _assertion(self) -> str:
        revoked = self._family.revoked
        return revoked.card.assertion(revoked.origin, revoked.now_s())

    def _signed_assertion(self) -> tuple[str, bytes, bool]:
        """Claims are spoiled before they are signed, so that what comes after the signature is reached."""
        revoked, rng = self._family.revoked, self._rng
        text = revoked.card.id.hex()
        claims = {"iss": text, "sub": text, "aud": revoked.origin, "jti": noise("j", self._number).hex()}
        mutation, raw = of_json(rng, msgspec.json.encode(claims | {"exp": revoked.now_s() + 50}))
        header = jose._part({"alg": "EdDSA", "kid": text, "typ": ASSERTION_TYPE})
        signed = f"{header}.{jose.encode_part(raw)}"
        token = f"{signed}.{jose.encode_part(revoked.card.signing.sign_raw(signed.encode()))}"
        return mutation, msgspec.json.encode(TokenRequest(token)), True


def _reads(item: Item) -> bool:
    try:
        read_item(item)
    except Malformed:
        return False
    return True
