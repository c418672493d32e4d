"""openapi/protocol/import.md, "Whose file it is", in a vault that has a person."""

from sync.fhir import editing, persons
from sync.fhir.exact import loads
from sync.fhir.registers import split
from sync.merge.change import PERSON, Edit, RecordId
from tests.fhir.import_phones import Phone, all_files, url_id
from tests.vectors.import_resources import HOSPITAL, allergy, bundle, entry, patient

P = f"{HOSPITAL}/Patient/p"


def file(*others, document="1", url="urn:uuid:p", **who):
    return bundle(entry(patient(**who), url), *others, identifier={"value": document})


def test_the_first_file_of_an_empty_vault_says_whose_it_is():
    """IMP-10."""
    phone = Phone()
    assert phone.imports(file()).held == ()
    assert len(persons.vault_persons(phone)) == 1


def test_another_persons_file_is_held_and_nothing_is_written():
    """IMP-9, IMP-25: they share a number, and still they are two."""
    number = {"identifier": [{"system": "urn:example", "value": "1"}]}
    phone = Phone()
    phone.imports(file(**number))
    before = set(phone.by_id)
    plan = phone.imports(file(entry(allergy()), document="2", name="Other", given="Otto", **number))
    assert plan.edits == ()
    assert [one.why for one in plan.held] == ["It is not about the person of this vault: another name."]
    assert set(phone.by_id) == before


def test_the_words_of_the_question_hold_no_name_and_no_date():
    phone = Phone()
    phone.imports(file())
    (held,) = phone.imports(file(document="2", name="Geheim", birth="1999-09-09")).held
    assert "Geheim" not in held.why
    assert "1999" not in held.why
    assert "another name and another birth date" in held.why


def test_a_person_who_says_that_it_is_the_same_is_not_asked_again():
    """IMP-10."""
    phone = Phone()
    phone.imports(file())
    assert phone.imports(file(document="2", name="Neuname"), same_person=True).added == 1
    assert phone.imports(file(document="3", name="Neuname")).held == ()
    assert phone.imports(file(document="4")).held == ()


def test_one_url_with_another_person_behind_it_is_held():
    """IMP-10: many test servers have a Patient/1."""
    phone = Phone()
    phone.imports(file(url=P))
    assert len(phone.imports(file(url=P, document="2", name="Other")).held) == 1


def test_a_spelling_that_a_person_corrected_does_not_make_the_next_copy_strange():
    phone = Phone()
    phone.imports(file(url=P, name="Testprson"))
    record = phone.record(url_id("Patient", P))
    key = next(key for key in record.keys() if key.startswith("name"))
    token = key.partition(".")[2]
    new = loads('{"family":"Testperson","given":["Testa"]}')
    phone.write([editing.change_repetition(record, "name", token, new)])
    assert phone.imports(file(document="2", url="urn:uuid:q", name="Testprson")).held == ()
    assert phone.imports(file(document="3", url="urn:uuid:r", name="Testperson")).held == ()


def test_a_person_who_entered_themselves_is_the_vaults_subject():
    """IMP-10."""
    phone = Phone()
    sets = tuple(split(patient()).items())
    phone.write([Edit(RecordId(b"me".ljust(32, b".")), True, PERSON, None, (), sets)])
    assert len(phone.imports(file(name="Other")).held) == 1
    assert phone.imports(file()).held == ()


def test_a_deleted_person_says_nothing_of_whose_vault_it_is():
    """IMP-10."""
    phone = Phone()
    phone.imports(file(url=P))
    phone.write([editing.delete(phone.record(url_id("Patient", P)))])
    assert phone.imports(file(document="2", name="Other")).held == ()


def test_several_reasons_are_one_question():
    """IMP-9."""
    phone = Phone()
    phone.imports(file())
    other = entry(patient("Second"), "urn:uuid:2")
    about = entry(allergy(patient={"reference": "urn:uuid:2"}))
    plan = phone.imports(file(other, about, document="2", name="Other"))
    assert len(plan.held) == 1


def test_a_vaults_own_export_is_no_strangers_file():
    """IMP-9: it has every Patient that was accepted."""
    phone = Phone()
    phone.imports(file(url=P))
    second = f"{HOSPITAL}/Patient/second"
    phone.imports(file(document="2", url=second))
    both = [entry(patient(), P), entry(patient(), second), entry(allergy(patient={"reference": second}))]
    assert phone.imports(bundle(*both)).held == ()
    assert len(Phone().imports(bundle(*both)).held) == 1


def test_a_file_of_many_patients_is_held_once_and_comes_in_whole():
    """IMP-9: the real one has ten, of whom the document names one."""
    others = [entry(patient(f"Nobody{n}"), f"urn:uuid:{n}") for n in range(9)]
    about = [entry(allergy(patient={"reference": f"urn:uuid:{n}"})) for n in range(9)]
    composed = entry({"resourceType": "Composition", "subject": {"reference": "urn:uuid:p"}})
    many = all_files().get("cy-ips-1x-absent-unknown.json", file(composed, *others, *about))
    phone = Phone()
    assert len(phone.imports(many).held) == 1
    assert phone.by_id == {}
    assert phone.imports(many, same_person=True).added > 19
    assert len(persons.vault_persons(phone)) == 1
