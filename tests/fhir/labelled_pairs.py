"""Pairs of entries that two phones hold, each labelled by hand: one thing, or two. Synthetic, after real patterns.

A label is what an attentive reader would say who has both entries before her: `one` (a question, or shown as one, is
right), `two` (a question would be false). Codes are real codes where the pattern depends on a code system, so that the
set stays comparable; nothing here is advice. Names say what is special; classes group what fails for one reason.
"""

from typing import NamedTuple

SNOMED, ICD, ATC, LOINC = (
    "http://snomed.info/sct",
    "http://hl7.org/fhir/sid/icd-10",
    "http://www.whocc.no/atc",
    "http://loinc.org",
)
PZN = "http://fhir.de/CodeSystem/ifa/pzn"
ABSENT = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
UCUM = "http://unitsofmeasure.org"


class Pair(NamedTuple):
    """`kind`: the class it is counted in. `a` and `b`: a resource each, or a list of them whose first is meant."""

    kind: str
    name: str
    one: bool
    a: object
    b: object


def concept(text=None, *codes):
    """Codes as (system, code) or (system, code, display)."""
    made = {} if text is None else {"text": text}
    if codes:
        made["coding"] = [dict(zip(("system", "code", "display"), code, strict=False)) for code in codes]
    return made


def status(kind, code):
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{kind}", "code": code}]}


def taken(drug, *, dose=None, since=None, state="active", **more):
    made = {"resourceType": "MedicationStatement", "status": state, "medicationCodeableConcept": drug}
    made |= {} if dose is None else {"dosage": [{"text": dose}]}
    made |= {} if since is None else {"effectivePeriod": {"start": since}}
    return made | more


def by_reference(drug, **more):
    """A statement that names its drug by reference alone, and the drug."""
    drug_of = {"resourceType": "Medication", "id": "m", "code": drug}
    statement = taken({}, **more)
    del statement["medicationCodeableConcept"]
    return [statement | {"medicationReference": {"reference": "Medication/m"}}, drug_of]


def problem(code, *, onset=None, verified="confirmed", clinical="active", side=None, **more):
    made = {"resourceType": "Condition", "code": code, "clinicalStatus": status("condition-clinical", clinical)}
    made["verificationStatus"] = status("condition-ver-status", verified)
    made |= {} if onset is None else {"onsetDateTime": onset}
    made |= {} if side is None else {"bodySite": [concept(side, (SNOMED, SIDES[side]))]}
    return made | more


SIDES = {"left knee": "82169009", "right knee": "6757004", "left eye": "8966001", "right eye": "18944008"}


def allergic(code, *, criticality=None, verified="confirmed", **more):
    made = {
        "resourceType": "AllergyIntolerance",
        "code": code,
        "verificationStatus": status("a-verification", verified),
    }
    made["clinicalStatus"] = status("allergyintolerance-clinical", "active")
    made |= {} if criticality is None else {"criticality": criticality}
    return made | more


def lab(code, value, at, unit="mmol/L", **more):
    made = {"resourceType": "Observation", "status": "final", "code": code, "effectiveDateTime": at}
    quantity = {"value": value, "unit": unit, "system": UCUM, "code": unit}
    return made | {"valueQuantity": quantity} | more


def jab(code, day, **more):
    return {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": code,
        "occurrenceDateTime": day,
    } | more


def dose_of(number):
    return {"protocolApplied": [{"doseNumberPositiveInt": number}]}


def done(code, day, *, side=None, **more):
    made = {"resourceType": "Procedure", "status": "completed", "code": code, "performedDateTime": day}
    made |= {} if side is None else {"bodySite": [concept(side, (SNOMED, SIDES[side]))]}
    return made | more


def ordered(drug, day, **more):
    made = {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "authoredOn": day}
    return made | {"medicationCodeableConcept": drug} | more


def report(code, day, **more):
    return {"resourceType": "DiagnosticReport", "status": "final", "code": code, "effectiveDateTime": day} | more


def numbered(resource, value, system="urn:example:numbers"):
    return resource | {"identifier": [{"system": system, "value": value}]}


# What is named again and again.
RAMIPRIL = concept("Ramipril", (ATC, "C09AA05", "ramipril"))
RAMIPRIL_SCT = concept(None, (SNOMED, "386872004", "Ramipril"))
RAMIPRIL_BOTH = concept(None, (SNOMED, "386872004", "Ramipril"), (ATC, "C09AA05", "ramipril"))
RAMIPRIL_WORD = concept("ramipril")
BRAND = concept("Ramibrand 5 mg tablets", (PZN, "01234567", "Ramibrand 5 mg"))
BRAND_CODED = concept("Ramibrand 5 mg tablets", (PZN, "01234567"), (ATC, "C09AA05"))
OTHER_BRAND = concept("Otherpril 5 mg", (PZN, "07654321"), (ATC, "C09AA05"))
METFORMIN = concept("Metformin", (ATC, "A10BA02", "metformin"))
IBUPROFEN = concept("Ibuprofen", (ATC, "M01AE01", "ibuprofen"))
IBUPROFEN_GEL = concept("Ibuprofen gel", (ATC, "M02AA13", "ibuprofen"))
DIABETES = concept("Type 2 diabetes mellitus", (SNOMED, "44054006", "Diabetes mellitus type 2"))
DIABETES_ICD = concept("Type 2 diabetes mellitus", (ICD, "E11.9", "Type 2 diabetes mellitus without complications"))
DIABETES_ICD_ALONE = concept(None, (ICD, "E11.9", "Type 2 diabetes mellitus without complications"))
DIABETES_BOTH = concept(None, (SNOMED, "44054006"), (ICD, "E11.9"))
DIABETES_1 = concept("Type 1 diabetes mellitus", (SNOMED, "46635009", "Diabetes mellitus type 1"))
PRESSURE = concept("Hypertension", (SNOMED, "38341003", "Hypertensive disorder"))
PRESSURE_ICD = concept("Essential hypertension", (ICD, "I10", "Essential (primary) hypertension"))
ARTHROSIS = concept("Osteoarthritis of knee", (SNOMED, "239873007"))
CATARACT = concept("Cataract", (SNOMED, "193570009"))
PENICILLIN = concept("Penicillin", (SNOMED, "764146007", "Penicillin"))
PENICILLIN_ALLERGY = concept("Allergy to penicillin", (SNOMED, "91936005", "Allergy to penicillin"))
PENICILLINS_ATC = concept("Penicillin", (ATC, "J01C"))
AMOXICILLIN = concept("Amoxicillin", (SNOMED, "372687004", "Amoxicillin"))
PEANUT = concept("Peanut", (SNOMED, "762952008", "Peanut"))
NUTS = concept("Tree nut", (SNOMED, "13577000", "Nut"))
LATEX = concept("Latex", (SNOMED, "111088007", "Latex"))
GLUCOSE = concept("Glucose", (LOINC, "2345-7", "Glucose in serum or plasma"))
GLUCOSE_BLOOD = concept("Glucose", (LOINC, "2339-0", "Glucose in blood"))
HBA1C = concept("HbA1c", (LOINC, "4548-4", "Hemoglobin A1c"))
WEIGHT = concept("Body weight", (LOINC, "29463-7", "Body weight"))
TETANUS = concept("Tetanus vaccine", (SNOMED, "871804007"))
TETANUS_ATC = concept("Tetanus vaccine", (ATC, "J07AM01"))
COMBINED = concept("Tetanus, diphtheria and pertussis", (SNOMED, "871878002"))
INFLUENZA = concept("Influenza vaccine", (SNOMED, "1181000221105"))
HEPATITIS = concept("Hepatitis B vaccine", (SNOMED, "871822003"))
APPENDIX = concept("Appendectomy", (SNOMED, "80146002"))
XRAY = concept("X-ray of knee", (SNOMED, "74714008"))
BLOOD_COUNT = concept("Blood count", (LOINC, "58410-2"))
