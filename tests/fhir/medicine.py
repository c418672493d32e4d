"""A medicine that a hospital listed and several people change, and short words for what the tests of conflicts say."""

import json

import pytest

from sync.fhir.editing import EditRefused
from tests.fhir.fhir_family import Family, set_to

RAMIPRIL = """{"resourceType":"MedicationStatement","status":"active","medicationCodeableConcept":{"text":"Ramipril"},
 "dosage":[{"text":"5 mg"}],"identifier":[{"value":"1"}],"note":[{"text":"with water"}],
 "text":{"status":"generated","div":"<div>5 mg</div>"}}"""
NEWER = RAMIPRIL.replace("5 mg", "10 mg")


def imported(text=RAMIPRIL):
    family = Family()
    family.imported("A", text)
    return family


def told(question):
    return [value.value for value in question.values]


def dose(text):
    return {"dosage": [{"text": text}]}


def set_dose(text):
    return set_to("dosage", json.dumps([{"text": text}]))


def refusal(made):
    with pytest.raises(EditRefused) as refused:
        made()
    return refused.value.code


def two_doses():
    family = imported()
    dots = family.apart(("B", set_dose("10 mg")), ("C", set_dose("2.5 mg")))
    return family, dots
