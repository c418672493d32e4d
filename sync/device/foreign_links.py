"""Following anybody's SMART Health Link: what it leads to, opened with its key.

What it is: the standard's receiving side over https. What it is not: an import (files.py), a judge of signatures.
Invariants: https alone but on this machine, for the link and for every location; nothing is followed elsewhere; sizes
and counts are bounded; the key and the passcode stand in no error. Source: HL7 smart-health-cards-and-links 1.0,
"SMART Health Link Receiving Application". Spec: openapi/protocol/shares.md, SHR-23 to SHR-25.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from crypto.public.errors import BadJwe, CannotOpen
from crypto.secret import jwe
from sync.device.refused import Refused
from sync.device.transport import CONNECT_SECONDS, READ_SECONDS, trusted
from sync.fhir.bundle import FILE_BYTES_MAX
from sync.vault.share import DIRECT, PASSCODE, Link, LinkRefused, read_link

if TYPE_CHECKING:
    import httpx

FILES_MAX = 64
_JWE_BYTES_MAX = FILE_BYTES_MAX * 4 // 3 + 16_384
_MANIFEST_BYTES_MAX = 16_777_216
_EMBEDDED_CHARS_MAX = 131_072  # what is longer comes from a location, one at a time
_REASONS = {"form": "link_form", "url": "link_form", "key": "link_form", "flags": "link_form"}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class LinkedFile(NamedTuple):
    """A file of a link, opened. `content_type` as the manifest says it, else as the file itself does."""

    name: str
    content_type: str
    data: bytes


class _File(msgspec.Struct, rename="camel"):
    content_type: str | None = None
    embedded: str | None = None
    location: str | None = None


class _Manifest(msgspec.Struct):
    files: list[_File]


class _Wrong(msgspec.Struct, rename="camel"):
    remaining_attempts: int | None = None


_manifest = msgspec.json.Decoder(_Manifest)
_wrong = msgspec.json.Decoder(_Wrong)


def parse_link(text: str, now_ms: int) -> Link:
    """A link that can be followed now. Raises: Refused."""
    try:
        link = read_link(text)
    except LinkRefused as refused:
        raise Refused(_REASONS.get(refused.reason, "link_newer")) from None
    _check_secure(link.url)
    if link.ends is not None and link.ends * 1000 <= now_ms:
        raise Refused("link_ended")
    return link


async def follow(link: Link, recipient: str, passcode: Callable[[], str]) -> list[LinkedFile]:
    """What a link leads to. `recipient`: who opens it, as its owner will read; `passcode` is asked only if the link
    wants one. Raises: Refused."""
    import httpx

    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    try:
        headers = {"accept-encoding": "gzip"}
        async with httpx.AsyncClient(headers=headers, timeout=timeout, trust_env=False, verify=trusted()) as client:
            if DIRECT in link.flags:
                body = await _fetch(client, "GET", link.url, _JWE_BYTES_MAX, params={"recipient": recipient})
                return [_opened(link, "the link's file", None, body)]
            asked: dict[str, Any] = {"recipient": recipient, "embeddedLengthMax": _EMBEDDED_CHARS_MAX}
            if PASSCODE in link.flags:
                asked["passcode"] = passcode()
            try:
                body = await _fetch(client, "POST", link.url, _MANIFEST_BYTES_MAX, json=asked)
            except Refused as refused:
                if refused.code != "link_passcode" or "passcode" in asked:
                    raise
                asked["passcode"] = passcode()  # some links ask for one and do not say so
                body = await _fetch(client, "POST", link.url, _MANIFEST_BYTES_MAX, json=asked)
            return await _files(client, link, body)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Refused("link_unreachable", type(error).__name__) from None


async def fetch_json(url: str) -> Any:
    """What stands at somebody's address, as JSON: keys, a revocation list. Raises: Refused."""
    import httpx

    _check_secure(url)
    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    try:
        async with httpx.AsyncClient(timeout=timeout, trust_env=False, verify=trusted()) as client:
            return msgspec.json.decode(await _fetch(client, "GET", url, _MANIFEST_BYTES_MAX))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Refused("link_unreachable", type(error).__name__) from None
    except (msgspec.DecodeError, RecursionError):
        raise Refused("link_file", "it is no JSON") from None


async def _files(client: httpx.AsyncClient, link: Link, body: bytes) -> list[LinkedFile]:
    try:
        manifest = _manifest.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise Refused("link_file", "its list of files cannot be read") from None
    if len(manifest.files) > FILES_MAX:
        raise Refused("link_too_large", f"{len(manifest.files)} files")
    found, left = [], FILE_BYTES_MAX
    for number, file in enumerate(manifest.files, 1):
        name = f"file {number} of the link"
        if file.embedded is not None:
            sealed = file.embedded.encode(errors="replace")
        elif file.location is not None:
            _check_secure(file.location)
            sealed = await _fetch(client, "GET", file.location, _JWE_BYTES_MAX)
        else:
            raise Refused("link_file", name)
        found.append(_opened(link, name, file.content_type, sealed, left))
        left -= len(found[-1].data)
    return found


def _opened(link: Link, name: str, said: str | None, sealed: bytes, longest: int = FILE_BYTES_MAX) -> LinkedFile:
    try:
        opened = jwe.open_(link.key, sealed.decode("ascii", errors="replace"), longest)
    except CannotOpen:
        raise Refused("link_no_key", name) from None
    except BadJwe as error:
        code = {"signed": "link_signed_not_sealed", "inflated": "link_too_large"}.get(error.reason, "link_file")
        raise Refused(code, name) from None
    content_type = said or opened.content_type or "application/fhir+json"
    return LinkedFile(name, content_type.partition(";")[0].strip().lower(), opened.plaintext)


async def _fetch(client: httpx.AsyncClient, method: str, url: str, longest: int, **more: Any) -> bytes:
    """One answer, bounded. Raises: Refused, in the words of what the standard says its status means."""
    async with client.stream(method, url, **more) as response:
        body = bytearray()
        unpack = _unpacker(response.headers.get("content-encoding", "identity"))
        async for piece in response.aiter_raw():
            body += unpack(piece, longest + 1 - len(body))
            if len(body) > longest:
                raise Refused("link_too_large")
        if response.status_code == 200:
            return bytes(body)
        if response.status_code == 401:
            raise _passcode_refused(bytes(body), "passcode" in more.get("json", {}))
        if response.status_code in (404, 410):
            raise Refused("link_gone")
        if response.status_code == 429:
            seconds = response.headers.get("retry-after", "")
            raise Refused("link_busy", f"for {seconds} seconds" if seconds.isdigit() and len(seconds) < 9 else "")
        raise Refused("link_unreachable", f"status {response.status_code}")


def _unpacker(encoding: str) -> Callable[[bytes, int], bytes]:
    """Gives the next bytes of a body, at most so many: some kilobytes on the way may be gigabytes here.

    Raises: Refused(link_file).
    """
    if encoding == "identity":
        return lambda piece, most: piece
    if encoding not in ("gzip", "x-gzip"):
        raise Refused("link_file", "its server packs it in a way that was not asked for")
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: with gzip's head and sum

    def unpacked(piece: bytes, most: int) -> bytes:
        try:
            return inflate.decompress(piece, most)
        except zlib.error:
            raise Refused("link_file", "it cannot be unpacked") from None

    return unpacked


def _passcode_refused(body: bytes, given: bool) -> Refused:
    try:
        left = _wrong.decode(body).remaining_attempts
    except (msgspec.DecodeError, RecursionError):
        left = None
    detail = "" if left is None else f"{left} tr{'y' if left == 1 else 'ies'} left"
    return Refused("link_passcode_wrong" if given else "link_passcode", detail)


def _check_secure(url: str) -> None:
    """https, or http on this machine. Raises: Refused(link_form, not_secure)."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise Refused("link_form") from None
    if not host or parts.scheme not in ("http", "https"):
        raise Refused("link_form")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise Refused("not_secure", next="Ask whoever gave you the link for one that begins with https.")
