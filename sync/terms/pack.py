"""A term pack: what the codes of a language are called, signed and known by its hash.

What it is: one file, made and read. What it is not: a search, a fetch, a judgement whose packs count. Invariants: a
file has one id, SHA-256 over all of it; nothing of it is read before its signature holds; what is read is in order,
each code once, each term with its origin. Spec: openapi/protocol/terms.md, TRM-1 to TRM-4.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import msgspec

from crypto.public.hashing import labelled_hash
from crypto.public.keys import ED25519
from crypto.secret.signing import SigningKey
from sync.wire.signed_file import SignedFileRefused, join_signed, open_signed

FORMAT = "carnet terms 1"
PACK_BYTES_MAX = 64 << 20  # a national set of some hundred thousand terms fits
TEXT_CHARS_MAX = 1_000
NOT_REVIEWED = "no"
REASONS = frozenset({"form", "newer_version", "signature", "body"})
_LABEL = "term pack"
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")
_encode = msgspec.json.Encoder(order="sorted").encode


class PackRefused(Exception):
    """A file that is no term pack; `reason` is one of REASONS."""

    def __init__(self, reason: str) -> None:
        assert reason in REASONS
        super().__init__(reason)
        self.reason = reason


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where terms come from: the source's name, the licence under which they may be used, by whom they were reviewed
    (NOT_REVIEWED if by nobody)."""

    source: str
    licence: str
    reviewed: str


class Term(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What one code is called. `system`, `origin`: places in the pack's lists. `also`: further words for a search."""

    system: int
    code: str
    origin: int
    text: str
    also: tuple[str, ...] = ()


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is signed. `language`: BCP 47. `version`: the maker's own, as 2026-11. `terms`: by system and code."""

    language: str
    name: str
    version: str
    origins: tuple[Origin, ...]
    systems: tuple[str, ...]
    terms: tuple[Term, ...]


class Pack(msgspec.Struct, frozen=True):
    """A pack that was read. `id`: of the file, 32 bytes; `signer`: the Ed25519 key that signed it."""

    id: bytes
    signer: bytes
    body: Body


_body = msgspec.json.Decoder(Body)


def make_pack(body: Body, key: SigningKey) -> bytes:
    """The file of a pack. Raises: ValueError for a body that no reader would take."""
    if key.key_type != ED25519 or not _is_good(body):
        raise ValueError("no reader would take this pack")
    raw = _encode(body)
    return join_signed(FORMAT, key.public_key, key.sign(_LABEL, raw), raw)


def read_pack(data: bytes) -> Pack:
    """A pack whose signature holds; whether its signer counts is the caller's to judge. Raises: PackRefused."""
    if len(data) > PACK_BYTES_MAX:
        raise PackRefused("form")
    try:
        signer, raw = open_signed(FORMAT, _LABEL, data)
    except SignedFileRefused as refused:
        raise PackRefused(refused.reason) from None
    try:
        body = _body.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        raise PackRefused("body") from None
    if not _is_good(body):
        raise PackRefused("body")
    return Pack(pack_id(data), signer, body)


def pack_id(data: bytes) -> bytes:
    """By what a file is known and asked for: 32 bytes."""
    return labelled_hash(_LABEL, data)


def _is_good(body: Body) -> bool:
    texts = (body.name, body.version, *body.systems)
    origins: list[Any] = [text for one in body.origins for text in (one.source, one.licence, one.reviewed)]
    if not _LANGUAGE.match(body.language) or not all(_is_text(text) for text in (*texts, *origins)):
        return False
    places = [(term.system, term.code) for term in body.terms]
    if any(before >= after for before, after in pairwise(places)):
        return False
    return all(
        0 <= term.system < len(body.systems)
        and 0 <= term.origin < len(body.origins)
        and all(_is_text(text) for text in (term.code, term.text, *term.also))
        for term in body.terms
    )


def _is_text(text: str) -> bool:
    return 0 < len(text) <= TEXT_CHARS_MAX and text == text.strip() and text.isprintable()
