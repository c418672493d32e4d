"""Open questions in a summary: every value stands, marked, with whose word it is; and what people confirmed.

Spec: openapi/protocol/summary.md, "Disputed" and "Confirming".
"""

from sync.fhir import editing
from sync.fhir.conflicts import DELETED_WHILE_EDITED, VALUE
from sync.fhir.exact import Number
from sync.fhir.summary.assertions import CONFIRMED_URL, DISPUTED_URL, instant
from sync.fhir.summary.narrative import details
from sync.fhir.summary.reviewing import STILL_TRUE, STOPPED, UNSURE, review_edit
from sync.merge.change import RecordId
from tests.fhir.import_phones import Phone, merged
from tests.fhir.summary_checks import (
    allergy,
    broken,
    composed,
    extension,
    medicine,
    parts,
    problem,
    resources,
    section,
    summary,
)
from tests.vectors.import_resources import document

ID = RecordId(b"r" * 32)


def two_phones(resource):
    """Two phones that hold a record of one's own and have not met since."""
    a, b = Phone(0), Phone(1)
    a.write([editing.new(resource, ID)])
    b.take(a.sent)
    return a, b


def sets(phone, element, value):
    phone.write([editing.set_element(phone.record(ID), element, value)])


def test_a_disputed_medicine_stands_with_every_value_each_with_its_author():
    """MUST SUM-10, SUM-11."""
    a, b = two_phones(medicine("Ramipril"))
    sets(a, "dosage", [{"text": "5 mg"}])
    sets(b, "dosage", [{"text": "10 mg"}])
    made = summary(merged(a, b))
    lines = section(made, "medications").lines
    assert [(line.words, line.disputed, line.place) for line in lines] == [
        ("Ramipril 10 mg", VALUE, (1, 2)),
        ("Ramipril 5 mg", VALUE, (2, 2)),
    ]
    assert [line.facts.said[0].name for line in lines] == ["Carer 1", "Testa Testperson"]
    found = resources(made.bundle, "MedicationStatement")
    assert [one["dosage"][0]["text"] for one in found] == ["10 mg", "5 mg"]
    marks = [parts(extension(one, DISPUTED_URL)[0]) for one in found]
    assert [(mark["kind"], mark["number"].text, mark["of"].text) for mark in marks] == [
        ("value", "1", "2"),
        ("value", "2", "2"),
    ]
    assert marks[0]["group"] == marks[1]["group"]
    assert all(one["meta"]["tag"][0]["code"] == "disputed" for one in found)
    assert all("Disputed" in one["note"][0]["text"] for one in found)
    assert composed(made.bundle, "10160-0")["text"]["div"].count("DISPUTED") == 2
    assert broken(made.bundle) == []


def test_two_questions_of_one_record_lose_no_value():
    """MUST SUM-10: of several registers in question each value that stands is in a version."""
    a, b = two_phones(allergy("Latex"))
    c = Phone(2)
    c.take(a.sent)
    for phone, level, kind in ((a, "high", "food"), (b, "low", "medication"), (c, "unable-to-assess", "biologic")):
        sets(phone, "criticality", level)
        sets(phone, "category", [kind])
    found = resources(summary(merged(a, b, c)).bundle, "AllergyIntolerance")
    assert {one["criticality"] for one in found} == {"high", "low", "unable-to-assess"}
    assert {one["category"][0] for one in found} == {"food", "medication", "biologic"}


def test_what_one_deleted_while_another_changed_it_stands_and_says_so():
    a, b = two_phones(allergy("Latex"))
    a.write([editing.delete(a.record(ID))])
    sets(b, "criticality", "high")
    made = summary(merged(a, b))
    [line] = section(made, "allergies").lines
    assert (line.words, line.disputed) == ("Latex (could be serious)", DELETED_WHILE_EDITED)
    [mark] = extension(resources(made.bundle, "AllergyIntolerance")[0], DISPUTED_URL)
    assert parts(mark)["deletedBy"] == "Testa Testperson"


def test_a_dispute_inside_a_disputed_deletion_keeps_every_value():
    a, b = two_phones(medicine("Ramipril"))
    c = Phone(2)
    c.take(a.sent)
    a.write([editing.delete(a.record(ID))])
    sets(b, "dosage", [{"text": "5 mg"}])
    sets(c, "dosage", [{"text": "10 mg"}])
    lines = section(summary(merged(a, b, c)), "medications").lines
    assert {line.words for line in lines} == {"Ramipril 5 mg", "Ramipril 10 mg"}


def test_a_record_that_is_mistaken_for_one_and_true_for_another_stands():
    """MUST SUM-6: left out is only what every version leaves out."""
    a, b = two_phones(problem("Gout"))
    sets(a, "verificationStatus", {"coding": [{"code": "refuted"}]})
    sets(b, "verificationStatus", {"coding": [{"code": "confirmed"}]})
    assert len(section(summary(merged(a, b)), "problems").lines) == 2


def test_a_newer_file_that_says_otherwise_than_a_person_stands_beside_her_word():
    phone = Phone()
    ramipril = medicine("Ramipril", id="1", dosage=[{"text": "5 mg"}])
    phone.imports(document("2025-01-01T00:00:00Z", ramipril))
    [id_] = [one.id for one in phone.records() if b'{"resourceType":"MedicationStatement"}' in bodies(one)]
    phone.write([editing.set_element(phone.record(id_), "dosage", [{"text": "10 mg"}])])
    phone.imports(document("2026-01-01T00:00:00Z", ramipril | {"dosage": [{"text": "20 mg"}]}))
    lines = section(summary(phone), "medications").lines
    assert {line.words for line in lines} == {"Ramipril 10 mg", "Ramipril 20 mg"}
    said = {line.words: [one.who for one in line.facts.said] for line in lines}
    assert said == {"Ramipril 10 mg": ["file", "patient"], "Ramipril 20 mg": ["file"]}


def bodies(record):
    return {value for birth in record.births for value in birth.body.values()}


def test_two_records_that_may_be_one_each_say_so():
    a = Phone()
    code = {"coding": [{"system": "http://snomed.info/sct", "code": "1003755004"}]}
    a.write([editing.new(allergy("Latex", code=code), ID)])
    a.write([editing.new(allergy("Latex", code=code, criticality="high"), RecordId(b"t" * 32))], ordinal=1)
    made = summary(a)
    found = resources(made.bundle, "AllergyIntolerance")
    others = [parts(extension(one, DISPUTED_URL)[0])["other"]["reference"] for one in found]
    assert sorted(others) == sorted("urn:uuid:" + one["id"] for one in found)
    assert broken(made.bundle) == []


def test_what_members_note_or_doubt_stands_with_the_entry():
    a, _ = two_phones(allergy("Latex"))
    a.write([editing.annotate(a.record(ID), "only gloves", b"n"), editing.dispute(a.record(ID), "never tested", b"d")])
    made = summary(a)
    [one] = resources(made.bundle, "AllergyIntolerance")
    assert [note["text"] for note in one["note"]] == ["only gloves", "Testa Testperson says it is wrong: never tested"]
    assert "never tested" in composed(made.bundle, "48765-2")["text"]["div"]


def test_the_newest_word_on_whether_it_holds_stands_with_who_said_it():
    """MUST SUM-18."""
    a, b = two_phones(problem("Gout"))
    a.write([review_edit(a.record(ID), "aa", UNSURE, "2026-01-01T00:00:00Z")])
    b.write([review_edit(b.record(ID), "bb", STILL_TRUE, "2026-02-01T00:00:00Z")])
    made = summary(merged(a, b))
    [one] = resources(made.bundle, "Condition")
    told = parts(extension(one, CONFIRMED_URL)[0])
    assert (told["answer"], told["name"], told["date"]) == ("still-true", "Carer 1", "2026-02-01T00:00:00Z")
    [line] = section(made, "problems").lines
    assert "confirmed, says Carer 1, 1 Feb 2026" in details(line)
    assert line.disputed is None


def test_nobody_replaces_anothers_word_on_whether_it_holds():
    """MUST SUM-18: two who answer without having met raise no question and lose nothing."""
    a, b = two_phones(problem("Gout"))
    a.write([review_edit(a.record(ID), "aa", STOPPED, "2026-01-01T00:00:00Z")])
    b.write([review_edit(b.record(ID), "bb", STILL_TRUE, "2026-01-02T00:00:00Z")])
    both = merged(a, b)
    assert both.questions() == []
    assert {key for key in both.record(ID).keys() if key.startswith("@review/")} == {"@review/aa", "@review/bb"}


def test_what_nobody_said_within_a_year_is_marked_and_never_hidden():
    """MUST SUM-19."""
    phone = Phone()
    phone.imports(document("2024-01-01T00:00:00Z", allergy("Latex", id="1")))
    [line] = section(summary(phone), "allergies").lines
    assert line.old
    assert "not confirmed within a year" in details(line)
    [record] = [one for one in phone.records() if b'{"text":"Latex"}' in b"".join(bodies(one))]
    phone.write([review_edit(record, "aa", STILL_TRUE, "2025-11-24T12:00:01Z")])
    [line] = section(summary(phone), "allergies").lines
    assert not line.old


def test_times_of_clocks_are_written_as_the_calendar_has_them():
    assert instant(0) == "1970-01-01T00:00:00Z"
    assert instant(951_827_696_000) == "2000-02-29T12:34:56Z"
    assert instant(1_795_521_600_999) == "2026-11-24T12:00:00Z"
    assert instant(-1) is None
    assert instant(253_402_300_800_000) is None


def test_numbers_keep_their_digits():
    made = summary(
        two_phones(
            {"resourceType": "Observation", "status": "final", "code": {"text": "HbA1c"}}
            | {"valueQuantity": {"value": Number("5.40"), "unit": "%"}}
        )[0]
    )
    assert resources(made.bundle, "Observation")[0]["valueQuantity"]["value"] == Number("5.40")
