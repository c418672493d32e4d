"""The words of a section: what a doctor reads who has no viewer.

What it is: English words and the XHTML of a section's `text`. What it is not: markup from a file (none is ever copied),
a translation (sync.terms and the viewer have other languages) or a medical statement.

Invariants: none known, not known and not asked never read alike; a disputed entry says so before anything else; every
text is escaped. Spec: openapi/protocol/summary.md, "Narrative".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sync.fhir.conflicts import DELETED_WHILE_EDITED
from sync.fhir.datatype_words import date_words
from sync.fhir.narrative import escaped
from sync.fhir.registers import Resource
from sync.fhir.summary.assertions import FILE, PATIENT, Facts, Said
from sync.fhir.summary.reviewing import STILL_TRUE, STOPPED

_EMPTY = {
    "nilknown": "None known",
    "notasked": "Not asked",
    "unavailable": "Not known: there is no information",
    "notstarted": "Not known: nobody has begun to collect it",
    "closed": "Not known: no longer collected",
}


class Line(NamedTuple):
    """One version of an entry, for people. `place`: which of how many, of a disputed one. `old`: an allergy, problem or
    medicine of which nobody said so within a year. `url`: the entry of the document that it is about."""

    record: str
    type: str
    words: str
    status: str | None
    active: bool
    disputed: str | None
    place: tuple[int, int]
    facts: Facts
    notes: tuple[str, ...]
    old: bool
    url: str


def empty_words(reason: str, date: str | None) -> str:
    """What an empty section says."""
    words = _EMPTY.get(reason, _EMPTY["unavailable"])
    when = date_words(date)
    return f"{words} (said on {when})" if reason == "nilknown" and when else words


def said_words(facts: Facts) -> str:
    """`St. Anna, 12 Mar 2024; changed by Testa Testperson (the patient), 3 Apr 2026`."""
    files = any(one.who == FILE for one in facts.said)
    return "; ".join(("changed by " if files and one.who != FILE else "") + _said(one) for one in facts.said)


def confirmed_words(facts: Facts) -> str:
    """What a person answered when asked whether it still holds; empty if nobody was asked."""
    if facts.confirmed is None:
        return ""
    answer, on, said = facts.confirmed
    who = "the patient" if said.who == PATIENT else said.name
    words = {STILL_TRUE: "confirmed", STOPPED: "stopped"}.get(answer, "not sure any more")
    return f"{words}, says {who}, {date_words(on)}"


def disputed_words(line: Line) -> str:
    """Why an entry is not to be taken as settled; empty if it is."""
    if line.disputed is None:
        return ""
    if line.disputed == "duplicate":
        return "may be the same as another entry"
    words = "DISPUTED"
    if line.place[1] > 1:
        words += f", version {line.place[0]} of {line.place[1]}"
    return f"{words}, deleted by one person and kept by another" if line.disputed == DELETED_WHILE_EDITED else words


def details(line: Line, *, who: bool = True, age: bool = True) -> list[str]:
    """All that stands behind an entry's own words. `who`: also who says so; `age`: also that it is old."""
    said = said_words(line.facts) if who else ""
    old = "not confirmed within a year" if age and line.old and line.active else ""
    parts = [line.status or "", said, confirmed_words(line.facts), old, *line.notes]
    return [part for part in parts if part]


def section_text(lines: Iterable[Line], empty: str | None) -> Resource:
    """The Narrative of a section."""
    items = []
    for line in lines:
        dispute = disputed_words(line)
        head = f"<b>{escaped(dispute)}:</b> " if dispute else ""
        more = details(line, age=False)  # what only the passing of time changes is no part of the document
        tail = f" ({escaped(' · '.join(more))})" if more else ""
        items.append(f"<li>{head}{escaped(line.words)}{tail}</li>")
    inner = f"<ul>{''.join(items)}</ul>" if items else f"<p>{escaped(empty or _EMPTY['unavailable'])}</p>"
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml" lang="en">{inner}</div>'}


def _said(said: Said) -> str:
    name = said.name if said.who == FILE else f"{said.name} (the patient)" if said.who == PATIENT else said.name
    when = date_words(said.date)
    return f"{name}, {when}" if when else name
