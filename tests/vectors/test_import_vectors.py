"""Import and export against openapi/vectors/import/*.json, and those files against the function that wrote them."""

import hashlib
import json

import pytest

from sync.fhir import bundle, duplicates, editing, importing, partial_dates, persons, references
from sync.fhir.exact import canonical, loads
from sync.fhir.registers import split
from sync.fhir.view import is_deleted, resource_plain
from sync.merge.change import PERSON, Edit, RecordId
from tests.fhir.import_phones import Phone
from tests.vectors import generate_import

FOLDER = generate_import.FOLDER


def cases(name):
    return [pytest.param(case, id=case["name"]) for case in json.loads((FOLDER / f"{name}.json").read_bytes())["cases"]]


def test_the_committed_files_are_what_the_generator_writes():
    made = generate_import.files()
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")} == made


@pytest.mark.parametrize("case", cases("reading"))
def test_a_file_is_read_or_refused(case):
    data = case["input"]["file"].encode()
    if case["outcome"] != "ok":
        with pytest.raises(bundle.ImportRefused) as refused:
            bundle.parse(data)
        assert refused.value.code == case["outcome"]
        assert all((refused.value.title, refused.value.detail, refused.value.next))
        return
    parsed = bundle.parse(data)
    assert [entry.index for entry in parsed.entries] == case["output"]["records"]
    assert sorted(parsed.kept) == case["output"]["kept"]
    assert len(parsed.not_understood) == len(parsed.kept)


@pytest.mark.parametrize("case", cases("keys"))
def test_an_import_key_gives_an_id(case):
    parsed = bundle.parse(case["input"]["file"].encode())
    keys = importing.import_keys(parsed, absolute_urls=case["input"].get("absolute_urls", True))
    assert [{"key": key, "id": importing.record_id(key).hex()} for key in keys.values()] == case["output"]["entries"]
    assert importing.envelope_id(parsed).hex() == case["output"]["envelope"]["id"]


@pytest.mark.parametrize("case", cases("persons"))
def test_two_patients_differ_or_not(case):
    a, b = case["input"]["a"], case["input"]["b"]
    assert persons.differences(a, b) == case["output"]["differences"]
    assert persons.differences(b, a) == case["output"]["differences"]


@pytest.mark.parametrize("case", cases("files"))
def test_it_is_known_whose_file_it_is(case):
    parsed = bundle.parse(case["input"]["file"].encode())
    assert persons.person_of(parsed).entry == case["output"]["person"]
    plan = importing.plan(parsed, Phone())
    assert len(plan.held) == (case["outcome"] == "held")
    assert bool(plan.edits) == (case["outcome"] == "ok")
    assert importing.plan(parsed, Phone(), same_person=True).added == len(parsed.entries)


@pytest.mark.parametrize("case", cases("dates"))
def test_dates_are_compared_without_inventing_an_order(case):
    a, b, expected = case["input"]["a"], case["input"]["b"], case["output"]
    assert partial_dates.compare(a, b) == expected["order"]
    assert partial_dates.compare(b, a) == (None if expected["order"] is None else -expected["order"])
    assert partial_dates.may_be_same(a, b) is partial_dates.may_be_same(b, a) is expected["may_be_same"]


@pytest.mark.parametrize("case", cases("imports"))
def test_files_come_in_one_after_another(case):
    vault, counts = Phone(), []
    id_ = importing.record_id(["MedicationStatement", "url", case["output"]["url"], 0])
    for step in case["input"]["steps"]:
        if "delete" in step:
            vault.write([editing.delete(vault.record(id_))])
            continue
        plan = importing.plan(bundle.parse(step["import"].encode()), vault)
        vault.write(plan.edits)
        counts.append([plan.added, plan.updated, plan.unchanged, plan.older])
    assert counts == case["output"]["counts"]
    record, shown = vault.record(id_), case["output"]["shown"]
    assert is_deleted(record) is (shown is None)
    for element, value in (shown or {}).items():
        assert resource_plain(record).get(element) == (None if value is None else loads(value))


@pytest.mark.parametrize("case", cases("references"))
def test_a_reference_leads_where_it_should(case):
    vault = Phone()
    parsed = bundle.parse(case["input"]["file"].encode())
    vault.write(importing.plan(parsed, vault, same_person=True).edits)
    ids = {index: importing.record_id(key) for index, key in importing.import_keys(parsed).items()}
    target = references.Index(vault).resolve(ids[case["input"]["entry"]], case["input"]["reference"])
    assert target == (None if case["output"]["target"] is None else ids[case["output"]["target"]])


@pytest.mark.parametrize("case", cases("duplicates"))
def test_what_may_be_one_is_shown_as_one_or_asked_about(case):
    vault, ids = Phone(), []
    for file in case["input"]["files"]:
        parsed = bundle.parse(file.encode())
        vault.write(importing.plan(parsed, vault, same_person=True).edits)
        ids.extend(importing.record_id(key) for key in importing.import_keys(parsed).values())
    for number, own in enumerate(case["input"]["own"]):
        id_ = RecordId(hashlib.sha256(b"own entry %d" % number).digest())
        sets = tuple(split(loads(canonical(own["resource"]))).items())
        vault.write([Edit(id_, True, PERSON, None, (), sets)], own["phone"])
        ids.append(id_)
    groups = {frozenset(group) for group in duplicates.same(vault)}
    assert groups == {frozenset(ids[number] for number in group) for group in case["output"]["same"]}
    pairs = {frozenset((pair.a, pair.b)) for pair in duplicates.propose(vault)}
    assert pairs == {frozenset(ids[number] for number in pair) for pair in case["output"]["pairs"]}
