"""SMART Health Cards on this phone: made from a summary, published, withdrawn; anybody's read and checked.

Each card has a key and an issuer of its own, so that two readings of two cards are nobody's same person; the key is
forgotten once it has signed. Spec: openapi/protocol/health-cards.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from crypto.public.keys import ES256
from crypto.secret.secret import Secret
from crypto.secret.signing import SEED_BYTES, SigningKey
from sync.device.access import refusal
from sync.device.foreign_links import fetch_json
from sync.device.issuers import Vouched
from sync.device.moments import when
from sync.device.phone import Phone
from sync.device.reading import identity_of
from sync.device.refused import Refused
from sync.device.share_requests import ShareRequests
from sync.device.store.rows import Rows
from sync.device.summaries import summarize
from sync.device.transport import Answered, Unreachable
from sync.fhir.summary.pocket import Pocket, pocket
from sync.vault.health_card import (
    JWS_CHARS_MAX,
    CardRefused,
    HealthCard,
    check_signature,
    is_revoked,
    read_card,
    shows_certificates,
    sign_card,
)
from sync.wire.issuer import ISSUER_BYTES, KEYS, IssuerId, issuer_text, issuer_url

_ISSUED = 41  # number of the store's singleton
GOOD, NOT_CHECKED, NONE = "good", "not_checked", "none"
TRUSTED, SELF_ISSUED, UNKNOWN = "trusted", "self_issued", "unknown"
NOT_REVOKED, NOT_REVOCABLE = "not_revoked", "not_revocable"
_REFUSALS = {"signature": "card_altered", "key": "card_no_key", "parts": "card_parts"}


class Issued(msgspec.Struct, frozen=True):
    """A card that this phone made. `public_key`: its issuer's, until the server has it."""

    issuer: bytes
    account: bytes
    server: str
    made_at: int
    public_key: bytes
    published: bool = False
    withdrawn: bool = False


class MadeCard(NamedTuple):
    """A card. `why`: in words, why its key is not published yet; None if it is."""

    jws: str
    pocket: Pocket
    issued: Issued
    at: str
    why: str | None


class Checked(NamedTuple):
    """Somebody's card, and what was found of it: each question has an answer of its own."""

    card: HealthCard
    signature: str
    trust: str
    revocation: str
    expired: bool = False
    vouched: Vouched | None = None
    certificates: bool = False

    def document(self) -> dict[str, Any]:
        """As cli.md has it."""
        since = when(self.card.since * 1000)
        answers = {
            "signature": self.signature,
            "trust": self.trust,
            "revocation": self.revocation,
            "expired": self.expired,
            "name": None if self.vouched is None else self.vouched.name,
            "listed_by": None if self.vouched is None else self.vouched.by or None,
            "certificates": NOT_CHECKED if self.certificates else NONE,
        }
        return {"issuer": self.card.issuer, "since": since, **answers}


_decoder = msgspec.msgpack.Decoder(list[Issued])


async def make_card(phone: Phone, vault: str | None) -> MadeCard:
    """A card of a vault's critical entries, its key on the way to the server. Raises: Refused."""
    made, at = await summarize(phone, vault)
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        if identity.account is None:
            raise Refused("no_store")
        key = SigningKey.from_seed(ES256, Secret(phone.draw(SEED_BYTES)))
        issuer, now_ms = IssuerId(phone.draw(ISSUER_BYTES)), phone.now_ms()
        url = issuer_url(identity.server, issuer)
        chosen = pocket(made, lambda bundle: len(sign_card(bundle, url, now_ms // 1000, key)) <= JWS_CHARS_MAX)
        jws = sign_card(chosen.bundle, url, now_ms // 1000, key)
        issued = Issued(issuer, identity.account, identity.server, now_ms, key.public_key)
        await _keep(rows, issued)
    why = await publish_waiting(phone)
    return MadeCard(jws, chosen, issued, at, why)


async def issued_cards(phone: Phone) -> list[Issued]:
    """Every card that this phone made, the newest first."""
    async with phone.store.transaction() as rows:
        return (await _issued(rows))[::-1]


async def publish_waiting(phone: Phone) -> str | None:
    """Brings to the server what it has not heard: keys of cards, and which were withdrawn. Why not, in words."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        waiting = [one for one in await _issued(rows) if not one.published]
    if not waiting:
        return None
    transport = phone.connect(identity.server)
    requests = ShareRequests(phone, transport, identity)
    try:
        for one in waiting:
            if (one.account, one.server) == (identity.account, identity.server):
                if one.withdrawn:
                    await requests.withdraw(IssuerId(one.issuer))
                else:
                    await requests.publish(IssuerId(one.issuer), one.public_key)
                async with phone.store.transaction() as rows:
                    await _keep(rows, msgspec.structs.replace(one, published=True))
    except (Answered, Unreachable) as error:
        return refusal(error).title
    finally:
        await transport.close()
    return None


async def withdraw_card(phone: Phone, wanted: str) -> str | None:
    """Takes the key of a card off the server: nobody can check it any more. Why not yet, in words. Raises: Refused."""
    async with phone.store.transaction() as rows:
        found = [one for one in await _issued(rows) if wanted and issuer_text(IssuerId(one.issuer)).startswith(wanted)]
        if len(found) != 1:
            raise Refused("no_such_card")
        await _keep(rows, msgspec.structs.replace(found[0], withdrawn=True, published=False))
    return await publish_waiting(phone)


async def check_card(jws: str, keys: Any, crl: Any, trusted: Mapping[str, Vouched], now_ms: int) -> Checked:
    """Somebody's card, checked as far as can be. `keys`, `crl`: given ones; None asks the issuer. `trusted`: issuers
    that the person trusts, by `iss`. Raises: Refused(bad_card, card_altered, card_no_key, card_revoked)."""
    try:
        card = read_card(jws)
        offline = False
        if keys is None:
            try:
                keys = await fetch_json(card.issuer + KEYS)
            except Refused as refused:
                if refused.code == "link_gone":
                    raise Refused("card_no_key", _host(card)) from None
                offline = True
        known = None if card.self_issued else trusted.get(card.issuer)
        trust = SELF_ISSUED if card.self_issued else UNKNOWN if known is None else TRUSTED
        if offline:
            return Checked(card, NOT_CHECKED, UNKNOWN if trust == TRUSTED else trust, NOT_CHECKED)
        version = check_signature(card, keys)
        expired = card.expires is not None and card.expires * 1000 <= now_ms
    except CardRefused as error:
        raise Refused(_REFUSALS.get(error.reason, "bad_card")) from None
    revocation = NOT_REVOCABLE
    if card.rid is not None and version:
        try:
            found = crl if crl is not None else await fetch_json(f"{card.issuer}/.well-known/crl/{card.kid}.json")
            revocation = NOT_REVOKED
            if is_revoked(card, found):
                raise Refused("card_revoked", _host(card))
        except Refused as refused:
            if refused.code == "card_revoked":
                raise
            revocation = NOT_CHECKED
    return Checked(card, GOOD, trust, revocation, expired, known, shows_certificates(card, keys))


def _host(card: HealthCard) -> str:
    try:
        return urlsplit(card.issuer).hostname or ""
    except ValueError:
        return ""


async def _issued(rows: Rows) -> list[Issued]:
    body = await rows.get_single(_ISSUED)
    return _decoder.decode(body) if body else []


async def _keep(rows: Rows, issued: Issued) -> None:
    others = [one for one in await _issued(rows) if one.issuer != issued.issuer]
    kept = sorted([*others, issued], key=lambda one: one.made_at)
    await rows.put_single(_ISSUED, msgspec.msgpack.encode(kept))
