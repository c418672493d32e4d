"""What would still tell of a record that is to be hidden.

What it is: a list for the citizen who restricts: entries that refer to it, name the same thing, mention it, or could.
What it is not: complete (a doctor reads between lines) or a restriction of its own; nothing is hidden that
nobody named. Spec: openapi/protocol/summary.md, "Restriction".
"""

from __future__ import annotations

from typing import NamedTuple

from sync.fhir.conflicts import Importer
from sync.fhir.datatype_words import concept_words, items_of, objects_of
from sync.fhir.envelope import VaultView
from sync.fhir.exact import canonical
from sync.fhir.references import Index, references_in
from sync.fhir.registers import Resource
from sync.fhir.summary.sections import MEDICINES
from sync.fhir.summary.selection import select
from sync.fhir.view import DISPUTE, NOTE, remarks
from sync.merge.change import RecordId

REFERS, SAME_CODE, MENTIONS, MAY_TELL = "refers-to-it", "same-code", "mentions-it", "may-tell"
_WORD_LETTERS_MIN = 4
_CONCEPTS = ("code", "medicationCodeableConcept", "vaccineCode", "reasonCode")


class GiveAway(NamedTuple):
    """One entry that stays in sight. `why`: REFERS, SAME_CODE, MENTIONS or MAY_TELL."""

    id: RecordId
    type: str
    label: str
    why: str


def giveaways(view: VaultView, hidden: frozenset[RecordId], importer: Importer) -> list[GiveAway]:
    """Entries of the summary that tell, or may tell, of these records; what is hidden already aside."""
    index = Index(view)
    codes: set[tuple[str, str]] = set()
    words: set[str] = set()
    problems = False
    everything = {one.id: one for found in select(view, importer).entries.values() for one in found}
    for one in everything.values():
        if one.id in hidden:
            for version in one.versions:
                problems = problems or version.resource.get("resourceType") == "Condition"
                codes |= _codes(version.resource)
                words |= _words(version.resource)
    found = []
    for one in everything.values():
        if one.id in hidden:
            continue
        told = [version.resource for version in one.versions]
        kind = str(told[0].get("resourceType"))
        notes = [
            remark.text for record in one.records for prefix in (NOTE, DISPUTE) for remark in remarks(record, prefix)
        ]
        text = " ".join([*(canonical(resource).decode() for resource in told), *notes]).casefold()
        targets = {index.resolve(one.id, ref) for resource in told for _, ref in references_in(resource)}
        why = (
            REFERS
            if targets & hidden
            else SAME_CODE
            if any(_codes(resource) & codes for resource in told)
            else MENTIONS
            if any(word in text for word in words)
            else MAY_TELL
            if (problems and kind in MEDICINES) or kind in ("DocumentReference", "DiagnosticReport")
            else None
        )
        if why is not None:
            found.append(GiveAway(one.id, kind, one.label, why))
    return found


def _codes(resource: Resource) -> set[tuple[str, str]]:
    concepts = [item for name in _CONCEPTS for item in objects_of(resource.get(name))]
    return {
        (str(one.get("system")), str(one["code"]))
        for concept in concepts
        for one in objects_of(concept.get("coding"))
        if "code" in one
    }


def _words(resource: Resource) -> set[str]:
    told = {concept_words(item).casefold() for name in _CONCEPTS[:3] for item in items_of(resource.get(name))}
    return {one for one in told if len(one) >= _WORD_LETTERS_MIN}
