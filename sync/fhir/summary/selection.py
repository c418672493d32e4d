"""Which records of a vault stand in which section of a summary, and why others do not.

What it is: a choice over what the vault shows, open questions with all their sides. What it is not: a judgement which
side is right, a document, or words.

Invariants: an allergy, a problem or a medicine is in a section or in `left_out` with its reason; a record in conflict
stands if any of its versions would; what is restricted is not in the view that this reads; the order depends on what
is chosen and nothing else. Spec: openapi/protocol/summary.md, "Sections" and "What is left out".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from sync.fhir import duplicates, envelope
from sync.fhir.conflicts import Importer
from sync.fhir.datatype_words import code_of, items_of, objects_of
from sync.fhir.envelope import VaultView
from sync.fhir.labels import label
from sync.fhir.partial_dates import rank
from sync.fhir.references import Index
from sync.fhir.registers import Resource
from sync.fhir.sources import newer_in
from sync.fhir.summary import sections
from sync.fhir.summary.disputed import Version, versions
from sync.fhir.summary.sections import BY_CODE, CATEGORIES, CODES, DEFAULT, PLACED_BY_FILES
from sync.fhir.view import is_deleted, resource_plain
from sync.merge.change import VAULT_RECORD, RecordId
from sync.merge.record import Record

ERROR, REFUTED, OLDER, CONTRADICTED, NOTHING_SAID, NO_SECTION = (
    "entered-in-error",
    "refuted",
    "older-value",
    "contradicted",
    "nothing-said",
    "no-section",
)
_INACTIVE = frozenset(("inactive", "resolved", "remission"))
_STOPPED = frozenset(("stopped", "completed", "cancelled", "not-taken", "ended", "revoked", "inactive"))
_SECTIONLESS = frozenset(("Patient", "Composition", "Bundle", "Provenance", "Binary", "OperationOutcome"))


class Chosen(NamedTuple):
    """A record that stands in a section: what is shown as one with it, its versions, what may be the same."""

    id: RecordId
    records: tuple[Record, ...]
    versions: tuple[Version, ...]
    label: str
    active: bool
    alike: tuple[RecordId, ...] = ()


class LeftOut(NamedTuple):
    """A record that a reader might look for and does not find. `why`: a word of summary.md."""

    id: RecordId
    type: str
    label: str
    why: str


class Selection(NamedTuple):
    """What a summary holds. `empty`: of a section without entries the reason its newest file gives, and its date."""

    view: VaultView
    references: Index
    entries: dict[str, list[Chosen]]
    empty: dict[str, tuple[str, str | None]]
    left_out: list[LeftOut]


class Places:
    """What files say of where a record stands, and of what they have nothing."""

    def __init__(self, view: VaultView, index: Index, shown: Callable[[Record], Resource]) -> None:
        self._named: dict[RecordId, set[str]] = defaultdict(set)
        self.members: set[RecordId] = set()
        self.empty: dict[str, tuple[str, str | None]] = {}
        dated = []
        for record in _there(view):
            kind = shown(record).get("resourceType")
            if kind == "Composition":
                dated.append((rank(shown(record).get("date")), record.id, shown(record)))
            elif kind in ("Observation", "DiagnosticReport"):
                for name in ("hasMember", "result"):
                    for reference in objects_of(shown(record).get(name)):
                        target = index.resolve(record.id, reference)
                        if target is not None and target != record.id:
                            self.members.add(target)
        for _, id_, composition in sorted(dated, key=lambda one: one[:2]):
            self._read(id_, composition, composition.get("section"), index)

    def _read(self, id_: RecordId, composition: Resource, told: Any, index: Index) -> None:
        for one in objects_of(told):
            section = BY_CODE.get(code_of(one.get("code")) or "")
            if section is not None:
                targets = (index.resolve(id_, entry) for entry in objects_of(one.get("entry")))
                for target in targets:
                    if target is not None:
                        self._named[target].add(section.name)
                reason = code_of(one.get("emptyReason"))
                self.empty.pop(section.name, None)  # the newest file that has the section at all is the one that counts
                if reason in sections.EMPTY_DISPLAYS and not one.get("entry"):
                    date = composition.get("date")
                    self.empty[section.name] = (reason, date if isinstance(date, str) else None)
            self._read(id_, composition, one.get("section"), index)

    def sections_of(self, id_: RecordId, resource: Resource) -> tuple[str, ...]:
        """The names of the sections that one version of a record stands in: none, one, or of papers several."""
        kind = str(resource.get("resourceType"))
        named = self._named.get(id_, set())
        hints = tuple(name for name in PLACED_BY_FILES.get(kind, ()) if name in named)
        codes = {str(one.get("code")) for one in _codings(resource)}
        by_code = tuple(CODES[code] for code in sorted(codes) if code in CODES)[:1]
        if kind == "Condition":
            inactive = code_of(resource.get("clinicalStatus")) in _INACTIVE
            unknown = "clinicalStatus" not in resource and named == {"past_problems"}
            return ("past_problems",) if inactive or unknown else hints[:1] or ("problems",)
        if kind == "Observation":
            categories = (code_of(one) or "" for one in items_of(resource.get("category")))
            by_category = next((CATEGORIES[one] for one in categories if one in CATEGORIES), "results")
            return by_code or hints[:1] or (by_category,)
        if kind == "Consent":
            told = [resource.get("scope"), *items_of(resource.get("category"))]
            directive = any(code_of(one) in sections.DIRECTIVE_CODES for one in told)
            return hints or (("advance_directives",) if directive else ())
        if kind == "DocumentReference":
            return hints or by_code
        default = DEFAULT.get(kind)
        return (default,) if default is not None else hints[:1]


def select(view: VaultView, importer: Importer, hidden: frozenset[str] = frozenset()) -> Selection:
    """Everything that a summary of this view holds, in order. `hidden`: sections of which something is restricted."""
    index, newer = Index(view), newer_in(view)
    shown: dict[RecordId, Resource] = {}

    def show(record: Record) -> Resource:
        if record.id not in shown:
            shown[record.id] = resource_plain(record, newer)
        return shown[record.id]

    places = Places(view, index, show)
    groups = {group[0]: group for group in duplicates.same(view)}
    behind = {id_ for group in groups.values() for id_ in group[1:]}
    alike: dict[RecordId, set[RecordId]] = defaultdict(set)
    for pair in duplicates.propose(view):
        alike[pair.a].add(pair.b)
        alike[pair.b].add(pair.a)
    entries: dict[str, list[Chosen]] = defaultdict(list)
    left_out: list[LeftOut] = []
    for record in _there(view):
        kind = str(show(record).get("resourceType"))
        if record.id in behind or kind in _SECTIONLESS:
            continue
        told = versions(record, newer, importer)
        line = label(told[0].resource, partial(_target, view, index, show, record.id))
        names = next(filter(None, (places.sections_of(record.id, one.resource) for one in told)), ())
        why = _why_not(told, bool(names))
        if why is None and record.id in places.members and kind == "Observation":
            continue  # a part of another entry, and comes with it
        if why is not None:
            if why != NO_SECTION or (kind in PLACED_BY_FILES and kind != "Device"):
                left_out.append(LeftOut(record.id, kind, line, why))
            continue
        members = tuple(one for id_ in groups.get(record.id, (record.id,)) if (one := view.record(id_)) is not None)
        active = any(_is_active(one.resource) for one in told)
        chosen = Chosen(record.id, members, tuple(told), line, active, tuple(sorted(alike[record.id])))
        for name in names:
            entries[name].append(chosen)
    for name, chosen_ones in entries.items():
        kept, older = _latest(name, _without_none(chosen_ones, name in hidden, left_out))
        left_out += [LeftOut(one.id, _type(one), one.label, OLDER) for one in older]
        entries[name] = sorted(kept, key=lambda one: _order(name, one))
    return Selection(view, index, {name: found for name, found in entries.items() if found}, places.empty, left_out)


def categories_of(view: VaultView, importer: Importer) -> dict[RecordId, frozenset[str]]:
    """The sections that any version of each record would stand in, for hiding whole categories."""
    index, newer = Index(view), newer_in(view)
    places = Places(view, index, lambda record: resource_plain(record, newer))
    found = {}
    for record in _there(view):
        told = versions(record, newer, importer)
        found[record.id] = frozenset(name for one in told for name in places.sections_of(record.id, one.resource))
    return found


def is_none_known(resource: Resource) -> bool:
    """True if a record says that there is nothing of its kind."""
    return any((one.get("system"), one.get("code")) in sections.NONE_KNOWN for one in _codings(resource))


def _there(view: VaultView) -> list[Record]:
    return [
        record
        for record in sorted(view.records(), key=lambda record: record.id)
        if record.id != VAULT_RECORD
        and not record.unknown
        and not envelope.is_envelope(record)
        and not is_deleted(record)
    ]


def _why_not(told: Iterable[Version], placed: bool) -> str | None:
    """Why no version of a record may stand; None if one may."""
    if not placed:
        return NO_SECTION
    reasons = {reason_against(one.resource) for one in told}
    return None if None in reasons else sorted(str(one) for one in reasons)[0]


def reason_against(resource: Resource) -> str | None:
    """Why a resource says nothing that a summary could hold; None if it may stand."""
    verification = code_of(resource.get("verificationStatus"))
    if "entered-in-error" in (verification, resource.get("status"), resource.get("docStatus")):
        return ERROR
    if verification == "refuted":
        return REFUTED
    if any((one.get("system"), one.get("code")) in sections.NOTHING_SAID for one in _codings(resource)):
        return NOTHING_SAID
    return None


def _without_none(chosen: list[Chosen], hidden: bool, left_out: list[LeftOut]) -> list[Chosen]:
    """Entries without "no known …" where something active stands beside it, seen or hidden: it would be a lie."""
    none = [one for one in chosen if all(is_none_known(version.resource) for version in one.versions)]
    if not none or not (hidden or any(one.active for one in chosen if one not in none)):
        return chosen
    left_out += [LeftOut(one.id, _type(one), one.label, CONTRADICTED) for one in none]
    return [one for one in chosen if one not in none]


def _latest(section: str, chosen: list[Chosen]) -> tuple[list[Chosen], list[Chosen]]:
    """Of measured values that are undisputed the latest of each code; the rest."""
    if section not in ("results", "vital_signs"):
        return chosen, []
    newest: dict[tuple[str, str], Chosen] = {}
    kept, older = [], []
    for one in chosen:
        codes = _codings(one.versions[0].resource)
        if len(one.versions) > 1 or one.alike or not codes or _type(one) != "Observation":
            kept.append(one)
            continue
        key = (str(codes[0].get("system")), str(codes[0].get("code")))
        both = [*([newest[key]] if key in newest else []), one]
        newest[key] = max(both, key=lambda each: (_date(each), each.id))
        older += [each for each in both if each is not newest[key]]
    return kept + list(newest.values()), older


def _order(section: str, chosen: Chosen) -> tuple[Any, ...]:
    """The dangerous first, the inactive last; then the newest, or by name."""
    told = [one.resource for one in chosen.versions]
    severe = max(_weight(one) for one in told)
    since = 0 if section in sections.CRITICAL else -_date(chosen)[0]
    return (not chosen.active, -severe, since, chosen.label.casefold(), chosen.id)


def _weight(resource: Resource) -> int:
    reactions = [one.get("severity") for one in objects_of(resource.get("reaction"))]
    severity = code_of(resource.get("severity"))
    if resource.get("criticality") == "high" or "severe" in reactions or severity in ("24484000", "severe"):
        return 3
    if resource.get("criticality") == "unable-to-assess" or "moderate" in reactions or severity == "6736007":
        return 2
    return 1 if is_none_known(resource) is False else 0


def _is_active(resource: Resource) -> bool:
    if code_of(resource.get("clinicalStatus")) in _INACTIVE:
        return False
    kind = resource.get("resourceType")
    if kind in (*sections.MEDICINES, "Flag", "DeviceUseStatement", "CarePlan"):
        return resource.get("status") not in _STOPPED
    return reason_against(resource) is None


def _date(chosen: Chosen) -> tuple[int, int]:
    resource = chosen.versions[0].resource
    for name in ("effectiveDateTime", "effectiveInstant", "occurrenceDateTime", "performedDateTime", "date", "issued"):
        if name in resource:
            return rank(resource[name])
    for name in ("effectivePeriod", "performedPeriod", "period", "timingPeriod"):
        if isinstance(resource.get(name), dict):
            return rank(resource[name].get("end") or resource[name].get("start"))
    return rank(None)


def _codings(resource: Resource) -> list[Resource]:
    concepts = [resource.get(name) for name in ("code", "medicationCodeableConcept", "vaccineCode", "type")]
    return [one for concept in concepts if isinstance(concept, dict) for one in objects_of(concept.get("coding"))]


def _type(chosen: Chosen) -> str:
    return str(chosen.versions[0].resource.get("resourceType"))


def _target(
    view: VaultView, index: Index, show: Callable[[Record], Resource], id_: RecordId, reference: Any
) -> Resource | None:
    target = index.resolve(id_, reference)
    record = None if target is None else view.record(target)
    return None if record is None else show(record)
