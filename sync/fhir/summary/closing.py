"""Ids of a summary's own, and references that lead nowhere but inside.

What it is: the UUIDs of entries, and the rewriting of a copy of each resource. What it is not: a choice of entries.

Invariants: an id says nothing about the record, its place or its neighbours to who does not hold the vault's secret,
and is the same in each summary of the vault; every reference leads to an entry of the document or has no address; what
leads nowhere is treated alike whatever the reason. Spec: openapi/protocol/summary.md, "Ids and references".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import Any

from sync.fhir.exact import canonical, loads
from sync.fhir.references import references_in
from sync.fhir.registers import Resource
from sync.merge.change import RecordId

# What a clinical entry may lean on: taken into the document with it. Whatever else it names must stand there by itself.
SUPPORTING = frozenset(
    (
        *("Organization", "Practitioner", "PractitionerRole", "Medication", "Device", "Location", "RelatedPerson"),
        *("Specimen", "Substance", "Observation"),
    )
)
# What an entry of one type alone may bring: the directive itself behind the consent that names it.
SUPPORTING_OF = {"Consent": frozenset(("DocumentReference",))}
# Of these a name without an address tells no more than who or where, or which medicine the entry itself is about.
_NAMED = frozenset(
    (
        *("Organization", "Practitioner", "PractitionerRole", "Medication", "Device", "Location", "RelatedPerson"),
        *("Patient", "Person", "HealthcareService"),
    )
)
_NAMED_ELEMENTS = frozenset(
    ("medicationReference", "itemReference", "performer", "author", "recorder", "asserter", "requester", "actor")
)
_PATIENT_ELEMENTS = ("subject", "patient", "individual")
Lead = Callable[[Any], str | None]  # a Reference to the fullUrl it gets in the document, or None


def uuid_of(secret: bytes, *parts: bytes) -> str:
    """A UUID of version 8 (RFC 9562) from an HMAC-SHA256 of the parts, each behind its length."""
    message = b"carnet/1/summary id\0" + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    raw = bytearray(hmac.digest(secret, message, hashlib.sha256)[:16])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def entry_id(secret: bytes, record: RecordId, version: int) -> str:
    """The id of one version of a record, counted from 0."""
    return uuid_of(secret, b"record", record, version.to_bytes(4, "big"))


def supports(resource: Resource) -> Iterator[Any]:
    """The references of a resource that may bring something into the document."""
    for _, reference in references_in(resource):
        yield reference


def closed(resource: Resource, id: str, patient: str, lead: Lead) -> Resource:
    """A copy of a resource as it stands in the document. `patient`: the fullUrl of its one Patient."""
    made: Resource = loads(canonical(resource))
    for name in ("text", "id", "meta", "implicitRules"):
        made.pop(name, None)
    made = {"resourceType": made.pop("resourceType", None), "id": id, **made}
    meta = resource.get("meta")
    kept = {key: meta[key] for key in ("security", "tag") if key in meta} if isinstance(meta, dict) else {}
    if kept:
        made["meta"] = loads(canonical(kept))
    for name in _PATIENT_ELEMENTS:
        if isinstance(made.get(name), dict) and made["resourceType"] != "Patient":
            made[name] = {"reference": patient}
    closed_in = _rewritten(made, lead, patient)
    assert isinstance(closed_in, dict), "a resource is an object"
    return closed_in


def _rewritten(value: Any, lead: Lead, patient: str, element: str = "") -> Any:
    """The value with each reference led into the document; None for one of which nothing may stay."""
    if isinstance(value, list):
        items = [(item, _rewritten(item, lead, patient, element)) for item in value]
        left = [new for item, new in items if new is not None or item is None]
        return left or None  # FHIR has no empty lists, objects or members, also where a file had them
    if not isinstance(value, dict):
        return value
    text = value.get("reference")
    if isinstance(text, str) and not text.startswith("#"):
        target = patient if text == patient else lead(value)
        if target is not None:
            return {**value, "reference": target}
        named = value.get("type") if isinstance(value.get("type"), str) else _type_in(text)
        kept = {key: value[key] for key in ("type", "display", "identifier") if key in value}
        may_stay = named in _NAMED or element in _NAMED_ELEMENTS
        return kept if may_stay and ("display" in kept or "identifier" in kept) else None
    made = {}
    for name, item in value.items():
        new = _rewritten(item, lead, patient, name)
        if new is not None:
            made[name] = new
    emptied = len(made) < len(value) and set(made) <= {"url", "id"}  # an extension that lost its value says nothing
    return None if emptied or not made else made


def _type_in(reference: str) -> str:
    parts = reference.split("/_history/", maxsplit=1)[0].split("/")
    return parts[-2] if len(parts) > 1 else ""
