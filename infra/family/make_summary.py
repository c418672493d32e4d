"""Writes summary.json: a synthetic person's patient summary (HL7 IPS document), the demo's real Bundle.

Run `python -m infra.family.make_summary` to write it anew. Everything in it is invented; codes are SNOMED CT, LOINC and
ATC codes as national summaries use them.
"""

import json
import re
import uuid
from pathlib import Path

SNOMED, LOINC, ATC = "http://snomed.info/sct", "http://loinc.org", "http://www.whocc.no/atc"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
ALLERGY_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
ALLERGY_VERIFIED = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
UCUM = "http://unitsofmeasure.org"


def Decimal(text):
    """A number that keeps the digits it was given, as laboratories write them; `written` turns the mark into it."""
    return f"decimal:{text}"


def written(value):
    """JSON text with every decimal as it was given."""
    return re.sub(r'"decimal:([0-9.]+)"', r"\1", json.dumps(value, indent=1, ensure_ascii=False)) + "\n"


def url(name):
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, 'https://carnet.example/demo/' + name)}"


def code(system, value, display):
    return {"coding": [{"system": system, "code": value, "display": display}], "text": display}


ENTRIES, NAMES = [], []


def entry(name, resource):
    ENTRIES.append({"fullUrl": url(name), "resource": resource})
    NAMES.append(name)
    return {"reference": url(name)}


PATIENT = {"reference": url("patient")}


def people():
    entry(
        "patient",
        {
            "resourceType": "Patient",
            "identifier": [{"system": "urn:oid:2.16.0.0.0.1", "value": "DEMO-0001"}],
            "name": [{"use": "official", "family": "Demoperson", "given": ["Alba", "Test"]}],
            "telecom": [{"system": "phone", "value": "+00 000 0001", "use": "mobile"}],
            "gender": "female",
            "birthDate": "1957-03-02",
            "address": [{"line": ["1 Example Street"], "city": "Sampletown", "country": "EX"}],
            "contact": [
                {"name": {"text": "Ben Demoperson"}, "telecom": [{"system": "phone", "value": "+00 000 0002"}]}
            ],
            "communication": [
                {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "fr"}]}, "preferred": True}
            ],
        },
    )
    for key, name in (
        ("clinic", "Example Clinic Sampletown"),
        ("gp", "Sample Street Practice"),
        ("lab", "Demo Laboratory"),
    ):
        entry(key, {"resourceType": "Organization", "name": name})
    for key, family in (("doctor", "Testphysician"), ("cardio", "Samplecardiologist")):
        entry(key, {"resourceType": "Practitioner", "name": [{"family": family, "prefix": ["Dr."]}]})


def allergies():
    rows = [
        ("penicillin", "91936005", "Allergy to penicillin", "high", [("Urticaria", "126485001", "moderate")]),
        ("latex", "300916003", "Latex allergy", "low", [("Contact dermatitis", "40275004", "mild")]),
        ("peanut", "91935009", "Allergy to peanut", "high", [("Anaphylaxis", "39579001", "severe")]),
    ]
    for name, value, display, criticality, reactions in rows:
        entry(
            f"allergy-{name}",
            {
                "resourceType": "AllergyIntolerance",
                "clinicalStatus": {"coding": [{"system": ALLERGY_CLINICAL, "code": "active"}]},
                "verificationStatus": {"coding": [{"system": ALLERGY_VERIFIED, "code": "confirmed"}]},
                "type": "allergy",
                "criticality": criticality,
                "code": code(SNOMED, value, display),
                "patient": PATIENT,
                "onsetDateTime": "1998",
                "reaction": [
                    {"manifestation": [code(SNOMED, c, text)], "severity": severity} for text, c, severity in reactions
                ],
            },
        )


def conditions():
    rows = [
        ("hypertension", "38341003", "High blood pressure", "active", "2009-05"),
        ("diabetes", "44054006", "Diabetes mellitus type 2", "active", "2013-11-04"),
        ("fibrillation", "49436004", "Atrial fibrillation", "active", "2021-02-17"),
        ("arthrosis", "239873007", "Osteoarthritis of knee", "active", "2018"),
        ("asthma", "195967001", "Asthma", "active", "1979"),
        ("migraine", "37796009", "Migraine", "inactive", "1985"),
        ("pneumonia", "233604007", "Pneumonia", "resolved", "2020-01-12"),
    ]
    for name, value, display, status, onset in rows:
        resource = {
            "resourceType": "Condition",
            "clinicalStatus": {"coding": [{"system": CLINICAL, "code": status}]},
            "verificationStatus": {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "confirmed"}
                ]
            },
            "category": [
                {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/condition-category",
                            "code": "problem-list-item",
                        }
                    ]
                }
            ],
            "code": code(SNOMED, value, display),
            "subject": PATIENT,
            "onsetDateTime": onset,
            "recordedDate": "2024-03-12",
            "asserter": {"reference": url("doctor")},
        }
        if status == "resolved":
            resource["abatementDateTime"] = "2020-02"
        entry(f"condition-{name}", resource)


def medicines():
    rows = [
        ("ramipril", "C09AA05", "Ramipril", "5", "mg", "MORN", "2019-06-01"),
        ("metformin", "A10BA02", "Metformin", "850", "mg", "C", "2013-11-10"),
        ("apixaban", "B01AF02", "Apixaban", "2.50", "mg", "MORN", "2021-02-20"),
        ("bisoprolol", "C07AB07", "Bisoprolol", "1.25", "mg", "MORN", "2021-02-20"),
        ("salbutamol", "R03AC02", "Salbutamol", "0.1", "mg", None, "1999"),
        ("atorvastatin", "C10AA05", "Atorvastatin", "20", "mg", "HS", "2016-09-14"),
        ("paracetamol", "N02BE01", "Paracetamol", "500", "mg", None, "2018"),
    ]
    for name, value, display, dose, unit, when, start in rows:
        drug = entry(
            f"drug-{name}", {"resourceType": "Medication", "code": code(ATC, value, display), "status": "active"}
        )
        timing = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d", "when": [when]}} if when else None
        dosage = {
            "text": f"{dose} {unit}"
            + ({"MORN": ", mornings", "HS": ", at bedtime", "C": ", with meals"}.get(when, ", as needed")),
            "route": code(SNOMED, "26643006", "Oral route")
            if name != "salbutamol"
            else code(SNOMED, "447694001", "Inhaled"),
            "doseAndRate": [{"doseQuantity": {"value": Decimal(dose), "unit": unit, "system": UCUM, "code": unit}}],
        }
        if timing:
            dosage["timing"] = timing
        else:
            dosage["asNeededBoolean"] = True
        entry(
            f"medication-{name}",
            {
                "resourceType": "MedicationStatement",
                "status": "active",
                "medicationReference": drug,
                "subject": PATIENT,
                "effectivePeriod": {"start": start},
                "informationSource": {"reference": url("doctor")},
                "dosage": [dosage],
            },
        )


def immunizations():
    rows = [
        ("tetanus", "333621002", "Tetanus vaccine", "2015-04-20"),
        ("influenza-2022", "1181000221105", "Influenza vaccine", "2022-10-18"),
        ("influenza-2023", "1181000221105", "Influenza vaccine", "2023-10-11"),
        ("covid-1", "1119305005", "COVID-19 vaccine", "2021-04-02"),
        ("covid-2", "1119305005", "COVID-19 vaccine", "2021-05-14"),
        ("pneumococcal", "333598008", "Pneumococcal vaccine", "2020-09-01"),
        ("zoster", "407746005", "Shingles vaccine", "2023-03"),
    ]
    for name, value, display, date in rows:
        entry(
            f"immunization-{name}",
            {
                "resourceType": "Immunization",
                "status": "completed",
                "vaccineCode": code(SNOMED, value, display),
                "patient": PATIENT,
                "occurrenceDateTime": date,
                "primarySource": True,
                "performer": [{"actor": {"reference": url("gp")}}],
            },
        )


def observations():
    rows = [
        ("hba1c-2023", "4548-4", "HbA1c", "7.10", "%", "2023-06-14"),
        ("hba1c-2024", "4548-4", "HbA1c", "6.90", "%", "2024-02-28"),
        ("creatinine", "2160-0", "Creatinine", "0.92", "mg/dL", "2024-02-28"),
        ("potassium", "2823-3", "Potassium", "4.40", "mmol/L", "2024-02-28"),
        ("ldl", "13457-7", "LDL cholesterol", "98", "mg/dL", "2024-02-28"),
        ("haemoglobin", "718-7", "Haemoglobin", "13.20", "g/dL", "2024-02-28"),
        ("weight-2023", "29463-7", "Body weight", "71.5", "kg", "2023-06-14"),
        ("weight-2024", "29463-7", "Body weight", "70.8", "kg", "2024-03-12"),
        ("height", "8302-2", "Body height", "164", "cm", "2019-06-01"),
        ("pulse", "8867-4", "Heart rate", "68", "/min", "2024-03-12"),
        ("tsh", "3016-3", "TSH", "2.150", "m[IU]/L", "2023-06-14"),
        ("egfr", "33914-3", "eGFR", "74", "mL/min/{1.73_m2}", "2024-02-28"),
    ]
    category = "http://terminology.hl7.org/CodeSystem/observation-category"
    for name, value, display, number, unit, date in rows:
        entry(
            f"observation-{name}",
            {
                "resourceType": "Observation",
                "status": "final",
                "category": [{"coding": [{"system": category, "code": "laboratory"}]}],
                "code": code(LOINC, value, display),
                "subject": PATIENT,
                "effectiveDateTime": date,
                "performer": [{"reference": url("lab")}],
                "valueQuantity": {"value": Decimal(number), "unit": unit, "system": UCUM, "code": unit},
            },
        )
    entry(
        "observation-pressure",
        {
            "resourceType": "Observation",
            "status": "final",
            "category": [{"coding": [{"system": category, "code": "vital-signs"}]}],
            "code": code(LOINC, "85354-9", "Blood pressure"),
            "subject": PATIENT,
            "effectiveDateTime": "2024-03-12T09:15:00+01:00",
            "component": [
                {
                    "code": code(LOINC, c, text),
                    "valueQuantity": {"value": n, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"},
                }
                for c, text, n in (("8480-6", "Systolic", 138), ("8462-4", "Diastolic", 84))
            ],
        },
    )


def procedures():
    rows = [
        ("appendectomy", "80146002", "Appendectomy", "1974"),
        ("cataract", "54885007", "Cataract surgery, left eye", "2022-05-09"),
        ("cardioversion", "250980009", "Cardioversion", "2021-03-22"),
    ]
    for name, value, display, date in rows:
        entry(
            f"procedure-{name}",
            {
                "resourceType": "Procedure",
                "status": "completed",
                "code": code(SNOMED, value, display),
                "subject": PATIENT,
                "performedDateTime": date,
                "performer": [{"actor": {"reference": url("clinic")}}],
            },
        )


SECTIONS = [
    ("Problems", "11450-4", "condition-"),
    ("Allergies and intolerances", "48765-2", "allergy-"),
    ("Medication summary", "10160-0", "medication-"),
    ("Immunizations", "11369-6", "immunization-"),
    ("Results", "30954-2", "observation-"),
    ("Procedures", "47519-4", "procedure-"),
]


def composition(names):
    sections = [
        {
            "title": title,
            "code": code(LOINC, value, title),
            "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{title}</p></div>'},
            "entry": [{"reference": url(name)} for name in names if name.startswith(prefix)],
        }
        for title, value, prefix in SECTIONS
    ]
    return {
        "fullUrl": url("composition"),
        "resource": {
            "resourceType": "Composition",
            "status": "final",
            "type": code(LOINC, "60591-5", "Patient summary Document"),
            "subject": PATIENT,
            "date": "2024-03-12T10:00:00+01:00",
            "author": [{"reference": url("doctor")}],
            "title": "Patient Summary of 12 March 2024",
            "custodian": {"reference": url("clinic")},
            "section": sections,
        },
    }


def bundle():
    """The whole document: composition first, then everything that it speaks of."""
    ENTRIES.clear()
    NAMES.clear()
    for make in (people, allergies, conditions, medicines, immunizations, observations, procedures):
        make()
    return {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": url("summary")},
        "type": "document",
        "timestamp": "2024-03-12T10:00:00+01:00",
        "entry": [composition(NAMES), *ENTRIES],
    }


if __name__ == "__main__":
    target = Path(__file__).with_name("summary.json")
    target.write_text(written(bundle()), encoding="utf-8")
    print(f"{len(bundle()['entry'])} resources in {target.name}")
