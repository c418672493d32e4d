"""openapi/protocol/import.md, "Ids", "Writing", "Newer copies" and "The envelope", on phones that meet."""

import random
from pathlib import Path

import pytest

from sync.fhir import conflicts, editing, envelope, exact, exporting, importing, labels, references, sources
from sync.fhir.bundle import ImportRefused, parse
from sync.fhir.exact import loads
from sync.fhir.view import is_deleted, resource_plain
from sync.merge.change import PERSON, SOURCE
from tests.fhir.import_phones import Phone, all_files, as_bytes, merged, url_id
from tests.vectors.import_resources import HOSPITAL, bundle, document, entry, patient

ROOT = Path(__file__).parents[2]
MEDICINE = url_id("MedicationStatement", f"{HOSPITAL}/MedicationStatement/m")
every_file = pytest.mark.parametrize("file", [pytest.param(file, id=name) for name, file in all_files().items()])


def summary(month, dose, *others, **more):
    medicine = {
        "resourceType": "MedicationStatement",
        "id": "m",
        "status": "active",
        "dosage": [{"text": dose}],
        **more,
    }
    return document(f"2024-{month:02}-01T08:00:00Z", medicine, *others)


def parsed(file):
    return parse(as_bytes(file))


def shown(phone, id_=MEDICINE):
    return resource_plain(phone.record(id_), sources.newer_in(phone))


@every_file
def test_one_file_imported_twice_changes_nothing(file):
    """IMP-14."""
    phone = Phone()
    first = phone.imports(file, same_person=True)
    assert first.edits
    again = phone.imports(file, same_person=True)
    assert (again.edits, again.added, again.updated) == ((), 0, 0)
    assert again.unchanged == first.added


@every_file
def test_two_phones_that_import_one_file_apart_make_the_same_records_and_ask_nothing(file):
    """IMP-14, IMP-20."""
    one, other = Phone(0), Phone(1)
    one.imports(file, same_person=True)
    other.imports(file, same_person=True)
    assert {id_: record.births[0].body for id_, record in one.by_id.items()} == {
        id_: record.births[0].body for id_, record in other.by_id.items()
    }
    both = merged(one, other)
    assert both.questions() == []
    assert both.imports(file, same_person=True).edits == ()


@every_file
def test_a_record_is_its_resource(file):
    """IMP-12."""
    phone = Phone()
    plan = phone.imports(file, same_person=True)
    one = envelope.read(phone.record(plan.envelope))
    assert len(one.lines) == plan.added
    for line in one.lines:
        record = phone.record(envelope.record_id_of(line.record))
        assert envelope.digest_of(exact.canonical(resource_plain(record))) == line.digest
        assert {(birth.lane, birth.via) for birth in record.births} == {(SOURCE, ("import", plan.envelope, 0))}


def test_a_newer_copy_writes_only_what_differs_and_names_the_source_dots_it_drops():
    """IMP-13."""
    phone = Phone()
    phone.imports(summary(1, "5 mg"))
    edit = next(edit for edit in phone.imports(summary(2, "10 mg")).edits if edit.record == MEDICINE)
    assert dict(edit.sets).keys() == {"dosage"}
    assert (edit.birth, edit.lane, edit.preds) == (False, SOURCE, (phone.record(MEDICINE).births[0].dot,))


def test_a_newer_copy_never_overwrites_a_person_but_asks_once():
    """IMP-13."""
    phone = Phone()
    phone.imports(summary(1, "5 mg"))
    phone.write([editing.set_element(phone.record(MEDICINE), "dosage", loads('[{"text":"7 mg"}]'))])
    plan = phone.imports(summary(2, "10 mg"))
    assert all(edit.lane == SOURCE for edit in plan.edits)
    assert shown(phone)["dosage"] == [{"text": "7 mg"}]
    (question,) = phone.questions()
    assert (question.kind, question.record) == ("source_changed", MEDICINE)


def test_two_newer_copies_imported_apart_both_stay_and_the_later_one_is_shown():
    one, other = Phone(0), Phone(1)
    for phone in (one, other):
        phone.imports(summary(1, "5 mg"))
    merged(one, other)
    one.imports(summary(3, "20 mg"))
    other.imports(summary(2, "10 mg"))
    both = merged(one, other)
    assert len(both.record(MEDICINE).siblings("dosage", SOURCE)) == 2
    assert shown(both)["dosage"] == shown(other)["dosage"] == [{"text": "20 mg"}]


def test_a_copy_that_goes_back_to_what_an_older_one_said_is_the_newest_all_the_same():
    """IMP-13: while two copies stand, the value of the lost one comes again, later."""
    one, other = Phone(0), Phone(1)
    one.imports(summary(2, "10 mg"))
    other.imports(summary(3, "20 mg"))
    both = merged(one, other)
    assert shown(both)["dosage"] == [{"text": "20 mg"}]
    assert both.imports(summary(4, "10 mg")).updated > 0
    assert shown(both)["dosage"] == [{"text": "10 mg"}]


def test_an_older_copy_is_told_by_every_file_that_listed_the_record_not_only_by_what_it_changed():
    """IMP-17: February said nothing new of the status, and still it is later than the second of January."""
    phone = Phone()
    phone.imports(summary(1, "5 mg"))
    phone.imports(summary(3, "10 mg"))
    plan = phone.imports(summary(2, "10 mg", status="on-hold"))
    assert (plan.updated, plan.older) == (0, 2)
    assert shown(phone)["status"] == "active"


def test_what_a_newer_copy_dropped_is_told_as_no_longer_in_the_latest_copy():
    """IMP-18."""
    phone = Phone()
    flag = {"resourceType": "Flag", "id": "f"}
    phone.imports(summary(1, "5 mg", flag, note=[{"text": "from the ward"}]))
    plan = phone.imports(summary(2, "5 mg"))
    assert "note" not in shown(phone)
    assert list(sources.dropped(phone.record(MEDICINE)).values()) == [b'{"text":"from the ward"}']
    flag_id = url_id("Flag", f"{HOSPITAL}/Flag/f")
    assert sources.not_in_latest(phone) == {flag_id: plan.envelope}
    assert not is_deleted(phone.record(flag_id))


def test_a_changed_copy_of_a_deleted_record_brings_it_back_with_a_question():
    """IMP-15."""
    phone = Phone()
    phone.imports(summary(1, "5 mg"))
    phone.write([editing.delete(phone.record(MEDICINE))])
    phone.imports(summary(1, "5 mg"))
    assert is_deleted(phone.record(MEDICINE))
    phone.imports(summary(2, "10 mg"))
    assert [question.kind for question in phone.questions()] == ["deleted_while_edited"]


def test_an_equal_copy_of_a_deleted_record_imported_on_another_phone_asks_nothing():
    """IMP-15."""
    one, other = Phone(0), Phone(1)
    one.imports(summary(1, "5 mg"))
    one.write([editing.delete(one.record(MEDICINE))])
    other.imports(summary(1, "5 mg"))
    both = merged(one, other)
    assert is_deleted(both.record(MEDICINE))
    assert both.questions() == []


def test_half_an_import_is_completed_by_importing_the_file_again():
    """IMP-14: the envelope arrived, some records never did."""
    phone = Phone()
    plan = phone.imports(summary(1, "5 mg"))
    del phone.by_id[MEDICINE]
    again = phone.imports(summary(1, "5 mg"))
    assert [edit.record for edit in again.edits] == [MEDICINE]
    assert again.envelope == plan.envelope


def test_the_envelope_of_a_large_file_is_cut_into_changes_that_travel():
    """IMP-20."""
    many = [entry({"resourceType": "Observation", "valueString": str(n)}, f"urn:uuid:{n}") for n in range(2_600)]
    phone = Phone()
    plan = phone.imports(bundle(*many))
    about = [edit for edit in plan.edits if edit.record == plan.envelope]
    assert [edit.birth for edit in about] == [True] + [False] * (len(about) - 1)
    assert len(about) > 1
    assert all(sum(len(value) for _, value in edit.sets) <= envelope.EDIT_BYTES_AIM for edit in about)
    assert exact.canonical(exporting.document(phone, plan.envelope)) == exact.canonical(bundle(*many))


def test_a_name_that_a_person_gives_a_source_is_that_persons_word():
    """IMP-20."""
    phone = Phone()
    plan = phone.imports(summary(1, "5 mg"), source_name="St. Example")
    assert [edit.lane for edit in plan.edits if "@source" in dict(edit.sets)] == [PERSON]
    assert phone.imports(summary(1, "5 mg"), source_name="St. Example").edits == ()
    assert sources.source_of(phone, phone.record(MEDICINE)) == "St. Example, 1 Jan 2024"
    assert [(one.name, one.newest, one.records) for one in sources.sources(phone)] == [
        ("St. Example", "2024-01-01T08:00:00Z", 3)
    ]


def test_without_a_persons_word_a_source_is_called_what_its_file_says():
    organization = {"resourceType": "Organization", "id": "o", "name": "Example Clinic"}
    file = document("2024-01-01", organization)
    assert importing.publisher_of(parsed(file)) == "hospital.example"
    file["entry"][0]["resource"]["custodian"] = {"reference": "Organization/o"}
    assert importing.publisher_of(parsed(file)) == "Example Clinic"


def test_a_file_without_a_date_has_that_of_the_newest_thing_in_it():
    """IMP-16."""
    old = patient(id="p", meta={"lastUpdated": "2023-01-01T00:00:00Z"})
    new = {"resourceType": "Flag", "meta": {"lastUpdated": "2024-01-01T00:00:00Z"}}
    assert importing.date_of(parsed(bundle(entry(old), entry(new)))) == "2024-01-01T00:00:00Z"
    composition = {"resourceType": "Composition", "date": "2022-05"}
    assert importing.date_of(parsed(bundle(entry(old), entry(composition)))) == "2022-05"
    assert importing.date_of(parsed(bundle(entry(old), timestamp="2021"))) == "2021"
    assert importing.date_of(parsed(bundle(entry(patient())))) is None


def test_references_that_lead_nowhere_are_listed_once_each():
    """IMP-22."""
    lost = [entry({"resourceType": "Flag", "subject": {"reference": "Patient/9"}}) for _ in range(3)]
    told = Phone().imports(bundle(*lost)).not_understood
    assert [one.where for one in told] == ["entry 1 (Flag)"]
    assert "Patient/9" in told[0].why


def test_whatever_stands_in_a_file_comes_in_is_given_back_and_can_be_read():
    """IMP-3, IMP-26, IMP-28: files in which random places hold random nonsense."""
    odd = [None, True, [], {}, [[]], [{}], "", "x" * 300, ["a", None], {"reference": "#"}, {"reference": ["x"]}, [None],
           "Patient/p", "2024-13-45", "2024", {"coding": "x"}, {"coding": [{"system": [], "code": {}}]},
           exact.Number("1e400"), exact.Number("-0")]  # fmt: skip
    files = [as_bytes(file) for name, file in all_files().items() if not name.startswith("at-")]
    for seed in range(60):
        dice = random.Random(seed)
        file = loads(dice.choice(files))
        for _ in range(dice.choice((1, 5, 30))):
            holder, key = dice.choice(list(places(file)) or [(file, "extra")])
            holder[key] = loads(exact.canonical(dice.choice(odd)))
        try:
            read = parsed(file)
        except ImportRefused:
            continue
        phone = Phone()
        plan = importing.plan(read, phone, same_person=True)
        phone.write(plan.edits)
        assert exact.canonical(exporting.document(phone, plan.envelope)) == exact.canonical(file), seed
        assert phone.imports(file, same_person=True).edits == (), seed
        index = references.Index(phone)
        for record in phone.records():
            assert labels.label(resource_plain(record), lambda _, r=record: resource_plain(r)), seed
            labels.status_word(resource_plain(record))
            assert conflicts.find(record) is None
        exporting.collection(phone)
        references.dangling(phone, index)
        assert phone.questions() == []


def places(value):
    if isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield value, key
            yield from places(member)
