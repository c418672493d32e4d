"""What fits on a card: the critical entries of a summary, stripped, the weightiest first, and what had to stay out.

What it is: an order, and small resources for a SMART Health Card. What it is not: a signature, a picture. Invariants:
every critical entry that is active is on the card or in the list of what was left out; of an open question each
version stands or none; a code is taken as it is, and words only where there is no code. Source: SMART Health Cards
1.4, "Health Cards are Small". Spec: openapi/protocol/health-cards.md, SHC-3 and SHC-4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sync.fhir.datatype_words import code_of, concept_words, name_words, objects_of, quantity_words
from sync.fhir.doses import dosage_words
from sync.fhir.registers import Resource
from sync.fhir.summary.assembling import NONE_KNOWN, Summary
from sync.fhir.summary.sections import CRITICAL

_DOSE_CHARS_MAX = 40
_BLOOD = frozenset(("882-1", "883-9"))  # LOINC: ABO and Rh, ABO
_CLINICAL = "http://terminology.hl7.org/CodeSystem/{}-clinical"


class Candidate(NamedTuple):
    """Something that may stand on a card. `records`: ids in hex; `label`: for people; `resources`: stripped."""

    records: tuple[str, ...]
    label: str
    resources: tuple[Resource, ...]


class Pocket(NamedTuple):
    """What stands, in order of weight, and what does not. `bundle`: of the health card."""

    bundle: Resource
    kept: tuple[Candidate, ...]
    left_out: tuple[Candidate, ...]


def pocket(made: Summary, fits: Callable[[Resource], bool]) -> Pocket:
    """As much as fits. `fits`: whether a bundle is small enough."""
    patient = _patient(made.patient)
    kept: list[Candidate] = []
    left: list[Candidate] = []
    for one in candidates(made):
        tried = _bundle(patient, [*kept, one])
        (kept if fits(tried) else left).append(one)
    with_contact = _with_contact(patient, made.patient)
    if with_contact is not None:
        if fits(_bundle(with_contact, kept)):
            patient = with_contact
        else:
            left.append(Candidate((), contact_words(made.patient), ()))
    return Pocket(_bundle(patient, kept), tuple(kept), tuple(left))


def candidates(made: Summary) -> Iterator[Candidate]:
    """Active critical entries by clinical weight: allergies (the severe first), problems, medicines, blood group."""
    resources = {entry["fullUrl"]: entry["resource"] for entry in made.bundle["entry"]}

    def find(reference: Any) -> Resource | None:
        return resources.get(reference.get("reference")) if isinstance(reference, dict) else None

    for name in CRITICAL:
        [told] = [one for one in made.sections if one.section.name == name]
        groups: dict[str, list[Any]] = {}
        for line in told.lines:
            if line.active or told.state == NONE_KNOWN or line.disputed:
                groups.setdefault(line.record, []).append(line)
        for record, lines in groups.items():
            stripped = tuple(_stripped(resources[line.url], find) for line in lines)
            yield Candidate((record,), " / ".join(dict.fromkeys(line.words for line in lines)), stripped)
    for told in made.sections:
        for line in told.lines:
            resource = resources[line.url]
            if resource.get("resourceType") == "Observation" and code_of(resource.get("code")) in _BLOOD:
                value = _concept(resource.get("valueCodeableConcept"))
                if value:
                    code = _concept(resource["code"])
                    blood = {"resourceType": "Observation", "status": "final", "code": code}
                    subject = {"subject": {"reference": "resource:0"}}
                    yield Candidate((line.record,), line.words, (blood | subject | {"valueCodeableConcept": value},))


def blood_group(made: Summary) -> str:
    """The blood group in words; empty if nobody has recorded one."""
    for entry in made.bundle["entry"]:
        resource = entry["resource"]
        if resource["resourceType"] == "Observation" and code_of(resource.get("code")) in _BLOOD:
            return concept_words(resource.get("valueCodeableConcept"))
    return ""


def contact_words(patient: Resource) -> str:
    """Whom to call: name and number; empty if there is none."""
    for contact in objects_of(patient.get("contact")):
        numbers = [one.get("value") for one in objects_of(contact.get("telecom"))]
        words = " ".join([name_words(contact.get("name")), *(number for number in numbers[:1] if number)]).strip()
        if words:
            return words
    return ""


def _bundle(patient: Resource, kept: list[Candidate]) -> Resource:
    entries = [patient, *(resource for one in kept for resource in one.resources)]
    told = [{"fullUrl": f"resource:{place}", "resource": resource} for place, resource in enumerate(entries)]
    return {"resourceType": "Bundle", "type": "collection", "entry": told}


def _patient(patient: Resource) -> Resource:
    made: Resource = {"resourceType": "Patient", "name": [{"text": name_words(patient.get("name"))}]}
    names = objects_of(patient.get("name"))
    if names and isinstance(names[0].get("family"), str):
        made["name"] = [{name: names[0][name] for name in ("family", "given") if name in names[0]}]
    if isinstance(patient.get("birthDate"), str):
        made["birthDate"] = patient["birthDate"]
    return made


def _with_contact(stripped: Resource, patient: Resource) -> Resource | None:
    for contact in objects_of(patient.get("contact")):
        numbers = [one["value"] for one in objects_of(contact.get("telecom")) if isinstance(one.get("value"), str)]
        if numbers:
            told = [{"name": {"text": name_words(contact.get("name"))}, "telecom": [{"value": numbers[0]}]}]
            return {**stripped, "contact": told}
    return None


def _stripped(resource: Resource, find: Callable[[Any], Resource | None]) -> Resource:
    kind = str(resource["resourceType"])
    made: Resource = {"resourceType": kind}
    if kind in ("AllergyIntolerance", "Condition"):
        status = code_of(resource.get("clinicalStatus"))
        if status is not None:
            system = _CLINICAL.format("allergyintolerance" if kind == "AllergyIntolerance" else "condition")
            made["clinicalStatus"] = {"coding": [{"system": system, "code": status}]}
        if resource.get("criticality") == "high":
            made["criticality"] = "high"
        made["code"] = _concept(resource.get("code"))
        made["patient" if kind == "AllergyIntolerance" else "subject"] = {"reference": "resource:0"}
        return made
    made["status"] = resource.get("status", "unknown")
    if kind == "MedicationRequest":
        made["intent"] = resource.get("intent", "order")
    target = find(resource.get("medicationReference")) or {}
    made["medicationCodeableConcept"] = _concept(resource.get("medicationCodeableConcept") or target.get("code"))
    made["subject"] = {"reference": "resource:0"}
    element = "dosage" if kind in ("MedicationStatement", "MedicationAdministration") else "dosageInstruction"
    told = resource.get(element)
    words = dosage_words(told if isinstance(told, list) else [told], quantity_words)
    if words:
        made[element] = [{"text": words[:_DOSE_CHARS_MAX]}]
    return made


def _concept(concept: Any) -> Resource:
    """One code, or words where there is none."""
    for coding in objects_of(concept.get("coding")) if isinstance(concept, dict) else ():
        if isinstance(coding.get("system"), str) and isinstance(coding.get("code"), str):
            return {"coding": [{"system": coding["system"], "code": coding["code"]}]}
    words = concept_words(concept)
    return {"text": words} if words else {}
