"""Commands about what is shown at a counter: summary, review, restrict."""

from __future__ import annotations

import argparse
from typing import Any

from sync.device.cli.context import DONE, Context, cell
from sync.device.cli.files import write_whole
from sync.device.languages import coverage_of, language, reader_of
from sync.device.refused import Refused
from sync.device.summaries import confirm, restrict, summarize
from sync.device.terms import held_packs
from sync.fhir.summary.assembling import Summary, Told, age_words, patient_words, summary_bytes
from sync.fhir.summary.narrative import Line, details, disputed_words
from sync.fhir.summary.reviewing import ANSWERS, STILL_TRUE, STOPPED, UNSURE
from sync.fhir.summary.sections import BY_NAME, CRITICAL
from sync.merge.change import RecordId

_LETTERS = {"t": STILL_TRUE, "s": STOPPED, "u": UNSURE}
_WHY = {
    "refers-to-it": "refers to it",
    "same-code": "is about the same thing",
    "mentions-it": "mentions it",
    "may-tell": "may let one guess it: look for yourself",
}
_LEFT_OUT = {
    "entered-in-error": "entered in error",
    "refuted": "refuted",
    "older-value": "an older value",
    "contradicted": "other entries say otherwise",
    "nothing-said": "says only that nothing is known",
    "no-section": "a summary has no place for it",
}


async def show_summary(context: Context, options: argparse.Namespace) -> int:
    """The patient summary: on the screen, as FHIR, as PDF."""
    sections = section_names(options.sections)
    lang = language(options.lang) if options.lang else "en"
    async with context.phone() as phone:
        made, at = await summarize(phone, options.vault, eu=options.eu, sections=sections)
        reader = reader_of(lang, await held_packs(phone, context.folder))
    covered = coverage_of(made, reader) if options.lang else None
    if options.html:
        from sync.device.cli.summary_page import page

        write_whole(options.html, page(made, at, reader))
    if options.fhir:
        write_whole(options.fhir, summary_bytes(made.bundle))
    if options.pdf:
        from sync.device.cli.summary_pdf import pdf

        write_whole(options.pdf, pdf(made, at))
    told = document(made, at)
    if covered is not None:
        told["coverage"] = {"lang": lang, "done": covered.done, "of": covered.of, "missing": list(covered.missing)}
    context.result(told)
    if not context.json and not context.quiet:
        _print(context, made, at)
    if covered is not None and not context.json:
        rest = f". As you wrote it: {', '.join(covered.missing)}" if covered.missing else ""
        context.say(f"{covered.words()[0].upper()}{covered.words()[1:]}{rest}")
    return DONE


def section_names(text: str | None) -> list[str] | None:
    """Names of sections as an argument has them. Raises: Refused."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in BY_NAME]:
        raise Refused("bad_value", f"no such section: {unknown[0]}", next=f"Sections: {', '.join(BY_NAME)}.")
    return names


def document(made: Summary, at: str) -> dict[str, Any]:
    """The JSON of `carnet summary`, as cli.md has it."""
    name, _, _ = patient_words(made.patient)
    patient = {"name": name, "birth": made.patient.get("birthDate"), "sex": made.patient.get("gender")}
    return {
        "at": at,
        "patient": patient | {"age": age_words(made.patient, at) or None},
        "sections": [_told(one) for one in made.sections],
        "left_out": [
            {"id": one.id.hex(), "type": one.type, "label": one.label, "why": one.why} for one in made.left_out
        ],
    }


def _told(told: Told) -> dict[str, Any]:
    section = told.section
    head = {"name": section.name, "code": section.code, "title": section.title}
    return head | {"state": told.state, "words": told.empty, "entries": [_line(line) for line in told.lines]}


def _line(line: Line) -> dict[str, Any]:
    confirmed = line.facts.confirmed
    return {
        "id": line.record,
        "type": line.type,
        "label": line.words,
        "status": line.status,
        "active": line.active,
        "disputed": line.disputed,
        "version": line.place[0],
        "versions": line.place[1],
        "said": [one._asdict() for one in line.facts.said],
        "recorded": line.facts.recorded,
        "confirmed": None
        if confirmed is None
        else {"answer": confirmed[0], "on": confirmed[1], "by": confirmed[2].name},
        "old": line.old,
        "notes": list(line.notes),
    }


def _print(context: Context, made: Summary, at: str) -> None:
    from rich.table import Table

    console = context.console
    name, birth, sex = patient_words(made.patient)
    age = age_words(made.patient, at)
    console.print(f"[bold]{cell(name)}[/bold]  born {cell(birth)}{f' ({age})' if age else ''}, {cell(sex)}")
    console.print(f"As of {at[:16].replace('T', ' ')} UTC, from the patient's own phone", style="dim")
    for told in made.sections:
        title = cell(told.section.title)
        table = Table(title=title, title_justify="left", title_style="bold", show_header=False, box=None)
        table.add_column(ratio=3)
        table.add_column(ratio=2)
        if not told.lines:
            table.add_row(cell(told.empty), "")
        for line in told.lines:
            dispute = disputed_words(line)
            words = f"[bold red]{cell(dispute)}:[/bold red] {cell(line.words)}" if dispute else cell(line.words)
            style = "dim" if line.old or not line.active else ""
            more = details(line, who=told.section.name in CRITICAL)
            table.add_row(words, cell(" · ".join(more)), style=style)
        console.print(table)
    if any(line.old for told in made.sections for line in told.lines):
        context.say("Grey: nobody has said so within a year, or it is over. `carnet review` confirms what still holds.")
    if made.left_out:
        context.say(f"Not in the summary: {len(made.left_out)}")
        for one in made.left_out[:20]:
            context.say(f"  {one.label}: {_LEFT_OUT[one.why]}")


async def review(context: Context, options: argparse.Namespace) -> int:
    """Walks allergies, problems and medicines: still true, stopped, unsure."""
    async with context.phone() as phone:
        made, _ = await summarize(phone, options.vault)
        lines = [line for told in made.sections if told.section.name in CRITICAL for line in told.lines]
        asked = [line for line in lines if line.place[0] == 1]
        if options.id is not None:
            fitting = [
                line for line in asked if options.id in line.record or options.id.casefold() in line.words.casefold()
            ]
            if len(fitting) != 1:
                raise Refused("ambiguous" if fitting else "no_such_record")
            answers = [(fitting[0], options.answer or _asked(context, fitting[0], 1, 1))]
        else:
            answers = [(line, _asked(context, line, place, len(asked))) for place, line in enumerate(asked, 1)]
        wanted = [(RecordId(bytes.fromhex(line.record)), answer) for line, answer in answers if answer]
        done = await confirm(phone, wanted, options.vault)
    context.result(done)
    if not context.json:
        context.say(f"{len(done)} of {len(asked)} answered. It is kept here and sent with the next sync.")
    return DONE


def _asked(context: Context, line: Line, place: int, of: int) -> str | None:
    """One answer; None to skip. Raises: Refused if the input ends."""
    more = " · ".join(details(line))
    while True:
        said = context.ask(
            f"{place}/{of}  {cell(line.words)}{f' ({cell(more)})' if more else ''}\n"
            "     still [t]rue, [s]topped, [u]nsure, Enter to skip?"
        )
        if not said:
            return None
        answer = _LETTERS.get(said[0].lower()) if said not in ANSWERS else said
        if answer is not None:
            return answer


async def hide(context: Context, options: argparse.Namespace) -> int:
    """Hides a record or a whole section from every summary, or ends that."""
    async with context.phone() as phone:
        done = await restrict(phone, options.what, options.vault, off=options.off)
    context.result(done._asdict())
    if context.json:
        return DONE
    if options.what is not None and not options.off:
        context.say("Hidden from every summary from now on. Nobody who reads one can tell that it is.")
        context.say("Care may suffer: who treats you will not know of it, not even in an emergency.")
    if options.what is not None and options.off:
        context.say("Shown in summaries again.")
    for one in done.restricted:
        context.say(
            f"Hidden: {one['label']} ({one['id'][:8] if one['kind'] == 'record' else one['id']}), by {one['by']}"
        )
    if not done.restricted:
        context.say("Nothing is hidden.")
    if done.gives_away:
        context.say("These stay in sight and may give it away; hide them too if you want that:")
        for row in done.gives_away:
            context.say(f"  {row['id'][:8]}  {row['label']}: {_WHY[row['why']]}")
    return DONE
