"""Health cards among the files that `carnet import` takes, and in words what was found of one."""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from sync.device.cli.context import read_file
from sync.device.health_cards import GOOD, NOT_CHECKED, SELF_ISSUED, TRUSTED, Checked, check_card
from sync.device.issuers import Vouched, vouched
from sync.device.phone import Phone
from sync.device.refused import Refused
from sync.fhir import exact
from sync.vault.health_card import NUMERIC, CardRefused, jws_texts

HEALTH_CARD = "application/smart-health-card"
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_PIXELS_MAX = 50_000_000


class _Entry(msgspec.Struct):
    iss: str
    name: str = ""


class _List(msgspec.Struct):
    """Trusted issuers, in the form of the VCI directory."""

    participating_issuers: list[_Entry]


def card_texts(data: bytes) -> list[str] | None:
    """The texts of health cards in a file, None if it is another kind of file. Raises: Refused."""
    if data.startswith(_PICTURES):
        return _codes_in(data)
    head = data.lstrip()[:4_096]
    if head.startswith(NUMERIC.encode()) or b'"verifiableCredential"' in head or head.startswith(b"eyJ"):
        return [data.decode("utf-8", errors="replace")]
    return None


async def check_cards(texts: list[str], options: argparse.Namespace, phone: Phone, folder: Path) -> list[Checked]:
    """Every card in these texts, checked. Raises: Refused."""
    if not texts:
        return []
    keys, crl = (_json(name) if name else None for name in (options.issuer_keys, options.revoked))
    trusted = dict(await vouched(phone, folder))
    if options.trusted_issuers:
        try:
            listed = msgspec.convert(_json(options.trusted_issuers), _List).participating_issuers
        except msgspec.ValidationError as error:
            raise Refused("bad_value", options.trusted_issuers) from error
        trusted |= {one.iss.rstrip("/"): Vouched(one.name, "") for one in listed}
    try:
        found = jws_texts(texts)
    except CardRefused as error:
        raise Refused("card_parts" if error.reason == "parts" else "bad_card") from None
    return [await check_card(jws, keys, crl, trusted, phone.now_ms()) for jws in found]


def bundle_of(checked: Checked) -> bytes:
    """What a card holds, as a file to import, numbers as they were written."""
    claims: Any = exact.loads(checked.card.claims)
    return exact.canonical(claims["vc"]["credentialSubject"]["fhirBundle"])


def card_words(checked: Checked) -> str:
    """What was found of a card: signature, issuer and revocation apart. Only one from a trusted issuer is ticked."""
    host = urlsplit(checked.card.issuer).hostname or checked.card.issuer
    since = checked.document()["since"][:10]
    if checked.signature == NOT_CHECKED:
        return (
            f"Health card of {host}: not checked, there is no network. It is taken as a file that nobody vouches for."
        )
    revoked = {"not_checked": " Whether it was revoked could not be asked.", "not_revocable": ""}
    more = revoked.get(checked.revocation, " It has not been revoked.")
    if checked.expired:
        more += " Its time is over."
    if checked.certificates:
        more += " Its issuer shows certificates as well; they are not checked here."
    if checked.trust == SELF_ISSUED:
        return f"Carried by the patient, unaltered since {since}. {host} vouches for the key alone.{more}"
    if checked.trust == TRUSTED and checked.signature == GOOD and not checked.expired:
        who = f"{checked.vouched.name} ({host})" if checked.vouched is not None and checked.vouched.name else host
        why = f"on the list of {checked.vouched.by}" if checked.vouched is not None and checked.vouched.by else ""
        return f"✓ Signed by {who}, {why or 'whom you trust'}, unaltered since {since}.{more}"
    return f"Signed by {host}, unaltered since {since}. Whether to trust {host} is for you to judge.{more}"


def _codes_in(data: bytes) -> list[str]:
    """The texts of the QR codes in a picture. Raises: Refused."""
    try:
        import zxingcpp
        from PIL import Image
    except ModuleNotFoundError as error:
        raise Refused("no_picture_reader") from error
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.width * picture.height > _PIXELS_MAX:
                raise Refused("no_picture", "it is too large")
            found = [one.text for one in zxingcpp.read_barcodes(picture.convert("L"))]
    except (OSError, ValueError, SyntaxError) as error:
        raise Refused("no_picture") from error
    codes = [text for text in found if text.startswith(NUMERIC)]
    if not codes:
        raise Refused("no_picture")
    return codes


def _json(name: str) -> Any:
    try:
        return msgspec.json.decode(read_file(name))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused("bad_value", name) from error
