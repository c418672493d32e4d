"""FHIR's invariants, checked where an edit is made.

What it is: which invariants of openapi/registers/invariants.json a resource breaks. What it is not: a validator of
cardinalities, bindings or profiles; a repair; something that keeps a source's copy out. Datatypes are told by their
shape, because no schema is shipped.

Invariants (of this file): it takes any JSON object, malformed elements included, and finds nothing in what it cannot
read. Source: FHIR R4 4.0.1, the constraints of each resource and datatype. Spec: openapi/protocol/fhir.md, "Editing".
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from sync.fhir.exact import Number
from sync.fhir.partial_dates import compare
from sync.fhir.table import Invariant, invariants

Json = dict[str, Any]
Broken = tuple[str, str]  # the invariant's key, and what it asks for in words

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
_PERIOD = frozenset(("id", "extension", "start", "end", "_start", "_end"))
_RANGE = frozenset(("id", "extension", "low", "high"))
_MEALS = frozenset(("C", "CM", "CD", "CV"))
_SIMPLE_QUANTITIES = frozenset(
    ("dailyAmount", "doseQuantity", "rateQuantity", "maxDosePerAdministration", "maxDosePerLifetime", "low", "high")
)
_ATTACHMENT = frozenset(
    ("id", "extension", "contentType", "language", "data", "url", "size", "hash", "title", "creation")
)


def broken(resource: Json) -> list[Broken]:
    """Every invariant that the resource breaks, once for each place, with words for a person; known ones only."""
    found: list[Broken] = []
    for invariant, check in _checks():
        if invariant.type in ("*", resource.get("resourceType")):
            found.extend((invariant.key, invariant.human) for _ in range(check(resource)))
    return found


def refused(key: str) -> bool:
    """True if an edit that breaks this invariant is refused, and not only reported."""
    return key in _refused()


@functools.cache
def _checks() -> tuple[tuple[Invariant, Callable[[Json], int]], ...]:
    return tuple((invariant, _CHECKS[invariant.key]) for invariant in invariants() if invariant.checked)


@functools.cache
def _refused() -> frozenset[str]:
    return frozenset(invariant.key for invariant in invariants() if invariant.refused)


def _has(resource: Json, element: str) -> bool:
    """True if an element is there; `onset[x]` stands for each of its choices."""
    if not element.endswith("[x]"):
        return element in resource or "_" + element in resource
    base = element[:-3]
    return any(name.removeprefix("_").startswith(base) and name.removeprefix("_") != base for name in resource)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> list[Json]:
    return [item for item in _list(value) if isinstance(item, dict)]


def _codings(concept: Any) -> set[tuple[Any, str]]:
    if not isinstance(concept, dict):
        return set()
    found = set()
    for coding in _objects(concept.get("coding")):
        system, code = coding.get("system"), coding.get("code")
        if isinstance(code, str) and (system is None or isinstance(system, str)):
            found.add((system, code))
    return found


def _coded(concept: Any, system: str, *codes: str) -> bool:
    return any((_TERMINOLOGY + system, code) in _codings(concept) for code in codes)


def _later(a: Any, b: Any) -> bool:
    """True only if both are dates and `a` is after `b` in every reading."""
    order = compare(a, b)
    return order is not None and order > 0


# Resources


def _ait_1(r: Json) -> int:
    return not _has(r, "clinicalStatus") and not _in_error(r, "allergyintolerance-verification")


def _ait_2(r: Json) -> int:
    return _has(r, "clinicalStatus") and _in_error(r, "allergyintolerance-verification")


def _in_error(r: Json, system: str) -> bool:
    return _coded(r.get("verificationStatus"), system, "entered-in-error")


def _con_3(r: Json) -> int:
    listed = any(_coded(item, "condition-category", "problem-list-item") for item in _list(r.get("category")))
    return listed and not _has(r, "clinicalStatus") and not _in_error(r, "condition-ver-status")


def _con_4(r: Json) -> int:
    over = _coded(r.get("clinicalStatus"), "condition-clinical", "resolved", "remission", "inactive")
    return _has(r, "abatement[x]") and not over


def _con_5(r: Json) -> int:
    return _has(r, "clinicalStatus") and _in_error(r, "condition-ver-status")


def _obs_7(r: Json) -> int:
    if not _has(r, "value[x]"):
        return 0
    whole = _codings(r.get("code"))
    return any(whole & _codings(component.get("code")) for component in _objects(r.get("component")))


def _ppc(scope: str) -> Callable[[Json], int]:
    return lambda r: _coded(r.get("scope"), "consentscope", scope) and not _has(r, "patient")


def _needs_one(element: str, *parts: str) -> Callable[[Json], int]:
    """Each repetition of `element` has at least one of these parts."""
    return lambda r: sum(not any(_has(item, part) for part in parts) for item in _objects(r.get(element)))


def _not_both(a: str, b: str) -> Callable[[Json], int]:
    return lambda r: _has(r, a) and _has(r, b)


def _qrs_1(r: Json) -> int:
    """At every depth: an item may stand below an item or below one of its answers."""
    items = (item for under, item in _walk({"item": r.get("item")}) if under == "item")
    return sum(bool(item.get("answer")) and bool(item.get("item")) for item in items)


def _app_3(r: Json) -> int:
    whole = _has(r, "start") and _has(r, "end")
    return not whole and r.get("status") not in ("proposed", "cancelled", "waitlist")


# Datatypes, told by their shape


def _count(shape: Callable[[Json], bool]) -> Callable[[Json], int]:
    return lambda r: sum(shape(item) for _, item in _walk(r))


def _under(name: str, shape: Callable[[Json], bool]) -> Callable[[Json], int]:
    return lambda r: sum(shape(item) for under, item in _walk(r) if under == name)


def _walk(resource: Json) -> Iterator[tuple[str, Json]]:
    """Every object below the resource, with the name of the element that holds it."""
    stack: list[tuple[str, Any]] = list(resource.items())
    while stack:
        name, value = stack.pop()
        if isinstance(value, list):
            stack.extend((name, item) for item in value)
        elif isinstance(value, dict):
            yield name, value
            stack.extend(value.items())


def _ext_1(extension: Json) -> bool:
    return _has(extension, "value[x]") == bool(extension.get("extension"))


def _qty_3(item: Json) -> bool:
    return isinstance(item.get("value"), Number | int) and "code" in item and "system" not in item


def _sqty_1(r: Json) -> int:
    compared = sum("comparator" in item for under, item in _walk(r) if under in _SIMPLE_QUANTITIES)
    # CarePlan calls a SimpleQuantity by a name that elsewhere holds a Quantity.
    details = [activity.get("detail") for activity in _objects(r.get("activity"))]
    planned = [detail.get("quantity") for detail in details if isinstance(detail, dict)]
    return compared + sum(isinstance(item, dict) and "comparator" in item for item in planned)


def _below_zero(part: str) -> Callable[[Json], bool]:
    def found(item: Json) -> bool:
        number = _decimal(item.get(part))
        return number is not None and number < 0

    return found


def _tim_9(repeat: Json) -> bool:
    when = [code for code in _list(repeat.get("when")) if isinstance(code, str)]
    return "offset" in repeat and (not when or not _MEALS.isdisjoint(when))


def _rng_2(item: Json) -> bool:
    if not _RANGE.issuperset(item):
        return False
    low, high = item.get("low"), item.get("high")
    if not isinstance(low, dict) or not isinstance(high, dict) or low.get("code") != high.get("code"):
        return False
    below, above = _decimal(low.get("value")), _decimal(high.get("value"))
    return below is not None and above is not None and below > above


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(value.text) if isinstance(value, Number) else Decimal(value) if isinstance(value, int) else None
    except InvalidOperation:
        return None  # an exponent beyond anything that could be ordered


def _without(part: str, needed: str) -> Callable[[Json], bool]:
    return lambda item: _has(item, part) and not _has(item, needed)


# Reported only


def _contained(shape: Callable[[Json], bool]) -> Callable[[Json], int]:
    return lambda r: sum(shape(item) for item in _objects(r.get("contained")))


def _meta(item: Json, *parts: str) -> bool:
    meta = item.get("meta")
    return isinstance(meta, dict) and any(part in meta for part in parts)


def _local_references(r: Json) -> set[str]:
    found = {item["reference"] for _, item in _walk(r) if isinstance(item.get("reference"), str)}
    return {reference for reference in found if reference.startswith("#")}


def _contained_ids(r: Json) -> set[str]:
    return {"#" + item["id"] for item in _objects(r.get("contained")) if isinstance(item.get("id"), str)}


_CHECKS: dict[str, Callable[[Json], int]] = {
    "ait-1": _ait_1,
    "ait-2": _ait_2,
    "app-1": _needs_one("participant", "type", "actor"),
    "app-2": lambda r: _has(r, "start") != _has(r, "end"),
    "app-3": _app_3,
    "app-4": lambda r: _has(r, "cancelationReason") and r.get("status") not in ("cancelled", "noshow"),
    "con-1": _needs_one("stage", "summary", "assessment"),
    "con-2": _needs_one("evidence", "code", "detail"),
    "con-3": _con_3,
    "con-4": _con_4,
    "con-5": _con_5,
    "cpl-3": lambda r: sum("reference" in item and "detail" in item for item in _objects(r.get("activity"))),
    "ppc-1": lambda r: not _has(r, "policy") and not _has(r, "policyRule"),
    "ppc-2": _ppc("patient-privacy"),
    "ppc-3": _ppc("research"),
    "ppc-4": _ppc("adr"),
    "ppc-5": _ppc("treatment"),
    "fhs-1": _not_both("age[x]", "born[x]"),
    "fhs-2": lambda r: _has(r, "estimatedAge") and not _has(r, "age[x]"),
    "grp-1": lambda r: _has(r, "member") and r.get("actual") is not True,
    "imm-1": _needs_one("education", "documentType", "reference"),
    "lst-1": _not_both("emptyReason", "entry"),
    "lst-2": lambda r: r.get("mode") != "changes" and any("deleted" in item for item in _objects(r.get("entry"))),
    "lst-3": lambda r: r.get("mode") != "working" and any("date" in item for item in _objects(r.get("entry"))),
    "mdd-1": lambda r: _later(r.get("whenPrepared"), r.get("whenHandedOver")),
    "obs-3": _needs_one("referenceRange", "low", "high", "text"),
    "obs-6": _not_both("dataAbsentReason", "value[x]"),
    "obs-7": _obs_7,
    "org-1": lambda r: not _has(r, "identifier") and not _has(r, "name"),
    "pat-1": _needs_one("contact", "name", "telecom", "address", "organization"),
    "qrs-1": _qrs_1,
    "prr-1": lambda r: _has(r, "orderDetail") and not _has(r, "code"),
    "inv-1": lambda r: _later(r.get("authoredOn"), r.get("lastModified")),
    "att-1": _count(
        lambda item: isinstance(item.get("data"), str) and "contentType" not in item and _ATTACHMENT.issuperset(item)
    ),
    "cpt-2": _under("telecom", _without("value", "system")),
    "ext-1": lambda r: _under("extension", _ext_1)(r) + _under("modifierExtension", _ext_1)(r),
    "per-1": _count(lambda item: _PERIOD.issuperset(item) and _later(item.get("start"), item.get("end"))),
    "qty-3": _count(_qty_3),
    "rat-1": _count(lambda item: ("numerator" in item) != ("denominator" in item)),
    "rng-2": _count(_rng_2),
    "sqty-1": _sqty_1,
    "tim-1": _under("repeat", _without("duration", "durationUnit")),
    "tim-2": _under("repeat", _without("period", "periodUnit")),
    "tim-4": _under("repeat", _below_zero("duration")),
    "tim-5": _under("repeat", _below_zero("period")),
    "tim-6": _under("repeat", _without("periodMax", "period")),
    "tim-7": _under("repeat", _without("durationMax", "duration")),
    "tim-8": _under("repeat", _without("countMax", "count")),
    "tim-9": _under("repeat", _tim_9),
    "tim-10": _under("repeat", lambda item: _has(item, "timeOfDay") and _has(item, "when")),
    "dom-2": _contained(lambda item: "contained" in item),
    "dom-3": lambda r: len(_contained_ids(r) - _local_references(r)),
    "dom-4": _contained(lambda item: _meta(item, "versionId", "lastUpdated")),
    "dom-5": _contained(lambda item: _meta(item, "security")),
    "dom-6": lambda r: not _has(r, "text"),
    "ref-1": lambda r: len(_local_references(r) - _contained_ids(r) - {"#"}),
}
