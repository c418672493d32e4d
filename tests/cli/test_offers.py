"""Codes offered for what somebody writes in words alone (openapi/protocol/terms.md, TRM-13)."""

import json
import os
import pty
import shlex
import subprocess
import sys
from typing import Any

from tests.cli import bundles
from tests.cli.kit import DONE, ROOT, Inside, clean_environment
from tests.fhir.summary_checks import allergy

LATEX = allergy("latex")
COUGH = {"manifestation": [{"text": "cough"}]}


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
