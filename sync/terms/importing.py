"""Terms out of other people's files: FHIR CodeSystem and ValueSet (designations), SNOMED CT RF2 descriptions.

What it is: text of a file to (system, code) → term in one language. What it is not: a fetch, a licence (who imports
says under which one the file may be used), a terminology server: no hierarchy, no filter is followed. Invariants: a
term is only taken where the file says that it is of the language; of RF2 only what is active, preferred terms first by
a language reference set if one is given. Source: FHIR R4 CodeSystem.concept.designation, ValueSet.compose and
.expansion; SNOMED International, RF2 Description and Language reference set. Spec: openapi/protocol/terms.md, TRM-9.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sync.terms.pack import TEXT_CHARS_MAX, Body, Origin, Term

SNOMED = "http://snomed.info/sct"
_FULLY_SPECIFIED, _SYNONYM = "900000000000003001", "900000000000013009"
_PREFERRED = "900000000000548007"
_HEADER = "id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId"
_DEPTH_MAX = 60


class NotUnderstood(Exception):
    """A file that is none of these; says what is missing."""


class Row(NamedTuple):
    """One term. `preferred`: shown; of the others the first is, where none is preferred."""

    system: str
    code: str
    text: str
    preferred: bool


def rows_of(text: str, language: str, preferences: str | None = None) -> list[Row]:
    """Every term of a language in a file. `preferences`: an RF2 language reference set. Raises: NotUnderstood."""
    if text.lstrip("\ufeff").startswith(_HEADER):
        return list(_of_rf2(text.lstrip("\ufeff"), language, _preferred(preferences)))
    try:
        resource = json.loads(text)
    except (ValueError, RecursionError):
        raise NotUnderstood("neither JSON nor an RF2 description file") from None
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if kind == "CodeSystem":
        system = resource.get("url")
        if not isinstance(system, str):
            raise NotUnderstood("a CodeSystem without url")
        spoken = _speaks(resource.get("language"), language)
        return list(_of_concepts(resource.get("concept"), system, language, spoken, 0))
    if kind == "ValueSet":
        return list(_of_value_set(resource, language))
    raise NotUnderstood("neither a CodeSystem nor a ValueSet")


def body_of(rows: Iterable[Row], language: str, name: str, version: str, origin: Origin) -> Body:
    """A pack of these terms, the preferred or first term of each code shown, the others for the search."""
    kept: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if 0 < len(row.text) <= TEXT_CHARS_MAX and row.text.isprintable():
            kept.setdefault((row.system, row.code), []).append(row)
    systems = tuple(sorted({system for system, _ in kept}))
    terms = []
    for (system, code), found in sorted(kept.items()):
        texts = list(dict.fromkeys(row.text for row in sorted(found, key=lambda row: not row.preferred)))
        terms.append(Term(systems.index(system), code, 0, texts[0], tuple(texts[1:])))
    return Body(language, name, version, (origin,), systems, tuple(terms))


def _of_concepts(told: Any, system: str, language: str, spoken: bool, depth: int) -> Iterator[Row]:
    if depth > _DEPTH_MAX:
        raise NotUnderstood("concepts nested too deep")
    for concept in _objects(told):
        code, display = concept.get("code"), concept.get("display")
        if isinstance(code, str):
            if spoken and isinstance(display, str):
                yield Row(system, code.strip(), display.strip(), True)
            for designation in _objects(concept.get("designation")):
                value = designation.get("value")
                if isinstance(value, str) and _speaks(designation.get("language"), language):
                    yield Row(system, code.strip(), value.strip(), _is_display(designation.get("use")))
        for inner in ("concept", "contains"):
            yield from _of_concepts(concept.get(inner), system, language, spoken, depth + 1)


def _of_value_set(resource: dict[str, Any], language: str) -> Iterator[Row]:
    compose, expansion = resource.get("compose"), resource.get("expansion")
    spoken = _speaks(resource.get("language"), language)
    for include in _objects(compose.get("include") if isinstance(compose, dict) else None):
        if isinstance(include.get("system"), str):
            yield from _of_concepts(include.get("concept"), include["system"], language, spoken, 0)
    waiting = _objects(expansion.get("contains") if isinstance(expansion, dict) else None)
    for one in waiting:  # it grows meanwhile
        if isinstance(one.get("system"), str):
            alone = {name: value for name, value in one.items() if name != "contains"}
            yield from _of_concepts([alone], one["system"], language, spoken, 0)
        waiting += _objects(one.get("contains"))


def _of_rf2(text: str, language: str, preferred: frozenset[str]) -> Iterator[Row]:
    for line in text.splitlines()[1:]:
        parts = line.split("\t")
        if len(parts) != 9:
            raise NotUnderstood("an RF2 line with another number of columns")
        id_, _, active, _, concept, spoken, kind, term, _ = parts
        if active == "1" and kind == _SYNONYM and _speaks(spoken, language):
            yield Row(SNOMED, concept, term.strip(), id_ in preferred)


def _preferred(text: str | None) -> frozenset[str]:
    """Descriptions that a language reference set prefers."""
    rows = [line.split("\t") for line in (text or "").lstrip("\ufeff").splitlines()[1:]]
    if any(len(row) != 7 for row in rows):
        raise NotUnderstood("not an RF2 language reference set")
    return frozenset(row[5] for row in rows if row[2] == "1" and row[6] == _PREFERRED)


def _speaks(told: Any, language: str) -> bool:
    return isinstance(told, str) and told.lower().split("-")[0] == language.split("-", maxsplit=1)[0]


def _is_display(use: Any) -> bool:
    """True unless a designation says that it is another kind of name (a fully specified name is for machines)."""
    return not (isinstance(use, dict) and use.get("code") in (_FULLY_SPECIFIED, _SYNONYM))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
