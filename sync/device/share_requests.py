"""What a phone asks of the server about its shares and the keys of its health cards: one function call a route.

Knows paths, headers and bodies, and nothing of vaults. Spec: openapi/protocol/shares.md, "Owner routes".
"""

from __future__ import annotations

import unicodedata
from typing import TypeVar

import msgspec

from crypto.public.jws import encode_part
from crypto.public.passphrase import derive_key
from crypto.secret.secret import Secret
from sync.device.asking import ask
from sync.device.identity import Identity
from sync.device.phone import Phone
from sync.device.transport import Answered, Transport, Unreachable
from sync.vault.share import passcode_salt
from sync.wire.issuer import IssuerId, NewIssuer
from sync.wire.limits import OPENINGS_A_PAGE_MAX
from sync.wire.share import (
    OWNER_HEADER,
    PASSCODE_HASH_BYTES,
    PASSCODE_ITERATIONS,
    PASSCODE_LANES,
    PASSCODE_MEMORY_KIB,
    NewShare,
    OpeningRecord,
    PasscodeHash,
    ShareChange,
    ShareFile,
    ShareId,
    ShareState,
)

T = TypeVar("T")

_OPENING_CHARS_MAX = 4_096  # of one record in JSON: 1,024 bytes sealed to X-Wing, in base64, and what stands around it


class ShareRequests:
    """Requests of one command or one sync. Raises: Answered, Unreachable."""

    def __init__(self, phone: Phone, transport: Transport, identity: Identity) -> None:
        self._phone, self._transport, self._identity = phone, transport, identity

    async def make(self, share: ShareId, new: NewShare) -> None:
        """Makes it."""
        await self._ask("PUT", _path(share), msgspec.json.encode(new))

    async def state(self, share: ShareId, owner: Secret) -> ShareState:
        """How it stands."""
        return _decode(await self._ask("GET", _path(share), None, owner), ShareState)

    async def change(self, share: ShareId, owner: Secret, wish: ShareChange) -> None:
        """Changes what the wish names."""
        await self._ask("PATCH", _path(share), msgspec.json.encode(wish), owner)

    async def replace(self, share: ShareId, owner: Secret, files: list[ShareFile]) -> None:
        """Replaces all files."""
        await self._ask("PUT", f"{_path(share)}/files", msgspec.json.encode(files), owner)

    async def revoke(self, share: ShareId, owner: Secret) -> None:
        """Revokes it; one that is not there is as good as revoked."""
        try:
            await self._ask("DELETE", _path(share), None, owner)
        except Answered as answer:
            if answer.code != "not_found":
                raise

    async def publish(self, issuer: IssuerId, public_key: bytes) -> None:
        """Publishes the key of a health card."""
        await self._ask("PUT", f"/v1/issuers/{issuer.hex()}", msgspec.json.encode(NewIssuer(public_key)))

    async def withdraw(self, issuer: IssuerId) -> None:
        """Takes the key of a health card back."""
        await self._ask("DELETE", f"/v1/issuers/{issuer.hex()}", None)

    async def openings(self, share: ShareId, owner: Secret) -> list[OpeningRecord]:
        """Every record that the server has."""
        records: list[OpeningRecord] = []
        while True:
            after = records[-1].number if records else 0
            longest = OPENINGS_A_PAGE_MAX * _OPENING_CHARS_MAX
            body = await self._ask("GET", f"{_path(share)}/openings?after={after}", None, owner, longest)
            page = _decode(body, list[OpeningRecord])
            if any(record.number <= after for record in page):
                raise Unreachable("an answer that is not ours")
            records += page
            if len(page) < OPENINGS_A_PAGE_MAX:
                return records

    async def _ask(
        self, method: str, path: str, body: bytes | None, owner: Secret | None = None, longest: int = 65_536
    ) -> bytes:
        more = {} if owner is None else {OWNER_HEADER: encode_part(owner.reveal())}
        return await ask(self._phone, self._transport, self._identity, method, path, body, more=more, longest=longest)


def passcode_hash(secret: Secret, share: ShareId, passcode: str | None) -> PasscodeHash | None:
    """A share's passcode as it is handed in (SHR-9), if it has one; `secret`: S."""
    if passcode is None:
        return None
    composed = unicodedata.normalize("NFC", passcode)
    salt = passcode_salt(secret, share, composed)
    cost = {"memory_kib": PASSCODE_MEMORY_KIB, "iterations": PASSCODE_ITERATIONS, "lanes": PASSCODE_LANES}
    return PasscodeHash(salt, derive_key(composed.encode(), salt, length=PASSCODE_HASH_BYTES, **cost))


def _path(share: ShareId) -> str:
    return f"/v1/shares/{share.hex()}"


def _decode(body: bytes, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreachable("an answer that is not ours") from error
