"""The page without network, as text: what it says of any file, in any language (openapi/protocol/terms.md)."""

import re
from html.parser import HTMLParser

import pytest

from backend.web.files import FOLDER
from infra.viewer.build import PHONE_WORDS, page_terms, phone_words
from sync.device.cli.summary_page import PAGE_BYTES_MAX, page
from sync.device.languages import LANGUAGES, coverage_of, reader_of, shown_of
from sync.device.terms import shipped_packs
from sync.fhir import editing
from sync.fhir.summary.reading_words import CODED, STATUSES, WHEN
from sync.fhir.summary.sections import CRITICAL
from sync.fhir.summary.translating import piece_of
from sync.merge.change import RecordId
from tests.fhir.import_phones import Phone, all_files
from tests.fhir.summary_checks import AT, allergy, problem, summary

FILES = [pytest.param(data, id=name) for name, data in all_files().items()]
PACKS = shipped_packs()
GREEK = reader_of("el", PACKS)
VOID = {"meta", "link", "br"}


class Texts(HTMLParser):
    """Every piece of text with the language that it stands in."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.spoken, self.found, self.tags = [None], [], []
        self.feed(html.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.spoken.append(dict(attrs).get("lang", self.spoken[-1]))

    def handle_endtag(self, tag):
        self.spoken.pop()

    def handle_data(self, data):
        if data.strip():
            self.found.append((data.strip(), self.spoken[-1]))

    def all(self):
        return " ".join(text for text, _ in self.found)


def phone_with(*written):
    phone = Phone()
    ids = [RecordId(place.to_bytes(32, "big")) for place in range(1, len(written) + 1)]
    phone.write([editing.new(resource, id_) for id_, resource in zip(ids, written, strict=True)])
    return phone


def coded(system, code, text):
    return {"coding": [{"system": system, "code": code}], "text": text}


PENICILLIN = coded("http://snomed.info/sct", "91936005", "Allergy to penicillin")


@pytest.mark.parametrize("lang", ["en", "el", "mt"])
@pytest.mark.parametrize("file", FILES)
def test_of_any_file_the_page_has_each_critical_entry_and_keeps_its_size(file, lang):
    """MUST TRM-7, TRM-11: in the reader's language with the original beside it, or as written and marked."""
    phone = Phone()
    phone.imports(file, same_person=True)
    made, reader = summary(phone), reader_of(lang, PACKS)
    html = page(made, AT, reader)
    assert len(html) <= PAGE_BYTES_MAX
    assert b"<script" not in html
    assert b"http://" not in re.sub(rb"<p class=\"soft\">.*?</p>", b"", html)
    shown = " ".join(Texts(html).all().split())
    for told, lines in shown_of(made, reader):
        for line, fact in lines:
            if told.section.name in CRITICAL and told.state == "entries":
                assert " ".join(fact.name.text.split()) in shown, line.words
                assert " ".join(fact.name.original.split()) in shown
    covered = coverage_of(made, reader)
    assert reader.word("coverage", n=str(covered.done), of=str(covered.of)) in shown


def test_what_is_as_written_is_marked_and_has_no_language():
    """MUST TRM-7, TRM-12."""
    made = summary(phone_with(allergy("x", code=PENICILLIN), allergy("my own allergy")))
    texts = Texts(page(made, AT, GREEK))
    assert ("Αλλεργία στην πενικιλίνη", "el") in texts.found
    assert ("Allergy to penicillin", "") in texts.found
    assert ("my own allergy", "") in texts.found
    assert texts.found[texts.found.index(("my own allergy", "")) + 1] == ("[δεν έχει μεταφραστεί]", "el")
    assert coverage_of(made, GREEK)._replace(missing=()) == ("el", 1, 2, ())
    assert coverage_of(made, GREEK).missing == ("my own allergy",)
    assert coverage_of(made, GREEK).words() == "in Greek: 1 of 2"


def test_a_code_is_never_cut_down_to_a_wider_one():
    """MUST TRM-6."""
    wide, narrow = (coded("http://hl7.org/fhir/sid/icd-10", code, "as written") for code in ("J45", "J45.9"))
    assert piece_of(wide, GREEK).text == "Άσθμα"
    assert piece_of(narrow, GREEK) == ("as written", False, "")


def test_a_designation_of_the_document_comes_before_a_pack():
    """MUST TRM-6: it was chosen for this entry."""
    translation = {
        "url": "http://hl7.org/fhir/StructureDefinition/translation",
        "extension": [{"url": "lang", "valueCode": "el-GR"}, {"url": "content", "valueString": "όρος εγγράφου"}],
    }
    assert piece_of(PENICILLIN | {"_text": {"extension": [translation]}}, GREEK).text == "όρος εγγράφου"


def test_none_known_not_known_and_not_asked_never_read_alike():
    """MUST TRM-11, SUM-7."""
    none = allergy("", code=coded("http://snomed.info/sct", "716186003", "No known allergy"))
    known, unknown = (page(summary(phone), AT, GREEK).decode() for phone in (phone_with(none), phone_with()))
    assert GREEK.word("none_known") in known
    assert GREEK.word("none_known") not in unknown
    assert unknown.count(GREEK.word("not_known")) >= 3
    assert coverage_of(summary(phone_with(none)), GREEK).of == 0


def test_everything_of_a_record_is_escaped():
    """MUST TRM-11."""
    html = page(summary(phone_with(allergy("<script>alert(1)</script>\"'&"))), AT, GREEK)
    assert b"<script" not in html
    assert b"&lt;script&gt;" in html


def test_of_many_results_the_page_says_how_many_of_how_many_stand():
    """MUST TRM-11."""
    result = {"resourceType": "Observation", "status": "final"}
    many = [result | {"code": {"text": f"A result with a name of some length, number {n}"}} for n in range(1500)]
    html = page(summary(phone_with(*many, problem("Asthma"))), AT, GREEK)
    assert len(html) <= PAGE_BYTES_MAX
    shown = re.search(r"\((\d+) / 1500\)", html.decode())
    assert html.count(b"A result with a name") == int(shown[1]) > 100
    assert html.index(b"Asthma") < html.index(b"A result with a name")


def test_the_phone_has_the_words_that_the_viewer_has():
    """Built by infra.viewer.build."""
    assert {path.name: path.read_text("utf-8") for path in PHONE_WORDS.iterdir()} == phone_words()
    assert set(phone_words()) == {f"{lang}.json" for lang in LANGUAGES}


def test_the_viewer_has_the_terms_of_the_packs():
    """Built by infra.viewer.build."""
    assert {path.name: path.read_text("utf-8") for path in (FOLDER / "terms").iterdir()} == page_terms()


def test_the_phone_names_the_codes_that_the_viewer_names():
    """The same key for the same code, in Python and in JavaScript."""
    script = (FOLDER / "codes.js").read_text("utf-8")
    words = dict(re.findall(r"'?([\w-]+)'?: '(\w+)'", script.split("export const WORDS = {")[1].split("};")[0]))
    assert words == STATUSES
    coded_there = script.split("const CODED = {")[1].split("\n};")[0].replace("[SNOMED]", "'http://snomed.info/sct'")
    found = {}
    for system, body in re.findall(r"'(http[^']+)': \{(.*?)\}", coded_there, re.DOTALL):
        found |= {(system, code): key for code, key in re.findall(r"'?([\w-]+)'?: '(\w+)'", body)}
    assert {place: key for place, key in found.items() if "v3-" not in place[0]} == CODED
    moments = script.split("export const WHEN = {")[1].split("};")[0]
    assert {
        code: tuple(re.findall(r"'(\w+)'", keys)) for code, keys in re.findall(r"(\w+): \[(.*?)\]", moments)
    } == WHEN
