"""What is shown at a counter, by the command: summary, review, restrict (openapi/protocol/summary.md, cli.md)."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sync.fhir import exact
from tests.cli import bundles
from tests.cli.kit import DONE, REFUSED, Inside, Server, id_of, join_phone, link_phone, make_phone, settle
from tests.fhir.summary_checks import allergy, broken, composed, problem

GREEK = "Λατέξ, λάτεξ, латекс, łódź"


class World(NamedTuple):
    """Two phones of one person with a file, a disputed medicine and an allergy of her own; a carer's phone."""

    folder: Path
    server: Server
    a: Inside
    b: Inside
    carer: Inside


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("summary")
    server = Server(folder / "server").start()
    a = make_phone(folder / "a", server.url)
    a("import", bundles.written(folder, "summary.json", bundles.summary()), "--source", "Example Hospital")
    a("new", "AllergyIntolerance", bundles.dumps(allergy(GREEK, criticality="high")))
    b = link_phone(folder / "b", a, server.url)
    settle(a, b, rounds=1)
    medication = id_of(a, "MedicationStatement")
    a("set", medication, "dosage", bundles.dumps(bundles.dosage("10", "mg", "10 mg")))
    b("set", medication, "dosage", bundles.dumps(bundles.dosage("20", "mg", "20 mg")))
    carer, _ = join_phone(folder / "c", a, server.url, "--role", "editor", person="Carer Person", device="carer's")
    settle(a, b, carer)
    yield World(folder, server, a, b, carer)
    server.kill()


def section(shown: Any, name: str) -> Any:
    return next(one for one in shown["sections"] if one["name"] == name)


def test_the_summary_tells_disputes_and_who_says_so_as_json(world: World) -> None:
    """MUST SUM-10, SUM-12, by the command."""
    shown = world.a("summary")
    medicines = section(shown, "medications")["entries"]
    assert [(one["disputed"], one["version"], one["versions"]) for one in medicines] == [
        ("value", 1, 2),
        ("value", 2, 2),
    ]
    assert {"10 mg", "20 mg"} == {mg for one in medicines for mg in re.findall(r"\b[12]0 mg", one["label"])}
    assert {said["who"] for one in medicines for said in one["said"]} == {"file", "patient"}
    latex = next(one for one in section(shown, "allergies")["entries"] if GREEK in one["label"])
    assert [(said["who"], said["name"]) for said in latex["said"]] == [("patient", "Testa Testperson")]


def test_the_summary_is_written_as_one_whole_fhir_document(world: World, tmp_path: Path) -> None:
    """MUST SUM-1, SUM-2, by the command."""
    world.a("summary", "--fhir", str(tmp_path / "ips.json"), "--eu")
    bundle = exact.loads((tmp_path / "ips.json").read_bytes())
    assert broken(bundle) == []
    assert (tmp_path / "ips.json").read_bytes() == exact.canonical(bundle)
    assert {one["code"]["coding"][0]["code"] for one in bundle["entry"][0]["resource"]["section"]} >= {"47519-4"}


def test_two_phones_of_a_vault_make_the_same_document(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """MUST SUM-3, SUM-16: ids are the vault's, not a phone's."""
    now = time.time_ns() // 1_000_000
    made = []
    for phone in (world.a, world.b, world.carer):
        monkeypatch.setattr(phone, "now_ms", lambda: now)
        phone("summary", "--fhir", str(world.folder / "same.json"))
        made.append((world.folder / "same.json").read_bytes())
    assert made[0] == made[1] == made[2]


def test_the_pages_are_at_most_two_the_same_each_time_and_hold_every_alphabet(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.a, "now_ms", lambda: 1_767_225_600_000)
    made = []
    for name in ("one.pdf", "two.pdf"):
        world.a("summary", "--pdf", str(world.folder / name))
        made.append((world.folder / name).read_bytes())
    assert made[0] == made[1]
    assert made[0].startswith(b"%PDF-")
    assert b"D:20260101" in made[0]  # the moment of the summary, not of the printing
    assert 1 <= len(re.findall(rb"/Type /Page\b", made[0])) <= 2
    assert len(re.findall(rb"/FontFile2 ", made[0])) == 1


def test_the_font_of_the_pages_knows_the_letters_of_the_union() -> None:
    from fpdf import FPDF

    from sync.device.cli.summary_pdf import _FONT

    page = FPDF()
    page.add_font("sans", fname=_FONT)
    known = page.fonts["sans"].cmap  # type: ignore[union-attr]
    letters = "ĄČĎĘĞĦĮĶŁŃŐØŘŞȘŤȚŲŮŽÞßðœἀῶΆΏϊЂЖЩЯѓџ€µ≥≤–“”…"
    assert [letter for letter in letters if ord(letter) not in known] == []
    assert _FONT.stat().st_size < 400_000
    assert "Bitstream" in (_FONT.parent / "LICENSE.txt").read_text("utf-8")


def test_the_summary_on_a_screen_is_words_and_needs_no_server(world: World, tmp_path: Path) -> None:
    alone = make_phone(tmp_path / "alone", world.server.url)
    done = alone.run("summary", json=False)
    assert done.code == DONE
    assert done.stdout.count("Not known: there is no information") == 3
    shown = world.a.run("summary", json=False).stdout
    assert "DISPUTED" in shown
    assert "Testa Testperson (the patient)" in " ".join(shown.split())


def test_review_keeps_each_answer_and_it_reaches_the_other_phone(world: World) -> None:
    """MUST SUM-18, by the command."""
    asked = [
        one
        for name in ("allergies", "problems", "medications")
        for one in section(world.a("summary"), name)["entries"]
        if one["version"] == 1
    ]
    done = world.a.run("review", stdin="t\nwhat\nu\n" + "\n" * (len(asked) - 2))
    assert [one["answer"] for one in done.json] == ["still-true", "unsure"]
    settle(world.a, world.b)
    there = {one["id"]: one for told in world.b("summary")["sections"] for one in told["entries"]}
    assert there[asked[0]["id"]]["confirmed"]["by"] == "Testa Testperson"
    assert there[asked[1]["id"]]["confirmed"]["answer"] == "unsure"


def test_a_review_that_ends_early_keeps_nothing(world: World) -> None:
    before = world.a("status")["pending"]
    done = world.a.run("review", stdin="t\n")
    assert (done.code, done.json["code"]) == (REFUSED, "bad_choice")
    assert world.a("status")["pending"] == before


def test_what_has_stopped_is_set_so_and_stands_behind_what_has_not(world: World) -> None:
    """MUST SUM-18."""
    id_ = world.b("new", "Condition", bundles.dumps(problem("Sprained ankle")))["id"]
    [told] = world.b("review", id_, "stopped")
    assert (told["id"], told["answer"]) == (id_, "stopped")
    shown = world.b("show", id_)["resource"]
    assert shown["clinicalStatus"]["coding"][0]["code"] == "inactive"
    assert id_ in {one["id"] for one in section(world.b("summary"), "past_problems")["entries"]}


def test_what_is_restricted_is_gone_from_every_phone_and_comes_back_with_off(world: World, tmp_path: Path) -> None:
    """MUST SUM-20, SUM-21, SUM-23, by the command."""
    id_ = world.a("new", "Condition", bundles.dumps(problem("Secretitis")))["id"]
    done = world.a("restrict", id_)
    assert [(one["kind"], one["id"], one["by"]) for one in done["restricted"]] == [("record", id_, "Testa Testperson")]
    assert {one["why"] for one in done["gives_away"]} == {"may-tell"}
    settle(world.a, world.b, world.carer)
    for phone in (world.a, world.b, world.carer):
        assert "Secretitis" not in json.dumps(phone("summary"))
        phone("summary", "--fhir", str(tmp_path / "f.json"), "--pdf", str(tmp_path / "f.pdf"))
        assert b"Secretitis" not in (tmp_path / "f.json").read_bytes()
    assert world.b("restrict", id_, "--off")["restricted"] == []
    assert "Secretitis" in json.dumps(world.b("summary"))
    world.b("restrict", "allergies")
    world.b("summary", "--fhir", str(tmp_path / "f.json"))
    bundle = exact.loads((tmp_path / "f.json").read_bytes())
    assert composed(bundle, "48765-2")["emptyReason"]["coding"][0]["code"] == "unavailable"
    world.b("restrict", "allergies", "--off")


def test_the_act_of_hiding_says_what_it_costs(world: World) -> None:
    """MUST SUM-23."""
    done = world.b.run("restrict", "immunizations", json=False)
    assert "Care may suffer" in done.stdout
    world.b("restrict", "immunizations", "--off")


def test_only_the_person_whom_the_vault_is_about_hides_something(world: World) -> None:
    """MUST SUM-24."""
    done = world.carer.run("restrict", "allergies")
    assert (done.code, done.json["code"]) == (REFUSED, "not_owner")
    assert "allergies" not in [one["id"] for one in world.carer("restrict")["restricted"]]


def test_what_stands_in_no_summary_cannot_be_hidden_and_no_section_is_guessed(world: World) -> None:
    done = world.a.run("restrict", id_of(world.a, "Patient"))
    assert (done.code, done.json["code"]) == (REFUSED, "not_in_summary")
    done = world.a.run("summary", "--sections", "allergys")
    assert (done.code, done.json["code"]) == (REFUSED, "bad_value")
    assert "allergies" in done.json["next"]
