"""The card for a wallet on paper: codes to scan, the critical lines in words, and what is not on them.

What it is: one A4 page with a part to cut out and fold, in the languages of the trip. What it is not: the summary.
Invariants: what the font cannot show is a box, never dropped; what did not fit into a code stands below it as left out.
Spec: openapi/protocol/health-cards.md, SHC-11.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from fpdf import FPDF
from fpdf.fonts import TTFFont

from sync.device.cli.cards import card_code, contact_code
from sync.device.contact_card import contact_card, critical_lines
from sync.fhir.datatype_words import name_words
from sync.fhir.summary.assembling import Summary
from sync.fhir.summary.pocket import contact_words
from sync.fhir.summary.reading_words import SECTION_KEYS
from sync.fhir.summary.translating import Reader

_FONT = Path(__file__).parent.parent / "fonts" / "DejaVuSans.ttf"
_MARGIN, _WIDTH, _CODE, _TOP = 14, 182, 52, 14


def wallet(made: Summary, at: str, readers: Sequence[Reader], jws: str | None) -> bytes:
    """The page. `jws`: of a health card, if there is one."""
    page = FPDF(format="A4")
    page.set_creation_date(datetime.fromisoformat(at))
    page.set_margin(_MARGIN)
    page.set_auto_page_break(True, margin=12)
    page.add_font("sans", fname=_FONT)
    page.add_page()
    card = contact_card(made, readers)
    heads = " / ".join(reader.word("emergency") for reader in readers)
    _text(page, heads, 15)
    patient = made.patient
    name, born = name_words(patient.get("name")) or readers[0].word("not_known"), patient.get("birthDate")
    _text(page, f"{name}   {' / '.join(r.word('born') for r in readers)}: {born or readers[0].word('not_known')}", 11)
    if contact := contact_words(patient):
        _text(page, f"{' / '.join(reader.word('contact') for reader in readers)}: {contact}", 9)
    page.ln(2)
    _codes(page, contact_code(card.text), None if jws is None else card_code(jws))
    sections: dict[str, list[str]] = {}
    for line in critical_lines(made, readers):
        sections.setdefault(line.section, []).append(line.text)
    for section, texts in sections.items():
        if section != "blood":
            _text(page, " / ".join(r.word(SECTION_KEYS.get(section, f"s_{section}")) for r in readers), 10, bold=True)
        for text in texts:
            _text(page, f"· {text}", 9)
    if card.left_out:
        page.ln(2)
        _text(page, " / ".join(reader.word("left_out") for reader in readers) + " (QR):", 8, bold=True)
        _text(page, "; ".join(line.text for line in card.left_out), 8)
    page.ln(2)
    notes = dict.fromkeys(reader.word(key) for reader in readers for key in ("w_unsigned", "terms_unreviewed"))
    _text(page, f"{readers[0].word('as_of')} {at[:10]}. {' '.join(notes)}", 7)
    return bytes(page.output())


def _codes(page: FPDF, contact: Any, health: Any) -> None:
    top = page.get_y()
    _code(page, contact, _MARGIN, top)
    if health is not None:
        _code(page, health, _MARGIN + _CODE + 12, top)
    page.set_y(top + _CODE)
    page.set_font("sans", size=7)
    page.cell(_CODE + 12, 4, "QR: contact (any camera)")
    page.cell(0, 4, "QR: SMART Health Card" if health is not None else "")
    page.ln(6)


def _code(page: FPDF, code: Any, x: float, y: float) -> None:
    picture = io.BytesIO()
    code.save(picture, kind="png", scale=4, border=4, dark="black", light="white")
    page.image(picture, x=x, y=y, w=_CODE, h=_CODE)


def _text(page: FPDF, text: str, size: float, *, bold: bool = False) -> None:
    page.set_font("sans", size=size)
    font = page.fonts["sans"]
    assert isinstance(font, TTFFont), "the font that was added above"
    shown = "".join(char if ord(char) in font.cmap or char in "\n " else "□" for char in text)
    if bold:
        page.set_fill_color(232, 236, 240)
    page.multi_cell(0, size * 0.47, shown, align="L", fill=bold, new_x="LMARGIN", new_y="NEXT")
