"""Lists of issuers of health cards, by the command (openapi/protocol/health-cards.md, "Whom to trust")."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crypto.public.keys import ES256
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.vault.health_card import jwk_of, numeric, sign_card
from tests.cli.kit import REFUSED, Inside

KEY = SigningKey.from_seed(ES256, Secret(b"j" * 32))
ISSUER = "https://clinic.example/issuer"
BUNDLE = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [{"fullUrl": "resource:0", "resource": {"resourceType": "Patient", "birthDate": "1970-01-01"}}],
}


@pytest.fixture
def listed(own: Inside, tmp_path: Path) -> str:
    """A list of one issuer, signed by the command."""
    directory = {"participating_issuers": [{"iss": ISSUER, "name": "Example Clinic", "website": "https://x.example"}]}
    (tmp_path / "vci.json").write_text(json.dumps(directory))
    said = ("--name", "Small", "--version", "1", "--key-file", str(tmp_path / "key"), "--out", str(tmp_path / "list"))
    assert own("issuers", "sign", str(tmp_path / "vci.json"), *said)["issuers"] == 1
    return str(tmp_path / "list")


def imported(own: Inside, folder: Path, *, issuer: str = ISSUER, **more: Any) -> dict[str, Any]:
    """What is said of a card of this issuer; `more` stands in its key."""
    (folder / "keys.json").write_text(json.dumps({"keys": [jwk_of(KEY.public_key) | more]}))
    jws = sign_card(BUNDLE, issuer, 1_700_000_000, KEY)
    [card] = own("import", numeric(jws), "--issuer-keys", str(folder / "keys.json"), "--same-person")["cards"]
    return card


def test_a_listed_issuer_is_trusted_by_name_once_the_person_has_let_its_signer_in(
    own: Inside, listed: str, tmp_path: Path
) -> None:
    """MUST SHC-13: what is said of the signature is the same before and after."""
    before = imported(own, tmp_path)
    assert (before["signature"], before["trust"], before["name"]) == ("good", "unknown", None)
    assert own.run("issuers", "install", listed).json["code"] == "unknown_issuers"
    own("issuers", "install", listed, "--trust", "Example Ministry")
    after = imported(own, tmp_path)
    assert (after["trust"], after["name"], after["listed_by"]) == ("trusted", "Example Clinic", "Example Ministry")
    assert {name: after[name] for name in ("signature", "revocation")} == {
        name: before[name] for name in ("signature", "revocation")
    }
    own("issuers", "remove", own("issuers", "list")[0]["id"])
    assert imported(own, tmp_path)["trust"] == "unknown"


def test_who_may_say_what_codes_are_called_is_not_believed_about_issuers(
    own: Inside, listed: str, tmp_path: Path
) -> None:
    """MUST SHC-13: nor is a list that was altered, or one that nobody signed."""
    body = {"language": "el", "name": "n", "version": "1", "origins": [], "systems": [], "terms": []}
    (tmp_path / "body.json").write_text(json.dumps(body))
    pack = str(tmp_path / "a.pack")
    own("terms", "build", str(tmp_path / "body.json"), "--key-file", str(tmp_path / "key"), "--out", pack)
    own("terms", "install", pack, "--trust", "Example Ministry")
    assert own.run("issuers", "install", listed).json["code"] == "unknown_issuers"
    Path(listed).write_bytes(Path(listed).read_bytes().replace(b"Clinic", b"Cl1nic"))
    for file in (listed, str(tmp_path / "vci.json")):
        refused = own.run("issuers", "install", file, "--trust", "Example Ministry")
        assert (refused.code, refused.json["code"]) == (REFUSED, "bad_issuers")


def test_a_patients_own_card_cannot_be_put_on_a_list(own: Inside, tmp_path: Path) -> None:
    """MUST SHC-12."""
    entry = {"iss": "https://carnet.example/i/AAAAAAAAAAAAAAAAAAAAAA", "name": "Hospital"}
    (tmp_path / "vci.json").write_text(json.dumps({"participating_issuers": [entry]}))
    said = ("--name", "N", "--version", "1", "--key-file", str(tmp_path / "key"), "--out", str(tmp_path / "list"))
    assert own.run("issuers", "sign", str(tmp_path / "vci.json"), *said).json["code"] == "bad_issuers"


def test_certificates_of_a_key_are_said_not_to_be_checked(own: Inside, tmp_path: Path) -> None:
    """MUST SHC-14."""
    assert imported(own, tmp_path)["certificates"] == "none"
    assert imported(own, tmp_path, x5c=["MIIB"])["certificates"] == "not_checked"
