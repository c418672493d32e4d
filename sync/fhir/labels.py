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

from sync.fhir.doses import dosage_words
from sync.fhir.exact import Number
from sync.fhir.label_words import ABSENT_WORDS, MONTHS, STATUS_WORDS, TYPE_WORDS
from sync.fhir.partial_dates import parse

Resource = dict[str, Any]
Resolve = Callable[[Any], Resource | None]  # a FHIR Reference to the resource it leads to

TYPE_ORDER = tuple(TYPE_WORDS)  # as a list is read: what is dangerous first
_BEHIND_THE_SCENES = frozenset(
    (
        *("Bundle", "Composition", "Organization", "Practitioner", "PractitionerRole", "Medication", "Device"),
        *("Location", "Provenance", "OperationOutcome", "Binary", "Endpoint", "Group", "Parameters", "Specimen"),
        *("Substance", "Media", "HealthcareService", "RelatedPerson", "AuditEvent", "ValueSet", "CodeSystem"),
        *("StructureDefinition", "List"),
    )
)
_PLAIN = frozenset(("final", "current", "unknown", "completed"))  # of an Observation and others: said by being there
_MEDICINES = ("MedicationStatement", "MedicationRequest", "MedicationDispense", "MedicationAdministration")


def label(resource: Resource, resolve: Resolve | None = None) -> str:
    """One line for a resource. `resolve` finds what a Reference leads to, for medicines named by reference alone."""
    kind = str(resource.get("resourceType", ""))
    find = _finder(resource, resolve)
    make = _LABELS.get(kind)
    words = make(resource, find) if make is not None else _plain(resource)
    return " ".join(words.split()) or type_word(kind)


def status_word(resource: Resource) -> str | None:
    """Whether it holds, in a word or two; None if there is nothing to say of it."""
    kind = str(resource.get("resourceType", ""))
    verification = _code(resource.get("verificationStatus"))
    if verification in ("refuted", "entered-in-error"):
        return STATUS_WORDS[verification]
    clinical = _code(resource.get("clinicalStatus"))
    status = clinical or resource.get("status")
    if not isinstance(status, str) or (status in _PLAIN and kind not in _MEDICINES):
        return STATUS_WORDS.get(verification or "")
    words = STATUS_WORDS.get(status, status.replace("-", " "))
    if kind == "Immunization" and status == "not-done":
        words = "not given"
    if verification in ("unconfirmed", "provisional", "differential"):
        words += f", {STATUS_WORDS[verification]}"
    return words


def type_word(resource_type: str) -> str:
    """The heading above records of a type: `Allergies`; for a type that is not known its name, in words."""
    if resource_type in TYPE_WORDS:
        return TYPE_WORDS[resource_type]
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in resource_type).strip()
    return words.capitalize() if words else "Records"


def is_for_people(resource_type: str) -> bool:
    """False for what stands behind other records (organizations, medicines by themselves, envelopes)."""
    return resource_type not in _BEHIND_THE_SCENES


def date_words(text: Any) -> str:
    """`12 Mar 2024`, `Mar 2024` or `2024`: as exact as it was written, in its own zone; empty if it is no date."""
    if parse(text) is None:
        return ""
    parts = text[:10].split("-")
    if len(parts) == 1:
        return str(parts[0])
    month = MONTHS[int(parts[1]) - 1]
    return f"{month} {parts[0]}" if len(parts) == 2 else f"{int(parts[2])} {month} {parts[0]}"


def concept_words(concept: Any) -> str:
    """What a CodeableConcept says: its text, else a display, else a code."""
    if not isinstance(concept, dict):
        return ""
    codings = [one for one in _list(concept.get("coding")) if isinstance(one, dict)]
    for coding in codings:
        code = coding.get("code")
        if isinstance(code, str) and code in ABSENT_WORDS and "absent-unknown" in str(coding.get("system", "")):
            return ABSENT_WORDS[code]
    text = concept.get("text")
    if isinstance(text, str) and text.strip():
        return text
    for name in ("display", "code"):
        for coding in codings:
            if isinstance(coding.get(name), str) and coding[name].strip():
                return str(coding[name])
    return ""


def quantity_words(quantity: Any) -> str:
    """`5.40 %`, `< 3 mg`."""
    if not isinstance(quantity, dict):
        return ""
    value = quantity.get("value")
    if not isinstance(value, Number):
        return ""
    unit = quantity.get("unit") or quantity.get("code") or ""
    comparator = quantity.get("comparator")
    words = f"{value.text} {unit}" if isinstance(unit, str) and unit not in ("1", "{score}") else value.text
    return f"{comparator} {words}" if isinstance(comparator, str) else words


def name_words(name: Any) -> str:
    """`Testa Testperson`, of the first HumanName that says anything, official ones first."""
    names = [one for one in _list(name) if isinstance(one, dict)]
    for one in sorted(names, key=lambda one: ("official", "usual", None).index(_use(one))):
        given = [part for part in _list(one.get("given")) if isinstance(part, str)]
        family = one.get("family")
        words = " ".join([*given, family] if isinstance(family, str) else given)
        if words or isinstance(one.get("text"), str):
            return words or str(one["text"])
    return ""


def _use(name: Resource) -> str | None:
    use = name.get("use")
    return use if use in ("official", "usual") else None


def _finder(resource: Resource, resolve: Resolve | None) -> Resolve:
    def find(reference: Any) -> Resource | None:
        text = reference.get("reference") if isinstance(reference, dict) else None
        if isinstance(text, str) and text.startswith("#"):
            inside = (one for one in _list(resource.get("contained")) if isinstance(one, dict))
            return next((one for one in inside if one.get("id") == text[1:]), None)
        return resolve(reference) if resolve is not None and isinstance(reference, dict) else None

    return find


def _medicine(resource: Resource, find: Resolve) -> str:
    name = concept_words(resource.get("medicationCodeableConcept"))
    reference = resource.get("medicationReference")
    if not name and isinstance(reference, dict):
        target = find(reference)
        name = (_medication(target, find) if target else "") or _display(reference)
    name = name or "A medicine without a name"
    dosages = resource.get("dosage") or resource.get("dosageInstruction")
    if isinstance(dosages, dict):  # MedicationAdministration has one, of another shape.
        dosages = [{"text": dosages.get("text"), "doseAndRate": [{"doseQuantity": dosages.get("dose")}]}]
    words = dosage_words(_list(dosages), quantity_words)
    if words:
        # "Ramipril 5 mg" of a name that says so already needs no second dose.
        dose = words.split(",")[0]
        if dose.casefold() in name.casefold():
            words = words[len(dose) :].lstrip(", ")
    joined = f"{name} {words}" if words[:1].isdigit() else ", ".join(part for part in (name, words) if part)
    period = resource.get("effectivePeriod")
    if isinstance(period, dict):
        return ", ".join(part for part in (joined, _span(period.get("start"), period.get("end"))) if part)
    on = date_words(resource.get("effectiveDateTime") or resource.get("authoredOn") or resource.get("whenHandedOver"))
    return f"{joined}, {on}" if on else joined


def _medication(resource: Resource, _: Resolve) -> str:
    name = concept_words(resource.get("code"))
    if not name:
        parts = [one for one in _list(resource.get("ingredient")) if isinstance(one, dict)]
        name = ", ".join(filter(None, (concept_words(one.get("itemCodeableConcept")) for one in parts)))
    return name


def _allergy(resource: Resource, _: Resolve) -> str:
    name = concept_words(resource.get("code")) or "An allergy without a name"
    reactions = [one for one in _list(resource.get("reaction")) if isinstance(one, dict)]
    signs = [concept_words(sign) for one in reactions for sign in _list(one.get("manifestation"))]
    words = ", ".join(dict.fromkeys(sign for sign in signs if sign))
    name = f"{name}: {words}" if words else name
    return f"{name} (could be serious)" if resource.get("criticality") == "high" else name


def _condition(resource: Resource, _: Resolve) -> str:
    name = concept_words(resource.get("code")) or "A condition without a name"
    onset, end = resource.get("onsetDateTime"), resource.get("abatementDateTime")
    period = resource.get("onsetPeriod")
    if onset is None and isinstance(period, dict):
        onset = period.get("start")
    return ", ".join(part for part in (name, _span(onset, end)) if part)


def _immunization(resource: Resource, _: Resolve) -> str:
    name = concept_words(resource.get("vaccineCode")) or "A vaccination without a name"
    when = date_words(resource.get("occurrenceDateTime")) or str(resource.get("occurrenceString") or "")
    return f"{name}, {when}" if when else name


def _observation(resource: Resource, _: Resolve) -> str:
    name = concept_words(resource.get("code")) or "A measured value"
    components = [one for one in _list(resource.get("component")) if isinstance(one, dict)]
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
        parts.append(label(target) if target else _display(reference))
    return ", ".join(part for part in parts if part)


def _device(resource: Resource, _: Resolve) -> str:
    names = [one.get("name") for one in _list(resource.get("deviceName")) if isinstance(one, dict)]
    return next((one for one in names if isinstance(one, str) and one), "") or concept_words(resource.get("type"))


def _device_use(resource: Resource, find: Resolve) -> str:
    reference = resource.get("device")
    target = find(reference) if isinstance(reference, dict) else None
    name = (_device(target, find) if target else "") or _display(reference) or "A device"
    when = date_words(resource.get("timingDateTime") or resource.get("recordedOn"))
    return f"{name}, {when}" if when else name


def _family(resource: Resource, _: Resolve) -> str:
    who = concept_words(resource.get("relationship")) or "A relative"
    told = [concept_words(one.get("code")) for one in _list(resource.get("condition")) if isinstance(one, dict)]
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
            told = (concept_words(one) or name_words([one]) for one in _list(value))
            name = next((one for one in told if one), "")
        if name:
            break
    name = name or type_word(str(resource.get("resourceType", ""))).removesuffix("s")
    for element in ("performedDateTime", "effectiveDateTime", "date", "occurrenceDateTime", "authoredOn", "created"):
        if when := date_words(resource.get(element)):
            return f"{name}, {when}"
    for element in ("performedPeriod", "effectivePeriod", "period"):
        value = resource.get(element)
        if isinstance(value, dict) and (words := _span(value.get("start"), value.get("end"))):
            return f"{name}, {words}"
    return name


def _span(start: Any, end: Any) -> str:
    """`since 2019`, `2019 to 2021`, `until 2021`."""
    first, last = date_words(start), date_words(end)
    if first and last:
        return first if first == last else f"{first} to {last}"
    return f"since {first}" if first else f"until {last}" if last else ""


def _display(reference: Any) -> str:
    display = reference.get("display") if isinstance(reference, dict) else None
    return display if isinstance(display, str) else ""


def _code(concept: Any) -> str | None:
    for coding in _list(concept.get("coding")) if isinstance(concept, dict) else ():
        if isinstance(coding, dict) and isinstance(coding.get("code"), str):
            return str(coding["code"])
    return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


_LABELS: dict[str, Callable[[Resource, Resolve], str]] = {
    **dict.fromkeys(_MEDICINES, _medicine),
    "Medication": _medication,
    "AllergyIntolerance": _allergy,
    "Condition": _condition,
    "Immunization": _immunization,
    "Observation": _observation,
    "Patient": _person,
    "RelatedPerson": _person,
    "Person": _person,
    "Practitioner": lambda resource, _: name_words(resource.get("name")),
    "PractitionerRole": _role,
    "Device": _device,
    "DeviceUseStatement": _device_use,
    "FamilyMemberHistory": _family,
}
