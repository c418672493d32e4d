"""A file that somebody signed and anybody may read: one line that says who, then the body, byte for byte.

What it is: the form that term packs and lists of issuers share. What it is not: a judgement whose signature counts,
or a reading of the body. Invariant: nothing of the body is given before the signature holds.
Spec: openapi/protocol/terms.md, TRM-1 and TRM-2; openapi/protocol/health-cards.md, SHC-12.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

import msgspec

from crypto.public.errors import BadSignature
from crypto.public.jws import encode_part
from crypto.public.keys import ED25519
from crypto.public.signatures import SIGNATURE_BYTES, verify

REASONS = frozenset({"form", "newer_version", "signature"})


class SignedFileRefused(Exception):
    """A file that is none of these; `reason` is one of REASONS."""

    def __init__(self, reason: str) -> None:
        assert reason in REASONS
        super().__init__(reason)
        self.reason = reason


class SignedFile(NamedTuple):
    """Whose signature holds (an Ed25519 key), and what was signed."""

    signer: bytes
    body: bytes


class _Head(msgspec.Struct, frozen=True):
    format: str
    signer: str
    signature: str


_head = msgspec.json.Decoder(_Head)
_encode = msgspec.json.Encoder(order="sorted").encode


def join_signed(kind: str, signer: bytes, signature: bytes, body: bytes) -> bytes:
    """The file. `kind`: as `carnet terms 1`."""
    return _encode(_Head(kind, encode_part(signer), encode_part(signature))) + b"\n" + body


def open_signed(kind: str, label: str, data: bytes) -> SignedFile:
    """Who signed a file, and its body. `kind`: as `carnet terms 1`. Raises: SignedFileRefused."""
    line, newline, body = data.partition(b"\n")
    if not newline:
        raise SignedFileRefused("form")
    try:
        head = _head.decode(line)
        signer, signature = _bytes(head.signer), _bytes(head.signature)
    except (msgspec.DecodeError, ValueError):
        raise SignedFileRefused("form") from None
    if head.format != kind:
        raise SignedFileRefused("newer_version" if head.format.startswith(kind.rpartition(" ")[0] + " ") else "form")
    try:
        if len(signature) != SIGNATURE_BYTES:
            raise BadSignature()
        verify(ED25519, signer, label, body, signature)
    except BadSignature:
        raise SignedFileRefused("signature") from None
    return SignedFile(signer, body)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
