"""openapi/openapi.json is the document of the routes as they are, and describes all of them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from backend.http.docs import DOC
from backend.http.schema import document, encode
from backend.storage.migrate import all_migrations
from sync.wire.errors import PROBLEMS
from tests.api.server_kit import Served

COMMITTED = Path(__file__).parents[2] / "openapi" / "openapi.json"


def routes_of(server: Served) -> set[tuple[str, str]]:
    return {
        (str(getattr(method, "value", method)), route.path_format)
        for route in server.app.litestar.routes
        for handler in route.route_handlers
        for method in handler.http_methods
        if str(getattr(method, "value", method)) != "OPTIONS"
    }


def operations(made: dict) -> dict[tuple[str, str], dict]:
    return {(method.upper(), path): op for path, item in made["paths"].items() for method, op in item.items()}


async def test_the_committed_document_is_what_the_routes_say(server):
    """Run `python -m tests.api.write_openapi` after a wanted change."""
    served = (await server.client.get("/openapi.json")).content
    assert COMMITTED.read_bytes() == served


async def test_every_route_is_documented_and_every_documented_route_exists(server):
    made = msgspec.json.decode((await server.client.get("/openapi.json")).content)
    assert set(operations(made)) == routes_of(server)


async def test_every_operation_that_takes_a_body_says_which(server):
    """litestar#4482: the framework itself would say nothing for a handler that reads the raw body."""
    made = msgspec.json.decode((await server.client.get("/openapi.json")).content)
    for (method, path), operation in operations(made).items():
        takes = method in ("POST", "PUT", "PATCH")
        assert ("requestBody" in operation) == takes, path
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["schema"], path


async def test_every_reference_leads_somewhere_and_no_bytes_are_called_text(server):
    made = msgspec.json.decode((await server.client.get("/openapi.json")).content)
    schemas = made["components"]["schemas"]

    def walk(part: object, in_msgpack: bool) -> None:
        if isinstance(part, dict):
            if "$ref" in part:
                assert part["$ref"].removeprefix("#/components/schemas/") in schemas
            if in_msgpack:
                assert part.get("contentEncoding") is None
                assert part.get("format") != "binary"
            for value in part.values():
                walk(value, in_msgpack)
        elif isinstance(part, list):
            for value in part:
                walk(value, in_msgpack)

    walk(made["paths"], False)
    for name, schema in schemas.items():
        walk(schema, name.startswith("msgpack."))
    assert schemas["msgpack.Item"]["prefixItems"][1] == {"contentMediaType": "application/octet-stream"}


async def test_every_problem_that_a_route_names_is_of_the_table(server):
    named: set[str] = set()
    for route in server.app.litestar.routes:
        for handler in route.route_handlers:
            if DOC in handler.opt:
                named |= set(handler.opt[DOC].problems)
    assert named <= set(PROBLEMS)
    assert set(PROBLEMS) - named <= {
        "internal",
        "unavailable",
        "too_large",
        "too_slow",
        "unsupported_media_type",
        "method_not_allowed",
        "not_acceptable",
    }


def test_the_document_needs_no_database():
    assert encode(document([])).endswith(b"}\n")
    assert all_migrations()
