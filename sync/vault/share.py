"""What a share is made of on a phone: the secrets behind its one secret, and the text of a link, made and read.

What it is: derivations and one JSON form. What it is not: a request, a store, a rule of who may share. Invariants: what
is made is exactly what the standard's strict readers take; what is read may be sloppy where the standard lets it
(unknown names and flags, a viewer before it, `exp` as text), and is refused where a reader could be led astray. A repr
shows no key. Source: HL7 smart-health-cards-and-links 1.0, "SMART Health Links". Spec: openapi/protocol/shares.md.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

import msgspec

from crypto.public.jws import encode_part
from crypto.secret.kdf import derive
from crypto.secret.kem import KemKey
from crypto.secret.notes import SEED_BYTES, NoteKey
from crypto.secret.secret import Secret
from sync.wire.share import PASSCODE_SALT_BYTES, SECRET_BYTES, ShareId

LONG_TERM, PASSCODE, DIRECT = "L", "P", "U"
LINK_SCHEME = "shlink:/"
URL_CHARS_MAX = 128
LABEL_CHARS_MAX = 80
VERSION = 1
REASONS = frozenset({"form", "newer_version", "url", "key", "flags"})
_LINK_CHARS_MAX = 16_384
_LATER_THAN_SECONDS = 100_000_000_000  # no date in seconds is as high: whoever writes more means milliseconds


class LinkRefused(Exception):
    """Text that is no link, or none that can be followed; `reason` is one of REASONS."""

    def __init__(self, reason: str) -> None:
        assert reason in REASONS
        super().__init__(reason)
        self.reason = reason


class Link(msgspec.Struct, frozen=True):
    """What stands in a link. `flags`: letters of L, P, U in this order. `ends`: seconds since 1970, a hint.
    `emergency`: viewers ask why it is opened; others pass the name over."""

    url: str
    key: Secret
    flags: str = ""
    ends: int | None = None
    label: str | None = None
    emergency: bool = False

    def __repr__(self) -> str:
        return "<Link>"


class ShareSecrets(msgspec.Struct, frozen=True):
    """All that follows from a share's secret. `owner_token`: 32 bytes."""

    link_key: Secret
    owner_token: Secret
    log_key: KemKey
    note_key: NoteKey

    def __repr__(self) -> str:
        return "<ShareSecrets>"


def share_secrets(secret: Secret, share: ShareId) -> ShareSecrets:
    """The secrets of a share (SHR-2)."""
    return ShareSecrets(
        Secret(derive(secret, "share link", share)),
        Secret(derive(secret, "share owner", share)),
        KemKey.from_seed(Secret(derive(secret, "share log", share))),
        NoteKey(Secret(derive(secret, "share note key", share, SEED_BYTES))),
    )


def passcode_salt(secret: Secret, share: ShareId, passcode: str) -> bytes:
    """The salt of a passcode in NFC (SHR-9): the same passcode of a share has the same hash on every phone."""
    return derive(secret, "share passcode", share + passcode.encode(), length=PASSCODE_SALT_BYTES)


def link_text(link: Link, viewer: str = "") -> str:
    """A link as it is shown (SHR-3); `viewer`: the page's address before it, without its `#`.

    Raises: ValueError for a url, key or label that a strict reader refuses.
    """
    if len(link.url) > URL_CHARS_MAX or len(link.key) != SECRET_BYTES or len(link.label or "") > LABEL_CHARS_MAX:
        raise ValueError("no reader would take this link")
    fields: dict[str, Any] = {"url": link.url}
    if link.flags:
        fields["flag"] = "".join(sorted(link.flags))
    fields["key"] = encode_part(link.key.reveal())
    if link.ends is not None:
        fields["exp"] = link.ends
    if link.label:
        fields["label"] = link.label
    if link.emergency:
        fields["emergency"] = True
    payload = json.dumps(fields | {"v": VERSION}, separators=(",", ":"), ensure_ascii=False).encode()
    return (f"{viewer}#" if viewer else "") + LINK_SCHEME + encode_part(payload)


def read_link(text: str) -> Link:
    """Anybody's link, with or without a viewer's address before it. Raises: LinkRefused."""
    _, scheme, payload = text.strip().rpartition(LINK_SCHEME)
    if not scheme or len(text) > _LINK_CHARS_MAX:
        raise LinkRefused("form")
    try:
        fields = json.loads(_bytes(payload.strip()))
    except (ValueError, RecursionError):
        raise LinkRefused("form") from None
    if not isinstance(fields, dict):
        raise LinkRefused("form")
    if (_whole(fields.get("v", VERSION)) or VERSION) > VERSION:
        raise LinkRefused("newer_version")
    url, key, flag = fields.get("url"), fields.get("key"), fields.get("flag", "")
    if not isinstance(url, str) or not url:
        raise LinkRefused("url")
    flags = "".join(letter for letter in (LONG_TERM, PASSCODE, DIRECT) if isinstance(flag, str) and letter in flag)
    if PASSCODE in flags and DIRECT in flags:
        raise LinkRefused("flags")
    label = fields.get("label")
    return Link(url, _key(key), flags, _ends(fields.get("exp")), label if isinstance(label, str) else None)


def _key(text: Any) -> Secret:
    try:
        key = _bytes(text) if isinstance(text, str) else b""
    except ValueError:
        key = b""
    if len(key) != SECRET_BYTES:
        raise LinkRefused("key")
    return Secret(key)


def _ends(value: Any) -> int | None:
    ends = _whole(value)
    return ends // 1000 if ends is not None and ends >= _LATER_THAN_SECONDS else ends


def _whole(value: Any) -> int | None:
    """A number, also written as text; None for what is none."""
    try:
        return int(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None


def _bytes(text: str) -> bytes:
    bare = text.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64url") from error
