"""openapi/protocol/import.md, "References": in a vault of several files and of records that people entered."""

from sync.fhir import editing, references, resolving
from sync.fhir.envelope import read
from sync.fhir.registers import split
from sync.fhir.view import resource_plain
from sync.merge.change import PERSON, Edit, RecordId
from tests.fhir.import_phones import Phone, url_id
from tests.vectors.import_resources import HOSPITAL, bundle, entry, patient

DEVICE = f"{HOSPITAL}/Device/d"
OWN = RecordId(b"own".ljust(32, b"."))


def flag(reference):
    return {"resourceType": "Flag", "id": "f", "author": {"reference": reference}}


def own(phone, resource, id_=OWN):
    phone.write([Edit(id_, True, PERSON, None, (), tuple(split(resource).items()))])


def test_an_absolute_reference_leads_into_another_file():
    """IMP-21."""
    phone = Phone()
    phone.imports(bundle(entry({"resourceType": "Device"}, DEVICE)))
    phone.imports(bundle(entry(flag("Device/d"), f"{HOSPITAL}/Flag/f")))
    index = references.Index(phone)
    assert index.resolve(url_id("Flag", f"{HOSPITAL}/Flag/f"), "Device/d") == url_id("Device", DEVICE)
    assert references.dangling(phone) == []


def test_a_relative_reference_without_a_base_never_leads_into_another_file():
    """IMP-22."""
    phone = Phone()
    phone.imports(bundle(entry({"resourceType": "Device", "id": "d"}, "urn:uuid:1"), identifier={"value": "1"}))
    phone.imports(bundle(entry(flag("Device/d"), "urn:uuid:2"), identifier={"value": "2"}))
    (lost,) = references.dangling(phone)
    assert (lost.element, lost.reference) == ("author", "Device/d")


def test_a_file_that_lists_a_record_again_brings_its_references_along():
    """IMP-21: the newer file has the device, the older one had not."""
    phone = Phone()
    url = f"{HOSPITAL}/Flag/f"
    phone.imports(bundle(entry(flag("urn:uuid:d"), url), timestamp="2024-01-01T00:00:00Z"))
    assert len(references.dangling(phone)) == 1
    device = entry({"resourceType": "Device"}, "urn:uuid:d")
    phone.imports(bundle(entry(flag("urn:uuid:d"), url), device, timestamp="2024-02-01T00:00:00Z"))
    assert references.dangling(phone) == []


def test_of_two_files_that_give_one_name_to_two_things_the_newer_one_is_meant():
    """IMP-21."""
    phone = Phone()
    url = f"{HOSPITAL}/Flag/f"
    for month, name in ((2, "newer"), (1, "older")):
        device = entry({"resourceType": "Device", "lotNumber": name}, "urn:uuid:d")
        phone.imports(bundle(entry(flag("urn:uuid:d"), url), device, timestamp=f"2024-0{month}-01T00:00:00Z"))
    target = references.Index(phone).resolve(url_id("Flag", url), "urn:uuid:d")
    assert resource_plain(phone.record(target))["lotNumber"] == "newer"


def test_a_strangers_file_never_answers_to_a_url_but_among_its_own():
    """IMP-7, IMP-21."""
    phone = Phone()
    url = f"{HOSPITAL}/Flag/f"
    phone.imports(bundle(entry(flag("Device/d"), url), timestamp="2024-01-01T00:00:00Z"))
    note = bundle(entry({"resourceType": "Device"}, DEVICE), entry(flag("Device/d"), url), timestamp="2024-02-01")
    plan = phone.imports(note, absolute_urls=False)
    index = references.Index(phone)
    device, strangers = (RecordId(bytes.fromhex(line.record)) for line in read(phone.record(plan.envelope)).lines)
    assert index.resolve(strangers, "Device/d") == device
    assert index.resolve(url_id("Flag", url), "Device/d") is None


def test_a_record_of_ones_own_is_named_by_its_export_urn():
    """IMP-21."""
    phone = Phone()
    own(phone, {"resourceType": "Device"})
    other = RecordId(b"other".ljust(32, b"."))
    own(phone, flag(references.urn_of(OWN)), other)
    assert references.Index(phone).resolve(other, references.urn_of(OWN)) == OWN


def test_a_merged_record_leads_to_the_one_that_stayed_also_over_two_steps():
    """IMP-22."""
    phone = Phone()
    urls = [f"{HOSPITAL}/Organization/{n}" for n in range(3)]
    phone.imports(bundle(*[entry({"resourceType": "Organization", "name": url}, url) for url in urls]))
    ids = [url_id("Organization", url) for url in urls]
    for gone, stays in ((0, 1), (1, 2)):
        phone.write([resolving.merge(phone.record(ids[gone]), ids[stays])])
    assert references.Index(phone).resolve(ids[2], urls[0]) == ids[2]
    phone.write([resolving.merge(phone.record(ids[2]), ids[0])])
    assert references.Index(phone).resolve(ids[2], urls[0]) in ids  # A circle of mergings ends.


def test_a_part_of_the_record_itself_is_no_loss():
    """IMP-21."""
    phone = Phone()
    inside = {"resourceType": "Device", "id": "d"}
    phone.imports(bundle(entry(flag("#d") | {"contained": [inside]}), entry(patient())))
    assert references.dangling(phone) == []


def test_references_of_deleted_records_are_not_listed():
    phone = Phone()
    phone.imports(bundle(entry(flag("Device/nowhere"), f"{HOSPITAL}/Flag/f")))
    record = phone.record(url_id("Flag", f"{HOSPITAL}/Flag/f"))
    assert len(references.dangling(phone)) == 1
    phone.write([editing.delete(record)])
    assert references.dangling(phone) == []


def test_a_reference_is_kept_as_it_was_written():
    """IMP-21."""
    phone = Phone()
    phone.imports(bundle(entry({"resourceType": "Device"}, DEVICE), entry(flag("Device/d"), f"{HOSPITAL}/Flag/f")))
    record = phone.record(url_id("Flag", f"{HOSPITAL}/Flag/f"))
    assert resource_plain(record)["author"] == {"reference": "Device/d"}
