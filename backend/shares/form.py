"""What a share may look like: pure checks of what an owner hands in, and whether a share is live.

Files are opaque: only a JWE's header can be read, and it must say what strict receivers of SMART Health Links take.
Spec: openapi/protocol/shares.md, SHR-4, SHR-8 to SHR-12.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence

import msgspec

from backend.shares.store import ShareRow
from crypto.public.errors import CryptoError
from crypto.public.keys import check_kem_key
from sync.wire.ids import HASH_BYTES
from sync.wire.limits import INTEGER_MAX, SHARE_BYTES_MAX, SHARE_FILES_MAX
from sync.wire.share import (
    CONTENT_TYPES,
    PASSCODE_HASH_BYTES,
    PASSCODE_SALT_BYTES,
    NewShare,
    PasscodeHash,
    ShareFile,
)

# RFC 7516 §7.1 with `dir`: header, no key, 96 bits of IV, ciphertext, 128 bits of tag.
_JWE = re.compile(r"([A-Za-z0-9_-]{1,512})\.\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}\Z")
_header = msgspec.json.Decoder(dict[str, str]).decode


class ShareMalformed(Exception):
    """What was handed in is no share. Says no more."""


def check_new(new: NewShare) -> None:
    """A share as it may be made. Raises: ShareMalformed."""
    if len(new.token_hash) != HASH_BYTES or len(new.owner_hash) != HASH_BYTES:
        raise ShareMalformed
    try:
        check_kem_key(new.log_key)
    except CryptoError:
        raise ShareMalformed from None
    if new.direct and (new.passcode is not None or len(new.files) != 1):
        raise ShareMalformed
    if new.vault is not None and len(new.vault) != HASH_BYTES:
        raise ShareMalformed
    check_passcode(new.passcode)
    if new.emergency_vault is not None and (
        new.passcode is not None or new.opens_max is not None or len(new.emergency_vault) != HASH_BYTES
    ):
        raise ShareMalformed  # who comes to help knows no passcode, and nobody before him may have used it up
    check_bounds(new.expires_at, new.opens_max)
    check_files(new.files)


def check_files(files: Sequence[ShareFile]) -> None:
    """Sealed files of good form, not too many and not too large. Raises: ShareMalformed."""
    if not 1 <= len(files) <= SHARE_FILES_MAX or sum(len(file.jwe) for file in files) > SHARE_BYTES_MAX:
        raise ShareMalformed
    for file in files:
        found = _JWE.match(file.jwe)
        if found is None or file.content_type not in CONTENT_TYPES:
            raise ShareMalformed
        text = found.group(1)
        try:
            header = _header(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (binascii.Error, msgspec.DecodeError, ValueError):
            raise ShareMalformed from None
        if header != {"alg": "dir", "enc": "A256GCM", "cty": file.content_type}:
            raise ShareMalformed


def check_bounds(expires_at: int | None, opens_max: int | None) -> None:
    """An end and a maximum of opens that can be stored. Raises: ShareMalformed."""
    if expires_at is not None and not 0 < expires_at <= INTEGER_MAX:
        raise ShareMalformed
    if opens_max is not None and not 0 < opens_max <= INTEGER_MAX:
        raise ShareMalformed


def check_passcode(passcode: PasscodeHash | None) -> None:
    """A passcode's hash of the right size, or none. Raises: ShareMalformed."""
    if passcode is None:
        return
    if len(passcode.salt) != PASSCODE_SALT_BYTES or len(passcode.hash) != PASSCODE_HASH_BYTES:
        raise ShareMalformed


def is_live(row: ShareRow, now_ms: int) -> bool:
    """Whether a share may be opened now: what store.LIVE says, for its owner to see."""
    over = row.expires_at is not None and row.expires_at <= now_ms
    used_up = row.opens_max is not None and row.opens >= row.opens_max
    guessed = row.passcode_hash is not None and row.tries <= 0
    return row.entitled and not (row.revoked_at is not None or row.paused or over or used_up or guessed)
