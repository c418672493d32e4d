"""A list of issuers of health cards whom somebody vouches for: signed, in the shape of the VCI directory.

What it is: one file, made and read. What it is not: a judgement whose lists count here, or a fetch. Invariants: nothing
is read before the signature holds; a patient's own card is on no list, whatever a list says (SHC-9).
Source: the-commons-project/vci-directory, `vci-issuers.json`. Spec: openapi/protocol/health-cards.md, SHC-12.
"""

from __future__ import annotations

import msgspec

from crypto.public.hashing import labelled_hash
from crypto.public.keys import ED25519
from crypto.secret.signing import SigningKey
from sync.vault.health_card import SELF_ISSUED
from sync.wire.signed_file import SignedFileRefused, join_signed, open_signed

FORMAT = "carnet issuers 1"
LIST_BYTES_MAX = 8 << 20
ISSUERS_LISTED_MAX = 20_000
TEXT_CHARS_MAX = 1_000
REASONS = frozenset({"form", "newer_version", "signature", "body"})
_LABEL = "issuer list"
_encode = msgspec.json.Encoder(order="sorted").encode


class IssuersRefused(Exception):
    """A file that is no list of issuers; `reason` is one of REASONS."""

    def __init__(self, reason: str) -> None:
        assert reason in REASONS
        super().__init__(reason)
        self.reason = reason


class Entry(msgspec.Struct, frozen=True):
    """An issuer: what stands in its cards as `iss`, and what it is called. More that a directory says is ignored."""

    iss: str
    name: str


class Body(msgspec.Struct, frozen=True):
    """What is signed: what the list is called, its edition, its issuers."""

    name: str
    version: str
    participating_issuers: tuple[Entry, ...]


class Directory(msgspec.Struct, frozen=True):
    """A directory as others publish it: nobody's signature is on it."""

    participating_issuers: tuple[Entry, ...]


class IssuerList(msgspec.Struct, frozen=True):
    """A list that was read. `id`: of the file, 32 bytes; `signer`: the Ed25519 key that signed it."""

    id: bytes
    signer: bytes
    body: Body

    def names(self) -> dict[str, str]:
        """`iss` as cards have it → what it is called."""
        return {one.iss.rstrip("/"): one.name for one in self.body.participating_issuers}


_body = msgspec.json.Decoder(Body)


def make_list(body: Body, key: SigningKey) -> bytes:
    """The file of a list. Raises: ValueError for a body that no reader would take."""
    if key.key_type != ED25519 or not _is_good(body):
        raise ValueError("no reader would take this list")
    raw = _encode(body)
    return join_signed(FORMAT, key.public_key, key.sign(_LABEL, raw), raw)


def read_list(data: bytes) -> IssuerList:
    """A list whose signature holds; whether its signer counts is the caller's to judge. Raises: IssuersRefused."""
    if len(data) > LIST_BYTES_MAX:
        raise IssuersRefused("form")
    try:
        signer, raw = open_signed(FORMAT, _LABEL, data)
    except SignedFileRefused as refused:
        raise IssuersRefused(refused.reason) from None
    try:
        body = _body.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        raise IssuersRefused("body") from None
    if not _is_good(body):
        raise IssuersRefused("body")
    return IssuerList(labelled_hash(_LABEL, data), signer, body)


def _is_good(body: Body) -> bool:
    entries = body.participating_issuers
    texts = [body.name, body.version, *(text for one in entries for text in (one.iss, one.name))]
    return (
        0 < len(entries) <= ISSUERS_LISTED_MAX
        and all(0 < len(text) <= TEXT_CHARS_MAX and text == text.strip() and text.isprintable() for text in texts)
        and len({one.iss.rstrip("/") for one in entries}) == len(entries)
        and all(one.iss.startswith("https://") and not SELF_ISSUED.match(one.iss.rstrip("/")) for one in entries)
    )
