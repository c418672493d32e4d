"""The critical lines as a contact: a vCard whose QR any phone's camera opens, without app, page or network.

What it is: plain words in one or two languages, the weightiest first, as many as fit. What it is not: FHIR, a link, a
secret: whoever scans it reads it. Invariants: what does not fit is in `left_out`; an allergy is never shortened.
Source: RFC 2426 (vCard 3.0). Spec: openapi/protocol/health-cards.md, SHC-10.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sync.device.languages import shown_of
from sync.fhir.datatype_words import name_words
from sync.fhir.summary.assembling import ENTRIES, Summary
from sync.fhir.summary.pocket import blood_group, contact_words
from sync.fhir.summary.sections import CRITICAL
from sync.fhir.summary.translating import Reader

CONTACT_BYTES_MAX = 504  # a code of version 17 at level M (ISO/IEC 18004, table 7)


class CriticalLine(NamedTuple):
    """One thing to know, for a card. `section`: its name; `text`: in the languages of the card."""

    section: str
    text: str


class ContactCard(NamedTuple):
    """A vCard, and what did not fit."""

    text: str
    kept: tuple[CriticalLine, ...]
    left_out: tuple[CriticalLine, ...]


def contact_card(made: Summary, readers: Sequence[Reader]) -> ContactCard:
    """The vCard of a summary in these languages, at most CONTACT_BYTES_MAX bytes of UTF-8."""
    kept: list[CriticalLine] = []
    left: list[CriticalLine] = []
    for line in critical_lines(made, readers):
        fits = len(_vcard(made, [*kept, line], readers[0]).encode()) <= CONTACT_BYTES_MAX
        (kept if fits else left).append(line)
    return ContactCard(_vcard(made, kept, readers[0]), tuple(kept), tuple(left))


def critical_lines(made: Summary, readers: Sequence[Reader], *, doses: bool = True) -> Iterator[CriticalLine]:
    """Active critical entries by weight, each in all these languages, then blood group. A section without entries says
    which nothing it is."""
    views = [shown_of(made, reader) for reader in readers]
    for place, (told, lines) in enumerate(views[0]):
        if told.section.name not in CRITICAL:
            continue
        if told.state != ENTRIES:
            yield CriticalLine(told.section.name, " / ".join(reader.word(told.state) for reader in readers))
            continue
        for number, one in enumerate(lines):
            if not one.line.active:
                continue
            names = [view[place][1][number].fact.name.text for view in views]
            text = " / ".join(dict.fromkeys(names))
            if one.fact.severe:
                text += "!"
            if told.section.name == "medications" and doses and one.fact.main:
                text += f" {one.fact.main[-1][0].text.split(',')[0]}"
            if one.line.disputed:
                text += " (?)"
            yield CriticalLine(told.section.name, text)
    if blood := blood_group(made):
        yield CriticalLine("blood", f"{readers[0].word('blood_group')}: {blood}")


def _vcard(made: Summary, lines: Sequence[CriticalLine], reader: Reader) -> str:
    name = name_words(made.patient.get("name")) or reader.word("not_known")
    notes = []
    for section in dict.fromkeys(line.section for line in lines):
        texts = "; ".join(line.text for line in lines if line.section == section)
        notes.append(texts if section == "blood" else f"{reader.word(f's_{section}')}: {texts}")
    out = ["BEGIN:VCARD", "VERSION:3.0", f"N:{_escaped(name)}", f"FN:{_escaped(name)}"]
    if isinstance(made.patient.get("birthDate"), str):
        out.append(f"BDAY:{made.patient['birthDate']}")
    out.append(f"NOTE:{_escaped(chr(10).join(notes))}")
    contact = contact_words(made.patient)
    if contact:
        out.append(f"TEL:{_number(contact)}")
    return "\r\n".join([*out, "END:VCARD", ""])


def _number(contact: str) -> str:
    first = next((place for place, char in enumerate(contact) if char in "+0123456789"), len(contact))
    return contact[first:]


def _escaped(text: str) -> str:
    """RFC 2426 §4: backslash, comma, semicolon, line."""
    text = text.replace("\\", "\\\\").replace("\r", "")
    for char in ",;":
        text = text.replace(char, "\\" + char)
    return text.replace("\n", "\\n")
