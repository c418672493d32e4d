"""One line a record, in a citizen's words: "Ramipril 5 mg, mornings, since 2019".

What it is: the short name of a resource, its status and its kind in English. What it is not: a narrative, a translation
(sync.terms has other languages) or a medical statement: no word is added that the record does not hold, and a number is
shown with the digits it was written with.

Invariants: every resource has a line, whatever is missing or broken in it; a record that says that something is not so
(no known allergies, not given, refuted) never reads as if it were. Spec: openapi/protocol/import.md, "Labels".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sync.fhir import document_labels
from sync.fhir.datatype_words import (
    Resolve,
    Resource,
    code_of,
    concept_words,
    date_words,
    display_of,
    items_of,
    name_words,
    objects_of,
    period_words,
    quantity_words,
    span_words,
)
from sync.fhir.doses import dosage_words
from sync.fhir.exact import Number
from sync.fhir.label_words import INTENT_WORDS, STATUS_WORDS, STATUS_WORDS_OF, TYPE_WORDS

TYPE_ORDER = tuple(TYPE_WORDS)  # as a list is read: what is dangerous first
_BEHIND_THE_SCENES = frozenset(
    (
        *("Bundle", "Composition", "Organization", "Practitioner", "PractitionerRole", "Medication", "Device"),
        *("Location", "Provenance", "OperationOutcome", "Binary", "Endpoint", "Group", "Parameters", "Specimen"),
        *("Substance", "Media", "HealthcareService", "RelatedPerson", "AuditEvent", "ValueSet", "CodeSystem"),
        *("StructureDefinition", "List"),
    )
)
_PLAIN = frozenset(("final", "current", "unknown", "completed"))  # of most types: said by being there
_MEDICINES = ("MedicationStatement", "MedicationRequest", "MedicationDispense", "MedicationAdministration")


def label(resource: Resource, resolve: Resolve | None = None) -> str:
    """One line for a resource. `resolve` finds what a Reference leads to, for medicines named by reference alone."""
    kind = str(resource.get("resourceType", ""))
    find = _finder(resource, resolve)
    make = _LABELS.get(kind)
    words = make(resource, find) if make is not None else _plain(resource)
    line = " ".join(words.split()) or type_word(kind)
    if resource.get("doNotPerform") is True:
        return f"{'Not to be taken' if kind in _MEDICINES else 'Not to be done'}: {line}"
    return line


def status_word(resource: Resource) -> str | None:
    """Whether it holds, in a word or two; None if there is nothing to say of it."""
    kind = str(resource.get("resourceType", ""))
    verification = code_of(resource.get("verificationStatus"))
    if verification in ("refuted", "entered-in-error"):
        return STATUS_WORDS[verification]
    told = [code_of(resource.get("clinicalStatus")) or resource.get("status"), resource.get("docStatus")]
    codes = [code for code in told if isinstance(code, str)]
    if "entered-in-error" in codes:
        return STATUS_WORDS["entered-in-error"]
    words = [_status_words(kind, code) for code in codes]
    if verification in ("unconfirmed", "provisional", "differential"):
        words.append(STATUS_WORDS[verification])
    if resource.get("active") is False:
        words.append(STATUS_WORDS["inactive"])
    words.append(INTENT_WORDS.get(str(resource.get("intent")), ""))
    return ", ".join(dict.fromkeys(word for word in words if word)) or None


def _status_words(kind: str, code: str) -> str:
    """A status in words; empty where it says no more than that the record is there."""
    own = STATUS_WORDS_OF.get(kind, {})
    if code in own:
        return own[code]
    if code in _PLAIN and kind not in _MEDICINES:
        return ""
    return STATUS_WORDS.get(code, code.replace("-", " "))


def type_word(resource_type: str) -> str:
    """The heading above records of a type: `Allergies`; for a type that is not known its name, in words."""
    if resource_type in TYPE_WORDS:
        return TYPE_WORDS[resource_type]
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in resource_type).strip()
    return words.capitalize() if words else "Records"


def is_for_people(resource_type: str) -> bool:
    """False for what stands behind other records (organizations, medicines by themselves, envelopes)."""
    return resource_type not in _BEHIND_THE_SCENES


def _finder(resource: Resource, resolve: Resolve | None) -> Resolve:
    def find(reference: Any) -> Resource | None:
        text = reference.get("reference") if isinstance(reference, dict) else None
        if isinstance(text, str) and text.startswith("#"):
            inside = objects_of(resource.get("contained"))
            return next((one for one in inside if one.get("id") == text[1:]), None)
        return resolve(reference) if resolve is not None and isinstance(reference, dict) else None

    return find


def _medicine(resource: Resource, find: Resolve) -> str:
    name = concept_words(resource.get("medicationCodeableConcept"))
    reference = resource.get("medicationReference")
    if not name and isinstance(reference, dict):
        target = find(reference)
        name = (_medication(target, find) if target else "") or display_of(reference)
    name = name or "A medicine without a name"
    dosages = resource.get("dosage") or resource.get("dosageInstruction")
    if isinstance(dosages, dict):  # MedicationAdministration has one, of another shape.
        dosages = [{"text": dosages.get("text"), "doseAndRate": [{"doseQuantity": dosages.get("dose")}]}]
    words = dosage_words(items_of(dosages), quantity_words)
    if words:
        # "Ramipril 5 mg" of a name that says so already needs no second dose.
        dose = words.split(",")[0]
        if dose.casefold() in name.casefold():
            words = words[len(dose) :].lstrip(", ")
    joined = f"{name} {words}" if words[:1].isdigit() else ", ".join(part for part in (name, words) if part)
    period = resource.get("effectivePeriod")
    if isinstance(period, dict):
        return ", ".join(part for part in (joined, period_words(period)) if part)
    on = date_words(resource.get("effectiveDateTime") or resource.get("authoredOn") or resource.get("whenHandedOver"))
    return f"{joined}, {on}" if on else joined


def _medication(resource: Resource, _: Resolve) -> str:
    name = concept_words(resource.get("code"))
    if not name:
        parts = objects_of(resource.get("ingredient"))
        name = ", ".join(filter(None, (concept_words(one.get("itemCodeableConcept")) for one in parts)))
    return name


def _allergy(resource: Resource, _: Resolve) -> str:
    name = concept_words(resource.get("code")) or "An allergy without a name"
    reactions = objects_of(resource.get("reaction"))
    signs = [concept_words(sign) for one in reactions for sign in items_of(one.get("manifestation"))]
    words = ", ".join(dict.fromkeys(sign for sign in signs if sign))
    name = f"{name}: {words}" if words else name
    return f"{name} (could be serious)" if resource.get("criticality") == "high" else name


def _condition(resource: Resource, _: Resolve) -> str:
    name = concept_words(resource.get("code")) or "A condition without a name"
    onset, end = resource.get("onsetDateTime"), resource.get("abatementDateTime")
    period = resource.get("onsetPeriod")
    if onset is None and isinstance(period, dict):
        onset = period.get("start")
    return ", ".join(part for part in (name, span_words(onset, end)) if part)


def _immunization(resource: Resource, _: Resolve) -> str:
    name = concept_words(resource.get("vaccineCode")) or "A vaccination without a name"
    when = date_words(resource.get("occurrenceDateTime")) or str(resource.get("occurrenceString") or "")
    return f"{name}, {when}" if when else name


def _observation(resource: Resource, _: Resolve) -> str:
    name = concept_words(resource.get("code")) or "A measured value"
    components = objects_of(resource.get("component"))
    words = _value(resource)
    if not words and components:
        told = [(concept_words(one.get("code")), _value(one)) for one in components]
        words = ", ".join(f"{part} {value}".strip() for part, value in told if value)
    if not words and "dataAbsentReason" in resource:
        words = "no value"
    period = resource.get("effectivePeriod")
    when = date_words(resource.get("effectiveDateTime") or resource.get("effectiveInstant"))
    if not when and isinstance(period, dict):
        when = date_words(period.get("start"))
    return ", ".join(part for part in (f"{name}: {words}" if words else name, when) if part)


def _value(resource: Resource) -> str:
    for key, value in resource.items():
        if key == "valueQuantity":
            return quantity_words(value)
        if key == "valueCodeableConcept":
            return concept_words(value)
        if key == "valueBoolean":
            return "yes" if value is True else "no"
        if key == "valueRange" and isinstance(value, dict):
            return " to ".join(filter(None, (quantity_words(value.get("low")), quantity_words(value.get("high")))))
        if key == "valueRatio" and isinstance(value, dict):
            parts = (quantity_words(value.get("numerator")), quantity_words(value.get("denominator")))
            return " / ".join(part for part in parts if part)
        if key in ("valueString", "valueTime") and isinstance(value, str):
            return value if len(value) <= 80 else value[:79] + "…"
        if key == "valueInteger" and isinstance(value, Number):
            return value.text
        if key == "valueDateTime":
            return date_words(value)
    return ""


def _person(resource: Resource, _: Resolve) -> str:
    name = name_words(resource.get("name")) or "A person without a name"
    birth = date_words(resource.get("birthDate"))
    return f"{name}, born {birth}" if birth else name


def _role(resource: Resource, find: Resolve) -> str:
    parts = []
    for element in ("practitioner", "organization"):
        reference = resource.get(element)
        target = find(reference) if isinstance(reference, dict) else None
        parts.append(label(target) if target else display_of(reference))
    return ", ".join(part for part in parts if part)


def _family(resource: Resource, _: Resolve) -> str:
    who = concept_words(resource.get("relationship")) or "A relative"
    told = [concept_words(one.get("code")) for one in objects_of(resource.get("condition"))]
    words = ", ".join(one for one in told if one)
    return f"{who}: {words}" if words else who


def _plain(resource: Resource) -> str:
    """Any other type: a name or title, what its code says, and a date."""
    name = ""
    for element in ("title", "name", "description", "code", "type", "category", "scope", "vaccineCode"):
        value = resource.get(element)
        if isinstance(value, str):
            name = value
        elif isinstance(value, list | dict):
            told = (concept_words(one) or name_words([one]) for one in items_of(value))
            name = next((one for one in told if one), "")
        if name:
            break
    name = name or type_word(str(resource.get("resourceType", ""))).removesuffix("s")
    for element in ("performedDateTime", "effectiveDateTime", "date", "occurrenceDateTime", "authoredOn", "created"):
        if when := date_words(resource.get(element)):
            return f"{name}, {when}"
    for element in ("performedPeriod", "effectivePeriod", "period"):
        if words := period_words(resource.get(element)):
            return f"{name}, {words}"
    return name


_LABELS: dict[str, Callable[[Resource, Resolve], str]] = {
    **dict.fromkeys(_MEDICINES, _medicine),
    "Medication": _medication,
    "AllergyIntolerance": _allergy,
    "Condition": _condition,
    "Immunization": _immunization,
    "Observation": _observation,
    "Patient": _person,
    "Person": _person,
    "Practitioner": lambda resource, _: name_words(resource.get("name")),
    "PractitionerRole": _role,
    "Device": document_labels.device,
    "DeviceUseStatement": document_labels.device_use,
    "DocumentReference": document_labels.document,
    "DiagnosticReport": document_labels.report,
    "CarePlan": document_labels.care_plan,
    "Consent": document_labels.consent,
    "QuestionnaireResponse": document_labels.answers,
    "Communication": document_labels.message,
    "Provenance": document_labels.origin,
    "RelatedPerson": document_labels.related_person,
    "FamilyMemberHistory": _family,
}
