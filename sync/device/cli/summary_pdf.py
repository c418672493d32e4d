"""The summary on paper: one or two pages a doctor reads from the top.

What it is: the lines of a summary set with one embedded font (Latin, Greek, Cyrillic). What it is not: the document
itself; what the font cannot show is said to be in the file. The same summary and time give the same bytes.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont

from sync.fhir.summary.assembling import Summary, Told, age_words, patient_words
from sync.fhir.summary.narrative import Line, details, disputed_words
from sync.fhir.summary.sections import CRITICAL

_FONT = Path(__file__).parent.parent / "fonts" / "DejaVuSans.ttf"
_MARGIN_MM = 14
_BLACK, _GREY, _RED, _BAR = (0, 0, 0), (105, 105, 105), (170, 0, 0), (232, 236, 240)
_CRITICAL_PT, _OTHER_PT, _SMALL_PT = 10.5, 8.5, 7


class _Page(FPDF):
    """A4 with who and when at the foot of every page."""

    foot = ""

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font("sans", size=_SMALL_PT)
        self.set_text_color(*_GREY)
        self.cell(0, 5, f"{self.foot}   {self.page_no()} / {{nb}}")


def pdf(made: Summary, at: str) -> bytes:
    """The pages of a summary. `at`: the moment it was made, RFC 3339."""
    page = _Page(format="A4")
    page.set_creation_date(datetime.fromisoformat(at))
    page.set_margin(_MARGIN_MM)
    page.set_auto_page_break(True, margin=15)
    page.add_font("sans", fname=_FONT)
    name, birth, sex = patient_words(made.patient)
    age = age_words(made.patient, at)
    who = f"born {birth}{f' ({age})' if age else ''}, {sex}"
    page.foot = _shown(page, f"{name}, {who}. Patient summary, {at[:16].replace('T', ' ')} UTC")
    page.set_title("Patient summary")
    page.set_lang("en")
    page.add_page()
    _write(page, name, 17, _BLACK)
    _write(page, who, 11, _BLACK)
    _write(page, f"Patient summary as of {at[:16].replace('T', ' ')} UTC, from the patient's own phone.", 8, _GREY)
    for told in made.sections:
        _section(page, told)
    return bytes(page.output())


def _section(page: _Page, told: Told) -> None:
    size = _CRITICAL_PT if told.section.name in CRITICAL else _OTHER_PT
    if page.will_page_break(16):
        page.add_page()
    page.ln(1.5)
    page.set_fill_color(*_BAR)
    page.set_font("sans", size=size + 0.5)
    page.set_text_color(*_BLACK)
    page.cell(0, 6, told.section.title, fill=True, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    if not told.lines:
        _write(page, told.empty or "", size, _BLACK)
    for line in told.lines:
        _entry(page, line, size, who=told.section.name in CRITICAL)


def _entry(page: _Page, line: Line, size: float, *, who: bool) -> None:
    dispute = disputed_words(line)
    if dispute:
        _write(page, f"{dispute}:", size - 1, _RED)
    _write(page, line.words, size, _GREY if line.old or not line.active else _BLACK)
    more = " · ".join(details(line, who=who))
    if more:
        _write(page, more, _SMALL_PT, _GREY, indent=3)


def _write(page: _Page, text: str, size: float, colour: tuple[int, int, int], indent: float = 0) -> None:
    page.set_font("sans", size=size)
    page.set_text_color(*colour)
    page.set_x(_MARGIN_MM + indent)
    page.multi_cell(0, size * 0.44, _shown(page, text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _shown(page: _Page, text: str) -> str:
    """Text with a box for each sign that the font lacks, so that nothing is silently dropped."""
    font = page.fonts["sans"]
    assert isinstance(font, TTFFont), "the font that was added above"
    known = font.cmap
    return "".join(char if ord(char) in known or char in "\n " else "□" for char in text)
