"""The card for a wallet on paper: codes to scan, the critical lines in words, and what is not on them.

What it is: an A4 page with a part to cut out and fold, in the languages of the trip, its captions in the citizen's too.
What it is not: the summary. Invariants: what the font cannot show is a box, never dropped; what did not fit into a code
stands below as left out of it.
Spec: openapi/protocol/health-cards.md, SHC-11.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from fpdf import FPDF
from fpdf.fonts import TTFFont

from sync.device.cli.cards import card_code, contact_code
from sync.device.cli.sharing import link_code
from sync.device.contact_card import contact_card, critical_lines
from sync.fhir.datatype_words import name_words
from sync.fhir.summary.assembling import Summary
from sync.fhir.summary.pocket import contact_words
from sync.fhir.summary.reading_words import SECTION_KEYS
from sync.fhir.summary.translating import Reader

_FONT = Path(__file__).parent.parent / "fonts" / "DejaVuSans.ttf"
_MARGIN, _CODE, _STEP = 14, 52, 62  # mm: of the page, of a code, from one code to the next


class Printed(NamedTuple):
    """A code on the page. `captions`: what it is for, a line a language; `left_out`: what is not in it."""

    code: Any
    captions: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def wallet(
    made: Summary,
    at: str,
    readers: Sequence[Reader],
    own: Reader,
    health: tuple[str, Sequence[str]] | None,
    emergency: str | None,
) -> bytes:
    """The page. `own`: the citizen, who reads the captions too. `health`: a health card's JWS and what is not on it;
    `emergency`: the link that is on, if one is."""
    page = FPDF(format="A4")
    page.set_creation_date(datetime.fromisoformat(at))
    page.set_margin(_MARGIN)
    page.set_auto_page_break(True, margin=12)
    page.add_font("sans", fname=_FONT)
    page.add_page()
    heads = " / ".join(reader.word("emergency") for reader in readers)
    _text(page, heads, 15)
    patient = made.patient
    name, born = name_words(patient.get("name")) or readers[0].word("not_known"), patient.get("birthDate")
    _text(page, f"{name}   {' / '.join(r.word('born') for r in readers)}: {born or readers[0].word('not_known')}", 11)
    if contact := contact_words(patient):
        _text(page, f"{' / '.join(reader.word('contact') for reader in readers)}: {contact}", 9)
    page.ln(2)
    card = contact_card(made, readers)
    spoken = [*readers, *([] if own.lang in {reader.lang for reader in readers} else [own])]
    codes = [Printed(contact_code(card.text), _said(spoken, "qr_contact"), tuple(one.text for one in card.left_out))]
    if health is not None:
        codes.append(Printed(card_code(health[0]), ("SMART Health Card",), tuple(health[1])))
    if emergency is not None:
        codes.append(Printed(link_code(emergency), _said(spoken, "qr_online", "told_at_once")))
    _codes(page, codes)
    sections: dict[str, list[str]] = {}
    for line in critical_lines(made, readers):
        sections.setdefault(line.section, []).append(line.text)
    for section, texts in sections.items():
        if section != "blood":
            _text(page, " / ".join(r.word(SECTION_KEYS.get(section, f"s_{section}")) for r in readers), 10, bold=True)
        for text in texts:
            _text(page, f"· {text}", 9)
    for number, one in enumerate(codes, 1):
        if one.left_out:
            page.ln(2)
            _text(page, f"{' / '.join(reader.word('left_out') for reader in spoken)} (QR {number}):", 8, bold=True)
            _text(page, "; ".join(one.left_out), 8)
    page.ln(2)
    notes = dict.fromkeys(reader.word(key) for reader in readers for key in ("w_unsigned", "terms_unreviewed"))
    _text(page, f"{readers[0].word('as_of')} {at[:10]}. {' '.join(notes)}", 7)
    return bytes(page.output())


def _said(readers: Sequence[Reader], *keys: str) -> tuple[str, ...]:
    return tuple(" ".join(f"{reader.word(key).rstrip('.')}." for key in keys) for reader in readers)


def _codes(page: FPDF, codes: Sequence[Printed]) -> None:
    top, lowest = page.get_y(), 0.0
    for number, one in enumerate(codes):
        left = _MARGIN + number * _STEP
        _code(page, one.code, left, top)
        page.set_xy(left, top + _CODE)
        page.set_font("sans", size=7)
        words = "\n".join((f"QR {number + 1}: {one.captions[0]}", *one.captions[1:]))
        page.multi_cell(_STEP - 4, 3.2, _printable(page, words), align="L")
        lowest = max(lowest, page.get_y())
    page.set_xy(_MARGIN, lowest + 2)


def _code(page: FPDF, code: Any, x: float, y: float) -> None:
    picture = io.BytesIO()
    code.save(picture, kind="png", scale=4, border=4, dark="black", light="white")
    page.image(picture, x=x, y=y, w=_CODE, h=_CODE)


def _text(page: FPDF, text: str, size: float, *, bold: bool = False) -> None:
    page.set_font("sans", size=size)
    shown = _printable(page, text)
    if bold:
        page.set_fill_color(232, 236, 240)
    page.multi_cell(0, size * 0.47, shown, align="L", fill=bold, new_x="LMARGIN", new_y="NEXT")


def _printable(page: FPDF, text: str) -> str:
    font = page.fonts["sans"]
    assert isinstance(font, TTFFont), "the font that was added first"
    return "".join(char if ord(char) in font.cmap or char in "\n " else "□" for char in text)
