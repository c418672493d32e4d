"""openapi/protocol/import.md, "Remarks": people's words about a record travel beside it and come in again as such."""

import pytest

from sync.fhir import editing, exporting, sources
from sync.fhir.exact import canonical
from sync.fhir.view import DISPUTE, NOTE, remarks
from sync.vault.exit import carried_over
from sync.wire.ids import VaultId
from tests.fhir.import_phones import Phone, merged, url_id
from tests.vectors.import_resources import HOSPITAL, allergy, bundle, entry, patient

URL = f"{HOSPITAL}/AllergyIntolerance/a"
ALLERGY = url_id("AllergyIntolerance", URL)
FILE = bundle(entry(patient(id="p"), f"{HOSPITAL}/Patient/p"), entry(allergy(id="a"), URL))


def said_by(_sibling):
    return "Testa Testperson", "2026-01-02T03:04:05.000Z"


def told(phone, prefix=NOTE):
    return [(one.text, one.author, one.at) for one in remarks(phone.record(ALLERGY), prefix)]


@pytest.fixture
def phone():
    made = Phone()
    made.imports(FILE)
    made.write([editing.annotate(made.record(ALLERGY), "makes me cough", b"one")])
    made.write([editing.dispute(made.record(ALLERGY), "was never tested", b"two")])
    return made


def exported(phone):
    return exporting.collection(phone, said_by=said_by)


def communications(made):
    return [one["resource"] for one in made["entry"] if one["resource"]["resourceType"] == "Communication"]


def test_a_remark_is_an_entry_of_its_own_and_its_record_stays_as_its_source_gave_it(phone):
    """IMP-29."""
    made = exported(phone)
    note, dispute = communications(made)
    assert note["payload"] == [{"contentString": "makes me cough"}]
    assert (note["about"], note["sender"], note["sent"]) == (
        [{"reference": URL}],
        {"display": "Testa Testperson"},
        "2026-01-02T03:04:05.000Z",
    )
    assert dispute["category"][0]["coding"][0]["code"] == "dispute"
    assert canonical(made["entry"][1]["resource"]) == canonical(FILE["entry"][1]["resource"])
    assert exporting.records_in(made) == 2


def test_ones_own_export_brings_the_remarks_back_on_another_phone_with_author_and_date(phone):
    """IMP-30."""
    other = Phone(1)
    plan = other.imports(exported(phone))
    assert (plan.added, plan.not_understood) == (2, ())
    assert told(other) == [("makes me cough", "Testa Testperson", "2026-01-02T03:04:05.000Z")]
    assert [text for text, _, _ in told(other, DISPUTE)] == ["was never tested"]
    assert other.questions() == []
    assert canonical(exported(other)) == canonical(exported(phone)), "and it gives the same file again"


def test_ones_own_export_doubles_no_remark_where_it_was_made(phone):
    """IMP-30."""
    before = exported(phone)
    for _ in range(2):
        phone.imports(before)
    assert [text for text, _, _ in told(phone)] == ["makes me cough"]
    assert canonical(exported(phone)) == canonical(before)


def test_two_phones_that_import_one_export_apart_have_each_remark_once(phone):
    """IMP-14, IMP-30."""
    one, other = Phone(1), Phone(2)
    for each in (one, other):
        each.imports(exported(phone))
    assert [text for text, _, _ in told(merged(one, other))] == ["makes me cough"]
    assert one.questions() == []


def test_a_remark_comes_to_a_record_that_was_there_before(phone):
    """IMP-30."""
    other = Phone(1)
    other.imports(FILE)
    plan = other.imports(exported(phone))
    assert (plan.added, plan.updated) == (0, 1)
    assert [text for text, _, _ in told(other)] == ["makes me cough"]


def test_a_file_with_remarks_is_given_back_equal(phone):
    """IMP-26."""
    made = exported(phone)
    other = Phone(1)
    plan = other.imports(made)
    assert canonical(exporting.document(other, plan.envelope)) == canonical(made)


def broken(**changed):
    return lambda resource: {**resource, **changed}


@pytest.mark.parametrize(
    "change",
    [
        broken(about=[{"reference": "urn:uuid:nothing"}]),
        broken(about=[]),
        broken(payload=[{"contentString": " "}]),
        broken(payload=[{"contentString": "one"}, {"contentString": "two"}]),
        broken(category=[{"text": "a letter"}]),
        broken(category=[]),
        broken(identifier=[{"system": "urn:other", "value": "A" * 22}]),
        broken(identifier=[{"system": "https://carnet.example/fhir/NamingSystem/remark", "value": "short"}]),
    ],
)
def test_a_communication_that_is_no_remark_is_a_record(change, phone):
    """IMP-30."""
    made = exported(phone)
    for one in made["entry"]:
        if one["resource"]["resourceType"] == "Communication":
            one["resource"] = change(one["resource"])
    other = Phone(1)
    assert other.imports(made).added == 4
    assert told(other) == []


def test_what_a_stranger_sends_makes_no_remark(phone):
    """IMP-30."""
    other = Phone(1)
    other.imports(exported(phone), absolute_urls=False)
    assert not any(remarks(record, NOTE) for record in other.records())


def test_an_entry_says_which_of_its_elements_nobody_else_has(phone):
    """IMP-31."""
    [note] = [key for key in phone.record(ALLERGY).keys() if key.startswith(NOTE)]
    made = exporting.collection(phone, unsent={ALLERGY: {"code", "reaction/0.token", note}})
    marked = {one["resource"]["resourceType"]: one["extension"] for one in made["entry"] if "extension" in one}
    elements = [{"url": "element", "valueString": name} for name in ("code", "reaction")]
    assert marked == {
        "AllergyIntolerance": [{"url": exporting.UNSENT_URL, "extension": elements}],
        "Communication": [{"url": exporting.UNSENT_URL, "valueBoolean": True}],
    }
    assert len(communications(made)) == 2


def test_what_the_exit_brought_over_says_the_newest_file_that_lists_it(phone):
    """IMP-32."""
    new = Phone(1)
    new.take(carried_over(phone.records(), VaultId(b"v" * 32), 1, 0))
    assert sources.source_of(phone, phone.record(ALLERGY)) is not None
    assert sources.source_of(new, new.record(ALLERGY)) == sources.source_of(phone, phone.record(ALLERGY))
