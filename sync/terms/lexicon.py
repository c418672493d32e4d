"""What a phone knows of codes in words: the packs that count, asked by code or by text.

What it is: a look-up over packs that were read, and a search in what citizens type. What it is not: a guess: a code
that no pack has stays untranslated, and no code is cut down to a wider one. Invariants: of two packs that name a code,
the one that was reviewed wins, then the one given first; every answer carries its origin.
Spec: openapi/protocol/terms.md, TRM-5 to TRM-8.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any, NamedTuple

from sync.terms.pack import NOT_REVIEWED, Origin, Pack

FOUND_MAX = 20


class Word(NamedTuple):
    """A term with its origin."""

    text: str
    origin: Origin


class Found(NamedTuple):
    """A code that a search offers: what it is called in the language of the search."""

    system: str
    code: str
    text: str


class Lexicon:
    """Terms of one language."""

    def __init__(self, language: str, packs: Iterable[Pack]) -> None:
        self.language = language
        self._words: dict[tuple[str, str], Word] = {}
        self._also: dict[tuple[str, str], tuple[str, ...]] = {}
        for pack in packs:
            if pack.body.language.split("-")[0] != language:
                continue
            for term in pack.body.terms:
                key, origin = (pack.body.systems[term.system], term.code), pack.body.origins[term.origin]
                held = self._words.get(key)
                if held is None or (held.origin.reviewed == NOT_REVIEWED and origin.reviewed != NOT_REVIEWED):
                    self._words[key] = Word(term.text, origin)
                    self._also[key] = term.also

    def __len__(self) -> int:
        return len(self._words)

    def word(self, system: Any, code: Any) -> Word | None:
        """What a code is called, if a pack has exactly this one."""
        return self._words.get((system, code)) if isinstance(system, str) and isinstance(code, str) else None

    def of_concept(self, concept: Any) -> Word | None:
        """What the first coding of a CodeableConcept that a pack has is called."""
        codings = concept.get("coding") if isinstance(concept, dict) else None
        for coding in codings if isinstance(codings, list) else ():
            if isinstance(coding, dict) and (word := self.word(coding.get("system"), coding.get("code"))) is not None:
                return word
        return None

    def search(self, text: str) -> list[Found]:
        """Codes whose words hold every word of a text, those that begin with it first; at most FOUND_MAX."""
        wanted = plain(text).split()
        if not wanted:
            return []
        ranked = []
        for (system, code), word in self._words.items():
            names = [plain(name) for name in (word.text, *self._also[(system, code)], code)]
            best = min((_rank(name, wanted) for name in names), default=9)
            if best < 9:
                ranked.append((best, len(word.text), word.text, system, code))
        return [Found(system, code, name) for _, _, name, system, code in sorted(ranked)[:FOUND_MAX]]

    def naming(self, text: str) -> list[Found]:
        """Codes for what somebody wrote in words: what a search finds; else those that her words begin with the name
        of (`ramipril 5 mg`), the longest name first."""
        if found := self.search(text):
            return found
        whole = " ".join(plain(text).split()) + " "
        named = [
            (-len(name), word.text, system, code)
            for (system, code), word in self._words.items()
            for name in map(plain, (word.text, *self._also[(system, code)]))
            if whole.startswith(name + " ")
        ]
        return list(dict.fromkeys(Found(system, code, text) for _, text, system, code in sorted(named)))[:FOUND_MAX]


def plain(text: str) -> str:
    """Letters as a search compares them: no case, no accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in apart if not unicodedata.combining(char))


def _rank(name: str, wanted: list[str]) -> int:
    whole = " ".join(wanted)
    if name == whole:
        return 0
    if name.startswith(whole):
        return 1
    parts = name.replace("-", " ").replace("(", " ").split()
    if all(any(part.startswith(word) for part in parts) for word in wanted):
        return 2
    return 3 if all(word in name for word in wanted) else 9
