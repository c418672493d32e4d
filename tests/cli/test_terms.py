"""Codes by search and term packs, by the command (openapi/protocol/terms.md, cli.md)."""

import json
import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sync.device.cli.main import parser
from sync.device.cli.offering import Offer, Place, _command
from tests.cli import bundles
from tests.cli.kit import DONE, REFUSED, ROOT, Inside, clean_environment
from tests.fhir.summary_checks import allergy

LATEX = allergy("latex")
COUGH = {"manifestation": [{"text": "cough"}]}
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


# Codes offered for what is typed in words alone


def codes_of(concept: dict[str, Any]) -> set[str]:
    return {one["code"] for one in concept.get("coding", [])}


def test_words_alone_are_taken_and_the_command_that_gives_them_a_code_does(own: Inside) -> None:
    """MUST TRM-13: nothing is chosen for her; her words stay when she follows the offer."""
    written = own("new", "AllergyIntolerance", bundles.dumps(LATEX))
    [offer] = written["offers"]
    assert codes_of(own("show", written["id"])["resource"]["code"]) == set()
    assert (offer["text"], offer["name"], "el" in offer["languages"]) == ("latex", "Latex", True)
    own(*shlex.split(offer["command"]))
    code = own("show", written["id"])["resource"]["code"]
    assert (code["text"], codes_of(code)) == ("latex", {"111088007"})


def test_a_sign_of_an_allergy_that_is_added_in_words_is_offered_a_code_in_its_place(own: Inside) -> None:
    """MUST TRM-13."""
    id_ = own("new", "AllergyIntolerance", bundles.dumps(LATEX))["id"]
    [offer] = own("add", id_, "reaction", bundles.dumps(COUGH))["offers"]
    own(*shlex.split(offer["command"]))
    [reaction] = own("show", id_)["resource"]["reaction"]
    [sign] = reaction["manifestation"]
    assert (sign["text"], codes_of(sign)) == ("cough", {"49727002"})


def test_the_command_that_is_offered_is_one_also_for_a_repetition_whose_token_looks_like_an_option() -> None:
    """MUST TRM-13."""
    offer = Offer(Place(COUGH, "reaction", COUGH), [], "49727002")
    for token in ("-hCgmqcPfuIfZ9wfWrkrVA", "1CgmqcPfuIfZ9wfWrkrVA-"):
        told = parser().parse_args(shlex.split(_command(offer, "d1aefa53", token)))
        assert (told.repetition, told.code) == (token, "49727002")


def test_a_medicine_is_found_by_what_her_words_begin_with(own: Inside) -> None:
    """MUST TRM-13."""
    hers = {"status": "active", "medicationCodeableConcept": {"text": "Ramipril 5 mg"}}
    written = own("new", "MedicationStatement", bundles.dumps(hers))
    own(*shlex.split(written["offers"][0]["command"]))
    concept = own("show", written["id"])["resource"]["medicationCodeableConcept"]
    assert (concept["text"], "C09AA05" in codes_of(concept)) == ("Ramipril 5 mg", True)


def test_without_a_terminal_one_line_names_the_command(own: Inside) -> None:
    """MUST TRM-13."""
    done = own.run("new", "AllergyIntolerance", bundles.dumps(LATEX), json=False)
    [line] = [line for line in done.stderr.splitlines() if "carnet set" in line]
    assert (done.code, line.endswith("--code Latex")) == (DONE, True)


def test_what_no_pack_knows_and_what_is_no_concept_is_offered_nothing(own: Inside) -> None:
    """MUST TRM-13."""
    written = own("new", "AllergyIntolerance", bundles.dumps(allergy("my neighbour's cat")))
    assert written["offers"] == []
    assert own("add", written["id"], "note", bundles.dumps({"text": "latex"}))["offers"] == []


def test_on_a_terminal_she_chooses_from_a_table_or_keeps_her_words(own: Inside) -> None:
    """MUST TRM-13: asked before anything is written; an empty line keeps words alone."""
    answers = [b"7\n", b"1\n", b"\n"]  # there is no seventh, so that it is asked once more
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "sync.device.cli.main", "--store", str(own.store), "new", "AllergyIntolerance"]
    environment = clean_environment(CARNET_PASSPHRASE=own.passphrase, TERM="xterm", COLUMNS="200", LANG="en")
    process = subprocess.Popen(
        [*command, bundles.dumps(LATEX | {"reaction": [COUGH]})],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        cwd=ROOT,
        env=environment,
    )
    os.close(theirs)
    seen = b""
    while answers:
        seen += os.read(ours, 65_536)
        if seen.count(b"keep your words alone:") == 4 - len(answers):
            os.write(ours, answers.pop(0))
    process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == DONE
    assert "SNOMED CT 111088007" in seen.decode()
    assert "Greek" in seen.decode()
    [written] = [one for one in own("list", "AllergyIntolerance") if one["label"].lower().startswith("latex")]
    shown = own("show", written["id"])["resource"]
    assert (codes_of(shown["code"]), shown["code"]["text"]) == ({"111088007"}, "latex")
    assert json.dumps(shown["reaction"]).count("49727002") == 0
