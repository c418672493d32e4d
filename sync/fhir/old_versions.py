"""Recognising FHIR from before R4, where the same element names mean other things.

What it is: signs by which DSTU2 and STU3 give themselves away. What it is not: a converter or a validator; a strange
element in an R4 file is no sign. Invariant: a file is called old only if it says so itself, or if more of its resources
have a shape that R4 never had than have one that only R4 has, so that one odd entry refuses no file.
Source: FHIR R4, "Version history" of each resource. Spec: openapi/protocol/import.md, "Reading a file".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

# Resource types that R4 no longer has.
_ONLY_BEFORE = {
    "MedicationOrder": "DSTU2",
    "DiagnosticOrder": "DSTU2",
    "DeviceUseRequest": "DSTU2",
    "Conformance": "DSTU2",
    "Order": "DSTU2",
    "OrderResponse": "DSTU2",
    "ImagingObjectSelection": "DSTU2",
    "ProcedureRequest": "STU3",
    "ReferralRequest": "STU3",
    "ProcessRequest": "STU3",
    "ProcessResponse": "STU3",
    "EligibilityRequest": "STU3",
    "EligibilityResponse": "STU3",
    "BodySite": "STU3",
    "DeviceComponent": "STU3",
    "ImagingManifest": "STU3",
    "Sequence": "STU3",
    "DataElement": "STU3",
    "ExpansionProfile": "STU3",
    "ServiceDefinition": "STU3",
}
# Resource types that came with R4.
_ONLY_SINCE = {"ServiceRequest", "MolecularSequence", "CoverageEligibilityRequest", "DeviceDefinition", "BodyStructure"}

# Elements that R4 has not: (type, element, what it is in JSON, version).
_SHAPES_BEFORE: tuple[tuple[str, str, type, str], ...] = (
    ("Condition", "clinicalStatus", str, "STU3"),
    ("Condition", "verificationStatus", str, "STU3"),
    ("Condition", "patient", dict, "DSTU2"),
    ("AllergyIntolerance", "clinicalStatus", str, "STU3"),
    ("AllergyIntolerance", "verificationStatus", str, "STU3"),
    ("AllergyIntolerance", "substance", dict, "DSTU2"),
    ("Immunization", "wasNotGiven", bool, "DSTU2"),
    ("Immunization", "notGiven", bool, "STU3"),
    ("Immunization", "date", str, "STU3"),
    ("MedicationStatement", "wasNotTaken", bool, "DSTU2"),
    ("MedicationStatement", "taken", str, "STU3"),
    ("MedicationStatement", "patient", dict, "DSTU2"),
    ("Encounter", "class", str, "DSTU2"),
    ("Observation", "comments", str, "DSTU2"),
    ("Patient", "careProvider", list, "DSTU2"),
    ("Patient", "animal", dict, "STU3"),
    ("Procedure", "notPerformed", bool, "DSTU2"),
    ("DiagnosticReport", "codedDiagnosis", list, "STU3"),
)
_SHAPES_SINCE: tuple[tuple[str, str, type], ...] = (
    ("Condition", "clinicalStatus", dict),
    ("Condition", "verificationStatus", dict),
    ("AllergyIntolerance", "clinicalStatus", dict),
    ("AllergyIntolerance", "verificationStatus", dict),
    ("Immunization", "occurrenceDateTime", str),
    ("Immunization", "occurrenceString", str),
)
_PROFILE = re.compile(r"hl7\.org/fhir/(DSTU2|STU3)/|fhir\.org/guides/(argonaut)/|\|(1\.0|3\.0)\.\d+\Z")
_VERSION = re.compile(r"([013])\.")


def named(file: dict[str, Any], resources: Iterable[dict[str, Any]]) -> str | None:
    """`DSTU2` or `STU3` if the file (a Bundle, or one resource) is of that time, else None."""
    said = file.get("fhirVersion")
    if isinstance(said, str) and (match := _VERSION.match(said)):
        return "STU3" if match[1] == "3" else "DSTU2"
    if file.get("resourceType") == "Bundle" and isinstance(file.get("base"), str):
        return "DSTU2"
    before: list[str] = []
    since = 0
    for resource in (file, *resources):
        signs = list(_signs(resource))
        before.extend(signs[:1])
        since += not signs and _has_r4_sign(resource)
    if len(before) > since:
        return "DSTU2" if "DSTU2" in before else "STU3"
    return None


def _signs(resource: dict[str, Any]) -> Iterator[str]:
    meta = resource.get("meta")
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    for profile in profiles if isinstance(profiles, list) else ():
        if isinstance(profile, str) and (match := _PROFILE.search(profile)):
            yield "STU3" if "STU3" in match.groups() or match[3] == "3.0" else "DSTU2"
    kind = resource["resourceType"]
    if kind in _ONLY_BEFORE:
        yield _ONLY_BEFORE[kind]
    for type_, element, shape, version in _SHAPES_BEFORE:
        if type_ == kind and isinstance(resource.get(element), shape):
            yield version


def _has_r4_sign(resource: dict[str, Any]) -> bool:
    kind = resource["resourceType"]
    return kind in _ONLY_SINCE or any(
        type_ == kind and isinstance(resource.get(element), shape) for type_, element, shape in _SHAPES_SINCE
    )
