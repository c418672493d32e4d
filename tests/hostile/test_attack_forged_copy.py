"""forged-copy: the author of a document reuses a hospital's fullUrl to say "refuted", or shifts the entries of a second
version so that each takes the place of another."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from sync.fhir import conflicts, importing, sources
from sync.fhir.table import TypeTable
from sync.fhir.view import resource_plain
from tests.fhir.import_phones import Phone, url_id
from tests.vectors.import_resources import HOSPITAL, allergy, bundle, concept, document, entry

VERIFIED = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
ALLERGY = url_id("AllergyIntolerance", f"{HOSPITAL}/AllergyIntolerance/a")


def said(code: str) -> dict[str, Any]:
    return allergy(id="a", verificationStatus={"coding": [{"system": VERIFIED, "code": code}]})


def forged() -> Phone:
    """A vault with the hospital's file, then a later one of somebody else under the hospital's fullUrl."""
    phone = Phone()
    phone.imports(document("2024-01-01", said("confirmed")))
    phone.imports(document("2024-02-01", said("refuted"), identifier="forged"))
    return phone


def test_a_copy_that_says_refuted_under_the_hospitals_url_is_asked_about() -> None:
    phone = forged()
    [question] = phone.questions()
    assert (question.record, question.kind, question.element) == (ALLERGY, "source_changed", "clinicalStatus")
    told = [answer.value["verificationStatus"]["coding"][0]["code"] for answer in question.values]
    assert sorted(told) == ["confirmed", "refuted"], "both can be chosen"


def test_it_would_pass_in_silence_if_the_status_were_nothing_special() -> None:
    found = TypeTable.register_of

    def plain(table: TypeTable, element: str) -> Any:
        return msgspec.structs.replace(found(table, element), critical=False)

    with patch.object(TypeTable, "register_of", plain):
        phone = forged()
        assert conflicts.find(phone.record(ALLERGY), sources.newer_in(phone)) is None
        assert phone.questions() == []


def shifted() -> dict[Any, list[Any]]:
    """Two versions of a document whose entries have neither fullUrl nor id, the second with one put in front; gives
    what the records of the first say before and after it."""
    first = [entry({"resourceType": "Flag", "code": concept(n, n)}) for n in ("1", "2")]
    name = {"identifier": {"value": "summary"}}
    phone = Phone()
    phone.imports(bundle(*first, timestamp="2024-01-01", **name))
    before = {id_: [resource_plain(record)] for id_, record in phone.by_id.items()}
    intruder = entry({"resourceType": "Flag", "code": concept("3", "3")})
    phone.imports(bundle(intruder, *first, timestamp="2024-02-01", **name))
    for id_, told in before.items():
        told.append(resource_plain(phone.record(id_)))
    return before


def test_an_index_counts_only_under_the_hash_of_its_file() -> None:
    assert all(before == after for before, after in shifted().values())


def test_it_is_seen_without_the_hash() -> None:
    keys_of = importing.import_keys

    def by_document(parsed: Any, **options: Any) -> Any:
        document_key = importing.document_key(parsed)
        keys = keys_of(parsed, **options)
        return {n: [*key[:2], document_key, *key[3:]] if key[1] == "index" else key for n, key in keys.items()}

    with patch.object(importing, "import_keys", by_document), pytest.raises(AssertionError):
        test_an_index_counts_only_under_the_hash_of_its_file()
