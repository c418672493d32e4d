"""Commands about records: list, find, show, new, set, unset, add, change, remove, delete, restore, annotate,
dispute."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from sync.device.cli.context import DONE, Context, printable, read_value
from sync.device.cli.lines import Line, laid_out, styled, terminal_width
from sync.device.cli.offering import Offer, choose, hint, in_words_alone, offers_for, places_in, places_of
from sync.device.cli.terms import coded
from sync.device.listing import Row, list_rows, show_record
from sync.device.records import Make, Written, create, type_of, write
from sync.device.refused import Refused
from sync.fhir import editing, exact
from sync.fhir.datatype_words import items_of
from sync.fhir.summary.sections import MEDICINES

# The element that says what a record is about, of types where it is not `code`.
_CODED = {**dict.fromkeys(MEDICINES, "medicationCodeableConcept"), "Immunization": "vaccineCode"}


async def list_records(context: Context, options: argparse.Namespace) -> int:
    """One line a record."""
    async with context.phone() as phone:
        rows = await list_rows(phone, options.vault, type_=options.type, deleted_too=options.all)
    _print_rows(context, rows)
    return DONE


async def find_records(context: Context, options: argparse.Namespace) -> int:
    """Records whose line, or any text in them, holds this text."""
    async with context.phone() as phone:
        rows = await list_rows(phone, options.vault, text=options.text)
    _print_rows(context, rows)
    return DONE


def _print_rows(context: Context, rows: list[Row]) -> None:
    context.result([row._asdict() for row in rows])
    if context.json:
        return
    if not rows:
        context.hint("No records here. Take a file in with `carnet import FILE`, or write one with `carnet new`.")
        return
    for line in laid_out(_lines(rows), terminal_width(), style=styled()):
        print(line)


def _lines(rows: list[Row]) -> Iterator[Line]:
    heading = None
    for row in rows:
        if row.type != heading:
            heading = row.type
            yield Line("", _in_one_line(row.heading), "")
        notes = [row.source, row.changed]
        if row.conflicts:
            notes.append(f"{row.conflicts} to settle: carnet conflicts")
        if row.deleted:
            notes.append("deleted")
        status = f" ({row.status})" if row.status not in (None, "active") else ""
        remark = " · ".join(note for note in notes if note)
        yield Line(row.id[:8], _in_one_line(row.label + status), _in_one_line(remark), bool(row.conflicts))


def _in_one_line(text: str) -> str:
    return " ".join(printable(text).split())


async def show(context: Context, options: argparse.Namespace) -> int:
    """One record whole: what it says, what is open, who wrote what."""
    async with context.phone() as phone:
        found = await show_record(phone, options.id, options.vault, history=options.history)
    context.result(found)
    if not context.json:
        context.say(exact.pretty(found["resource"]).decode())
        for source in found["provenance"]:
            context.say(
                f"  {source['element']}: {source['person']}, {source['device']}, {source['at']}, {source['how']}"
            )
        for note in found["notes"]:
            says = "disputed" if note["kind"] == "dispute" else "noted"
            context.say(f"  {note['person']} {says}, {note['at']}: {note['text']}")
        for step in found["history"] or ():
            context.say(f"  {step['at']}  {step['person']}: {step['element']} = {_text(step['value'])}")
        if found["conflicts"]:
            context.say("To settle: " + ", ".join(found["conflicts"]) + " (carnet conflicts)")
    return DONE


def _text(value: Any) -> str:
    return "removed" if value is None else exact.canonical(value).decode()


async def new(context: Context, options: argparse.Namespace) -> int:
    """A record of one's own."""
    resource = _object(read_value(options.value))
    if resource.setdefault("resourceType", options.type) != options.type:
        raise Refused("bad_value", "the resourceType is another one")
    async with context.phone() as phone:
        element = _CODED.get(options.type, "code")
        if options.code:
            resource[element] = (await coded(context, phone, options.code, None)) | _object(resource.get(element, {}))
        offers = choose(context, await offers_for(context, phone, list(places_of(resource, element))))
        written = await create(phone, resource, options.vault)
    if not context.json:
        context.say(f"Added, {written.record.hex()[:8]}. It is sent with the next sync.")
    context.result({"id": written.record.hex(), "offers": hint(context, offers, written.record.hex()[:8])})
    return DONE


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused("bad_value", "a resource is a JSON object")
    return value


async def edit(context: Context, options: argparse.Namespace) -> int:
    """Every command that makes one edit of one record."""
    value = read_value(options.value) if getattr(options, "value", None) is not None else None
    element, verb = getattr(options, "element", ""), options.command
    text, repetition = getattr(options, "text", ""), getattr(options, "repetition", "")
    makers: dict[str, Make] = {
        "set": lambda record, seed, newer: editing.set_element(record, element, value, newer=newer),
        "unset": lambda record, seed, newer: editing.unset(record, element, newer=newer),
        "add": lambda record, seed, newer: editing.add(record, element, value, seed, newer=newer),
        "change": lambda record, seed, newer: (
            editing.change_repetition(record, element, repetition, value, newer=newer),
            repetition,
        ),
        "remove": lambda record, seed, newer: (
            editing.remove_repetition(record, element, repetition, newer=newer),
            repetition,
        ),
        "delete": lambda record, seed, newer: editing.delete(record),
        "restore": lambda record, seed, newer: editing.restore(record),
        "annotate": lambda record, seed, newer: editing.annotate(record, text, seed),
        "dispute": lambda record, seed, newer: editing.dispute(record, text, seed),
    }
    async with context.phone() as phone:
        if getattr(options, "code", None):
            value = _with_code(element, _object(value), await coded(context, phone, options.code, None))
        offers: list[Offer] = []
        if verb == "add":
            type_ = await type_of(phone, options.id, options.vault)
            offers = choose(context, await offers_for(context, phone, list(places_in(type_, element, value))))
        written = await write(phone, options.id, makers[verb], options.vault)
    if not context.json:
        context.say("Done. It is kept here and sent with the next sync.")
    out = _written(written, repeating=verb in ("add", "change", "remove"))
    if verb == "add":
        out["offers"] = hint(context, offers, written.record.hex()[:8], written.repetition)
    context.result(out)
    return DONE


def _with_code(element: str, value: dict[str, Any], concept: dict[str, Any]) -> dict[str, Any]:
    """A value with the code of a concept, her own words kept: of a reaction, its first sign that has words alone."""
    if element != "reaction":
        return concept | value
    signs = items_of(value.get("manifestation"))
    bare = next((place for place, sign in enumerate(signs) if in_words_alone(sign)), None)
    if bare is None:
        return value | {"manifestation": [concept, *signs]}
    return value | {"manifestation": [*signs[:bare], concept | signs[bare], *signs[bare + 1 :]]}


def _written(written: Written, *, repeating: bool) -> dict[str, Any]:
    out: dict[str, Any] = {"id": written.record.hex(), "dot": written.dot}
    if repeating:
        out["repetition"] = written.repetition
    return out
