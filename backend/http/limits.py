"""What bounds a request before a room sees it: its type, its size, and how often an address may come.

A body is counted while it arrives, so that no length that a caller claims is believed. The buckets hold a bounded
number of addresses; what they refuse is a nuisance, not an attack on one account, so they live in memory and each
process has its own. Spec: openapi/protocol/limits.md.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import Any

from litestar import Request

from backend.http.problems import ProblemError

ADDRESSES_MAX = 20_000  # addresses remembered at a time; bounds memory to some 4 MB
MSGPACK = "application/msgpack"
JSON = "application/json"


async def read_body(request: Request[Any, Any, Any], media_type: str, bytes_max: int) -> bytes:
    """The body, if it has this media type and at most this many bytes. Raises: ProblemError."""
    if header(request, b"content-type").split(";", 1)[0].strip().lower() != media_type:
        raise ProblemError("unsupported_media_type", f"This route takes {media_type}.")
    if header(request, b"content-encoding").strip().lower() not in ("", "identity"):
        raise ProblemError("unsupported_media_type", "The body must not be compressed.")
    length = header(request, b"content-length")
    if length.isdecimal() and int(length[:20]) > bytes_max:
        raise ProblemError("too_large", f"At most {bytes_max} bytes.")
    parts, size, more = [], 0, True
    while more:
        message = await request.receive()
        if message["type"] != "http.request":
            raise ProblemError("malformed", "The body ended early.")
        part = message["body"]
        size += len(part)
        if size > bytes_max:
            raise ProblemError("too_large", f"At most {bytes_max} bytes.")
        parts.append(part)
        more = message["more_body"]
    return parts[0] if len(parts) == 1 else b"".join(parts)


def header(request: Request[Any, Any, Any], name: bytes) -> str:
    """A header as it came, or an empty string. `name`: in lower case."""
    for key, value in request.scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return ""


def network_of(address: str) -> str:
    """What counts as one caller: an IPv4 address, or the /64 that an IPv6 address lies in."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)


class AddressLimit:
    """A token bucket an address: `per_minute` in a burst, refilled evenly; the least recent addresses are forgotten."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()  # address -> tokens left, at which ms

    def take(self, address: str, now_ms: int) -> None:
        """Takes one request of an address. Raises: ProblemError `rate_limited`, with the seconds to wait."""
        key = network_of(address)
        left, then = self._buckets.pop(key, (float(self._per_minute), now_ms))
        left = min(self._per_minute, left + max(0, now_ms - then) * self._per_minute / 60_000)
        refused = left < 1
        self._buckets[key] = (left if refused else left - 1, now_ms)
        while len(self._buckets) > ADDRESSES_MAX:
            self._buckets.popitem(last=False)
        if refused:
            raise ProblemError("rate_limited", retry_after=max(1, round((1 - left) * 60 / self._per_minute)))


def address_of(request: Request[Any, Any, Any]) -> str:
    """The caller's address as the server or a trusted proxy saw it."""
    return request.client.host if request.client else ""
