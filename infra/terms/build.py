"""Builds the packs that come with the phone from emergency.tsv: `python -m infra.terms.build`, after a change of it.

The key that signs them is drawn here, used once and forgotten; what the phone pins is its public half. So there is no
signing key to keep or to lose, and what comes with the phone is exactly what its release holds (decision 0140).
"""

from __future__ import annotations

import os
from pathlib import Path

from crypto.public.keys import ED25519
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.terms.pack import NOT_REVIEWED, Body, Origin, Term, make_pack

SOURCE = Path(__file__).with_name("emergency.tsv")
PACKS = Path(__file__).parents[2] / "sync" / "terms" / "packs"
PINNED = PACKS.with_name("pinned.py")
LANGUAGES = ("en", "de", "fr", "es", "it", "el")
SYSTEMS = {
    "i": "http://hl7.org/fhir/sid/icd-10",
    "s": "http://snomed.info/sct",
    "a": "http://www.whocc.no/atc",
}
VERSION = "2026-11"
ORIGIN = Origin("carnet: plain descriptions in the project's own words", "Apache-2.0", NOT_REVIEWED)


def rows(source: Path = SOURCE) -> list[list[str]]:
    """Codes, then one column a language."""
    lines = source.read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def body(language: str, source: Path = SOURCE) -> Body:
    """The body of one language's pack."""
    systems = tuple(sorted(SYSTEMS.values()))
    column = 1 + LANGUAGES.index(language)
    terms = []
    for row in rows(source):
        text, *also = row[column].split("|")
        for short, code in (one.split(":") for one in row[0].split(" ")):
            words = tuple(word.strip() for part in also for word in part.split(","))
            terms.append(Term(systems.index(SYSTEMS[short]), code, 0, text, words))
    terms.sort(key=lambda term: (term.system, term.code))
    return Body(language, "Emergency concepts", VERSION, (ORIGIN,), systems, tuple(terms))


def main() -> None:
    """Writes the packs and the pin."""
    key = SigningKey.from_seed(ED25519, Secret(os.urandom(32)))
    for language in LANGUAGES:
        (PACKS / f"emergency-{language}.pack").write_bytes(make_pack(body(language), key))
    text = (
        '"""Whose packs come with the phone; written by `python -m infra.terms.build`. See decision 0140."""\n\n'
        f'SHIPPED = bytes.fromhex("{key.public_key.hex()}")\n'
    )
    PINNED.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
