"""The patient summary: one IPS document from what a vault shows.

What it is: `build`, which puts selection, ids, words and facts together. What it is not: a writer of files, a clock, a
share. Time, the secret of ids and who is who are arguments.

Invariants: the same view, time and options give the same bytes; the Composition is first, the Patient second; every
reference leads to an entry; what is restricted leaves nothing. Source: HL7 IPS 2.0, Bundle and Composition; FHIR R4,
documents. Spec: openapi/protocol/summary.md.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sync.fhir.conflicts import Importer
from sync.fhir.datatype_words import date_words, name_words
from sync.fhir.envelope import VaultView
from sync.fhir.exact import canonical
from sync.fhir.notes import is_from_a_link
from sync.fhir.registers import Resource
from sync.fhir.summary import narrative
from sync.fhir.summary.assertions import Speakers, provenance
from sync.fhir.summary.closing import uuid_of
from sync.fhir.summary.document import Document, entry_of
from sync.fhir.summary.narrative import Line
from sync.fhir.summary.restriction import Visible, hidden_in
from sync.fhir.summary.sections import EMPTY_DISPLAYS, EMPTY_REASON, LOINC, NIL_KNOWN, SECTIONS, UNAVAILABLE, Section
from sync.fhir.summary.selection import LeftOut, is_none_known, select
from sync.merge.change import RecordId

_IPS = "http://hl7.org/fhir/uv/ips/StructureDefinition/"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
ENTRIES, NONE_KNOWN, NOT_KNOWN, NOT_ASKED = "entries", "none_known", "not_known", "not_asked"


class Options(NamedTuple):
    """How a summary is made. `secret`: 32 bytes that only the vault's members know. `person`: the subject's name, for
    a vault without a Patient. `sections`: names of those wanted, all if None; required ones always stand. `only`: the
    records that it may have, any if None; `without`: those that it may not. Both hide as a restriction does."""

    secret: bytes
    speakers: Speakers
    importer: Importer
    person: str | None = None
    eu: bool = False
    sections: tuple[str, ...] | None = None
    only: frozenset[RecordId] | None = None
    without: frozenset[RecordId] = frozenset()


class Told(NamedTuple):
    """A section as people read it. `state`: ENTRIES, NONE_KNOWN, NOT_KNOWN or NOT_ASKED; `empty`: its words."""

    section: Section
    state: str
    empty: str | None
    lines: tuple[Line, ...]


class Summary(NamedTuple):
    """A summary. `left_out` is for the citizen alone, and no part of the document."""

    bundle: Resource
    patient: Resource
    sections: tuple[Told, ...]
    left_out: tuple[LeftOut, ...]


def build_summary(view: VaultView, at: str, options: Options) -> Resource:
    """The document alone. `at`: RFC 3339 with a zone."""
    return build(view, at, options).bundle


def summary_bytes(bundle: Resource) -> bytes:
    """The document as it is handed out: canonical JSON."""
    return canonical(bundle)


def content_bytes(bundle: Resource) -> bytes:
    """The document without the moment it was made: equal for two if and only if there is nothing new to hand out."""
    told = {name: value for name, value in bundle.items() if name not in ("identifier", "timestamp")}
    first, *others = bundle["entry"]
    composition = {name: value for name, value in first["resource"].items() if name != "date"}
    return canonical(told | {"entry": [{**first, "resource": composition}, *others]})


def build(view: VaultView, at: str, options: Options) -> Summary:
    """A summary with what people read of it."""
    hidden, hidden_sections = hidden_in(view, options.importer, options.only, options.without)
    chosen = select(Visible(view, hidden), options.importer, hidden_sections)
    wanted = [section for section in SECTIONS if _is_wanted(section, options, bool(chosen.entries.get(section.name)))]
    names = {section.name for section in wanted}
    entries = {name: found for name, found in chosen.entries.items() if name in names}
    document = Document(chosen._replace(entries=entries), options.secret, options.speakers, at)
    patient = _patient(document, options)
    told, composed, resources, origins = [], [], [], []
    placed: set[str] = set()  # what stands in two sections is one entry
    for section in wanted:
        lines: list[Line] = []
        urls = []
        for one in entries.get(section.name, ()):
            for number in range(len(one.versions)):
                url, resource, line = document.entry(one, number)
                urls.append({"reference": url})
                lines.append(line)
                if url in placed:
                    continue
                placed.add(url)
                resources.append(entry_of(url, resource))
                if section.required or is_from_a_link(resource):
                    id_ = uuid_of(options.secret, b"provenance", url.encode())
                    origin = provenance(line.facts, url, document.patient_url, at)
                    origins.append(entry_of("urn:uuid:" + id_, {**origin, "id": id_}))
        reason, date = chosen.empty.get(section.name, (UNAVAILABLE, None))
        if section.name in hidden_sections:
            reason, date = UNAVAILABLE, None
        words = None if lines else narrative.empty_words(reason, date)
        none = all(is_none_known(one.versions[0].resource) for one in entries.get(section.name, ()))
        state = _state(reason) if not lines else NONE_KNOWN if none else ENTRIES
        told.append(Told(section, state, words, tuple(lines)))
        composed.append(_section(section, urls, narrative.section_text(lines, words), reason, words))
    composition = _composition(document, at, options, composed)
    document.follow()
    body = [entry_of(document.patient_url, patient), *resources, *document.supporting(), *origins]
    bundle: Resource = {
        "resourceType": "Bundle",
        "meta": {"profile": [_IPS + "Bundle-uv-ips"]},
        "type": "document",
        "timestamp": at,
        "entry": [composition, *body],
    }
    own = uuid_of(options.secret, b"document", canonical(bundle))
    bundle["identifier"] = {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:" + own}
    left_out = tuple(one for one in chosen.left_out if not document.holds(one.id))
    return Summary(bundle, patient, tuple(told), left_out)


def patient_words(patient: Resource) -> tuple[str, str, str]:
    """Name, birth date and sex in words; what is not known says so."""
    name = name_words(patient.get("name")) or "name not known"
    birth = date_words(patient.get("birthDate")) or "birth date not known"
    return name, birth, str(patient.get("gender") or "sex not known")


def age_words(patient: Resource, at: str) -> str:
    """Full years at a time; empty where the birth date is no whole day."""
    birth = patient.get("birthDate")
    if not isinstance(birth, str) or len(birth) != 10 or not date_words(birth):
        return ""
    years = int(at[:4]) - int(birth[:4]) - (at[5:10] < birth[5:10])
    return f"{years} years" if 0 <= years < 150 else ""


def _is_wanted(section: Section, options: Options, filled: bool) -> bool:
    required = section.required or (options.eu and section.eu_required)
    if section.eu_only and not options.eu:
        return False
    if options.sections is not None and section.name not in options.sections:
        return required
    return required or filled


def _state(reason: str) -> str:
    return {NIL_KNOWN: NONE_KNOWN, "notasked": NOT_ASKED}.get(reason, NOT_KNOWN)


def _section(section: Section, urls: list[Any], text: Resource, reason: str, words: str | None) -> Resource:
    coding = {"system": LOINC, "code": section.code, "display": section.display}
    made: Resource = {"title": section.title, "code": {"coding": [coding]}, "text": text}
    if urls:
        return {**made, "entry": urls}
    empty = {"system": EMPTY_REASON, "code": reason, "display": EMPTY_DISPLAYS[reason]}
    return {**made, "emptyReason": {"coding": [empty], "text": words}}


def _composition(document: Document, at: str, options: Options, sections: list[Resource]) -> Resource:
    id_ = uuid_of(options.secret, b"composition")
    coding = {"system": LOINC, "code": "60591-5", "display": "Patient summary Document"}
    made = {
        "resourceType": "Composition",
        "id": id_,
        "meta": {"profile": [_IPS + "Composition-uv-ips"]},
        "language": "en",
        "status": "final",
        "type": {"coding": [coding]},
        "subject": {"reference": document.patient_url},
        "date": at,
        "author": [{"reference": document.patient_url}],
        "title": "European Patient Summary" if options.eu else "International Patient Summary",
        "section": sections,
    }
    return entry_of("urn:uuid:" + id_, made)


def _patient(document: Document, options: Options) -> Resource:
    """The Patient with a name and a birth date, or with the word that it is not known."""
    made = document.patient()
    unknown = {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}
    if not name_words(made.get("name")):
        made["name"] = [{"text": options.person} if options.person else unknown]
    if "birthDate" not in made and "_birthDate" not in made:
        made["_birthDate"] = unknown
    return made
