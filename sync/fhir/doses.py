"""How a medicine is taken, in a few words: "5 mg, mornings".

What it is: the first dosage of a list as words. What it is not: an instruction. What these words cannot say (several
dosages, ranges, rates) is said by the dosage's own text, or by "as described"; a dose is never shortened or computed.
Spec: openapi/protocol/import.md, "Labels".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sync.fhir.exact import Number

TEXT_MAX = 80  # characters of a dosage's own text in a line

_WHEN = {
    "MORN": "mornings",
    "MORN.early": "early mornings",
    "MORN.late": "late mornings",
    "NOON": "at noon",
    "AFT": "afternoons",
    "EVE": "evenings",
    "NIGHT": "at night",
    "HS": "at bedtime",
    "WAKE": "on waking",
    "C": "with meals",
    "CM": "with breakfast",
    "CD": "with lunch",
    "CV": "with dinner",
    "AC": "before meals",
    "ACM": "before breakfast",
    "ACD": "before lunch",
    "ACV": "before dinner",
    "PC": "after meals",
    "PCM": "after breakfast",
    "PCD": "after lunch",
    "PCV": "after dinner",
}
_UNITS = {"s": "second", "min": "minute", "h": "hour", "d": "day", "wk": "week", "mo": "month", "a": "year"}


def dosage_words(dosages: list[Any], quantity_words: Callable[[Any], str]) -> str:
    """`5 mg, mornings` of a list of FHIR Dosage; empty if they say nothing."""
    told = [one for one in dosages if isinstance(one, dict)]
    if not told:
        return ""
    words = _one(told[0], quantity_words)
    return f"{words}, and more as described" if len(told) > 1 and words else words


def _one(dosage: dict[str, Any], quantity_words: Callable[[Any], str]) -> str:
    text = dosage.get("text")
    if isinstance(text, str) and 0 < len(text.strip()) <= TEXT_MAX:
        return text.strip()
    rates = dosage.get("doseAndRate")
    first = rates[0] if isinstance(rates, list) and rates and isinstance(rates[0], dict) else {}
    dose = quantity_words(first.get("doseQuantity"))
    span = first.get("doseRange")
    if not dose and isinstance(span, dict):
        dose = " to ".join(part for part in (quantity_words(span.get("low")), quantity_words(span.get("high"))) if part)
    when = _timing(dosage.get("timing"))
    need = "when needed" if dosage.get("asNeededBoolean") is True or "asNeededCodeableConcept" in dosage else ""
    words = ", ".join(part for part in (dose, when, need) if part)
    return words or ("as described" if isinstance(text, str) and text.strip() else "")


def _timing(timing: Any) -> str:
    repeat = timing.get("repeat") if isinstance(timing, dict) else None
    if not isinstance(repeat, dict):
        code = timing.get("code") if isinstance(timing, dict) else None
        text = code.get("text") if isinstance(code, dict) else None
        return text if isinstance(text, str) else ""
    when = [_WHEN[code] for code in _strings(repeat.get("when")) if code in _WHEN]
    if when:
        return ", ".join(when)
    times = [time[:5] for time in _strings(repeat.get("timeOfDay"))]
    if times:
        return "at " + ", ".join(times)
    frequency, period, unit = _text(repeat.get("frequency")), _text(repeat.get("period")), repeat.get("periodUnit")
    if (
        not isinstance(unit, str)
        or unit not in _UNITS
        or period is None
        or "frequencyMax" in repeat
        or "periodMax" in repeat
    ):
        return ""
    often = {None: "", "1": "", "2": "twice "}.get(frequency, f"{frequency} times ")
    each = f"every {_UNITS[unit]}" if period == "1" else f"every {period} {_UNITS[unit]}s"
    return f"{often}{each}"


def _text(value: Any) -> str | None:
    return value.text if isinstance(value, Number) else None


def _strings(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
