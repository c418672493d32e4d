"""openapi.json, made from what the routes say about themselves (docs.py) and from the wire's own types.

Made here and not by the framework, because handlers read raw bodies and msgpack's bytes have no JSON type. The
committed openapi/openapi.json is this document; a test finds drift. Spec: OpenAPI 3.1.1.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from backend.http.docs import DOC, Body, Doc
from backend.http.limits import EVENT_STREAM, JSON, MSGPACK
from backend.http.problems import PROBLEM_TYPE
from sync.wire.errors import PROBLEMS
from sync.wire.ids import HASH_BYTES, LINK_BYTES
from sync.wire.issuer import ISSUER_BYTES, ISSUER_CHARS
from sync.wire.share import SHARE_BYTES

VERSION = "1"  # of the contract: the `v1` of every path
ALWAYS = ("internal", "unavailable", "rate_limited")  # problems that any route may answer
# The ids in paths: lower-case hex, or base64url for what stands in a link for anybody to hold.
_NAMES = ("file", "folder")  # of the viewer's files
_IDS = {"device": HASH_BYTES, "link": LINK_BYTES, "share": SHARE_BYTES, "issuer": ISSUER_BYTES, "pack": HASH_BYTES}
_HELD = {"token": 43, "ticket": 43, "published": ISSUER_CHARS}  # characters of base64url
WITH_BODY = ("too_large", "too_slow", "unsupported_media_type")


def routes(others: Sequence[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """GET /openapi.json, over the other routes and itself."""
    handlers = list(others)
    doc = Doc("This document", {200: Body(JSON, dict[str, Any])})

    @get("/openapi.json", opt={DOC: doc})
    async def openapi() -> Response[Any]:
        return Response(encode(document(handlers)), media_type=JSON)

    handlers.append(openapi)
    return [openapi]


def encode(made: dict[str, Any]) -> bytes:
    """The document as it is committed: keys sorted, indented, one line feed at the end."""
    return msgspec.json.format(msgspec.json.encode(made, order="sorted"), indent=2) + b"\n"


def document(handlers: Sequence[HTTPRouteHandler]) -> dict[str, Any]:
    """The OpenAPI document of these handlers. Raises: KeyError for a handler without a Doc."""
    paths: dict[str, dict[str, Any]] = {}
    bodies: list[tuple[dict[str, Any], Body]] = []
    for handler in handlers:
        doc: Doc = handler.opt[DOC]
        for path in sorted(handler.paths):
            name = path.replace(":str}", "}")
            for method in sorted(str(getattr(m, "value", m)) for m in handler.http_methods):
                paths.setdefault(name, {})[method.lower()] = _operation(name, method, doc, bodies)
    components = _schemas(bodies)
    components["Problem"] = _problem_schema()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Carnet",
            "version": VERSION,
            "description": "A blind server for citizens' health records. What the bodies mean, and every MUST, stands"
            " in openapi/protocol. Bytes are base64 in JSON; in msgpack they are bin.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(path: str, method: str, doc: Doc, bodies: list[tuple[dict[str, Any], Body]]) -> dict[str, Any]:
    operation: dict[str, Any] = {"summary": doc.summary, "responses": {}, "operationId": _operation_id(method, path)}
    parameters: list[dict[str, Any]] = [
        {"name": part[1:-1], "in": "path", "required": True, "schema": _id(part[1:-1])}
        for part in path.split("/")
        if part.startswith("{")
    ]
    parameters += [
        {"name": p.name, "in": p.place, "required": p.required, "description": p.words, "schema": {"type": "string"}}
        for p in doc.parameters
    ]
    if parameters:
        operation["parameters"] = parameters
    if doc.token:
        operation["security"] = [{"token": []}]
    if doc.body is not None:
        operation["requestBody"] = {"required": True} | _content(doc.body, bodies)
    for status, body in doc.answers.items():
        content = _content(body, bodies) if body is not None else {}
        operation["responses"][str(status)] = {"description": doc.summary} | content
    codes = {*doc.problems, *ALWAYS, *(WITH_BODY if doc.body is not None else ())}
    by_status: dict[int, list[str]] = {}
    for code in sorted(codes):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    for status, words in by_status.items():
        operation["responses"][str(status)] = {
            "description": ", ".join(words),
            "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return operation


def _id(name: str) -> dict[str, Any]:
    if name in _NAMES:
        return {"type": "string", "pattern": "^[a-z0-9.-]+$"}
    if name == "note":
        return {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"}
    pattern = f"^[A-Za-z0-9_-]{{{_HELD[name]}}}$" if name in _HELD else f"^[0-9a-f]{{{2 * _IDS[name]}}}$"
    return {"type": "string", "pattern": pattern}


def _operation_id(method: str, path: str) -> str:
    words = [part.strip("{}").replace(".", "_") for part in path.split("/") if part and part != "v1"]
    return "_".join([method.lower(), *words])


def _content(body: Body, bodies: list[tuple[dict[str, Any], Body]]) -> dict[str, Any]:
    """A place for a body's schema, to be filled when all types are known."""
    place: dict[str, Any] = {}
    bodies.append((place, body))
    words = {"description": body.words} if body.words else {}
    return words | {"content": {body.media_type: {"schema": place}}}


def _schemas(bodies: list[tuple[dict[str, Any], Body]]) -> dict[str, Any]:
    """Fills the places of all bodies; gives the components that they refer to, msgpack's apart from JSON's."""
    components: dict[str, Any] = {}
    for place, body in bodies:
        if body.media_type not in (JSON, MSGPACK, EVENT_STREAM):
            place.update({"type": "string"})
    # The schema of a stream is that of each of its events (OpenAPI 3.1 says nothing of streams, tools read it so).
    for media_type, prefix in ((JSON, ""), (MSGPACK, "msgpack.")):
        alike = (media_type, EVENT_STREAM) if media_type == JSON else (media_type,)
        chosen = [(place, body) for place, body in bodies if body.media_type in alike]
        schemas, found = msgspec.json.schema_components(
            [body.type for _, body in chosen], ref_template=f"#/components/schemas/{prefix}{{name}}"
        )
        if media_type == MSGPACK:
            schemas, found = tuple(_binary(schema) for schema in schemas), _binary(found)
        for (place, _), schema in zip(chosen, schemas, strict=True):
            place.update(schema)
        components |= {prefix + name: _told(schema) for name, schema in found.items()}
    return components


def _told(schema: Any) -> Any:
    """A schema whose words do not depend on whether this Python strips the indentation of docstrings (3.13 does)."""
    if isinstance(schema, dict) and isinstance(schema.get("description"), str):
        return schema | {"description": inspect.cleandoc(schema["description"])}
    return schema


def _binary(schema: Any) -> Any:
    """A schema in which bytes are bytes: OpenAPI 3.1 says so with a media type and no JSON type."""
    if isinstance(schema, dict):
        if schema.get("contentEncoding") == "base64":
            return {"contentMediaType": "application/octet-stream"}
        return {name: _binary(part) for name, part in schema.items()}
    return [_binary(part) for part in schema] if isinstance(schema, list | tuple) else schema


def _problem_schema() -> dict[str, Any]:
    texts = {name: {"type": "string"} for name in ("type", "title", "detail", "next")}
    return {
        "title": "Problem",
        "description": "RFC 9457. `code` is what a program reads; `nonce` comes with clock, `retry_after` (seconds)"
        " with rate_limited and unavailable.",
        "type": "object",
        "required": ["type", "title", "status", "code", "detail", "next", "retryable"],
        "properties": texts
        | {
            "status": {"type": "integer"},
            "code": {"enum": sorted(PROBLEMS)},
            "retryable": {"type": "boolean"},
            "nonce": {"type": "string"},
            "retry_after": {"type": "integer"},
        },
    }
