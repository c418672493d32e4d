"""openapi/protocol/import.md, "Export": documents come back equal, collections lead where the vault leads."""

import pytest

from sync.fhir import duplicates, editing, exact, exporting, importing, references, resolving
from sync.fhir.bundle import parse
from sync.fhir.exact import canonical, loads
from sync.fhir.registers import split
from sync.fhir.view import SIBLINGS_URL
from sync.merge.change import PERSON, Edit, RecordId
from tests.fhir.import_phones import Phone, all_files, as_bytes, merged, url_id
from tests.vectors.import_resources import HOSPITAL, allergy, bundle, document, entry, patient, vaccination

every_file = pytest.mark.parametrize("file", [pytest.param(file, id=name) for name, file in all_files().items()])
OWN = RecordId(b"own".ljust(32, b"."))


def own(resource, id_=OWN):
    return Edit(id_, True, PERSON, None, (), tuple(split(resource).items()))


@every_file
def test_a_document_comes_back_equal_with_every_digit(file):
    """IMP-26."""
    phone = Phone()
    plan = phone.imports(file, same_person=True)
    assert canonical(exporting.document(phone, plan.envelope)) == canonical(loads(as_bytes(file)))


@every_file
def test_a_document_comes_back_equal_whatever_was_done_to_its_records_since(file):
    """IMP-26."""
    phone = Phone()
    plan = phone.imports(file, same_person=True)
    records = [record for record in phone.records() if record.id != plan.envelope]
    for record in records[::2]:
        phone.write([Edit(record.id, False, PERSON, None, (), (("status", b'{"status":"amended"}'), ("code", None)))])
    for record in records[::3]:
        phone.write([editing.delete(phone.record(record.id))])
    assert canonical(exporting.document(phone, plan.envelope)) == canonical(loads(as_bytes(file)))


def test_every_version_of_a_document_comes_back_also_an_older_one_imported_later():
    """IMP-17, IMP-26."""
    flags = [{"resourceType": "Flag", "id": "f", "status": status} for status in ("active", "inactive", "active")]
    files = [document(f"2024-0{n}-01", flag, allergy(id="a", onsetString=str(n))) for n, flag in enumerate(flags, 1)]
    for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2)):
        phone = Phone()
        plans = {n: phone.imports(files[n]) for n in order}
        for n in order:
            assert canonical(exporting.document(phone, plans[n].envelope)) == canonical(files[n])


def test_a_document_comes_back_on_a_phone_that_got_its_copies_from_two_others():
    files = [document(f"2024-0{n}-01", allergy(id="a", onsetString=str(n))) for n in (1, 2, 3)]
    one, other = Phone(0), Phone(1)
    one.imports(files[0])
    merged(one, other)
    second, third = one.imports(files[1]), other.imports(files[2])
    both = merged(one, other)
    for plan, file in ((second, files[1]), (third, files[2])):
        assert canonical(exporting.document(both, plan.envelope)) == canonical(file)


def test_a_copy_that_another_file_kept_already_is_found_there():
    """IMP-26: May brought nothing new, so that its copy is the one that April's file keeps."""
    files = [document(f"2024-0{n}-01", allergy(id="a", onsetString=s)) for n, s in enumerate("abbc", 3)]
    phone = Phone()
    plans = [phone.imports(file) for file in files]
    for plan, file in zip(plans, files, strict=True):
        assert canonical(exporting.document(phone, plan.envelope)) == canonical(file)


def test_a_document_of_which_something_is_missing_is_refused_by_name():
    """IMP-26."""
    phone = Phone()
    plan = phone.imports(bundle(entry(patient(), "urn:uuid:1")))
    del phone.by_id[next(id_ for id_ in phone.by_id if id_ != plan.envelope)]
    with pytest.raises(exporting.ExportRefused) as refused:
        exporting.document(phone, plan.envelope)
    assert (refused.value.code, refused.value.where) == ("document_incomplete", ("entry 1 (Patient)",))
    with pytest.raises(exporting.ExportRefused, match="no_such_document"):
        exporting.document(phone, OWN)


@every_file
def test_a_collection_holds_every_resource_as_it_came_in(file):
    """IMP-27."""
    phone = Phone()
    phone.imports(file, same_person=True)
    value = loads(as_bytes(file))
    entries = value.get("entry", []) if value["resourceType"] == "Bundle" else [{"resource": value}]
    resources = [one.get("resource") for one in entries if isinstance(one, dict)]
    told = [one for one in resources if isinstance(one, dict) and one["resourceType"] != "OperationOutcome"]
    made = exporting.collection(phone)
    assert sorted(canonical(one["resource"]) for one in made.get("entry", [])) == sorted(map(canonical, told))


@every_file
def test_exported_again_with_fresh_names_and_imported_everything_is_shown_as_one_and_nothing_is_asked(file):
    """IMP-23."""
    phone = Phone()
    phone.imports(file, same_person=True)
    count = len(exporting.collection(phone).get("entry", ()))
    assert phone.imports(renamed(exporting.collection(phone)), same_person=True).added == count
    assert phone.questions() == []
    assert len(duplicates.same(phone)) == count


def renamed(made):
    """The same with other fullUrls and no ids, as a system writes that draws them anew for each export."""
    names = {}
    for number, one in enumerate(made.get("entry", ())):
        fresh = f"urn:uuid:00000000-0000-4000-8000-{number:012}"
        names[one["fullUrl"]] = fresh
        if isinstance(one["resource"].get("id"), str):
            names.setdefault(f"{one['resource']['resourceType']}/{one['resource'].pop('id')}", fresh)
        one["fullUrl"] = fresh
    for one in made.get("entry", ()):
        for _, reference in references.references_in(one["resource"]):
            reference["reference"] = names.get(reference["reference"], reference["reference"])
    return made


def test_a_collection_leaves_out_what_is_deleted_and_names_ones_own_records():
    """IMP-27."""
    phone = Phone()
    phone.imports(bundle(entry(patient(), "urn:uuid:1")))
    phone.write([own(vaccination())])
    urls = [one["fullUrl"] for one in exporting.collection(phone)["entry"]]
    assert urls == ["urn:uuid:1", "urn:uuid:6f776e2e-2e2e-8e2e-ae2e-2e2e2e2e2e2e"]
    phone.write([editing.delete(phone.record(OWN))])
    assert [one["fullUrl"] for one in exporting.collection(phone)["entry"]] == ["urn:uuid:1"]


def test_a_collection_lists_every_value_of_a_record_in_conflict():
    one, other = Phone(0), Phone(1)
    one.write([own(allergy())])
    merged(one, other)
    for phone, word in ((one, '"low"'), (other, '"unable-to-assess"')):
        phone.write([editing.set_element(phone.record(OWN), "criticality", loads(word))])
    (made,) = exporting.collection(merged(one, other))["entry"]
    assert [extension["url"] for extension in made["resource"]["extension"]] == [SIBLINGS_URL]


def test_of_two_files_with_the_same_relative_names_each_reference_still_leads_to_its_own():
    """IMP-27."""
    phone = Phone()
    for number in (1, 2):
        drug = {"resourceType": "Medication", "id": "1", "code": {"text": f"Drug {number}"}}
        taken = {"resourceType": "MedicationStatement", "medicationReference": {"reference": "Medication/1"}}
        phone.imports(bundle(entry(drug, "Medication/1"), entry(taken), identifier={"value": str(number)}))
    made = exporting.collection(phone)
    reader = Phone()
    plan = reader.imports(made)
    index = references.Index(reader)
    ids = {n: importing.record_id(key) for n, key in importing.import_keys(parse(as_bytes(made))).items()}
    drugs = []
    for number, one in enumerate(made["entry"]):
        if one["resource"]["resourceType"] == "MedicationStatement":
            target = index.resolve(ids[number], one["resource"]["medicationReference"])
            drugs.append(loads(reader.record(target).births[0].body["code"])["code"]["text"])
    assert sorted(drugs) == ["Drug 1", "Drug 2"]
    assert plan.added == 4


def test_a_reference_to_a_record_that_was_merged_leads_to_the_one_that_stayed():
    """IMP-27."""
    phone = Phone()
    old, new = f"{HOSPITAL}/Organization/old", f"{HOSPITAL}/Organization/new"
    flag = {"resourceType": "Flag", "author": {"reference": old}}
    both = [entry({"resourceType": "Organization", "name": name}, url) for name, url in (("A", old), ("B", new))]
    phone.imports(bundle(*both, entry(flag, "urn:uuid:f")))
    stays = url_id("Organization", new)
    phone.write([resolving.merge(phone.record(url_id("Organization", old)), stays)])
    made = exporting.collection(phone)["entry"]
    assert [one["resource"]["author"]["reference"] for one in made if "author" in one["resource"]] == [new]
    assert old not in [one["fullUrl"] for one in made]


def test_numbers_keep_their_digits_on_the_way_through_a_file():
    phone = Phone()
    text = b'{"resourceType":"Observation","valueQuantity":{"value":5.40},"component":[{"valueInteger":-0},{"x":1E+2}]}'
    phone.imports(text)
    assert b'"value": 5.40' in exact.pretty(exporting.collection(phone))
    assert b'"valueInteger": -0' in exact.pretty(exporting.collection(phone))
    assert b"1E+2" in exact.pretty(exporting.collection(phone))
