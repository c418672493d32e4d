"""Codes offered for what somebody writes in words alone, so that it can be read in another language.

What it is: on a terminal a small table before anything is written, from which she chooses or keeps her words; elsewhere
one line afterwards, with the command that would give the best match its code. What it is not: a choice made for her,
or a reason to refuse: words alone are always taken. Spec: openapi/protocol/terms.md, TRM-13.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sync.device.cli.context import Context, cell
from sync.device.cli.terms import concept_of, fitting_alone, grouped, lexicons, short_system
from sync.device.languages import LANGUAGES
from sync.device.terms import held_packs
from sync.fhir import exact
from sync.fhir.datatype_words import items_of
from sync.fhir.table import registers_of
from sync.terms.lexicon import Found, Lexicon

CHOICES_MAX = 6
_CONCEPT = "CodeableConcept"


class Place(NamedTuple):
    """Words without a code in what is about to be written. `concept`: the CodeableConcept, which a chosen code goes
    into; `element`, `value`: what holds it; `repetition`: which of several, as the commands count them."""

    concept: dict[str, Any]
    element: str
    value: Any
    repetition: str = ""


class Choice(NamedTuple):
    """Something that a pack has a code for. `languages`: those that some pack names it in."""

    name: str
    codes: list[Found]
    languages: list[str]


class Offer(NamedTuple):
    """Choices for one place, the best first; `alone`: by what `--code` finds the best one and no other."""

    place: Place
    choices: list[Choice]
    alone: str


def in_words_alone(concept: Any) -> bool:
    """True for a CodeableConcept that has a text and no code."""
    return isinstance(concept, dict) and isinstance(concept.get("text"), str) and not concept.get("coding")


def places_of(resource: dict[str, Any], coded: str) -> Iterator[Place]:
    """Where a new record has words alone for what it is about (`coded`), or for an allergy's signs."""
    if in_words_alone(resource.get(coded)):
        yield Place(resource[coded], coded, resource[coded])
    for number, reaction in enumerate(items_of(resource.get("reaction")), 1):
        yield from places_in("AllergyIntolerance", "reaction", reaction, str(number))


def places_in(type_: str, element: str, value: Any, repetition: str = "") -> Iterator[Place]:
    """Where one value of an element has words alone."""
    if element == "reaction" and isinstance(value, dict):
        for sign in items_of(value.get("manifestation")):
            if in_words_alone(sign):
                yield Place(sign, element, value, repetition)
    elif registers_of(type_).datatype_of(element) == _CONCEPT and in_words_alone(value):
        yield Place(value, element, value, repetition)


async def offers_for(context: Context, phone: Any, places: Sequence[Place]) -> list[Offer]:
    """What the installed packs have for these words. Nothing leaves the phone. Raises: Refused."""
    if not places:
        return []
    known = lexicons(await held_packs(phone, context.folder))
    made = []
    for place in places:
        found = grouped(lexicon.naming(place.concept["text"]) for lexicon in known)[:CHOICES_MAX]
        if found:
            choices = [Choice(name, codes, _languages(codes, known)) for name, codes in found]
            made.append(Offer(place, choices, _alone(*found[0], known)))
    return made


def choose(context: Context, offers: Sequence[Offer]) -> list[Offer]:
    """On a terminal asks for each; what is chosen goes into what is written. Gives those that nobody was asked about.

    Raises: Refused if no answer comes.
    """
    if context.json or context.quiet or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return list(offers)
    for offer in offers:
        _show(offer)
        while (answer := context.ask("Its number, or an empty line to keep your words alone:")) != "":
            if answer.isdecimal() and 1 <= int(answer) <= len(offer.choices):
                chosen = offer.choices[int(answer) - 1]
                offer.place.concept["coding"] = concept_of(chosen.name, chosen.codes)["coding"]
                break
    return []


def _show(offer: Offer) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(stderr=True, highlight=False)
    console.print(cell(f"“{offer.place.concept['text']}” has no code yet: abroad it is shown as you wrote it. Is it:"))
    table = Table(box=None, pad_edge=False)
    for column in ("", "what", "code", "can be read in"):
        table.add_column(column, overflow="fold")
    for number, one in enumerate(offer.choices, 1):
        codes = ", ".join(f"{short_system(code.system)} {code.code}" for code in one.codes)
        table.add_row(str(number), cell(one.name), cell(codes), _spoken(one.languages))
    console.print(table)


def hint(context: Context, offers: Sequence[Offer], id_: str, repetition: str | None = None) -> list[dict[str, Any]]:
    """Says how each that was not asked about gets its code; gives the same as cli.md has it."""
    told = []
    for offer in offers:
        best, command = offer.choices[0], _command(offer, id_, repetition)
        if not context.json:
            text = offer.place.concept["text"]
            context.hint(f"“{text}” can be read abroad if it is “{best.name}”:  carnet {command}")
        told.append(
            {
                "text": offer.place.concept["text"],
                "name": best.name,
                "codes": [{"system": one.system, "code": one.code} for one in best.codes],
                "languages": best.languages,
                "command": command,
            }
        )
    return told


def _command(offer: Offer, id_: str, repetition: str | None) -> str:
    """What gives the best match its code, her words kept; as a shell takes it, without `carnet`."""
    place = offer.place
    which = repetition or place.repetition
    verb, named = ("change", [id_, place.element, which]) if which else ("set", [id_, place.element])
    code, value = ["--code", offer.alone], exact.canonical(place.value).decode()
    # One token in 64 begins with a hyphen, and would be taken for an option.
    written = [*code, "--", *named, value] if which and which.startswith("-") else [*named, value, *code]
    return shlex.join([verb, *written])


def _alone(name: str, codes: Sequence[Found], known: Sequence[Lexicon]) -> str:
    """The name, if a search for it finds one thing; else its first code."""
    found = grouped(lexicon.search(name) for lexicon in known)
    return name if len(fitting_alone(found, name)) == 1 else codes[0].code


def _languages(codes: Sequence[Found], known: Sequence[Lexicon]) -> list[str]:
    return sorted(
        lexicon.language for lexicon in known if any(lexicon.word(one.system, one.code) is not None for one in codes)
    )


def _spoken(languages: Sequence[str]) -> str:
    return ", ".join(LANGUAGES[one][0] if one in LANGUAGES else one for one in languages)
