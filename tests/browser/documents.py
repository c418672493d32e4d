"""Patient summaries as other people's systems write them: small, synthetic, each with one thing in it."""

from __future__ import annotations

from typing import Any

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
TERMS = "http://terminology.hl7.org/CodeSystem"
ABSENT = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
TITLES = {"48765-2": "Allergies", "11450-4": "Problems", "10160-0": "Medicines", "11369-6": "Immunizations"}
REQUIRED = ("48765-2", "11450-4", "10160-0")
Resource = dict[str, Any]


def coded(text: str | None, code: str = "0", system: str = SNOMED, **more: object) -> Resource:
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {}), **more}


def status(kind: str, code: str) -> Resource:
    return {"coding": [{"system": f"{TERMS}/{kind}", "code": code}]}


def allergy(
    text: str | None, *, code: str = "1", clinical: str = "active", system: str = SNOMED, **more: object
) -> Resource:
    held = {"code": coded(text, code, system), "clinicalStatus": status("allergyintolerance-clinical", clinical)}
    return {"resourceType": "AllergyIntolerance"} | held | more


def condition(text: str, clinical: str = "active", **more: object) -> Resource:
    held = {"code": coded(text), "clinicalStatus": status("condition-clinical", clinical)}
    return {"resourceType": "Condition"} | held | more


def medicine(text: str, dosage: str = "", state: str = "active", **more: object) -> Resource:
    held: Resource = {"medicationCodeableConcept": coded(text), "status": state}
    return {"resourceType": "MedicationStatement"} | held | ({"dosage": [{"text": dosage}]} if dosage else {}) | more


def vaccination(text: str, on: str = "2026-03-01", **more: object) -> Resource:
    held = {"vaccineCode": coded(text), "occurrenceDateTime": on, "status": "completed"}
    return {"resourceType": "Immunization"} | held | more


def section(code: str, *records: Resource, **more: object) -> Resource:
    return {"title": TITLES.get(code, code), "code": coded(None, code, LOINC), "records": list(records), **more}


def document(
    *sections: Resource, date: str = "2026-11-20T10:00:00Z", loose: tuple[Resource, ...] = (), **patient: object
) -> Resource:
    """A Bundle of type document. `sections`: with `records`, which become entries; `loose`: entries of no section."""
    person = {
        "resourceType": "Patient",
        "name": [{"text": "Testa Testperson"}],
        "birthDate": "1960-04-05",
        "gender": "female",
    }
    entries = [{"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000000", "resource": person | patient}]
    parts = []
    for part in sections:
        part = dict(part)
        references = []
        for record in part.pop("records"):
            url = f"urn:uuid:00000000-0000-4000-8000-{len(entries):012}"
            entries.append({"fullUrl": url, "resource": record})
            references.append({"reference": url})
        parts.append(part | ({"entry": references} if references else {}))
    entries += [{"fullUrl": f"urn:uuid:00000000-0000-4000-9000-{n:012}", "resource": r} for n, r in enumerate(loose)]
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "language": "en",
        "type": coded(None, "60591-5", LOINC),
        "subject": {"reference": entries[0]["fullUrl"]},
        "date": date,
        "author": [{"display": "Test clinic"}],
        "title": "Patient summary",
        "section": parts,
    }
    first = {"fullUrl": "urn:uuid:00000000-0000-4000-8000-999999999999", "resource": composition}
    return {"resourceType": "Bundle", "type": "document", "timestamp": date, "entry": [first, *entries]}


def ordinary() -> Resource:
    """What a summary usually holds."""
    return document(
        section(
            "48765-2",
            allergy("Pollen", criticality="low"),
            allergy(
                "Penicillin", criticality="high", reaction=[{"manifestation": [coded("Hives")], "severity": "severe"}]
            ),
            allergy("Latex", clinical="resolved"),
        ),
        section("11450-4", condition("Diabetes type 2"), condition("Pneumonia", "resolved")),
        section(
            "10160-0", medicine("Metformin 850 mg", "1 tablet twice a day"), medicine("Amoxicillin", state="stopped")
        ),
        section("11369-6", vaccination("Tetanus vaccine")),
    )


def large(count: int = 420) -> Resource:
    """A summary of many entries."""
    each = count // 4
    return document(
        section("48765-2", *(allergy(f"Allergen {n}") for n in range(each))),
        section("11450-4", *(condition(f"Problem {n}") for n in range(each))),
        section("10160-0", *(medicine(f"Medicine {n}", f"{n} mg") for n in range(each))),
        section("11369-6", *(vaccination(f"Vaccine {n}") for n in range(each))),
    )
