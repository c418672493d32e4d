"""What somebody else's server packs for the way is unpacked only as far as a file may be long (shares.md, SHR-25)."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest

from crypto.secret.secret import Secret
from sync.device import foreign_links
from sync.device.foreign_links import follow
from sync.device.refused import Refused
from sync.vault.share import Link
from tests.cli.share_reader import FHIR_JSON, Foreign, foreign_server, sealed

KEY = Secret(b"k" * 32)
MIB = 1 << 20


async def code_of(foreign: Foreign, body: bytes, packed: str) -> str | None:
    """Why a file of a link that is packed so is refused; None if it is taken."""
    url = foreign.gives("/m", {"files": [{"contentType": FHIR_JSON, "location": foreign.url + "/file"}]})
    foreign.answers["/file"] = (200, {"content_encoding": packed}, body)
    try:
        [file] = await follow(Link(url, KEY, "", None, None), "Testa", str)
    except Refused as refused:
        return refused.code
    assert file.data == b"{}"
    return None


async def test_a_file_that_is_packed_is_taken_and_one_that_cannot_be_unpacked_is_not() -> None:
    body = sealed(KEY, b"{}").encode()
    with foreign_server() as foreign:
        assert await code_of(foreign, gzip.compress(body), "gzip") is None
        assert await code_of(foreign, body, "identity") is None
        assert await code_of(foreign, body, "gzip") == "link_file"
        assert await code_of(foreign, body, "br") == "link_file"


async def test_what_unpacks_to_more_than_a_file_may_have_is_never_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_links, "_JWE_BYTES_MAX", MIB)
    bomb = gzip.compress(bytes(64 * MIB), 9)
    assert len(bomb) < MIB // 8
    with foreign_server() as foreign:
        tracemalloc.start()
        try:
            assert await code_of(foreign, bomb, "gzip") == "link_too_large"
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 8 * MIB, f"a peak of {peak} bytes"
