"""Small synthetic resources and files for the vectors of chapter import, and the form of a case."""

import json

HOSPITAL = "https://hospital.example/fhir"
SNOMED = "http://snomed.info/sct"
CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
ACTIVE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]}


def case(name, must, given, output=None, outcome="ok"):
    made = {"name": name, "must": must.split(), "input": given, "outcome": outcome}
    return made if output is None else made | {"output": output}


def text(value):
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def patient(name="Testperson", given="Testa", birth="1970-01-01", **more):
    return {"resourceType": "Patient", "name": [{"family": name, "given": [given]}], "birthDate": birth, **more}


def concept(code, words, system=SNOMED):
    return {"coding": [{"system": system, "code": code, "display": words}]}


def allergy(criticality="high", **more):
    active = {"coding": [{"system": CLINICAL, "code": "active"}]}
    made = {"resourceType": "AllergyIntolerance", "clinicalStatus": active, "code": concept("111088007", "Latex")}
    return made | {"criticality": criticality} | more


def vaccination(day="2024-05-02", **more):
    made = {"resourceType": "Immunization", "status": "completed", "vaccineCode": concept("871804007", "Tetanus")}
    return made | {"occurrenceDateTime": day, "patient": {"display": "Testa Testperson"}} | more


def entry(resource, url=None, **more):
    return ({"fullUrl": url} if url is not None else {}) | {"resource": resource} | more


def bundle(*entries, **head):
    return {"resourceType": "Bundle", "type": "collection", **head, "entry": list(entries)}


def document(date, *resources, identifier="summary"):
    """A document of a hospital with absolute fullUrls."""
    subject = {"reference": f"{HOSPITAL}/Patient/p"}
    composition = {"resourceType": "Composition", "id": "c", "subject": subject, "date": date}
    every = [composition, patient(id="p"), *resources]
    entries = [entry(one, f"{HOSPITAL}/{one['resourceType']}/{one['id']}") for one in every]
    told = {"type": "document", "timestamp": date, "identifier": {"system": "urn:example", "value": identifier}}
    return bundle(*entries, **told)
