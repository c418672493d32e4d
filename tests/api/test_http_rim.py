"""What every route does alike: types, sizes, headers, problems, log lines, tokens. ERR and LIM chapters."""

from __future__ import annotations

import io
import json

import msgspec
import pytest

from backend.http.docs import DOC
from backend.http.logs import FIELDS, RequestLine, start_logs
from backend.storage.engine import StorageFull, StorageUnavailable
from sync.wire.limits import NOTE_BODY_BYTES_MAX, REQUEST_BYTES_MAX, SHARE_BODY_BYTES_MAX, SMALL_BODY_BYTES_MAX
from tests.api.phone_kit import JSON, MSGPACK, make_frame
from tests.api.server_kit import Served, code_of, served

SECURITY = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def handlers(server: Served):
    for route in server.app.litestar.routes:
        for handler in route.route_handlers:
            if DOC in handler.opt:
                for method in handler.http_methods:
                    yield str(getattr(method, "value", method)), route.path, handler


def concrete(path: str) -> str:
    ids = {
        "device": "ab" * 32,
        "token": "A" * 43,
        "ticket": "A" * 43,
        "published": "A" * 22,
        "note": "1",
        "pack": "ab" * 32,
    }
    ids |= dict.fromkeys(("link", "share", "issuer"), "ab" * 16)
    for name, value in ids.items():
        path = path.replace(f"{{{name}:str}}", value)
    return path


async def test_every_answer_has_the_security_headers(server):
    """ERR-6: also one that no handler made."""
    for method, path in (
        ("GET", "/livez"),
        ("GET", "/nope"),
        ("POST", "/livez"),
        ("POST", "/v1/sync"),
        ("GET", "/openapi.json"),
    ):
        answer = await server.client.request(method, path)
        assert {name: answer.headers.get(name) for name in SECURITY} == SECURITY, path
        assert len(answer.headers["x-request-id"]) == 16
        assert "server" not in answer.headers


async def test_health(server):
    for path in ("/livez", "/readyz"):
        assert (await server.client.get(path)).json() == {"status": "ok"}


async def test_every_route_with_a_token_refuses_a_request_without_one(server):
    """ACC-8, SYN-1."""
    guarded = [(m, p) for m, p, h in handlers(server) if h.opt[DOC].token]
    assert len(guarded) == 19
    for method, path in guarded:
        assert code_of(await server.client.request(method, concrete(path))) == "token_invalid"


async def test_every_body_has_a_type_that_is_enforced(server):
    """ERR-4: another type, none, or a compressed body is 415, before anything is read. SYN-1."""
    mum = await server.registered("mum")
    for method, path, handler in handlers(server):
        body = handler.opt[DOC].body
        if body is None:
            continue
        for headers in (
            {},
            {"content-type": "text/plain"},
            {"content-type": body.media_type, "content-encoding": "gzip"},
        ):
            answer = await server.client.request(method, concrete(path), content=b"{}", headers=mum.headers | headers)
            assert (answer.status_code, code_of(answer)) == (415, "unsupported_media_type"), (path, headers)


async def test_every_body_has_a_size_that_is_enforced_while_it_arrives(server):
    """ERR-5: with a length that says so, and without one."""
    mum = await server.registered("mum")

    async def drip(count: int):
        for _ in range(count):
            yield b" " * 65_536

    for method, path, handler in handlers(server):
        body = handler.opt[DOC].body
        if body is None:
            continue
        headers = mum.headers | {"content-type": body.media_type}
        carries_files = path.startswith("/v1/shares") and method == "PUT"
        most = REQUEST_BYTES_MAX if path == "/v1/sync" else SHARE_BODY_BYTES_MAX if carries_files else 65_536
        most = NOTE_BODY_BYTES_MAX if path.startswith("/s/notes/") else most
        count = most // 65_536 + 1
        for content in (b" " * (65_536 * count), drip(count)):
            answer = await server.client.request(method, concrete(path), content=content, headers=headers)
            assert (answer.status_code, code_of(answer)) == (413, "too_large"), path


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"assertion": 1}', b"\xff", b"[" * 10_000, b'"' + b"x" * 100]
)
async def test_a_body_that_does_not_decode_is_malformed_and_not_quoted(server, body):
    """ERR-2, ERR-3."""
    mum = await server.registered("mum")
    for method, path, handler in handlers(server):
        if handler.opt[DOC].body is None or path == "/v1/sync":
            continue
        answer = await server.client.request(method, concrete(path), content=body, headers=mum.headers | JSON)
        assert code_of(answer) == "malformed", path
        assert set(answer.json()) == {"type", "title", "status", "code", "detail", "next", "retryable"}
        assert "Expected" not in answer.text
        assert "JSON" not in answer.text


async def test_what_is_not_there_and_what_is_not_taken(server):
    """ERR-1."""
    assert code_of(await server.client.get("/v1/nothing")) == "not_found"
    assert code_of(await server.client.patch("/v1/sync")) == "method_not_allowed"
    assert code_of(await server.client.get("/v1/sync")) == "method_not_allowed"
    assert code_of(await server.client.get("/docs")) == "not_found"
    assert code_of(await server.client.get("/schema")) == "not_found"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RuntimeError("mum's secret 7f3a"), 500, "internal"),
        (StorageFull("no room left"), 507, "storage_full"),
        (StorageUnavailable("mum's secret 7f3a"), 503, "unavailable"),
        (AssertionError("mum's secret 7f3a"), 500, "internal"),
        (KeyError("mum's secret 7f3a"), 500, "internal"),
    ],
)
async def test_failures_look_alike_from_outside(server, monkeypatch, error, status, code):
    """ERR-3: no trace, no word of the exception, in the answer or in the log."""
    mum = await server.registered("mum")
    book = await mum.found()
    lines = io.StringIO()
    start_logs(lines)

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("backend.vaults.desk.store.standing_at", fail)
    answer = await mum.send(mum.ask(book, make_frame(book, mum.card)))
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert "7f3a" not in answer.text + lines.getvalue()
    assert "Traceback" not in answer.text + lines.getvalue()


async def test_a_log_line_has_listed_fields_only_and_no_id_token_or_address(tmp_path):
    """LIM-9: route templates instead of paths."""
    lines = io.StringIO()
    start_logs(lines)
    async with served(tmp_path) as server:
        mum = await server.registered("mum")
        book = await mum.found()
        await mum.push(book, make_frame(book, mum.card))
        await server.client.delete(f"/v1/devices/{'ab' * 32}?token={mum.token}", headers=mum.headers)
        await server.client.get(f"/v1/links/{'cd' * 16}/hello")
        await server.client.get("/abab/secret-path")
    text = lines.getvalue()
    parsed = [json.loads(line) for line in text.splitlines()]
    assert len(parsed) == 7
    assert all(set(line) == set(RequestLine.__struct_fields__) <= FIELDS for line in parsed)
    assert {line["route"] for line in parsed} == {
        "/v1/accounts",
        "/v1/token",
        "/v1/sync",
        "/v1/devices/{device}",
        "/v1/links/{link}/hello",
        "unknown",
    }
    ids = (mum.card.id, mum.account, book.vault, mum.person, book.state.epoch.id)
    secrets = [mum.token, "ab" * 8, "cd" * 8, "secret-path", "127.0.0.1", "testclient", *(i.hex() for i in ids)]
    assert [word for word in secrets if word in text] == []


def test_a_field_that_is_not_listed_does_not_reach_the_log():
    """LIM-9."""
    import structlog

    lines = io.StringIO()
    start_logs(lines)
    structlog.get_logger("carnet").info("request", route="/x", authorization="Bearer secret", body=b"secret")
    assert json.loads(lines.getvalue()).keys() == {"event", "level", "timestamp", "route"}


async def test_small_bodies_are_small(server):
    """LIM-1."""
    answer = await server.client.post("/v1/token", content=b" " * (SMALL_BODY_BYTES_MAX + 1), headers=JSON)
    assert code_of(answer) == "too_large"
    assert (
        code_of(await server.client.post("/v1/token", content=b" " * SMALL_BODY_BYTES_MAX, headers=JSON)) == "malformed"
    )


async def test_a_body_that_ends_early_stores_nothing(server):
    """ERR-5."""
    mum = await server.registered("mum")
    sent: list[dict[str, object]] = []
    messages = iter([{"type": "http.request", "body": b"\x92", "more_body": True}, {"type": "http.disconnect"}])

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    headers = [(b"authorization", f"Bearer {mum.token}".encode()), (b"content-type", MSGPACK["content-type"].encode())]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/sync",
        "query_string": b"",
        "headers": headers,
        "client": ("192.0.2.1", 1),
        "server": ("x", 80),
        "scheme": "http",
        "http_version": "1.1",
    }
    await server.app.asgi(scope, receive, send)
    assert sent[0]["status"] == 400
    assert msgspec.json.decode(sent[1]["body"])["code"] == "malformed"
