"""Whether a value that a person hands in can stand in an element: its JSON shape by FHIR's datatype.

What it is: primitive or object, one or a list, nothing empty, every number exact. What it is not: a validator of
codes, dates or cardinalities. Source: FHIR R4, JSON representation of resources. Spec: openapi/protocol/fhir.md,
section "Editing".
"""

from __future__ import annotations

from typing import Any

from sync.fhir.exact import Number, is_exact
from sync.fhir.table import TypeTable

_NUMBERS = frozenset(("integer", "decimal", "positiveInt", "unsignedInt"))
_TEXTS = frozenset(
    (
        "base64Binary", "canonical", "code", "date", "dateTime", "id", "instant", "markdown", "oid", "string", "time",
        "uri", "url", "uuid",
    )
)  # fmt: skip


def why_not(table: TypeTable, name: str, value: Any) -> str | None:
    """Why a value cannot stand under a JSON name (`status`, `onsetDateTime`), in words; None if it can.

    What R4 does not know may be anything that FHIR's JSON allows.
    """
    if not is_exact(value):
        return "numbers must keep their text"
    if _has_empty(value):
        return "FHIR has no empty texts, objects or lists, and no null as a value"
    element = table.element_of(name)
    if element is None or name.startswith("_"):
        return None
    repeats = table.repeats(element)
    if repeats is not None and repeats != isinstance(value, list):
        return "the element repeats, so its value is a list" if repeats else "the element does not repeat"
    datatype = _datatype(table, element, name)
    if datatype is None:
        return None
    for item in value if isinstance(value, list) else [value]:
        if not _fits(datatype, item):
            return f"its datatype is {datatype}"
    return None


def why_not_item(table: TypeTable, element: str, value: Any) -> str | None:
    """As `why_not`, for one repetition of a repeating element."""
    return why_not(table, element, [value] if table.repeats(element) is not False else value)


def _datatype(table: TypeTable, element: str, name: str) -> str | None:
    if not element.endswith("[x]"):
        return table.datatype_of(element)
    ending = name[len(element) - 3 :]
    primitive = ending[:1].lower() + ending[1:]
    return primitive if primitive in _NUMBERS | _TEXTS | {"boolean"} else ending


def _fits(datatype: str, item: Any) -> bool:
    if datatype == "boolean":
        return isinstance(item, bool)
    if datatype in _NUMBERS:
        return isinstance(item, Number | int) and not isinstance(item, bool)
    if datatype in _TEXTS:
        return isinstance(item, str)
    return isinstance(item, dict)


def _has_empty(value: Any) -> bool:
    stack = [value]
    while stack:
        item = stack.pop()
        if item is None or item in ("", {}, []):
            return True
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            # In a list of primitives null keeps the place of a `_sibling`.
            stack.extend(member for member in item if member is not None or len(item) == 1)
    return False
