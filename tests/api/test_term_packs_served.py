"""Term packs as a server hands them out: whole, by hash, to anybody (openapi/protocol/terms.md, "From the server")."""

from pathlib import Path

import pytest

from backend.settings import SettingsError
from backend.terms.files import served_packs
from crypto.public.keys import ED25519
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.terms.pack import Body, Origin, Term, make_pack, pack_id, read_pack
from sync.terms.pinned import SHIPPED
from tests.api.server_kit import Served, code_of, served

TERMS = (Term(0, "a", 0, "Άλφα"),)
BODY = Body("el", "National set", "1", (Origin("S", "L", "no"),), ("urn:example:codes",), TERMS)
OPERATORS = make_pack(BODY, SigningKey.from_seed(ED25519, Secret(bytes(range(32)))))


async def test_every_pack_of_the_release_is_listed_and_handed_out_whole_under_its_hash(server: Served) -> None:
    """MUST TRM-14: to somebody without a token."""
    listed = (await server.client.get("/v1/terms")).json()
    assert {one["language"] for one in listed} == {"en", "de", "fr", "es", "it", "el"}
    for one in listed:
        answer = await server.client.get(f"/v1/terms/{one['id']}")
        assert (pack_id(answer.content).hex(), len(answer.content)) == (one["id"], one["bytes"])
        assert read_pack(answer.content).signer == SHIPPED
        assert "immutable" in answer.headers["cache-control"]


async def test_no_part_of_a_pack_can_be_asked_for(server: Served) -> None:
    """MUST TRM-14: neither by a range nor by naming a code; what is no listed id is nowhere."""
    one = (await server.client.get("/v1/terms")).json()[0]
    answer = await server.client.get(f"/v1/terms/{one['id']}?code=Z88.0", headers={"range": "bytes=0-9"})
    assert (answer.status_code, len(answer.content)) == (200, one["bytes"])
    for wanted in (one["id"][:8], "ab" * 32, one["id"].upper(), "emergency-el.pack", "..%2Fcarnet.sqlite3"):
        assert code_of(await server.client.get(f"/v1/terms/{wanted}")) == "not_found"


async def test_an_operator_lays_a_national_set_beside_them(tmp_path: Path) -> None:
    """MUST TRM-14: it stands first."""
    (tmp_path / "terms").mkdir()
    (tmp_path / "terms" / "national.pack").write_bytes(OPERATORS)
    async with served(tmp_path, data=str(tmp_path)) as server:
        [first, *rest] = (await server.client.get("/v1/terms")).json()
        assert (first["name"], len(rest)) == ("National set", 6)
        assert (await server.client.get(f"/v1/terms/{first['id']}")).content == OPERATORS


def test_a_server_does_not_start_over_a_file_that_is_no_pack(tmp_path: Path) -> None:
    """MUST TRM-14."""
    (tmp_path / "terms").mkdir()
    (tmp_path / "terms" / "photo.pack").write_bytes(b"\x89PNG")
    with pytest.raises(SettingsError, match=r"photo\.pack"):
        served_packs(tmp_path)
