"""Whether two clinical records may be about one thing: the same identifier, or the same code at the same time.

What it is: what of a record is compared for proposing duplicates, and the comparison. What it is not: a decision; it
only says why a person should be asked. What says that there is nothing ("no known allergies") is never asked about.

Invariants: texts never outweigh codes: two codes of one system that differ are two things, whatever their words; what
is so and what is not, two sides of a body, two lots and two doses of a series are two; dates are compared without
inventing an order; types that are not clinical are never compared.
Spec: openapi/protocol/import.md, "Duplicates".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from sync.fhir.label_words import ABSENT_WORDS
from sync.fhir.partial_dates import compare, may_be_same
from sync.fhir.quiet import meaning

# How dates count: none are needed (an allergy is one whenever it was written down), they must not contradict each other
# (a condition dated once and undated once), or both must be there and mean one time (an event).
NEVER, UNLESS_OTHER, BOTH = 0, 1, 2

# Type: elements with its code, elements with its date (in the order in which they are compared), how dates count.
TYPES: dict[str, tuple[tuple[str, ...], tuple[str, ...], int]] = {
    "AllergyIntolerance": (("code",), (), NEVER),
    "Condition": (("code",), ("onsetDateTime", "onsetPeriod", "recordedDate"), UNLESS_OTHER),
    "MedicationStatement": (
        ("medicationCodeableConcept", "medicationReference"),
        ("effectiveDateTime", "effectivePeriod"),
        UNLESS_OTHER,
    ),
    "MedicationRequest": (("medicationCodeableConcept", "medicationReference"), ("authoredOn",), BOTH),
    "MedicationDispense": (("medicationCodeableConcept", "medicationReference"), ("whenHandedOver",), BOTH),
    "MedicationAdministration": (
        ("medicationCodeableConcept", "medicationReference"),
        ("effectiveDateTime", "effectivePeriod"),
        BOTH,
    ),
    "Immunization": (("vaccineCode",), ("occurrenceDateTime",), BOTH),
    "Observation": (("code",), ("effectiveDateTime", "effectivePeriod", "effectiveInstant"), BOTH),
    "Procedure": (("code",), ("performedDateTime", "performedPeriod"), BOTH),
    "DiagnosticReport": (("code",), ("effectiveDateTime", "effectivePeriod"), BOTH),
    "ServiceRequest": (("code",), ("authoredOn",), BOTH),
    "Flag": (("code",), ("period",), UNLESS_OTHER),
    "DocumentReference": ((), (), BOTH),
    "Encounter": ((), (), BOTH),
    "FamilyMemberHistory": ((), (), BOTH),
    "CarePlan": ((), (), BOTH),
    "Goal": ((), (), BOTH),
    "DeviceUseStatement": ((), (), BOTH),
    "ClinicalImpression": ((), (), BOTH),
    "ImagingStudy": ((), (), BOTH),
}
_TELLING = ("status", "verificationStatus", "bodySite", "lotNumber", "protocolApplied")
_ENTERED_IN_ERROR = "entered-in-error"
_NOTHING_SYSTEM = "absent-unknown-uv-ips"
_NOTHING_SNOMED = {"716186003", "409137002", "428607008", "429625007", "160245001", "787481004"}  # no known …


class Facts(NamedTuple):
    """What is compared of one record. `dates`: element to the date it begins with. `value`: what was measured.

    `apart`: what tells two of one code apart (a side, a lot, a dose of a series, whether it is so), by name.
    """

    type: str
    identifiers: frozenset[tuple[str, str]]
    codes: frozenset[tuple[str, str]]
    words: frozenset[str]
    dates: dict[str, str]
    value: bytes | None
    apart: dict[str, frozenset[str]]

    def keys(self) -> set[tuple[str, ...]]:
        """The buckets in which two records meet that may be one."""
        found: set[tuple[str, ...]] = {(self.type, "identifier", *one) for one in self.identifiers}
        for mark in (*(("code", *one) for one in self.codes), *(("words", one) for one in self.words)):
            if TYPES[self.type][2] == BOTH:
                # What must have happened at one time need not be compared across months.
                months = {month for date in self.dates.values() for month in _months(date)}
                found.update((self.type, *mark, str(month)) for month in months)
            else:
                found.add((self.type, *mark))
        return found


def facts_of(registers: dict[str, bytes], code_of: Callable[[Any], bytes | None]) -> Facts | None:
    """What is compared of a record by its registers as shown, or None if it is never proposed.

    `code_of`: the register `code` of the medicine that a reference leads to, None if it leads to none that is there.
    """
    kind = _decoded(registers.get("resourceType")).get("resourceType")
    if kind not in TYPES:
        return None
    code_elements, date_elements, _ = TYPES[kind]
    identifiers: set[tuple[str, str]] = set()
    told: dict[str, Any] = {}
    value: bytes | None = None
    wanted = {*code_elements, *date_elements, *_TELLING}
    for key, text in registers.items():
        if key == "identifier" or key.startswith("identifier/"):
            identifiers.update(_identifiers(text))
        elif key.startswith("protocolApplied/"):
            told.setdefault("protocolApplied", []).append(_decoded(text))
        elif not wanted.isdisjoint(group := _decoded(text)):
            told.update((name, member) for name, member in group.items() if name in wanted)
            if kind == "Observation" and any(name.startswith(("value", "component")) for name in group):
                measured = {n: m for n, m in group.items() if n.startswith(("value", "component"))}
                value = msgspec.json.encode(measured, order="sorted")
    if _ENTERED_IN_ERROR in (told.get("status"), _code_of(told.get("verificationStatus"))):
        return None
    concepts = []
    for element in code_elements:
        concept = told.get(element)
        if element == "medicationReference" and concept is not None:
            concept = _decoded(code_of(concept)).get("code")
        if isinstance(concept, dict):
            concepts.append(concept)
    codes, words = _marks(concepts)
    if any(_NOTHING_SYSTEM in system or code in _NOTHING_SNOMED for system, code in codes) or words & _NOTHING_WORDS:
        codes, words = frozenset(), frozenset()
    dates = {element: date for element in date_elements if (date := _date(told.get(element))) is not None}
    return Facts(kind, frozenset(identifiers), codes, words, dates, value, _apart(told))


def why_alike(a: Facts, b: Facts) -> str | None:
    """Why two records may be one, in words, or None."""
    if a.type != b.type:
        return None
    if a.identifiers & b.identifiers:
        return "the same identifier"
    told_apart = (a.apart[name].isdisjoint(b.apart[name]) for name in a.apart.keys() & b.apart.keys())
    if not _same_thing(a, b) or any(told_apart):
        return None
    rule = TYPES[a.type][2]
    if rule == NEVER:
        return "the same code"
    shared = [element for element in TYPES[a.type][1] if element in a.dates and element in b.dates]
    if not shared:
        # An event that is dated in different ways (a day here, a period there) is compared by what both begin with.
        if rule == BOTH and a.dates and b.dates and _one_time(a, b, next(iter(a.dates)), next(iter(b.dates))):
            return "the same code and date"
        return "the same code" if rule == UNLESS_OTHER else None
    if _one_time(a, b, shared[0], shared[0]):
        return "the same code and date"
    return None


def _one_time(a: Facts, b: Facts, ours: str, theirs: str) -> bool:
    first, second = a.dates[ours], b.dates[theirs]
    if a.type == "Observation" and a.value != b.value and _meant(a.value) != _meant(b.value):
        return "T" in first and compare(first, second) == 0  # Two values of one day are two; a day is no time.
    return may_be_same(first, second)


def _meant(value: bytes | None) -> bytes | None:
    """What a value means, found out only for two that meet: most records meet none."""
    return None if value is None else meaning(value)


def _same_thing(a: Facts, b: Facts) -> bool:
    if a.codes & b.codes:
        return True
    if {system for system, _ in a.codes} & {system for system, _ in b.codes}:
        return False
    return bool(a.words & b.words)


def _apart(told: dict[str, Any]) -> dict[str, frozenset[str]]:
    """What tells two things of one code apart, where both say it."""
    negated = told.get("status") == "not-done" or _code_of(told.get("verificationStatus")) == "refuted"
    found: dict[str, set[str]] = {"whether it is so": {str(not negated)}}
    sites = told.get("bodySite")
    for site in sites if isinstance(sites, list) else [sites]:
        for system, code in _marks([site])[0] if isinstance(site, dict) else ():
            found.setdefault(f"site in {system}", set()).add(code)
    if isinstance(told.get("lotNumber"), str):
        found["lot"] = {told["lotNumber"].strip().casefold()}
    series = told.get("protocolApplied")
    for dose in series if isinstance(series, list) else ():
        number = dose.get("doseNumberPositiveInt", dose.get("doseNumberString")) if isinstance(dose, dict) else None
        if number is not None:
            found.setdefault("dose of a series", set()).add(str(number))
    return {name: frozenset(marks) for name, marks in found.items()}


def _code_of(concept: Any) -> str | None:
    """The code of a status that has one coding, as R4's status elements do."""
    codings = concept.get("coding") if isinstance(concept, dict) else None
    first = codings[0] if isinstance(codings, list) and codings else None
    return first.get("code") if isinstance(first, dict) and isinstance(first.get("code"), str) else None


def _marks(concepts: Iterable[dict[str, Any]]) -> tuple[frozenset[tuple[str, str]], frozenset[str]]:
    codes: set[tuple[str, str]] = set()
    words: list[Any] = []
    for concept in concepts:
        words.append(concept.get("text"))
        codings = concept.get("coding")
        for coding in codings if isinstance(codings, list) else ():
            if isinstance(coding, dict):
                words.append(coding.get("display"))
                system, code = coding.get("system"), coding.get("code")
                if isinstance(code, str) and isinstance(system, str):
                    codes.add((system, code))
    told = (" ".join(word.casefold().split()) for word in words if isinstance(word, str))
    return frozenset(codes), frozenset(word for word in told if word)


def _identifiers(text: bytes) -> Iterable[tuple[str, str]]:
    value = _decoded(text)
    told = value.get("identifier", value)
    for one in told if isinstance(told, list) else [told]:
        if isinstance(one, dict):
            system, number = one.get("system"), one.get("value")
            if isinstance(system, str) and isinstance(number, str) and system and number.strip():
                yield (system, number)


def _months(date: str) -> set[int]:
    """The months, counted through the years, that a date may fall in somewhere on earth."""
    year, month, day = int(date[:4]), date[5:7], date[8:10]
    if not (month.isdecimal() and month.isascii()):
        return set(range(year * 12 - 1, year * 12 + 13))
    of = year * 12 + int(month) - 1
    if not (day.isdecimal() and day.isascii()):
        return {of - 1, of, of + 1}
    return {of, of - (int(day) == 1), of + (int(day) > 27)}


def _date(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("start")
    return value if isinstance(value, str) and value[:4].isdecimal() and value[:4].isascii() else None


def _decoded(text: bytes | None) -> dict[str, Any]:
    """A register's object, with numbers as Python has them: they are looked at here, never written."""
    try:
        value = msgspec.json.decode(text) if text is not None else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


_NOTHING_WORDS = frozenset(words.casefold() for words in ABSENT_WORDS.values())
