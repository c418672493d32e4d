"""HTTP to the server, over httpx: bytes out, bytes in, and one kind of failure.

It knows addresses and status codes and nothing of what travels. A server that cannot be reached, hangs, or answers
something that is no answer is `Unreachable`; a problem document is `Answered` with its code. No redirect is followed
and nothing packed is unpacked (PHN-41).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import msgspec

from sync.device.refused import Refused

if TYPE_CHECKING:
    import ssl

    import httpx

CONNECT_SECONDS = 5.0  # a phone with bad network should say so soon
READ_SECONDS = 30.0  # between two pieces of an answer
SILENT_SECONDS = 60.0  # of a stream of events, which beats more often than that
EVENT_STREAM = "text/event-stream"
SMALL_ANSWER_BYTES_MAX = 65_536  # bytes of an answer, unless the caller knows of a longer one


class Unreachable(Exception):
    """No answer, or none that could be one: the network, a stopped server, a captive portal."""


class Answered(Exception):
    """The server answered with a problem document (RFC 9457)."""

    def __init__(self, status: int, code: str, members: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.members = status, code, members


class Transport(Protocol):
    """What a phone needs of the network. Raises: Unreachable, Answered."""

    async def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        token: str | None = None,
        *,
        more: Mapping[str, str] | None = None,
        longest: int = SMALL_ANSWER_BYTES_MAX,
    ) -> bytes: ...

    def stream(self, path: str, body: bytes, token: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]: ...

    def listen(self, path: str, token: str, last_id: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]: ...

    async def close(self) -> None: ...


class _Problem(msgspec.Struct):
    code: Annotated[str, msgspec.Meta(pattern="^[a-z_]{1,32}$")]


def problem(status: int, content_type: str, body: bytes) -> Exception:
    """What an answer that is not 2xx means: a problem of ours, or something that is no server of ours."""
    if content_type.startswith("application/problem+json"):
        try:
            members = msgspec.json.decode(body, type=dict[str, Any])
            return Answered(status, msgspec.convert(members, _Problem).code, members)
        except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
            pass
    return Unreachable(f"status {status} without a problem document")


class HttpTransport:
    """One server, one connection pool."""

    def __init__(self, origin: str) -> None:
        import httpx

        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        self._httpx = httpx
        # Without TLS no certificates are read, which takes longer than the request; redirects are never followed.
        verify = False if origin.startswith("http://") else trusted()
        self._client = httpx.AsyncClient(base_url=origin, timeout=timeout, trust_env=False, verify=verify)

    async def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        token: str | None = None,
        *,
        more: Mapping[str, str] | None = None,
        longest: int = SMALL_ANSWER_BYTES_MAX,
    ) -> bytes:
        """One request with a JSON body and `more` headers; gives a 2xx answer of at most `longest` bytes."""
        headers = _headers(token, "application/json" if body is not None else None) | dict(more or {})
        try:
            async with self._client.stream(method, path, content=body, headers=headers) as response:
                received = await _small(response, longest)
                if response.is_success:
                    return received
                raise problem(response.status_code, response.headers.get("content-type", ""), received)
        except (self._httpx.HTTPError, self._httpx.InvalidURL) as error:
            raise Unreachable(type(error).__name__) from error

    @asynccontextmanager
    async def stream(self, path: str, body: bytes, token: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """One sync request; gives the pieces of its answer as they come."""
        headers = _headers(token, "application/msgpack")
        try:
            async with self._client.stream("POST", path, content=body, headers=headers) as response:
                if not response.is_success:
                    received = await _small(response)
                    raise problem(response.status_code, response.headers.get("content-type", ""), received)
                yield _as_sent(response)
        except (self._httpx.HTTPError, self._httpx.InvalidURL) as error:
            raise Unreachable(type(error).__name__) from error

    @asynccontextmanager
    async def listen(self, path: str, token: str, last_id: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """One request for events, from behind `last_id` if it is not empty; gives the pieces of its answer."""
        headers = _headers(token, None) | {"accept": EVENT_STREAM} | ({"last-event-id": last_id} if last_id else {})
        timeout = self._httpx.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS)
        try:
            async with self._client.stream("GET", path, headers=headers, timeout=timeout) as response:
                content_type = response.headers.get("content-type", "")
                if not response.is_success:
                    raise problem(response.status_code, content_type, await _small(response))
                if not content_type.startswith(EVENT_STREAM):
                    raise Unreachable("an answer that is no stream of events")
                yield _as_sent(response)
        except (self._httpx.HTTPError, self._httpx.InvalidURL) as error:
            raise Unreachable(type(error).__name__) from error

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def trusted() -> ssl.SSLContext:
    """The authorities that are trusted: those of SSL_CERT_FILE or SSL_CERT_DIR if one is set, else the usual ones.

    Of the environment nothing else counts; proxies least of all. Raises: Refused(bad_certificates).
    """
    import httpx

    try:
        return httpx.create_ssl_context(trust_env=True)
    except OSError as error:  # ssl.SSLError among them
        raise Refused("bad_certificates") from error


async def _small(response: httpx.Response, longest: int = SMALL_ANSWER_BYTES_MAX) -> bytes:
    received = bytearray()
    async for piece in _as_sent(response):
        received += piece
        if len(received) > longest:
            raise Unreachable("an answer longer than any of ours")
    return bytes(received)


def _as_sent(response: httpx.Response) -> AsyncIterator[bytes]:
    """The pieces of a body as they came. One that is packed is none of ours: a few kilobytes could unpack to gigabytes.

    Raises: Unreachable.
    """
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Unreachable("an answer that is packed")
    return response.aiter_raw()


def _headers(token: str | None, content_type: str | None) -> dict[str, str]:
    headers = {"accept-encoding": "identity"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    if content_type:
        headers["content-type"] = content_type
    return headers
