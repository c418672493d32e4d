"""Problem documents (RFC 9457) for a request as a whole: one shape, and words only from sync.wire.errors.

A document says what the table says and, where a route adds it, one fixed sentence and a few named members. It never
repeats what a decoder, a driver or the caller said. Our own bugs and the environment's failures look alike from
outside. Spec: openapi/protocol/errors.md.
"""

from __future__ import annotations

import traceback
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException

from backend.storage.engine import StorageFull, StorageUnavailable
from sync.wire.errors import PROBLEMS

PROBLEM_TYPE = "application/problem+json"
RETRY_SECONDS = 3  # after which whoever heard `unavailable` may ask again: a database restarts in about as long
CODE_KEY = "carnet_code"  # where the ASGI scope carries the word for the log line

_BY_STATUS = {
    400: "malformed",
    401: "token_invalid",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "too_slow",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    503: "unavailable",
}
_log = structlog.get_logger("carnet")


class ProblemError(Exception):
    """A request is answered with this problem. `detail`: a fixed sentence; `members`: fields such as `nonce`."""

    def __init__(self, code: str, detail: str | None = None, **members: Any) -> None:
        super().__init__(code)
        self.code, self.detail, self.members = code, detail, members


def document(code: str, detail: str | None = None, **members: Any) -> dict[str, Any]:
    """The problem document of a code."""
    problem = PROBLEMS[code]
    return {
        "type": f"urn:carnet:problem:{code}",
        "title": problem.title,
        "status": problem.status,
        "code": code,
        "detail": detail or problem.title,
        "next": problem.next,
        "retryable": problem.retryable,
        **members,
    }


def problem_response(code: str, detail: str | None = None, *, allow: str = "", **members: Any) -> Response[bytes]:
    """The answer that carries a problem document, with the headers that belong to its status. `allow`: methods."""
    headers = {"Allow": allow} if allow else {}
    if code == "unavailable":
        members = {"retry_after": RETRY_SECONDS} | members
    if PROBLEMS[code].status == 401 and not code.startswith("passcode"):
        headers["WWW-Authenticate"] = "Bearer"
    if PROBLEMS[code].status == 408:
        headers["Connection"] = "close"  # the rest of the body is not waited for (RFC 9110 §15.5.9)
    if "retry_after" in members:
        headers["Retry-After"] = str(members["retry_after"])
    body = msgspec.json.encode(document(code, detail, **members))
    return Response(body, status_code=PROBLEMS[code].status, media_type=PROBLEM_TYPE, headers=headers)


def answer_exception(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Turns whatever a route raised into a problem document."""
    detail, members, allow = None, {}, ""
    if isinstance(error, ProblemError):
        code, detail, members = error.code, error.detail, error.members
    elif isinstance(error, StorageFull):
        code = "storage_full"
    elif isinstance(error, StorageUnavailable):
        code = "unavailable"
    elif isinstance(error, HTTPException):
        code = _BY_STATUS.get(error.status_code, "internal" if error.status_code >= 500 else "malformed")
        allow = _without_options((error.headers or {}).get("allow", ""))
    else:
        code = "internal"
    if code == "internal":
        note_failure(error)
    request.scope[CODE_KEY] = code  # type: ignore[literal-required]  # our own place in the scope
    return problem_response(code, detail, allow=allow, **members)


def refuse_options(request: Request[Any, Any, Any]) -> None:
    """OPTIONS is no method of any route: nothing here is for other origins' pages. A hook before each handler.

    Raises: MethodNotAllowedException, with the methods that the route takes (RFC 9110 §15.5.6).
    """
    if request.method == "OPTIONS":
        path = request.scope["path_template"]
        methods = [method for route in request.app.routes if route.path_format == path for method in route.methods]
        raise MethodNotAllowedException(headers={"allow": ", ".join(methods)})


def _without_options(allow: str) -> str:
    """Methods in order, without the one that the framework adds to every route."""
    return ", ".join(sorted(method for method in allow.split(", ") if method not in ("", "OPTIONS")))


def note_failure(error: BaseException) -> None:
    """Logs where our own bug is: kind and place. The exception's text may quote data and is left out."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rsplit('/', 2)[-2]}/{frames[-1].name}:{frames[-1].lineno}" if frames else "unknown"
    _log.error("failure", kind=type(error).__name__, place=place)
