"""The summary as one page for any browser: from a file, without network, in the reader's language.

What it is: HTML without script, font or anything fetched. What it is not: the document (that is FHIR), nor the viewer.
Invariants: everything of a record is escaped; what is not in the reader's language says so and has no language of its
own; critical sections stand whole, others are folded, and what is cut is counted. Spec: openapi/protocol/terms.md,
TRM-7, TRM-11 and TRM-12.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from sync.device.languages import Shown, coverage_of, shown_of
from sync.fhir.datatype_words import name_words
from sync.fhir.summary.assembling import ENTRIES, NONE_KNOWN, Summary, Told, age_words
from sync.fhir.summary.assertions import FILE, PATIENT, Said
from sync.fhir.summary.narrative import Line
from sync.fhir.summary.reading_words import SECTION_KEYS
from sync.fhir.summary.reviewing import STILL_TRUE, STOPPED
from sync.fhir.summary.sections import CRITICAL
from sync.fhir.summary.translating import Fact, Piece, Reader

PAGE_BYTES_MAX = 200_000
_REST_BYTES_MAX = 120_000  # of the folded sections together
_OPEN = (*CRITICAL, "immunizations", "alerts")
_STYLE = """
:root{color-scheme:light dark;--ink:#16212b;--soft:#4a5764;--page:#fff;--line:#b9c4cd;--bad:#9c1022;--badp:#fdecee;
--warn:#5c4300;--warnp:#fff5d6;font:1rem/1.4 system-ui,sans-serif}
@media(prefers-color-scheme:dark){:root{--ink:#e8eef2;--soft:#b3c0ca;--page:#11181d;--line:#465560;--bad:#ffb0b8;
--badp:#3a1219;--warn:#ffe08a;--warnp:#352a08}}
*{box-sizing:border-box}body{margin:0;color:var(--ink);background:var(--page);overflow-wrap:anywhere}
main{max-width:60rem;margin:0 auto;padding:.5rem 1rem}p{margin:.2rem 0}
h1{font-size:1.5rem;line-height:1.2;margin:.3rem 0}h2{font-size:1.125rem;margin:0;display:inline}
header{border-bottom:2px solid var(--ink);padding-bottom:.4rem}
section,details{border-bottom:1px solid var(--line);padding:.5rem 0}summary{cursor:pointer;min-height:1.75rem}
ul{list-style:none;margin:.2rem 0;padding:0}
li{padding:.2rem 0 .2rem .6rem;border-inline-start:.25rem solid var(--line);margin:.25rem 0}
li.severe{border-inline-start-color:var(--bad)}.name{font-weight:700}.grey .name,.grey .main{color:var(--soft)}
.original,.as{font-style:italic;color:var(--soft)}.soft{color:var(--soft);font-size:.875rem}
.mark{font-size:.875rem;border:1px solid var(--line);border-radius:.25rem;padding:0 .375rem;display:inline-block}
.strong{color:var(--bad);border-color:var(--bad);background:var(--badp);font-weight:700}.nothing{font-weight:600}
.warn{background:var(--warnp);color:var(--warn);padding:.3rem .75rem;border-inline-start:.25rem solid var(--warn)}
@page{size:A4;margin:11mm}
@media print{:root{color-scheme:light;--ink:#000;--soft:#333;--page:#fff;--line:#999;--bad:#000;--badp:#fff;
--warn:#000;--warnp:#fff;font-size:8pt;line-height:1.25}main{max-width:none;padding:0}section,details{padding:.2rem 0}
.two{columns:2;column-gap:6mm}li{padding:0 0 0 .4rem;margin:.15rem 0;break-inside:avoid}
.strong{text-decoration:underline}summary{list-style:none}h2{break-after:avoid}}
"""


def page(made: Summary, at: str, reader: Reader) -> bytes:
    """The page. `at`: the moment the summary was made, RFC 3339."""
    shown = shown_of(made, reader)
    covered = coverage_of(made, reader)
    main = [_head(made, at, reader, covered.done, covered.of)]
    main.append('<div class="two">')
    main += [_section(told, lines, reader) for told, lines in shown if told.section.name in _OPEN]
    left = _REST_BYTES_MAX
    for told, lines in shown:
        if told.section.name not in _OPEN:
            folded = _folded(told, lines, reader, left)
            left -= len(folded.encode())
            main.append(folded)
    main.append("</div>")
    notes = [reader.word("w_unsigned")]
    if "unreviewed" in reader.words:
        notes.append(reader.word("unreviewed"))
    if covered.done:
        notes.append(reader.word("terms_unreviewed"))
    foot = "".join(f'<p class="soft">{escape(note)}</p>' for note in notes)
    main.append(f"<footer>{foot}</footer>")
    title = escape(reader.word("title"))
    return (
        f'<!doctype html><html lang="{reader.lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main>{''.join(main)}</main></body></html>\n"
    ).encode()


def _head(made: Summary, at: str, reader: Reader, done: int, of: int) -> str:
    patient = made.patient
    name = name_words(patient.get("name")) or reader.word("not_known")
    age = age_words(patient, at).split(" ")[0]
    born = reader.day(patient.get("birthDate")) or reader.word("not_known")
    sex = reader.words.get(f"sex_{patient.get('gender')}", reader.word("not_known"))
    aged = f" ({escape(reader.word('age', n=age))})" if age else ""
    when = f"{reader.day(at)}, {at[11:16]} UTC"
    return (
        f'<header><p class="soft">{escape(reader.word("title"))}</p><h1 lang="">{escape(name)}</h1>'
        f"<p>{escape(reader.word('born'))} {escape(born)}{aged} · {escape(reader.word('sex'))}: {escape(sex)}</p>"
        f'<p class="soft">{escape(reader.word("as_of"))} {escape(when)} · {escape(reader.word("said_by"))}: '
        f"{escape(reader.word('by_patient'))}</p>"
        f'<p class="warn">{escape(reader.word("coverage", n=str(done), of=str(of)))}</p></header>'
    )


def _title(told: Told, reader: Reader) -> str:
    name = told.section.name
    return escape(reader.word(SECTION_KEYS.get(name, f"s_{name}")))


def _section(told: Told, lines: list[Shown], reader: Reader) -> str:
    items = "".join(_item(told, one, reader) for one in lines)
    body = f"<ul>{items}</ul>" if items else ""
    return f"<section><h2>{_title(told, reader)}</h2>{_nothing(told, reader)}{body}</section>"


def _folded(told: Told, lines: list[Shown], reader: Reader, room: int) -> str:
    items: list[str] = []
    for one in lines:
        item = _item(told, one, reader)
        room -= len(item.encode())
        if room < 0:
            break
        items.append(item)
    count = f"{len(items)} / {len(lines)}" if len(items) < len(lines) else str(len(lines))
    number = f" ({count})" if lines else ""
    body = f"<ul>{''.join(items)}</ul>" if items else ""
    return (
        f"<details><summary><h2>{_title(told, reader)}</h2>{number}</summary>{_nothing(told, reader)}{body}</details>"
    )


def _nothing(told: Told, reader: Reader) -> str:
    if told.state == ENTRIES:
        return ""
    return f'<p class="nothing">{escape(reader.word(told.state))}</p>'


def _item(told: Told, one: Shown, reader: Reader) -> str:
    line, fact = one
    if told.state == NONE_KNOWN:
        return f'<li><span class="original" lang="">{escape(line.words)}</span></li>'
    marks = "".join(f' <span class="mark{strong}">{escape(text)}</span>' for text, strong in _marks(line, fact, reader))
    main = "".join(f'<p class="main">{" – ".join(_piece(piece) for piece in pieces)}</p>' for pieces in fact.main)
    more = ""
    if told.section.name in CRITICAL:
        said = [*_said(line, reader), *([reader.word("stale")] if line.old and line.active else [])]
        notes = [f'<span lang="">{escape(note)}</span>' for note in line.notes]
        more = f'<p class="soft">{" · ".join([*(escape(text) for text in said), *notes])}</p>' if said or notes else ""
    severe = " severe" if fact.severe or line.disputed else ""
    grey = " grey" if line.old or not line.active else ""
    return f'<li class="entry{severe}{grey}">{_name(fact.name, reader)}{marks}{main}{more}</li>'


def _name(piece: Piece, reader: Reader) -> str:
    if not piece.translated:
        mark = f' <span class="as">[{escape(reader.word("as_written"))}]</span>'
        return f'<span class="name" lang="">{escape(piece.text)}</span>{mark}'
    original = f' <span class="original" lang="">{escape(piece.original)}</span>' if piece.original else ""
    return f'<span class="name">{escape(piece.text)}</span>{original}'


def _piece(piece: Piece) -> str:
    if not piece.translated:
        return f'<span lang="">{escape(piece.text)}</span>'
    original = f' <span class="original" lang="">({escape(piece.original)})</span>' if piece.original else ""
    return f"{escape(piece.text)}{original}"


def _marks(line: Line, fact: Fact, reader: Reader) -> Iterator[tuple[str, str]]:
    if line.disputed is not None:
        of = line.place[1] > 1
        n, all_ = str(line.place[0]), str(line.place[1])
        yield reader.word("disputed_of", n=n, of=all_) if of else reader.word("disputed"), " strong"
    bold = {reader.word(key) for key in ("crit_high", "do_not_give", "has_modifier")}
    for mark in fact.marks:
        yield mark, " strong" if mark in bold else ""


def _said(line: Line, reader: Reader) -> Iterator[str]:
    for said in line.facts.said:
        yield f"{reader.word('said_by')}: {_who(said, reader)}"
    if line.facts.confirmed is not None:
        answer, on, said = line.facts.confirmed
        word = {STILL_TRUE: "still_true", STOPPED: "stopped"}.get(answer, "unsure")
        yield f"{reader.word('confirmed_by')}: {reader.word(word)}, {_who(said._replace(date=on), reader)}"


def _who(said: Said, reader: Reader) -> str:
    role = [] if said.who == FILE else [reader.word("s_patient" if said.who == PATIENT else "s_carer")]
    return ", ".join([*role, said.name, *([reader.day(said.date)] if said.date else [])])
