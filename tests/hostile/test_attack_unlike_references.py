"""unlike-references: two statements are equal but for the drug that they refer to. They are never shown as one."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from sync.fhir import duplicates
from tests.fhir.import_phones import Phone
from tests.vectors.import_resources import bundle, concept, entry


def met(*drugs: str) -> Phone:
    """A vault with one file for each drug: the drug, and a statement that refers to it by the same text."""
    phone = Phone()
    for n, name in enumerate(drugs):
        drug = {"resourceType": "Medication", "id": "d", "code": concept(name, name)}
        taken = {"resourceType": "MedicationStatement", "status": "active"}
        taken["medicationReference"] = {"reference": "Medication/d"}  # type: ignore[assignment]
        phone.imports(bundle(entry(drug), entry(taken), identifier={"value": str(n)}))
    return phone


def shown_as_one(phone: Phone) -> int:
    return len(duplicates.same(phone))


def test_references_are_equal_only_when_their_targets_are() -> None:
    assert shown_as_one(met("Ramipril", "Warfarin")) == 0
    assert shown_as_one(met("Ramipril", "Ramipril")) == 2, "the drugs as one, and the statements as one"


def test_it_is_seen_if_targets_are_not_looked_at() -> None:
    with (
        patch.object(duplicates, "_colour_of", lambda vault, target, colours: b"any"),
        pytest.raises(AssertionError),
    ):
        test_references_are_equal_only_when_their_targets_are()
