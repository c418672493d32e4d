"""What a clinician sees of a share: VIE-9 to VIE-15 of openapi/protocol/viewer.md."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.browser.documents import (
    ABSENT,
    REQUIRED,
    SNOMED,
    TERMS,
    allergy,
    coded,
    condition,
    document,
    large,
    medicine,
    ordinary,
    section,
    vaccination,
)
from tests.browser.page_kit import Reader, Server

ALLERGIES, PROBLEMS, MEDICINES = ".allergies", ".problems", ".medications"
CARNET = "https://carnet.example/fhir/StructureDefinition/"
NO_KNOWN = [
    ("716186003", SNOMED, ALLERGIES),
    ("no-known-allergies", ABSENT, ALLERGIES),
]


@pytest.fixture
def reader(visitor: Reader) -> Reader:
    return visitor.anew()


def folded(text: str) -> str:
    return re.sub(r"\s+", " ", text).casefold()


def show(reader: Reader, server: Server, what: object):
    page = reader.open(server.share(what).link)
    assert reader.complaints == []
    return page


def names(page, part: str) -> list[str]:
    return page.locator(f"{part} > .entries > .entry > .line > .name").all_text_contents()


def said_of(record: dict) -> list[str]:
    """Texts of which one must be on the page for a record."""
    concepts = [record.get(k) for k in ("code", "vaccineCode", "medicationCodeableConcept", "type") if record.get(k)]
    concepts = [c for c in concepts if isinstance(c, dict)]
    texts = [c.get("text") for c in concepts] + [
        x.get(k) for c in concepts for x in c.get("coding", []) for k in ("display", "code")
    ]
    texts += [record.get("description"), record.get("title")]
    return [text for text in texts if text]


def examples() -> list[tuple[str, dict]]:
    """Real files where a folder of them is named, else this project's own."""
    folder = os.environ.get("CARNET_EXAMPLES")
    if folder:
        return [(path.stem, json.loads(path.read_text("utf-8"))) for path in sorted(Path(folder, "ips").glob("*.json"))]
    return [("ordinary", ordinary()), ("bare", document(section("11369-6", vaccination("Tetanus vaccine"))))]


@pytest.mark.parametrize("what", [what for _, what in examples()], ids=[name for name, _ in examples()])
def test_every_bundle_is_shown_whole_and_without_a_complaint(reader, server, what):
    """VIE-10. Codes and texts of every record, folded parts too."""
    page = show(reader, server, what)
    text = folded(page.locator("article.summary").text_content())
    support = {"Composition", "Patient", "Practitioner", "PractitionerRole", "Organization", "Device", "Provenance"}
    missing = []
    for entry in what["entry"]:
        record = entry["resource"]
        texts = [] if record["resourceType"] in support else said_of(record)
        if texts and not any(folded(each) in text for each in texts):
            missing.append((record["resourceType"], texts[:3]))
    assert missing == []
    composition = what["entry"][0]["resource"]
    held = {c["code"] for s in composition["section"] for c in s["code"]["coding"]}
    lacking = [code for code in REQUIRED if code not in held]
    assert text.count("a section is missing from the document") == len(lacking)


def test_who_comes_first_then_the_severe_then_what_is_over_apart(reader, server):
    """VIE-9."""
    page = show(reader, server, ordinary())
    assert page.locator("h1").text_content() == "Testa Testperson"
    assert "5 Apr 1960 (66 years)" in page.locator(".who").text_content()
    headings = [re.sub(r"\s+\d+\s*$", "", text) for text in page.locator("article h2").all_text_contents()]
    assert headings == ["Allergies and intolerances", "Problems", "Medicines", "Vaccinations"]
    assert names(page, ALLERGIES) == ["Penicillin", "Pollen"]
    assert page.locator(f"{ALLERGIES} > h2 .count").text_content() == "2"
    assert page.locator(f"{ALLERGIES} .over .name").all_text_contents() == ["Latex"]
    first = page.locator(f"{ALLERGIES} .entry").first
    assert "Hives – severe" in first.text_content()
    assert "high risk" in first.text_content()
    assert names(page, MEDICINES) == ["Metformin 850 mg"]
    assert "1 tablet twice a day" in page.locator(MEDICINES).text_content()


@pytest.mark.parametrize(("code", "system", "part"), NO_KNOWN, ids=[code for code, *_ in NO_KNOWN])
def test_no_known_allergy_is_one_line_and_never_counted(reader, server, code, system, part):
    """VIE-11."""
    page = show(reader, server, document(section("48765-2", allergy("No known allergy", code=code, system=system))))
    assert page.locator(f"{part} .nothing").count() == 1
    assert page.locator(f"{part} .entry").count() == 0
    assert page.locator(f"{part} .count").count() == 0
    assert "None known" in page.locator(part).text_content()


def test_none_known_not_known_and_not_asked_are_not_one(reader, server):
    """VIE-11."""

    def empty(code: str, reason: str):
        return section(code, emptyReason={"coding": [{"system": f"{TERMS}/list-empty-reason", "code": reason}]})

    sections = [empty("48765-2", "nilknown"), empty("11450-4", "unavailable"), empty("10160-0", "notasked")]
    page = show(reader, server, document(*sections))
    said = [page.locator(f"{part} .nothing").text_content() for part in (ALLERGIES, PROBLEMS, MEDICINES)]
    assert said == ["None known", "Not known: no information", "Not asked"]


def test_no_information_is_not_known(reader, server):
    """VIE-11: IPS 1.x says it as an entry."""
    record = allergy("No information about allergies", code="no-allergy-info", system=ABSENT)
    page = show(reader, server, document(section("48765-2", record)))
    assert page.locator(f"{ALLERGIES} .nothing").text_content().startswith("Not known")
    assert page.locator(f"{ALLERGIES} .entry").count() == 0


def test_a_list_without_entries_is_never_none(reader, server):
    """VIE-11."""
    page = show(reader, server, document(section("48765-2")))
    assert page.locator(f"{ALLERGIES} .nothing").text_content() == "Not known: no information"


def test_none_known_beside_an_allergy_is_warned_of(reader, server):
    """VIE-12."""
    both = section("48765-2", allergy("No known allergy", code="716186003"), allergy("Penicillin"))
    page = show(reader, server, document(both))
    assert "says “none known” and also lists entries" in page.locator(".warnings").text_content()
    assert names(page, ALLERGIES) == ["Penicillin"]


def test_a_reference_that_leads_nowhere_is_said_in_its_place_and_above(reader, server):
    """VIE-10, VIE-12."""
    what = document(section("48765-2", allergy("Penicillin")))
    what["entry"][0]["resource"]["section"][0]["entry"].append(
        {"reference": "AllergyIntolerance/gone", "display": "Latex"}
    )
    page = show(reader, server, what)
    assert "Records are named but missing: Allergies and intolerances (1)" in page.locator(".warnings").text_content()
    assert "Could not be shown: Latex" in page.locator(ALLERGIES).text_content()


@pytest.mark.parametrize("form", ["relative", "absolute", "versioned", "contained"])
def test_references_lead_however_they_are_written(reader, server, form):
    """VIE-10."""
    drug = {"resourceType": "Medication", "id": "m1", "code": coded("Ramipril 5 mg")}
    said = {"relative": "Medication/m1", "absolute": "https://host.example/fhir/Medication/m1"}
    said |= {"versioned": "Medication/m1/_history/2", "contained": "#m1"}
    record = {
        "resourceType": "MedicationStatement",
        "status": "active",
        "medicationReference": {"reference": said[form]},
    }
    if form == "contained":
        page = show(reader, server, document(section("10160-0", record | {"contained": [drug]})))
    else:
        page = show(reader, server, document(section("10160-0", record), loose=(drug,)))
    assert names(page, MEDICINES) == ["Ramipril 5 mg"]


def test_a_record_of_no_section_is_among_the_others(reader, server):
    """VIE-10."""
    page = show(reader, server, document(section("48765-2"), loose=(condition("Asthma"),)))
    assert "Asthma" in page.locator(".other").text_content()


def test_what_all_of_a_panel_says_of_its_source_is_said_once(reader, server):
    """VIE-14: and what one of them alone says stays with it."""

    def value(name: str, performer: str):
        held = {"resourceType": "Observation", "id": name, "status": "final", "code": coded(name), "valueString": "1"}
        return held | {
            "performer": [{"display": "Test Lab"}, {"display": performer}],
            "issued": f"2026-01-0{performer}",
        }

    members = [value("Sodium", "1"), value("Potassium", "2")]
    panel = {"resourceType": "Observation", "id": "a", "status": "final", "code": coded("Salts")}
    panel["hasMember"] = [{"reference": f"Observation/{each['id']}"} for each in members]
    page = show(reader, server, document(section("30954-2", panel), loose=tuple(members)))
    page.locator(".rest summary").first.click()
    text = page.locator(".results").text_content()
    assert text.count("According to: Test Lab") == 1
    assert text.count("Recorded: 1 Jan 2026") == 1
    assert text.count("Recorded: 2 Jan 2026") == 1


def test_a_panel_that_names_itself_is_shown_once(reader, server):
    """VIE-10: a ring of members neither hangs nor loses."""
    ring = {"reference": "Observation/a"}
    panel = {"resourceType": "Observation", "id": "a", "status": "final", "code": coded("Panel A")}
    other = {"resourceType": "Observation", "id": "b", "status": "final", "code": coded("Panel B"), "hasMember": [ring]}
    panel["hasMember"] = [{"reference": "Observation/b"}]
    page = show(reader, server, document(section("30954-2", panel, other)))
    text = page.locator(".results").text_content()
    assert (text.count("Panel A"), text.count("Panel B")) == (1, 1)


def test_the_original_stands_beside_the_translation(browser, server):
    """VIE-13."""
    words = {"url": "http://hl7.org/fhir/StructureDefinition/translation"}
    words["extension"] = [{"url": "lang", "valueCode": "de"}, {"url": "content", "valueString": "Penicillin-Allergie"}]
    code = {"coding": [{"system": SNOMED, "code": "1", "display": "Penicillin", "_display": {"extension": [words]}}]}
    route = {"coding": [{"system": "http://standardterms.edqm.eu", "code": "20053000", "display": "Oral use"}]}
    drug = medicine("Metformin") | {"dosage": [{"route": route}]}
    context = browser.new_context(locale="de-AT")
    reader = Reader(context, server)
    page = show(
        reader, server, document(section("48765-2", allergy(None, code="1") | {"code": code}), section("10160-0", drug))
    )
    assert names(page, ALLERGIES) == ["Penicillin-Allergie"]
    assert page.locator(f"{ALLERGIES} .original").text_content() == "Penicillin"
    assert "durch den Mund (Oral use)" in page.locator(MEDICINES).text_content()
    assert "1" in page.locator(".who .source").last.text_content()
    context.close()


def test_a_code_of_another_system_is_not_mistaken_for_ours(reader, server):
    """VIE-13: SNOMED CT's code for a mouth under somebody else's name."""
    drug = medicine("Metformin") | {"dosage": [{"route": coded("Somewhere else", "26643006", "urn:oid:1.2.3")}]}
    page = show(reader, server, document(section("10160-0", drug)))
    assert "by mouth" not in page.locator(MEDICINES).text_content()
    assert "Somewhere else" in page.locator(MEDICINES).text_content()


def test_disputed_who_says_so_and_confirmed_are_shown(reader, server):
    """VIE-14: as summary.md writes them."""

    def extension(url: str, **parts: object):
        held = [{"url": key, ("valueInteger" if isinstance(v, int) else "valueString"): v} for key, v in parts.items()]
        return {"url": CARNET + url, "extension": held}

    said = [
        extension("disputed", kind="value", number=1, of=2),
        extension("said-by", who="patient", name="Testa Testperson", date="2026-10-01"),
        extension("confirmed", answer="still-true", name="Testa Testperson", date="2026-11-01"),
    ]
    page = show(reader, server, document(section("48765-2", allergy("Penicillin", extension=said))))
    text = page.locator(f"{ALLERGIES} .entry").text_content()
    assert "DISPUTED: version 1 of 2" in text
    assert "the patient, Testa Testperson, 1 Oct 2026" in text
    assert "still true" in text
    assert page.locator(".stale").count() == 0


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ["DISPUTED: deleted by Carer 1", "DISPUTED: version 2 of 2", "May be the same as another entry here"]),
        ("de", ["STRITTIG: gelöscht von Carer 1", "STRITTIG: Fassung 2 von 2", "Möglicherweise dasselbe"]),
    ],
)
def test_each_kind_of_dispute_has_words_of_its_own_in_the_readers_language(reader, server, lang, words):
    """VIE-14, SUM-11: of a deletion who wants it; the English note for other readers is not repeated."""

    def disputed(*parts: tuple[str, object]):
        kinds = {"kind": "valueCode", "number": "valuePositiveInt", "of": "valuePositiveInt"}
        held = [{"url": url, kinds.get(url, "valueString"): value} for url, value in parts]
        return {"url": f"{CARNET}disputed", "extension": held}

    told = {"text": "Disputed: version 2 of 2. No version of it is settled."}
    records = [
        allergy(
            "Penicillin",
            extension=[disputed(("kind", "deleted_while_edited"), ("number", 1), ("of", 1), ("deletedBy", "Carer 1"))],
        ),
        allergy("Latex", extension=[disputed(("kind", "value"), ("number", 2), ("of", 2))], note=[told]),
        allergy("Wasps", extension=[disputed(("kind", "duplicate"))], note=[{"text": "seen twice"}]),
    ]
    page = show(reader, server, document(section("48765-2", *records)))
    page.get_by_role("combobox").select_option(lang)
    page.get_by_text(words[0]).wait_for()
    found = [mark.text_content() for mark in page.locator(f"{ALLERGIES} .mark.strong").all()]
    assert len(found) == 3
    assert all(any(mark.startswith(word) for mark in found) for word in words)
    text = page.locator(ALLERGIES).text_content()
    assert "No version of it is settled" not in text
    assert "seen twice" in text


def test_what_nobody_has_said_for_a_year_is_grey_and_there(reader, server):
    """VIE-14."""
    page = show(reader, server, document(section("48765-2", allergy("Penicillin", recordedDate="2015-01-01"))))
    assert names(page, ALLERGIES) == ["Penicillin"]
    assert "Nobody has confirmed this for a year" in page.locator(".stale").text_content()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"modifierExtension": [{"url": "https://host.example/negated", "valueBoolean": True}]}, "see the original"),
        ({"doNotPerform": True, "resourceType": "MedicationRequest"}, "DO NOT GIVE"),
    ],
    ids=["a modifier", "do not perform"],
)
def test_what_turns_a_record_into_its_opposite_is_marked(reader, server, more, words):
    """VIE-12."""
    page = show(reader, server, document(section("10160-0", medicine("Aspirin") | more)))
    assert words in page.locator(f"{MEDICINES} .mark.strong").text_content()


def test_a_narrative_is_shown_where_structure_is_missing_and_only_there(reader, server):
    """VIE-15."""
    told = {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'><p>Nuts, <b>severe</b></p></div>"}
    lone = section("48765-2", text=told)
    page = show(reader, server, document(lone, section("11450-4", condition("Asthma"), text=told)))
    assert page.locator(f"{ALLERGIES} .narrative b").text_content() == "severe"
    assert page.locator(f"{PROBLEMS} .narrative").count() == 0


def test_two_sections_of_one_kind_lose_nothing(reader, server):
    """VIE-10: titles repeat in the wild."""
    page = show(reader, server, document(section("48765-2", allergy("Nuts")), section("48765-2", allergy("Eggs"))))
    assert names(page, ALLERGIES) == ["Nuts", "Eggs"]


def test_a_summary_of_420_entries_is_shown_whole(reader, server):
    page = show(reader, server, large())
    assert page.locator(".entry").count() == 420


def test_a_code_that_the_term_pack_has_is_in_the_readers_language_with_the_original_beside(reader, server):
    """VIE-13, TRM-7: and how many are is said; the pack is fetched whole, and only when there is something to show."""
    code = {"coding": [{"system": SNOMED, "code": "91936005"}], "text": "Allergy to penicillin"}
    shown = document(section("48765-2", allergy(None) | {"code": code}, allergy("my own allergy")))
    page = reader.visit(server.share(shown).link)
    page.locator("select").select_option("el")
    reader.answer()
    page.locator("article.summary").wait_for()
    assert page.locator(".allergies .name").all_text_contents()[0] == "Αλλεργία στην πενικιλίνη"
    assert page.locator(".allergies .original").first.text_content() == "Allergy to penicillin"
    assert "1 από 2" in page.locator(".who").text_content()
    assert sum(url.endswith("/view/terms/el.json") for url in reader.asked) >= 1
