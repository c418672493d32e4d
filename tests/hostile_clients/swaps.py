"""The id-swap matrix: for every route, what it is asked with each id replaced by another account's.

A row is a route. Which ids a route carries is read from the route itself (its path, the types of its body), so that a
new route, or a new id in a body, without a place here makes the test fail. Each place says what is asked and which word
answers. Asked twice: with ids of another account that exist, and with ids made alike that do not; the answers may not
differ.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from litestar.routes import HTTPRoute

from backend.http.docs import DOC, Doc
from sync.wire import ids
from sync.wire.account import Enrolment, NewAccount, TokenRequest
from sync.wire.card import SignedCard
from sync.wire.exchange import SyncRequest, VaultAsk, Wrap, encode_request
from sync.wire.ids import AccountId
from sync.wire.inbox import NewNote
from sync.wire.issuer import NewIssuer
from sync.wire.item import VIEWER, Add, Item
from sync.wire.link import SealedPost
from sync.wire.share import OWNER_HEADER, ShareFile
from tests.api.phone_kit import (
    JSON,
    MSGPACK,
    CardKeys,
    LogBook,
    Phone,
    keybox_for,
    make_entry,
    make_frame,
    noise,
    wraps_for,
)
from tests.api.server_kit import ORIGIN, Served
from tests.api.share_kit import FHIR, Share, b64, jwe

ID_TYPES = {value for value in vars(ids).values() if isinstance(value, typing.NewType)}
SIGNED = {SignedCard: "card", Item: "item"}  # bytes that name ids inside, under a signature


class Other(NamedTuple):
    """What somebody else has: a card, an account, a log."""

    card: CardKeys
    account: AccountId
    book: LogBook

    def names(self) -> list[bytes]:
        """Everything by which an answer could name it, longest first."""
        found = [self.card.id, self.account, self.book.vault, *self.book.L, self.book.state.epoch.id]  # type: ignore[union-attr]
        return sorted({name for name in found if any(name)}, key=len, reverse=True)


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Swap(NamedTuple):
    """A place of an id, what is asked with another's id there, and the word that answers."""

    place: str
    ask: Callable[[Phone, Other], Asked]
    code: str
    status: int = 200


def _json(method: str, path: str, value: object) -> Asked:
    return Asked(method, path, JSON, msgspec.json.encode(value))


def _sync(mine: Phone, ask: VaultAsk) -> Asked:
    return Asked("POST", "/v1/sync", MSGPACK, encode_request(SyncRequest((ask,))))


def _own(mine: Phone) -> LogBook:
    return next(iter(mine.books.values()))


def _account_with(card: SignedCard | None, mine: Phone, other: Other) -> Asked:
    new = mine.card.new_account(ORIGIN)
    return _json("POST", "/v1/accounts", NewAccount(card or other.card.signed, new.proof))


def _enrolment(mine: Phone, other: Other, **fields: Any) -> Asked:
    made: Enrolment = mine.card.enrolment(mine.account, CardKeys("a new phone"))  # type: ignore[arg-type]
    return _json("POST", "/v1/devices", msgspec.structs.replace(made, **fields))


def _enrolled_by(mine: Phone, other: Other) -> Asked:
    """A card of one's own, with everything signed as it should be, for an account that is another's."""
    made = mine.card.enrolment(other.account, CardKeys("a new phone"))
    return _json("POST", "/v1/devices", made)


def _assertion(mine: Phone, other: Other, **claims: str) -> Asked:
    return _json("POST", "/v1/token", TokenRequest(mine.card.assertion(ORIGIN, mine.now_s(), **claims)))


def _pull(mine: Phone, other: Other, **fields: Any) -> Asked:
    return _sync(mine, msgspec.structs.replace(mine.ask(LogBook(other.book.vault)), **fields))


def _into_own(mine: Phone, other: Other, **fields: Any) -> Asked:
    return _sync(mine, msgspec.structs.replace(mine.ask(_own(mine)), **fields))


def _their_item(mine: Phone, other: Other) -> Asked:
    return _into_own(mine, other, items=(make_frame(other.book, other.card),))


def _own_frame_of_their_vault(mine: Phone, other: Other) -> Asked:
    return _into_own(mine, other, items=(make_frame(other.book, mine.card),))


def _claiming_to_be_them(mine: Phone, other: Other) -> Asked:
    frame = make_frame(_own(mine), other.card)
    return _into_own(mine, other, items=(frame,))


def _epoch_of_theirs(mine: Phone, other: Other) -> Asked:
    frame = make_frame(_own(mine), mine.card, epoch=other.book.state.epoch.id)  # type: ignore[union-attr]
    return _into_own(mine, other, items=(frame,))


def _adding_them_without_a_wrap(mine: Phone, other: Other) -> Asked:
    entry = make_entry(
        _own(mine), mine.card, (Add(other.card.signed, ids.PersonId(noise("p", length=16)), VIEWER, None),)
    )
    return _into_own(mine, other, items=(entry,))


def _wrap_for_them(mine: Phone, other: Other) -> Asked:
    epoch = _own(mine).state.epoch
    assert epoch is not None
    return _into_own(mine, other, wraps=wraps_for(epoch.id, [other.card.id]))


def _wrap_of_their_epoch(mine: Phone, other: Other) -> Asked:
    epoch = other.book.state.epoch
    assert epoch is not None
    return _into_own(mine, other, wraps=(Wrap(epoch.id, mine.card.id, noise("w", length=1168)),))


def _share(method: str, mine: Phone, other: Other, tail: str = "", body: object = None) -> Asked:
    """Another's share, with its own owner token: what every viewer of the vault can read."""
    share = Share(mine, other.card.name)
    content = b"" if body is None else msgspec.json.encode(body)
    return Asked(method, share.path + tail, JSON | {OWNER_HEADER: b64(share.owner_token)}, content)


def _made_over_theirs(mine: Phone, other: Other) -> Asked:
    new = msgspec.structs.replace(Share(mine, "mine").new, long_term=True)
    return _json("PUT", Share(mine, THEIRS).path, new)


THEIRS = "mum"  # whose name the share that exists has
NOWHERE = "A" * 43  # a token in a link is no id: who knows it may read
A_NOTE = NewNote(bytes(16), b"x")
LINK = "ab" * 16
PATHS = {"device": "/v1/devices/{device}", "link": "/v1/links/{link}/"}
_post = SealedPost(noise("salt"), b"a post")

ROWS: dict[tuple[str, str], list[Swap]] = {
    ("GET", "/livez"): [],
    ("GET", "/readyz"): [],
    ("GET", "/metrics"): [],
    ("GET", "/openapi.json"): [],
    # The viewer's files are the same for everybody; what is not on its list is nowhere.
    ("GET", "/view"): [],
    ("GET", "/view/{file}"): [
        Swap("path.file", lambda m, o: Asked("GET", f"/view/{o.card.id.hex()}", {}, b""), "not_found", 404)
    ],
    ("GET", "/view/{folder}/{file}"): [
        Swap(f"path.{place}", lambda m, o: Asked("GET", f"/view/words/{o.card.id.hex()}", {}, b""), "not_found", 404)
        for place in ("folder", "file")
    ],
    # So are term packs.
    ("GET", "/v1/terms"): [],
    ("GET", "/v1/terms/{pack}"): [
        Swap("path.pack", lambda m, o: Asked("GET", f"/v1/terms/{o.card.id.hex()}", {}, b""), "not_found", 404)
    ],
    ("POST", "/v1/accounts"): [
        Swap("body.card (signed)", lambda mine, other: _account_with(None, mine, other), "malformed", 400),
    ],
    ("POST", "/v1/token"): [
        Swap("body.assertion", lambda m, o: _assertion(m, o, kid=o.card.id.hex()), "assertion_invalid", 401),
        Swap("body.assertion", lambda m, o: _assertion(m, o, iss=o.card.id.hex()), "assertion_invalid", 401),
        Swap("body.assertion", lambda m, o: _assertion(m, o, sub=o.card.id.hex()), "assertion_invalid", 401),
        Swap(
            "body.assertion",
            lambda m, o: _assertion(m, o, **dict.fromkeys(("kid", "iss", "sub"), o.card.id.hex())),
            "assertion_invalid",
            401,
        ),
    ],
    ("POST", "/v1/devices"): [
        Swap("body.account", _enrolled_by, "not_found", 404),
        Swap("body.account", lambda m, o: _enrolment(m, o, account=o.account), "malformed", 400),
        Swap("body.enroller", lambda m, o: _enrolment(m, o, enroller=o.card.id), "not_found", 404),
        Swap("body.card (signed)", lambda m, o: _enrolment(m, o, card=o.card.signed), "malformed", 400),
    ],
    ("GET", "/v1/devices"): [],
    ("DELETE", "/v1/devices/{device}"): [
        Swap("path.device", lambda m, o: Asked("DELETE", f"/v1/devices/{o.card.id.hex()}", {}, b""), "not_found", 404),
    ],
    # A push registration is the device's own: it names nobody, and nobody else's can be named.
    ("PUT", "/v1/devices/self/push"): [],
    ("GET", "/v1/devices/self/push"): [],
    ("DELETE", "/v1/devices/self/push"): [],
    # A link is no account's: who knows the id may read, and a place is filled once. Its ids are 128 random bits.
    ("PUT", "/v1/links/{link}/hello"): [
        Swap("path.link", lambda m, o: _json("PUT", f"/v1/links/{LINK}/hello", _post), "link_taken", 409)
    ],
    ("PUT", "/v1/links/{link}/welcome"): [
        Swap("path.link", lambda m, o: _json("PUT", f"/v1/links/{LINK}/welcome", _post), "link_taken", 409)
    ],
    ("GET", "/v1/links/{link}/hello"): [
        Swap(
            "path.link", lambda m, o: Asked("GET", f"/v1/links/{o.card.id.hex()[:32]}/hello", {}, b""), "not_found", 404
        )
    ],
    ("GET", "/v1/links/{link}/welcome"): [
        Swap("path.link", lambda m, o: Asked("GET", f"/v1/links/{o.card.id.hex()}/welcome", {}, b""), "not_found", 404)
    ],
    # The name of a health card's key is 128 random bits; what is longer is none.
    ("PUT", "/v1/issuers/{issuer}"): [
        Swap(
            "path.issuer",
            lambda m, o: Asked(
                "PUT", f"/v1/issuers/{o.card.id.hex()}", JSON, msgspec.json.encode(NewIssuer(bytes(65)))
            ),
            "not_found",
            404,
        )
    ],
    ("DELETE", "/v1/issuers/{issuer}"): [
        Swap("path.issuer", lambda m, o: Asked("DELETE", f"/v1/issuers/{o.card.id.hex()}", {}, b""), "not_found", 404)
    ],
    ("GET", "/i/{published}/.well-known/jwks.json"): [
        Swap(
            "path.published",
            lambda m, o: Asked("GET", f"/i/{o.card.id.hex()}/.well-known/jwks.json", {}, b""),
            "not_found",
            404,
        )
    ],
    # A handle that is taken is said so: it is 128 random bits, and what it names is not told.
    ("PUT", "/v1/shares/{share}"): [Swap("path.share", _made_over_theirs, "share_taken", 409)],
    ("GET", "/v1/shares/{share}"): [Swap("path.share", lambda m, o: _share("GET", m, o), "not_found", 404)],
    ("PATCH", "/v1/shares/{share}"): [
        Swap("path.share", lambda m, o: _share("PATCH", m, o, body={"paused": True}), "not_found", 404)
    ],
    ("DELETE", "/v1/shares/{share}"): [Swap("path.share", lambda m, o: _share("DELETE", m, o), "not_found", 404)],
    ("PUT", "/v1/shares/{share}/files"): [
        Swap("path.share", lambda m, o: _share("PUT", m, o, "/files", [ShareFile(FHIR, jwe())]), "not_found", 404)
    ],
    ("GET", "/v1/shares/{share}/openings"): [
        Swap("path.share", lambda m, o: _share("GET", m, o, "/openings"), "not_found", 404)
    ],
    ("GET", "/v1/ledger"): [],
    ("GET", "/v1/notes"): [],
    ("GET", "/v1/shares/{share}/notes/{note}"): [
        Swap("path.share", lambda m, o: _share("GET", m, o, "/notes/1"), "not_found", 404),
        Swap("path.note", lambda m, o: _share("GET", m, o, "/notes/2"), "not_found", 404),
    ],
    ("PATCH", "/v1/shares/{share}/notes/{note}"): [
        Swap("path.share", lambda m, o: _share("PATCH", m, o, "/notes/1", {"opened": True}), "not_found", 404),
        Swap("path.note", lambda m, o: _share("PATCH", m, o, "/notes/2", {"opened": True}), "not_found", 404),
    ],
    ("POST", "/s/notes/{ticket}"): [
        Swap("path.ticket", lambda m, o: _json("POST", f"/s/notes/{NOWHERE}", A_NOTE), "not_found", 404)
    ],
    ("GET", "/s/notes/{ticket}"): [
        Swap("path.ticket", lambda m, o: Asked("GET", f"/s/notes/{NOWHERE}", {}, b""), "not_found", 404)
    ],
    ("POST", "/s/{token}"): [
        Swap("path.token", lambda m, o: _json("POST", f"/s/{NOWHERE}", {"recipient": "x"}), "not_found", 404)
    ],
    ("GET", "/s/{token}"): [
        Swap("path.token", lambda m, o: Asked("GET", f"/s/{NOWHERE}?recipient=x", {}, b""), "not_found", 404)
    ],
    ("GET", "/s/file/{ticket}"): [
        Swap("path.ticket", lambda m, o: Asked("GET", f"/s/file/{NOWHERE}", {}, b""), "not_found", 404)
    ],
    ("GET", "/v1/events"): [],
    ("POST", "/v1/sync"): [
        Swap("body.vaults.vault", _pull, "removed"),
        Swap("body.vaults.vault", lambda m, o: _pull(m, o, key_missing=True), "removed"),
        Swap("body.vaults.vault", lambda m, o: _pull(m, o, epoch_held=0, replay=True), "removed"),
        Swap("body.vaults.log_hash", lambda m, o: _pull(m, o, log_hash=noise("L")), "removed"),
        Swap("body.vaults.log_hash", lambda m, o: _into_own(m, o, log_hash=o.book.state.log_hash), "diverged"),
        Swap(
            "body.vaults.lost_entries (signed)",
            lambda m, o: _pull(m, o, lost_entries=(o.book.items[0],)),
            "removed",
        ),
        Swap(
            "body.vaults.lost_entries (signed)",
            lambda m, o: _into_own(m, o, lost_entries=(o.book.items[0],)),
            "nothing",
        ),
        Swap("body.vaults.wraps.device", _wrap_for_them, "nothing"),
        Swap("body.vaults.wraps.epoch", _wrap_of_their_epoch, "nothing"),
        Swap(
            "body.vaults.wraps.epoch",
            lambda m, o: _pull(m, o, wraps=wraps_for(o.book.state.epoch.id, [o.card.id, m.card.id])),  # type: ignore[union-attr]
            "removed",
        ),
        Swap(
            "body.vaults.keybox.epoch",
            lambda m, o: _pull(m, o, keybox=keybox_for(o.book.state.epoch.id)),  # type: ignore[union-attr]
            "removed",
        ),
        Swap(
            "body.vaults.keybox.epoch",
            lambda m, o: _into_own(m, o, keybox=keybox_for(o.book.state.epoch.id)),  # type: ignore[union-attr]
            "nothing",
        ),
        Swap("body.vaults.items (signed)", _their_item, "signature"),
        Swap("body.vaults.items (signed)", lambda m, o: _into_own(m, o, items=(o.book.items[0],)), "signature"),
        Swap("body.vaults.items (signed)", _own_frame_of_their_vault, "seen"),
        Swap("body.vaults.items (signed)", _claiming_to_be_them, "signature"),
        Swap("body.vaults.items (signed)", _epoch_of_theirs, "epoch_stale"),
        Swap("body.vaults.items (signed)", _adding_them_without_a_wrap, "wraps"),
    ],
}


def places_of(method: str, route: HTTPRoute, doc: Doc) -> set[str]:
    """Every place of a route that carries an id: in its path, and in its body by the types of the fields."""
    found = {f"path.{part.split(':')[0].strip('{}')}" for part in route.path_format.split("/") if part.startswith("{")}
    if doc.body is not None:
        found |= {f"body{place}" for place in _places(doc.body.type)}
    if doc.body is not None and doc.body.type is TokenRequest:
        found.add("body.assertion")
    return found


def _places(type_: Any) -> set[str]:
    if isinstance(type_, typing.NewType):
        return {""} if type_ in ID_TYPES else set()
    if type_ in SIGNED:
        return {" (signed)"}
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        hints = typing.get_type_hints(type_)
        return {f".{name}{place}" for name, hint in hints.items() for place in _places(hint)}
    return {place for inner in typing.get_args(type_) for place in _places(inner)}


def routes_of(server: Served) -> dict[tuple[str, str], tuple[HTTPRoute, Doc]]:
    """Every route of the application, by method and template."""
    return {
        (str(getattr(method, "value", method)), route.path_format): (route, handler.opt[DOC])
        for route in server.app.litestar.routes
        for handler in route.route_handlers  # type: ignore[union-attr]
        for method in handler.http_methods
        if str(getattr(method, "value", method)) != "OPTIONS"
    }  # type: ignore[return-value]
