"""What bounds a request before a room sees it: its type, its size, and how often a caller may come.

A body is counted while it arrives, so that no length that a caller claims is believed. Buckets hold a bounded number
of callers; what they refuse is a nuisance, not an attack on one account, so they live in memory and **each process has
its own**: with N workers a caller may get up to N times as much. Spec: openapi/protocol/limits.md.
"""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, TypeVar

from litestar import Request

from backend.http.headers import Asgi
from backend.http.problems import CODE_KEY, ProblemError, problem_response

T = TypeVar("T")

CALLERS_MAX = 20_000  # callers that a kind of bucket remembers at a time; bounds memory to some 4 MB
MSGPACK = "application/msgpack"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"


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


async def read_json(request: Request[Any, Any, Any], decode: Callable[[bytes], T], bytes_max: int) -> T:
    """What a JSON body says, by this decoder. Raises: ProblemError; `malformed` for whatever does not decode."""
    body = await read_body(request, JSON, bytes_max)
    try:
        return decode(body)
    except (ValueError, RecursionError):  # text that is no UTF-8 is a ValueError, and none of msgspec's
        raise ProblemError("malformed") from None


def header(request: Request[Any, Any, Any], name: bytes) -> str:
    """A header as it came, or an empty string. `name`: in lower case."""
    for key, value in request.scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return ""


@lru_cache(4_096)
def network_of(address: str) -> str:
    """What counts as one caller: an IPv4 address, or the /64 that an IPv6 address lies in."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)


def network(request: Request[Any, Any, Any]) -> str:
    """The caller's network, by the address that the server or a trusted proxy saw."""
    return network_of(request.client.host if request.client else "")


class Buckets:
    """A token bucket a caller: `per_minute` in a burst, refilled evenly; the least recent callers are forgotten."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()  # caller -> tokens left, at which ms

    def take(self, caller: Hashable, now_ms: int) -> None:
        """Takes one request of a caller. Raises: ProblemError `rate_limited`, with the seconds that suffice to wait."""
        full = self._per_minute
        left, then = self._buckets.pop(caller, (float(full), now_ms))
        left = min(full, left + max(0, now_ms - then) * full / 60_000)
        refused = left < 1
        self._buckets[caller] = (left if refused else left - 1, now_ms)
        if len(self._buckets) > CALLERS_MAX:
            self._buckets.popitem(last=False)
        if refused:
            raise ProblemError("rate_limited", retry_after=max(1, math.ceil((1 - left) * 60 / full)))


class Limited:
    """Takes every request from its address's bucket before anything looks at it: an ASGI wrapper."""

    def __init__(self, app: Asgi, buckets: Buckets, now_ms: Callable[[], int]) -> None:
        self._app, self._buckets, self._now_ms = app, buckets, now_ms

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            client = scope.get("client")
            try:
                self._buckets.take(network_of(client[0] if client else ""), self._now_ms())
            except ProblemError as error:
                scope[CODE_KEY] = error.code
                answer = problem_response(error.code, **error.members).to_asgi_response(None, None)  # type: ignore[arg-type]
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)
