"""Small synthetic FHIR files, made by functions: a hospital's summary, its newer copy, and many records at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sync.fhir import exact

HOSPITAL = "https://hospital.example/fhir"
SNOMED = "http://snomed.info/sct"

Json = dict[str, Any]


def concept(code: str, text: str, system: str = SNOMED) -> Json:
    """A coded text."""
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def status(kind: str, code: str) -> Json:
    """A clinical or verification status of an allergy or a condition."""
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{kind}", "code": code}]}


def dosage(value: str, unit: str, text: str) -> list[Json]:
    """One dosage; `value` is the number's text, which has to stay as it is."""
    quantity = {"value": exact.number(value), "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    return [{"text": text, "doseAndRate": [{"doseQuantity": quantity}]}]


def dumps(value: Any) -> str:
    """JSON with the digits of each number as they were written here."""
    return exact.pretty(value).decode()


def patient(name: str = "Testperson", birth: str = "1970-01-01") -> Json:
    """A synthetic person."""
    return {"resourceType": "Patient", "id": "p", "name": [{"family": name, "given": ["Testa"]}], "birthDate": birth}


def medication(dose: list[Json], name: str = "Ramipril") -> Json:
    """A medication statement."""
    return {
        "resourceType": "MedicationStatement",
        "id": "m1",
        "status": "active",
        "medicationCodeableConcept": concept("386872004", name),
        "subject": {"reference": f"{HOSPITAL}/Patient/p"},
        "effectivePeriod": {"start": "2019-03"},
        "dosage": dose,
    }


def condition() -> Json:
    """A condition."""
    return {
        "resourceType": "Condition",
        "id": "c1",
        "clinicalStatus": status("condition-clinical", "active"),
        "verificationStatus": status("condition-ver-status", "confirmed"),
        "code": concept("38341003", "Hypertension"),
        "subject": {"reference": f"{HOSPITAL}/Patient/p"},
        "onsetDateTime": "2018-06",
    }


def allergy(name: str = "Penicillin", code: str = "764146007", criticality: str = "high") -> Json:
    """An allergy with one reaction."""
    return {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "clinicalStatus": status("allergyintolerance-clinical", "active"),
        "verificationStatus": status("allergyintolerance-verification", "confirmed"),
        "criticality": criticality,
        "code": concept(code, name),
        "patient": {"reference": f"{HOSPITAL}/Patient/p"},
        "reaction": [reaction("Hives", "247472004")],
    }


def reaction(text: str, code: str, severity: str = "moderate") -> Json:
    """One reaction of an allergy."""
    return {"manifestation": [concept(code, text)], "severity": severity}


def own_allergy(criticality: str) -> Json:
    """An allergy as a person enters it; a second one differs in its criticality alone."""
    made = allergy("Latex", "111088007", criticality)
    return {key: value for key, value in made.items() if key not in ("id", "reaction", "patient")} | {
        "patient": {"display": "Testa Testperson"}
    }


def own_immunization() -> Json:
    """An immunization as a person enters it."""
    return {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": concept("871804007", "Tetanus vaccine"),
        "patient": {"display": "Testa Testperson"},
        "occurrenceDateTime": "2024-05-02",
    }


def observation(number: int = 1, value: str = "5.40", **more: Any) -> Json:
    """A measured value whose digits matter."""
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "code": concept("4548-4", "HbA1c", "http://loinc.org"),
        "subject": {"reference": f"{HOSPITAL}/Patient/p"},
        "effectiveDateTime": f"2024-0{1 + number % 9}-11",
        "valueQuantity": {
            "value": exact.number(value),
            "unit": "%",
            "system": "http://unitsofmeasure.org",
            "code": "%",
        },
        **more,
    }


def document(resources: list[Json], date: str = "2026-01-10T08:00:00Z", identifier: str = "summary-1") -> Json:
    """A FHIR document of a hospital: absolute fullUrls, so that a newer copy is known as one."""
    composition = {
        "resourceType": "Composition",
        "id": "composition",
        "status": "final",
        "type": concept("60591-5", "Patient summary", "http://loinc.org"),
        "subject": {"reference": f"{HOSPITAL}/Patient/p"},
        "date": date,
        "author": [{"display": "Example Hospital"}],
        "title": "Summary of a synthetic person",
        "section": [
            {"title": "All", "entry": [{"reference": f"{HOSPITAL}/{r['resourceType']}/{r['id']}"} for r in resources]}
        ],
    }
    every = [composition, patient(), *resources]
    return {
        "resourceType": "Bundle",
        "identifier": {"system": "https://hospital.example/documents", "value": identifier},
        "type": "document",
        "timestamp": date,
        "entry": [{"fullUrl": f"{HOSPITAL}/{r['resourceType']}/{r['id']}", "resource": r} for r in every],
    }


def summary(dose: list[Json] | None = None, **more: Any) -> Json:
    """The hospital's summary: a medication, a condition, an allergy and a measured value."""
    given = dose or dosage("5.0", "mg", "5 mg, mornings")
    return document([medication(given), condition(), allergy(), observation()], **more)


def newer_summary() -> Json:
    """The hospital's newer copy of the same summary; only the dose is another."""
    return summary(dosage("7.50", "mg", "7.5 mg, mornings"), date="2026-03-20T08:00:00Z", identifier="summary-2")


def written(folder: Path, name: str, value: Any) -> str:
    """A file with this content; gives its path."""
    path = folder / name
    path.write_text(value if isinstance(value, str) else dumps(value), "utf-8")
    return str(path)


# An allergy as somebody types it on one line.
ALLERGY = (
    '{"code": {"text": "Latex"}, "patient": {"display": "Testa"}, "clinicalStatus": {"coding": [{"system":'
    ' "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]}}'
)
