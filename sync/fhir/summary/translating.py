"""A summary's entries in the reader's language: by code where a pack or a designation has it, else as written.

What it is: from one resource of the document to its name, marks and lines as pieces of text, each with the word whether
it was translated. What it is not: a machine that translates, a page. Invariants: the original stands beside every
translation that differs from it; what is not translated is a piece that says so; no number is changed.
Source: FHIR R4 "translation" extension; IPS 2.0 must-support elements. Spec: openapi/protocol/terms.md, TRM-6, TRM-7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sync.fhir.datatype_words import code_of, concept_words, date_words, display_of, objects_of, quantity_words
from sync.fhir.exact import Number
from sync.fhir.registers import Resource
from sync.fhir.summary.reading_words import CODED, STATUSES, WHEN

_TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
_FHIR_OWN = ("http://terminology.hl7.org/CodeSystem/", "http://hl7.org/fhir/")
_USUAL = frozenset(("active", "confirmed", "final", "current", "completed"))
_SEVERE = frozenset(("high", "severe", "24484000", "LA6750-9"))


class Piece(NamedTuple):
    """Text in the reader's language, or as it was written (`translated` False). `original`: beside a translation."""

    text: str
    translated: bool
    original: str = ""


class Reader(NamedTuple):
    """Who reads. `words`: the page's own words by key; `term`: what packs call a CodeableConcept, or None."""

    lang: str
    words: dict[str, str]
    term: Callable[[Any], str | None]

    def word(self, key: str, **about: str) -> str:
        """A word of the page's own, its gaps filled."""
        text = self.words[key]
        for name, value in about.items():
            text = text.replace("{" + name + "}", value)
        return text

    def day(self, text: Any) -> str:
        """A date: in English with its month in letters, elsewhere as ISO 8601, which no country reads otherwise."""
        words = date_words(text)
        return words if self.lang == "en" or not words else str(text)[:10]


class Fact(NamedTuple):
    """An entry as it is read. `main`: dose, reaction; `marks`: in the reader's language."""

    name: Piece
    severe: bool
    marks: tuple[str, ...]
    main: tuple[tuple[Piece, ...], ...]


Find = Callable[[Any], Resource | None]


def fact_of(resource: Resource, find: Find, reader: Reader) -> Fact:
    """What a reader sees of an entry. `find`: what a Reference leads to."""
    codes = [resource.get("criticality"), code_of(resource.get("severity"))]
    codes += [reaction.get("severity") for reaction in objects_of(resource.get("reaction"))]
    severe = any(code in _SEVERE for code in codes)
    return Fact(_name(resource, find, reader), severe, tuple(_marks(resource, reader)), tuple(_main(resource, reader)))


def piece_of(concept: Any, reader: Reader) -> Piece | None:
    """A CodeableConcept: by designation, by pack, by the page's own words, else as it was written."""
    original = concept_words(concept)
    if not original:
        return None
    codings = objects_of(concept.get("coding"))
    texts = [_designation(concept.get("_text"), reader.lang)]
    texts += [_designation(coding.get("_display"), reader.lang) for coding in codings]
    texts.append(reader.term(concept))
    texts += [reader.words.get(_key(coding) or "") for coding in codings]
    said = next((text for text in texts if text), None)
    if said is None:
        return Piece(original, False)
    return Piece(said, True, "" if said.casefold() == original.casefold() else original)


def _key(coding: Resource) -> str | None:
    system, code = str(coding.get("system")), str(coding.get("code"))
    own = system.startswith(_FHIR_OWN) and "/v3-" not in system
    return CODED.get((system, code)) or (STATUSES.get(code) if own else None)


def _designation(element: Any, lang: str) -> str | None:
    """What an element's translation extension says in a language."""
    for extension in objects_of(element.get("extension")) if isinstance(element, dict) else ():
        if extension.get("url") == _TRANSLATION:
            parts = {part.get("url"): part for part in objects_of(extension.get("extension"))}
            spoken = str(parts.get("lang", {}).get("valueCode", "")).lower().split("-")[0]
            content = parts.get("content", {})
            said = content.get("valueString") or content.get("valueMarkdown")
            if spoken == lang and isinstance(said, str):
                return said
    return None


def _name(resource: Resource, find: Find, reader: Reader) -> Piece:
    for element in ("code", "vaccineCode", "medicationCodeableConcept"):
        if (piece := piece_of(resource.get(element), reader)) is not None:
            return piece
    for element in ("medicationReference", "device"):
        reference = resource.get(element)
        target = find(reference)
        for name in ("code", "type"):
            if target is not None and (piece := piece_of(target.get(name), reader)) is not None:
                return piece
        for named in objects_of(target.get("deviceName")) if target is not None else ():
            if isinstance(named.get("name"), str):
                return Piece(named["name"], False)
        if display_of(reference):
            return Piece(display_of(reference), False)
    for element in ("title", "description"):
        if isinstance(resource.get(element), str) and resource[element].strip():
            return Piece(resource[element].strip(), False)
    for element in ("type", "category"):
        for concept in objects_of(resource.get(element)):
            if (piece := piece_of(concept, reader)) is not None:
                return piece
    return Piece(reader.word("not_shown"), True, str(resource.get("resourceType")))


def _marks(resource: Resource, reader: Reader) -> Iterator[str]:
    if resource.get("doNotPerform") is True:
        yield reader.word("do_not_give")
    if resource.get("modifierExtension"):
        yield reader.word("has_modifier")
    risk = {"high": "crit_high", "low": "crit_low", "unable-to-assess": "crit_unknown"}
    if (key := risk.get(str(resource.get("criticality")))) is not None:
        yield reader.word(key)
    verification = code_of(resource.get("verificationStatus"))
    status = code_of(resource.get("clinicalStatus")) or resource.get("status")
    told = [verification] if verification in ("refuted", "entered-in-error") else [status, verification]
    medicine = str(resource.get("resourceType", "")).startswith("Medication")
    for code in dict.fromkeys(told):
        if isinstance(code, str) and (code not in _USUAL or (code == "completed" and medicine)):
            key = STATUSES.get(code)
            yield reader.word(key) if key is not None else code


def _main(resource: Resource, reader: Reader) -> Iterator[tuple[Piece, ...]]:
    for reaction in objects_of(resource.get("reaction")):
        pieces = [piece_of(one, reader) for one in objects_of(reaction.get("manifestation"))]
        found = [piece for piece in pieces if piece is not None]
        if not found and isinstance(reaction.get("description"), str):
            found = [Piece(reaction["description"], False)]
        if (key := STATUSES.get(str(reaction.get("severity")))) is not None:
            found.append(Piece(reader.word(key), True))
        if found:
            yield tuple(found)
    severity = piece_of(resource.get("severity"), reader)
    if severity is not None:
        yield (severity,)
    since = reader.day(resource.get("onsetDateTime")) or reader.day((resource.get("onsetPeriod") or {}).get("start"))
    if since:
        yield (Piece(f"{reader.word('l_since')} {since}", True),)
    given = reader.day(resource.get("occurrenceDateTime"))
    if given:
        yield (Piece(given, True),)
    for name in ("dosage", "dosageInstruction"):
        for dosage in objects_of(resource.get(name)):
            told = tuple(_dose(dosage, reader))
            if told:
                yield told


def _dose(dosage: Resource, reader: Reader) -> Iterator[Piece]:
    """One dosage: what is coded of it in the reader's language, its own text as it was written."""
    parts = [quantity_words(rate.get("doseQuantity")) for rate in objects_of(dosage.get("doseAndRate"))]
    timing = dosage.get("timing")
    repeat = timing.get("repeat") if isinstance(timing, dict) else None
    parts += _often(repeat, reader) if isinstance(repeat, dict) else []
    if dosage.get("asNeededBoolean") is True or "asNeededCodeableConcept" in dosage:
        parts.append(reader.word("f_as_needed"))
    route = piece_of(dosage.get("route"), reader)
    if route is not None and route.translated:
        parts.append(route.text)
    line = ", ".join(part for part in parts if part)
    if line:
        yield Piece(line, True)
    text = dosage.get("text")
    if isinstance(text, str) and text.strip() and text.strip() != line:
        yield Piece(text.strip(), False)


def _often(repeat: Resource, reader: Reader) -> list[str]:
    moments = [code for code in repeat.get("when") or [] if isinstance(code, str)]
    found = []
    frequency, period = _whole(repeat.get("frequency"), "1"), _whole(repeat.get("period"), "")
    ranged = "frequencyMax" in repeat or "periodMax" in repeat
    daily = period == "1" and repeat.get("periodUnit") == "d" and not ranged
    # Two moments of a day are twice a day, whatever the frequency, which is 1 by default, says.
    if daily and len(moments) < 2:
        found.append(reader.word("f_daily") if frequency == "1" else reader.word("f_times_daily", n=frequency))
    elif period and not daily:
        units = {"h": "u_hours", "d": "u_days", "wk": "u_weeks", "mo": "u_months"}
        key = units.get(str(repeat.get("periodUnit")))
        unit = reader.word(key) if key else str(repeat.get("periodUnit") or "")
        times = f"{frequency}–{_whole(repeat['frequencyMax'], '?')}" if "frequencyMax" in repeat else frequency
        each = f"{period}–{_whole(repeat['periodMax'], '?')}" if "periodMax" in repeat else period
        found.append(f"{times} × / {each} {unit}")
    for code in moments:
        found += [reader.word(key) for key in WHEN[code]] if code in WHEN else [code]
    return found + [str(one)[:5] for one in repeat.get("timeOfDay") or []]


def _whole(value: Any, otherwise: str) -> str:
    return value.text if isinstance(value, Number) else otherwise
