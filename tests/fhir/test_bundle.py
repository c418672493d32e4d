"""openapi/protocol/import.md, "Reading a file": what a vector would be too long for, and what must not be said."""

import base64
import hashlib

import pytest

from sync.fhir import bundle, exact, exporting
from sync.fhir.bundle import ImportRefused, parse
from tests.fhir.import_phones import Phone, as_bytes
from tests.vectors import import_resources as made


def noise(size):
    """Text that does not deflate below its bytes, the same every time."""
    return base64.b64encode(hashlib.shake_256(b"noise").digest(size)).decode()


@pytest.mark.parametrize("data", ["x" * 2_097_153, noise(1_000_000)], ids=["too long", "too large for one frame"])
def test_a_resource_that_is_too_large_is_left_out_by_name_and_the_rest_comes_in(data):
    """IMP-4."""
    large = {"resourceType": "Binary", "id": "scan", "data": data}
    phone = Phone()
    plan = phone.imports(made.bundle(made.entry(large), made.entry(made.patient())))
    assert plan.added == 1
    assert [one.where for one in plan.not_understood] == ["entry 1 (Binary/scan)"]
    with pytest.raises(exporting.ExportRefused, match="document_incomplete"):
        exporting.document(phone, plan.envelope)
    assert len(exporting.document(phone, plan.envelope, partial=True)["entry"]) == 1


def test_a_large_resource_that_deflates_well_comes_in():
    """IMP-4."""
    large = {"resourceType": "Binary", "data": "x" * 2_000_000}
    assert parse(as_bytes(made.bundle(made.entry(large)))).not_understood == ()


def test_a_resource_alone_that_is_too_large_is_refused():
    with pytest.raises(ImportRefused, match="too_large"):
        parse(as_bytes({"resourceType": "Binary", "data": "x" * 2_097_153}))


def test_a_file_that_is_too_large_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(bundle, "FILE_BYTES_MAX", 10)
    with pytest.raises(ImportRefused, match="too_large"):
        parse(b"[" * 11)


@pytest.mark.parametrize("depth", [65, 100_000])
def test_a_deeply_nested_file_is_refused_in_words(depth):
    nested = '{"resourceType":"Patient","extension":' + "[" * depth + "]" * depth + "}"
    with pytest.raises(ImportRefused, match="not_json"):
        parse(nested.encode())


@pytest.mark.parametrize(
    "file",
    [
        '{"resourceType":"Patient","name":"Geheim", Geheim',
        '{"resourceType":"Geheim Geheim"}',
        '{"Geheim":1,"Geheim":2}',
        "<Geheim/>",
        '{"resourceType":"Bundle","base":"Geheim"}',
    ],
)
def test_a_refusal_tells_nothing_of_what_is_in_the_file(file):
    """IMP-1."""
    with pytest.raises(ImportRefused) as refused:
        parse(file.encode())
    error = refused.value
    assert "Geheim" not in " ".join((str(error), error.title, error.detail, error.next))


def test_a_cut_file_is_said_to_end_in_the_middle():
    with pytest.raises(ImportRefused) as refused:
        parse(as_bytes(made.bundle(made.entry(made.patient())))[:-30])
    assert "cut off" in refused.value.detail


def test_xml_is_named_and_the_way_out_is_json():
    with pytest.raises(ImportRefused) as refused:
        parse(b'<Bundle xmlns="http://hl7.org/fhir"><type value="document"/></Bundle>')
    assert "XML" in refused.value.title
    assert "JSON" in refused.value.next


def test_an_old_file_is_named_by_its_version():
    with pytest.raises(ImportRefused) as refused:
        parse(as_bytes(made.bundle(base="https://old.example")))
    assert "DSTU2" in refused.value.title


def test_a_bundle_inside_a_bundle_is_kept_whole():
    inner = made.bundle(made.entry(made.patient()))
    parsed = parse(as_bytes(made.bundle(made.entry(inner))))
    assert [entry.body for entry in parsed.entries] == [exact.canonical(inner)]
    assert len(parsed.not_understood) == 1
