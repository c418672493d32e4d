"""Which values mean the same, so that nobody has to be asked about them.

What it is: the canonical comparison of two register values: the same code with another display, the same instant in
another zone, free text that differs in white space. What it is not: a judgement of medicine. A dose, a status, a
precision (`5.40` and `5.4`), a unit or an order of repetitions is never passed over.

Invariants: sameness is an equivalence; equal bytes are the same; a value is never the same as its absence.
Spec: openapi/protocol/fhir.md, section "Conflicts".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sync.fhir.exact import ExactJsonError, canonical, loads
from sync.fhir.partial_dates import parse

_FREE_TEXT = frozenset(
    ("text", "display", "div", "description", "comment", "patientInstruction", "valueString", "valueMarkdown", "title")
)


def same(a: bytes | None, b: bytes | None) -> bool:
    """True if two register values mean the same; None is ABSENT."""
    if a == b:
        return True
    return a is not None and b is not None and meaning(a) == meaning(b)


def differ(values: Iterable[bytes | None]) -> bool:
    """True if not all of these register values mean the same."""
    distinct = set(values)
    if len(distinct) < 2:
        return False
    return None in distinct or len({meaning(value) for value in distinct if value is not None}) > 1


def meaning(value: bytes) -> bytes:
    """What is compared of a register value: canonical JSON without what makes no difference."""
    try:
        return canonical(_meaning("", loads(value)))
    except ExactJsonError:
        return value  # a foreign app's text that is not JSON means nothing but itself


def _meaning(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        told = {key: _meaning(key, member) for key, member in value.items()}
        if isinstance(value.get("system"), str) and isinstance(value.get("code"), str):
            told.pop("display", None)
            told.pop("_display", None)
        return told
    if isinstance(value, list):
        return [_meaning(name, item) for item in value]
    if isinstance(value, str):
        if name in _FREE_TEXT:
            return " ".join(value.split())
        if "T" in value:
            span = parse(value)
            if span is not None and span.zoned:
                return {"instant": [str(span.low), str(span.high)]}
    return value
