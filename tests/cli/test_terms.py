"""Codes by search and term packs, by the command (openapi/protocol/terms.md, cli.md)."""

import json
from pathlib import Path

import pytest

from tests.cli import bundles
from tests.cli.kit import REFUSED, Inside
from tests.fhir.summary_checks import allergy

GREEK = {
    "resourceType": "CodeSystem",
    "url": "urn:example:codes",
    "concept": [{"code": "a", "designation": [{"language": "el", "value": "Άλφα"}]}],
}


@pytest.fixture
def pack(own: Inside, tmp_path: Path) -> str:
    """A small pack of somebody else's, made by the command."""
    (tmp_path / "system.json").write_text(json.dumps(GREEK), "utf-8")
    told = ("--lang", "el", "--name", "Small", "--version", "1", "--source", "S", "--licence", "L")
    body, made = str(tmp_path / "body.json"), str(tmp_path / "small.pack")
    assert own("terms", "import", str(tmp_path / "system.json"), *told, "--out", body)["terms"] == 1
    own("terms", "build", body, "--key-file", str(tmp_path / "key"), "--out", made)
    return made


def test_what_a_citizen_types_gets_a_code_that_others_can_translate(own: Inside) -> None:
    """MUST TRM-8: in `new` and in `add`; her own words stay."""
    hers = allergy("my peanuts")
    id_ = own("new", "AllergyIntolerance", bundles.dumps(hers), "--code", "erdnuss")["id"]
    own("add", id_, "reaction", "{}", "--code", "anaphyl")
    shown = own("show", id_)["resource"]
    assert shown["code"]["text"] == "my peanuts"
    assert [(one["system"], one["code"]) for one in shown["code"]["coding"]] == [("http://snomed.info/sct", "91935009")]
    assert {one["code"] for one in shown["reaction"][0]["manifestation"][0]["coding"]} == {"39579001", "T78.2"}
    medicine = own("new", "MedicationStatement", '{"status": "active"}', "--code", "ramipril")["id"]
    assert own("show", medicine)["resource"]["medicationCodeableConcept"]["text"] == "Ramipril"


@pytest.mark.parametrize(("text", "code"), [("xyzzy", "no_code"), ("allergy", "which_code")])
def test_of_none_or_several_codes_nothing_is_chosen(own: Inside, text: str, code: str) -> None:
    """MUST TRM-8."""
    before = len(own("list"))
    refused = own.run("new", "Condition", "{}", "--code", text)
    assert (refused.code, refused.json["code"]) == (REFUSED, code)
    assert len(own("list")) == before


def test_the_search_speaks_every_language_that_is_there(own: Inside) -> None:
    """MUST TRM-8."""
    assert own("codes", "αναφυλ")[0]["text"] == "Αναφυλαξία"
    assert own("codes", "hipertens", "--lang", "es")[0]["text"].startswith("Hipertensión")
    assert own("codes", "xyzzy") == []


def test_a_pack_of_an_unknown_signer_is_refused_until_she_lets_him_in(own: Inside, pack: str) -> None:
    """MUST TRM-5."""
    refused = own.run("terms", "install", pack)
    assert (refused.code, refused.json["code"]) == (REFUSED, "unknown_signer")
    assert own("codes", "άλφα") == []
    assert own("terms", "install", pack, "--trust", "Example Ministry")["signed_by"] == "Example Ministry"
    assert own("codes", "αλφα")[0]["codes"] == [{"system": "urn:example:codes", "code": "a"}]


def test_a_file_that_somebody_lays_among_the_packs_does_not_count(own: Inside, pack: str) -> None:
    """MUST TRM-5."""
    (own.store / "terms").mkdir()
    (own.store / "terms" / "laid.pack").write_bytes(Path(pack).read_bytes())
    assert own("codes", "άλφα") == []


def test_an_altered_pack_is_refused_whoever_signed_it(own: Inside, pack: str, tmp_path: Path) -> None:
    """MUST TRM-2."""
    altered = tmp_path / "altered.pack"
    altered.write_bytes(Path(pack).read_bytes().replace("Άλφα".encode(), "Ωμέγ".encode()))
    refused = own.run("terms", "install", str(altered), "--trust", "Example Ministry")
    assert (refused.code, refused.json["code"]) == (REFUSED, "bad_terms")


def test_an_installed_pack_can_be_removed_and_a_shipped_one_not(own: Inside, pack: str) -> None:
    """MUST TRM-10."""
    id_ = own("terms", "install", pack, "--trust", "Example Ministry")["id"]
    assert id_ not in [one["id"] for one in own("terms", "remove", id_)]
    shipped = own("terms", "list")[0]
    assert shipped["shipped"]
    assert own.run("terms", "remove", shipped["id"]).json["code"] == "no_such_terms"
