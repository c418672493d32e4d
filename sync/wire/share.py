"""Shares as the server knows them: JSON of the owner routes and of SMART Health Links' data plane, and who opened one.

Opaque files, hashes and counts; no key, no name. Names of the data plane's fields are the standard's (HL7
smart-health-cards-and-links 1.0), those of the owner routes our own. Spec: openapi/protocol/shares.md.
"""

from __future__ import annotations

from typing import Literal, NewType

import msgspec

from crypto.public.hashing import label_prefix, labelled_hash
from sync.wire.codec import encode

ShareId = NewType("ShareId", bytes)  # 16 random bytes, chosen by the phone that makes the share

SHARE_BYTES = 16
SECRET_BYTES = 32  # of a URL token, an owner token, a ticket
TOKEN_LABEL = "share token"  # noqa: S105  a label
OWNER_LABEL = "share owner hash"
TICKET_LABEL = "share ticket"
OPENING_LABEL = "share opening"
OWNER_HEADER = "Carnet-Share-Owner"
OPENED, WRONG_PASSCODE = "opened", "wrong_passcode"
CONTENT_TYPES = ("application/fhir+json", "application/smart-health-card", "application/smart-api-access")
OPENER_BYTES = 1_024  # every opener is filled up to this, so that no size tells who it was
OPENER_TEXT_BYTES_MAX = 256

# Argon2id as a passcode is hashed (SHR-9).
PASSCODE_MEMORY_KIB, PASSCODE_ITERATIONS, PASSCODE_LANES = 19_456, 2, 1
PASSCODE_SALT_BYTES, PASSCODE_HASH_BYTES = 16, 32


class PasscodeHash(msgspec.Struct, frozen=True):
    """A passcode as its owner hands it in: Argon2id over its UTF-8 in NFC."""

    salt: bytes
    hash: bytes


class ShareFile(msgspec.Struct, frozen=True):
    """A sealed file: a compact JWE, and what is in it."""

    content_type: str
    jwe: str


class NewShare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """PUT /v1/shares/{share}. Times are milliseconds since 1970 UTC. `vault`: the one that it is a summary of.
    `emergency_vault`: every opening is told to all owners of this vault; None for an ordinary share."""

    token_hash: bytes
    owner_hash: bytes
    log_key: bytes
    long_term: bool
    direct: bool
    files: list[ShareFile]
    expires_at: int | None = None
    opens_max: int | None = None
    passcode: PasscodeHash | None = None
    vault: bytes | None = None
    inbox: bool = False
    emergency_vault: bytes | None = None


class ShareChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """PATCH /v1/shares/{share}: what is named changes; null takes an end, a maximum or a passcode away."""

    expires_at: int | msgspec.UnsetType | None = msgspec.UNSET
    opens_max: int | msgspec.UnsetType | None = msgspec.UNSET
    passcode: PasscodeHash | msgspec.UnsetType | None = msgspec.UNSET
    paused: bool | msgspec.UnsetType = msgspec.UNSET
    inbox: bool | msgspec.UnsetType = msgspec.UNSET


class ShareState(msgspec.Struct, frozen=True):
    """How a share stands. `files`: bytes of each. `attempts_left`: null without a passcode. `entitled`: false once its
    account is no owner of its vault any more."""

    long_term: bool
    direct: bool
    made_at: int
    expires_at: int | None
    opens_max: int | None
    paused: bool
    revoked: bool
    live: bool
    opens: int
    attempts_left: int | None
    files: list[int]
    entitled: bool = True
    inbox: bool = False


class OpeningRecord(msgspec.Struct, frozen=True):
    """One line of a share's openings. `opener`: sealed to the share's log key."""

    number: int
    at_ms: int
    outcome: str
    opener: bytes


class Opener(msgspec.Struct, frozen=True, array_like=True):
    """Who opened, as far as the server saw it. `files`: content types handed out."""

    recipient: str
    address: str
    agent: str
    files: tuple[str, ...]


class ManifestRequest(msgspec.Struct, frozen=True, rename="camel"):
    """POST of a link's url (SHL 1.0, "SMART Health Link Manifest Request"). Unknown names are ignored."""

    recipient: str
    passcode: str | None = None
    embedded_length_max: int | None = None


class ManifestFile(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A file of a manifest: exactly one of `embedded` and `location`. `last_updated`: RFC 3339."""

    content_type: str
    last_updated: str
    embedded: str | None = None
    location: str | None = None


class Manifest(msgspec.Struct, frozen=True):
    """What a link's url answers. `status`: whether the files may change."""

    files: list[ManifestFile]
    status: Literal["can-change", "finalized"]


def token_hash(text: str) -> bytes:
    """How the server knows a link's URL token, by its text in base64url."""
    return labelled_hash(TOKEN_LABEL, text.encode())


def owner_hash(token: bytes) -> bytes:
    """How the server knows an owner token (32 bytes)."""
    return labelled_hash(OWNER_LABEL, token)


def ticket_hash(text: str) -> bytes:
    """How the server knows a location's ticket, by its text in base64url."""
    return labelled_hash(TICKET_LABEL, text.encode())


def opening_info(share: ShareId, number: int, outcome: str) -> bytes:
    """The HPKE info of an opener: its place, so that no record can stand in another's."""
    return label_prefix(OPENING_LABEL) + share + number.to_bytes(8, "big") + outcome.encode()


def pad_opener(opener: Opener) -> bytes:
    """An opener in canonical msgpack, its texts cut, filled with zeros to OPENER_BYTES."""
    texts = (_cut(opener.recipient), _cut(opener.address), _cut(opener.agent))
    files = opener.files[:4]
    return encode(Opener(*texts, files)).ljust(OPENER_BYTES, b"\0")


def _cut(text: str) -> str:
    return text.encode(errors="replace")[:OPENER_TEXT_BYTES_MAX].decode(errors="ignore")
