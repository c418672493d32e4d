"""What FHIR's datatypes say in words: dates, concepts, quantities, names, references.

What it is: the parts that labels are made of. What it is not: a label, a translation. No word is added that is not
there, and numbers and dates are as exact as they were written. Spec: openapi/protocol/import.md, "Labels".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sync.fhir.exact import Number
from sync.fhir.label_words import ABSENT_WORDS, MONTHS
from sync.fhir.partial_dates import parse

Resource = dict[str, Any]
Resolve = Callable[[Any], Resource | None]  # a FHIR Reference to the resource it leads to


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
    codings = [one for one in items_of(concept.get("coding")) if isinstance(one, dict)]
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
    names = [one for one in items_of(name) if isinstance(one, dict)]
    for one in sorted(names, key=lambda one: ("official", "usual", None).index(_use(one))):
        given = [part for part in items_of(one.get("given")) if isinstance(part, str)]
        family = one.get("family")
        words = " ".join([*given, family] if isinstance(family, str) else given)
        if words or isinstance(one.get("text"), str):
            return words or str(one["text"])
    return ""


def _use(name: Resource) -> str | None:
    use = name.get("use")
    return use if use in ("official", "usual") else None


def span_words(start: Any, end: Any) -> str:
    """Of two dates `since 2019`, `2019 to 2021`, `until 2021`."""
    first, last = date_words(start), date_words(end)
    if first and last:
        return first if first == last else f"{first} to {last}"
    return f"since {first}" if first else f"until {last}" if last else ""


def period_words(period: Any) -> str:
    """Of a Period `since 2019`, `2019 to 2021`, `until 2021`."""
    return span_words(period.get("start"), period.get("end")) if isinstance(period, dict) else ""


def objects_of(value: Any) -> list[Resource]:
    """The objects of a list; what is no object is passed over."""
    return [item for item in items_of(value) if isinstance(item, dict)]


def display_of(reference: Any) -> str:
    """The display of a Reference; empty if it has none."""
    display = reference.get("display") if isinstance(reference, dict) else None
    return display if isinstance(display, str) else ""


def code_of(concept: Any) -> str | None:
    """The first code of a CodeableConcept."""
    for coding in items_of(concept.get("coding")) if isinstance(concept, dict) else ():
        if isinstance(coding, dict) and isinstance(coding.get("code"), str):
            return str(coding["code"])
    return None


def items_of(value: Any) -> list[Any]:
    """A list as it is, nothing as no items, anything else as one item."""
    return value if isinstance(value, list) else [] if value is None else [value]
