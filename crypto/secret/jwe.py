"""The compact JWE (RFC 7516) in which a file of a share travels: `dir` with A256GCM under the link's key.

Not a JOSE library: one algorithm, no key management. Invariants: what is made carries its content type and is never
compressed, as strict receivers want it; what others made may be deflated, and is inflated up to a bound and no further.
Spec: openapi/protocol/shares.md, SHR-4 and SHR-24.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.public.errors import BadJwe, CannotOpen
from crypto.public.jws import encode_part
from crypto.secret.aead import KEY_BYTES, NONCE_BYTES, TAG_BYTES
from crypto.secret.secret import Secret

_HEADER_CHARS_MAX = 8_192
_PARTS, _PARTS_OF_A_JWS = 5, 3


class Opened(NamedTuple):
    """What was in a JWE: the content type that it says (None if it says none) and the bytes."""

    content_type: str | None
    plaintext: bytes


def seal(key: Secret, iv: bytes, content_type: str, plaintext: bytes) -> str:
    """A compact JWE; `iv`: 12 random bytes, never used again with this key. Raises: ValueError for a wrong length."""
    if len(key) != KEY_BYTES or len(iv) != NONCE_BYTES:
        raise ValueError("a key has 32 bytes, an IV 12")
    fields = {"alg": "dir", "enc": "A256GCM", "cty": content_type}
    header = encode_part(json.dumps(fields, separators=(",", ":")).encode())
    sealed = AESGCM(key.reveal()).encrypt(iv, plaintext, header.encode("ascii"))
    return ".".join((header, "", encode_part(iv), encode_part(sealed[:-TAG_BYTES]), encode_part(sealed[-TAG_BYTES:])))


def open_(key: Secret, text: str, longest: int) -> Opened:
    """What is in a compact JWE, at most `longest` bytes.

    Raises: BadJwe (signed: it is a JWS; form; algorithm; inflated: longer than `longest`), CannotOpen for another key
    or altered bytes.
    """
    parts = text.strip().split(".")
    if len(parts) == _PARTS_OF_A_JWS:
        raise BadJwe("signed")
    if len(parts) != _PARTS or parts[1] or len(parts[0]) > _HEADER_CHARS_MAX:
        raise BadJwe("form")
    header = _header(parts[0])
    iv, ciphertext, tag = (_part(part) for part in parts[2:])
    if len(iv) != NONCE_BYTES or len(tag) != TAG_BYTES:
        raise BadJwe("form")
    deflated = header.get("zip")
    if header.get("alg") != "dir" or header.get("enc") != "A256GCM" or "crit" in header:
        raise BadJwe("algorithm")
    if deflated not in (None, "DEF"):
        raise BadJwe("algorithm")
    if len(key) != KEY_BYTES:
        raise CannotOpen()
    try:
        plaintext = AESGCM(key.reveal()).decrypt(iv, ciphertext + tag, parts[0].encode("ascii"))
    except InvalidTag:
        raise CannotOpen() from None
    if deflated:
        plaintext = _inflated(plaintext, longest)
    if len(plaintext) > longest:
        raise BadJwe("inflated")
    content_type = header.get("cty")
    return Opened(content_type if isinstance(content_type, str) else None, plaintext)


def _inflated(data: bytes, longest: int) -> bytes:
    """Raw DEFLATE (RFC 1951), as JWE says."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plaintext = stream.decompress(data, longest + 1)
    except zlib.error:
        raise BadJwe("form") from None
    if len(plaintext) > longest:
        raise BadJwe("inflated")
    if not stream.eof:
        raise BadJwe("form")
    return plaintext


def _header(part: str) -> dict[str, Any]:
    try:
        header = json.loads(_part(part))
    except (ValueError, RecursionError):
        raise BadJwe("form") from None
    if not isinstance(header, dict):
        raise BadJwe("form")
    return header


def _part(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadJwe("form") from None
