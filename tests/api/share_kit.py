"""A share as a phone makes it and a reader opens it, without a vault: keys, sealed files, requests."""

from __future__ import annotations

import base64
import functools
import os
import unicodedata

import httpx
import msgspec

from crypto.public.passphrase import derive_key
from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from sync.wire.share import (
    OWNER_HEADER,
    PASSCODE_HASH_BYTES,
    PASSCODE_ITERATIONS,
    PASSCODE_LANES,
    PASSCODE_MEMORY_KIB,
    NewShare,
    Opener,
    OpeningRecord,
    PasscodeHash,
    ShareChange,
    ShareFile,
    ShareId,
    ShareState,
    opening_info,
    owner_hash,
    token_hash,
)
from tests.api.phone_kit import JSON, Phone, noise

FHIR = "application/fhir+json"
_opener = msgspec.msgpack.Decoder(Opener)


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jwe(text: bytes = b"noise", *, content_type: str = FHIR, **header: str) -> str:
    """Bytes in the shape of a compact JWE: the server could not tell."""
    fields = {"alg": "dir", "enc": "A256GCM", "cty": content_type} | header
    return f"{b64(msgspec.json.encode(fields))}..{b64(os.urandom(12))}.{b64(text)}.{b64(os.urandom(16))}"


@functools.cache
def passcode_hash(passcode: str) -> PasscodeHash:
    salt = os.urandom(16)  # once a passcode and process: a phone takes one a share, which the server cannot tell
    text = unicodedata.normalize("NFC", passcode).encode()
    cost = {"memory_kib": PASSCODE_MEMORY_KIB, "iterations": PASSCODE_ITERATIONS, "lanes": PASSCODE_LANES}
    return PasscodeHash(salt, derive_key(text, salt, length=PASSCODE_HASH_BYTES, **cost))


class Share:
    """A share that one phone makes. `served`: how the phone's requests and readers' reach the server."""

    def __init__(self, phone: Phone, name: str = "share", **settings: object) -> None:
        self.phone, self.client = phone, phone.client
        self.id = ShareId(noise(name, "handle", length=16))
        self.token, self.owner_token = b64(noise(name, "token")), noise(name, "owner")
        self.log_key = KemKey.from_seed(Secret(noise(name, "log key")))
        passcode = settings.pop("passcode", None)
        self.new = NewShare(
            token_hash(self.token),
            owner_hash(self.owner_token),
            self.log_key.public_key,
            **{  # type: ignore[arg-type]
                "long_term": False,
                "direct": False,
                "files": [ShareFile(FHIR, jwe(noise(name, "file", length=500)))],
                "passcode": passcode_hash(passcode) if isinstance(passcode, str) else None,
                **settings,
            },
        )

    @property
    def path(self) -> str:
        return f"/v1/shares/{self.id.hex()}"

    @property
    def headers(self) -> dict[str, str]:
        return self.phone.headers | {OWNER_HEADER: b64(self.owner_token)}

    async def made(self) -> Share:
        answer = await self.make()
        assert answer.status_code == 204, answer.text
        return self

    async def make(self, phone: Phone | None = None) -> httpx.Response:
        headers = (phone or self.phone).headers | JSON
        return await self.client.put(self.path, content=msgspec.json.encode(self.new), headers=headers)

    async def state(self) -> ShareState:
        answer = await self.client.get(self.path, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return msgspec.json.decode(answer.content, type=ShareState)

    async def change(self, **wish: object) -> httpx.Response:
        body = msgspec.json.encode(ShareChange(**wish))  # type: ignore[arg-type]
        return await self.client.patch(self.path, content=body, headers=self.headers | JSON)

    async def replace(self, *files: ShareFile) -> httpx.Response:
        body = msgspec.json.encode(files)
        return await self.client.put(f"{self.path}/files", content=body, headers=self.headers | JSON)

    async def revoke(self) -> httpx.Response:
        return await self.client.delete(self.path, headers=self.headers)

    async def openings(self, after: int = 0) -> list[tuple[int, int, str, Opener]]:
        """Every record after a number, opened with the share's log key."""
        answer = await self.client.get(f"{self.path}/openings?after={after}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        out = []
        for record in msgspec.json.decode(answer.content, type=list[OpeningRecord]):
            info = opening_info(self.id, record.number, record.outcome)
            padded = self.log_key.open(info, record.opener)
            out.append((record.number, record.at_ms, record.outcome, _opener.decode(padded.rstrip(b"\0"))))
        return out

    async def open(
        self,
        passcode: str | None = None,
        recipient: str = "Dr. Test",
        *,
        client: httpx.AsyncClient | None = None,
        **more: object,
    ) -> httpx.Response:
        """What a reader's client posts to the link's url; `client`: the way to another server than the owner's."""
        body = {"recipient": recipient, **({} if passcode is None else {"passcode": passcode}), **more}
        headers = JSON | {"user-agent": "reader/1"}
        raw = msgspec.json.encode(body)
        return await (client or self.client).post(f"/s/{self.token}", content=raw, headers=headers)

    async def fetch(self, recipient: str = "Dr. Test") -> httpx.Response:
        """What a reader's client asks of a direct link."""
        return await self.client.get(f"/s/{self.token}", params={"recipient": recipient})
