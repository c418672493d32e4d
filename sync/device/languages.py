"""The reader's language on this phone: its words, its packs, and how much of a summary is in it.

Spec: openapi/protocol/terms.md, TRM-7.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from sync.device.refused import Refused
from sync.device.terms import Held, lexicon_of
from sync.fhir.registers import Resource
from sync.fhir.summary.assembling import NONE_KNOWN, Summary, Told
from sync.fhir.summary.narrative import Line
from sync.fhir.summary.sections import CRITICAL
from sync.fhir.summary.translating import Fact, Reader, fact_of

_WORDS = Path(__file__).with_name("words")
# Codes → what citizens call them in English, and what each calls itself.
LANGUAGES = {
    "bg": ("Bulgarian", "български"),
    "cs": ("Czech", "čeština"),
    "da": ("Danish", "dansk"),
    "de": ("German", "Deutsch"),
    "el": ("Greek", "ελληνικά"),
    "en": ("English", "English"),
    "es": ("Spanish", "español"),
    "et": ("Estonian", "eesti"),
    "fi": ("Finnish", "suomi"),
    "fr": ("French", "français"),
    "ga": ("Irish", "Gaeilge"),
    "hr": ("Croatian", "hrvatski"),
    "hu": ("Hungarian", "magyar"),
    "it": ("Italian", "italiano"),
    "lt": ("Lithuanian", "lietuvių"),
    "lv": ("Latvian", "latviešu"),
    "mt": ("Maltese", "Malti"),
    "nl": ("Dutch", "Nederlands"),
    "pl": ("Polish", "polski"),
    "pt": ("Portuguese", "português"),
    "ro": ("Romanian", "română"),
    "sk": ("Slovak", "slovenčina"),
    "sl": ("Slovenian", "slovenščina"),
    "sv": ("Swedish", "svenska"),
}


class Coverage(NamedTuple):
    """How many critical entries are in a language: `done` of `of`. `missing`: those that are not, as they were
    written."""

    lang: str
    done: int
    of: int
    missing: tuple[str, ...]

    def words(self) -> str:
        """`in Greek: 9 of 11`."""
        return f"in {LANGUAGES[self.lang][0]}: {self.done} of {self.of}"


class Shown(NamedTuple):
    """A line of a summary with what a reader sees of it."""

    line: Line
    fact: Fact


def language(text: str) -> str:
    """A language that the words are there for. Raises: Refused(no_such_language)."""
    lang = text.strip().lower()
    if lang not in LANGUAGES:
        raise Refused("no_such_language", text, next=f"Languages: {', '.join(LANGUAGES)}.")
    return lang


def reader_of(lang: str, held: Iterable[Held]) -> Reader:
    """Who reads this language, with these packs."""
    lexicon = lexicon_of(held, lang)

    def term(concept: Any) -> str | None:
        word = lexicon.of_concept(concept)
        return None if word is None else word.text

    return Reader(lang, json.loads((_WORDS / f"{lang}.json").read_text("utf-8")), term)


def shown_of(made: Summary, reader: Reader) -> list[tuple[Told, list[Shown]]]:
    """Every section with its lines as this reader sees them."""
    resources = {entry["fullUrl"]: entry["resource"] for entry in made.bundle["entry"]}

    def find(reference: Any) -> Resource | None:
        return resources.get(reference.get("reference")) if isinstance(reference, dict) else None

    return [
        (told, [Shown(line, fact_of(resources[line.url], find, reader)) for line in told.lines])
        for told in made.sections
    ]


def coverage_of(made: Summary, reader: Reader) -> Coverage:
    """How much of the critical lines is in the reader's language; a "none known" is a word of the page's own."""
    shown = [
        one
        for told, lines in shown_of(made, reader)
        if told.section.name in CRITICAL and told.state != NONE_KNOWN
        for one in lines
    ]
    missing = tuple(one.fact.name.text for one in shown if not one.fact.name.translated)
    return Coverage(reader.lang, len(shown) - len(missing), len(shown), missing)
