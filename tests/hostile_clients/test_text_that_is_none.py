"""Bytes that are no text, in every JSON body: `malformed` like anything else that does not decode. ERR-1."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.phone_kit import JSON
from tests.api.server_kit import code_of, served

LINK = "/v1/links/" + "b2" * 16 + "/hello"


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/accounts"), ("POST", "/v1/devices"), ("POST", "/v1/token"), ("PUT", LINK)]
)
@pytest.mark.parametrize("text", [b"\xff", b"\xed\xa0\x80", b"\\ud800"], ids=["no utf-8", "surrogate", "escaped"])
async def test_text_that_is_none_is_malformed_on_every_route_with_json(
    tmp_path: Path, method: str, path: str, text: bytes
):
    """ERR-1: a decoder says so with another exception than its own."""
    names = ("assertion", "proof", "salt", "sealed", "account", "enroller", "invitation")
    body = b"{" + b",".join(b'"%s":"%s"' % (name.encode(), text) for name in names) + b"}"
    async with served(tmp_path) as server:
        assert code_of(await server.client.request(method, path, content=body, headers=JSON)) == "malformed"
