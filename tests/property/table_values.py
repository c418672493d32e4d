"""A value for every element of the table: whole, valid, and marked in two places, so that a mixture would show.

`value_of("Condition", "code", "b")` is what somebody writes who writes `b`. Values of other marks mean other things
(but for booleans, of which there are two). Not medicine: words are marks.
"""

import json

from sync.fhir.exact import loads_or_none
from sync.fhir.table import registers_of

NUMBER = {"a": 1, "b": 2, "c": 3, "d": 4, "z": 9}
CLINICAL = {"a": "inactive", "b": "remission", "c": "resolved", "d": "inactive", "z": "resolved"}
VERIFIED = {"a": "confirmed", "b": "unconfirmed", "c": "provisional", "d": "refuted", "z": "confirmed"}
NEEDED = {"AllergyIntolerance": ("clinicalStatus",), "Consent": ("policyRule",)}  # by ait-1 and ppc-1


def concept(mark, system="urn:example:codes", code=None):
    return {"coding": [{"system": system, "code": code or f"code-{mark}"}], "text": f"words {mark}"}


def quantity(mark):
    return {"value": NUMBER[mark], "unit": f"unit {mark}"}


def reference(mark):
    return {"reference": f"urn:uuid:{mark}", "display": f"words {mark}"}


COMPLEX = {
    "CodeableConcept": concept,
    "Reference": reference,
    "Quantity": quantity,
    "Age": quantity,
    "Duration": quantity,
    "Period": lambda mark: {"start": f"201{NUMBER[mark]}", "end": f"202{NUMBER[mark]}"},
    "Range": lambda mark: {"low": quantity(mark), "high": {"value": NUMBER[mark] + 10}},
    "Ratio": lambda mark: {"numerator": quantity(mark), "denominator": quantity(mark)},
    "Timing": lambda mark: {"code": concept(mark), "repeat": {"count": NUMBER[mark]}},
    "SampledData": lambda mark: {"origin": quantity(mark), "data": f"{NUMBER[mark]} 5"},
    "Attachment": lambda mark: {"contentType": "text/plain", "title": f"title {mark}"},
    "HumanName": lambda mark: {"family": f"Family{mark}", "given": [f"Given{mark}"]},
    "Address": lambda mark: {"city": f"City {mark}", "line": [f"Street {mark}"]},
    "ContactPoint": lambda mark: {"system": "phone", "value": f"+00 {NUMBER[mark]}"},
    "Identifier": lambda mark: {"system": f"urn:example:{mark}", "value": mark},
    "Annotation": lambda mark: {"authorString": f"author {mark}", "text": f"note {mark}"},
    "Dosage": lambda mark: {"text": f"dose {mark}", "doseAndRate": [{"doseQuantity": quantity(mark)}]},
    "Signature": lambda mark: {"who": reference(mark), "data": "eA=="},
    "Meta": lambda mark: {"versionId": mark, "source": f"urn:example:{mark}"},
    "Narrative": lambda mark: {"status": "additional", "div": f"<div>{mark}</div>"},
    "Extension": lambda mark: {"url": f"urn:example:{mark}", "valueString": mark},
    "Resource": lambda mark: {"resourceType": "Basic", "id": mark, "code": concept(mark)},
    "BackboneElement": lambda mark: {"description": f"words {mark}", "extension": [COMPLEX["Extension"](mark)]},
}

BACKBONE = {  # those that an invariant reads
    "stage": lambda mark: {"summary": concept(mark), "type": concept(mark)},
    "evidence": lambda mark: {"code": [concept(mark)], "detail": [reference(mark)]},
    "activity": lambda mark: {"detail": {"status": "scheduled", "description": f"words {mark}", "code": concept(mark)}},
    "referenceRange": lambda mark: {"low": quantity(mark), "text": f"words {mark}"},
    "contact": lambda mark: {"name": COMPLEX["HumanName"](mark), "telecom": [COMPLEX["ContactPoint"](mark)]},
    "education": lambda mark: {"documentType": f"type {mark}", "reference": f"urn:example:{mark}"},
    "item": lambda mark: {"linkId": mark, "text": f"words {mark}"},
    "component": lambda mark: {"code": concept(mark, code=f"part-{mark}"), "valueString": mark},
}


def primitive(datatype, mark):
    if datatype == "boolean":
        return mark != "b"
    if datatype in ("date", "dateTime"):
        return f"202{NUMBER[mark]}-03-01"
    if datatype == "instant":
        return f"202{NUMBER[mark]}-03-01T10:00:00Z"
    if datatype == "time":
        return f"0{NUMBER[mark]}:00:00"
    if datatype in ("integer", "positiveInt", "unsignedInt", "decimal"):
        return NUMBER[mark]
    return f"word-{mark}"


def value_of(type_, element, mark):
    """The JSON name and the value of one element; a choice has another datatype under the mark c."""
    table = registers_of(type_)
    if element in ("clinicalStatus", "verificationStatus"):
        system = "allergyintolerance" if type_ == "AllergyIntolerance" else "condition"
        kind, codes = ("clinical", CLINICAL) if element == "clinicalStatus" else ("verification", VERIFIED)
        code = {"provisional": "unconfirmed"}.get(codes[mark], codes[mark]) if "allergy" in system else codes[mark]
        return element, exact(concept(mark, f"http://terminology.hl7.org/CodeSystem/{system}-{kind}", code))
    name, datatype = element, table.datatype_of(element)
    if element.endswith("[x]"):
        names = table.names_of(element)
        name = names[-1] if mark == "c" else names[0]
        ending = name.removeprefix(element.removesuffix("[x]"))
        datatype = ending if ending in COMPLEX else ending[:1].lower() + ending[1:]
    maker = BACKBONE.get(element) if datatype == "BackboneElement" else None
    maker = maker or COMPLEX.get(datatype)
    value = maker(mark) if maker is not None else primitive(datatype, mark)
    return name, exact([value] if table.repeats(element) else value)


def item_of(type_, element, mark):
    """One repetition of a repeating element."""
    return value_of(type_, element, mark)[1][0]


def resource_of(type_, elements, mark="a"):
    """A resource with these elements, and what their invariants need beside them."""
    made = {"resourceType": type_, "id": "x"}
    made.update(value_of(type_, element, "a") for element in NEEDED.get(type_, ()))
    for element in elements:
        if element in ("resourceType", "id") or (type_ == "Observation" and element == "dataAbsentReason"):
            continue  # a value and the reason for its absence never stand together
        name, value = value_of(type_, element, mark)
        repeats = registers_of(type_).repeats(element)
        made[name] = [*value, item_of(type_, element, "z")] if repeats else value
    return made


def exact(value):
    """The value with numbers that keep their text."""
    return loads_or_none(json.dumps(value).encode())
