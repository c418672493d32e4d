"""Who says an entry, when it was recorded, when somebody last confirmed it.

What it is: the vault's knowledge about each allergy, problem and medicine, for people and as FHIR. What it is not: a
proof: a member's phone proves who wrote, a file's name is what the file says of itself.

Invariants: nothing here is guessed; what nobody knows is absent. Spec: openapi/protocol/summary.md, "Who says so".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sync.fhir.envelope import VaultView
from sync.fhir.partial_dates import parse, rank
from sync.fhir.registers import Resource
from sync.fhir.sources import UNNAMED, newest_file
from sync.fhir.summary.disputed import Version
from sync.fhir.summary.reviewing import last_review
from sync.fhir.view import standings
from sync.merge.change import PERSON, SOURCE, Dot
from sync.merge.record import Record

PATIENT, CARER, FILE = "patient", "carer", "file"
_RECORDED = ("recordedDate", "dateAsserted", "authoredOn", "recorded", "issued")
_DAY_MS = 86_400_000


class Speaker(NamedTuple):
    """A member of the vault. `patient`: the vault is about this person."""

    name: str
    patient: bool


Speakers = Callable[[Dot], Speaker]


class Said(NamedTuple):
    """Who says so. `who`: PATIENT, CARER, FILE. `date`: a file's own, or when a person wrote it; None if unknown."""

    who: str
    name: str
    date: str | None


class Facts(NamedTuple):
    """What stands beside an entry. `entered`: when it came into the vault (an instant), None if no clock was right.

    `confirmed`: the answer, when, by whom. `latest`: the newest word of any kind, for how old the entry is.
    """

    said: tuple[Said, ...]
    recorded: str | None
    entered: str | None
    confirmed: tuple[str, str, Said] | None
    latest: str | None


def facts_of(view: VaultView, records: Sequence[Record], version: Version, speakers: Speakers) -> Facts:
    """The facts of one version of records that are shown as one."""
    said: list[Said] = []
    entered: list[int] = []
    for record in records:
        if any(birth.lane == SOURCE for birth in record.births):
            name, date = newest_file(view, record) or (UNNAMED, None)
            said.append(Said(FILE, name, date))
        entered += [birth.at for birth in record.births]
        for dot, at in _words(record, version):
            said.append(_speaker(speakers(dot), instant(at)))
    review = last_review(records)
    confirmed = None
    if review is not None:
        confirmed = (review.answer, review.on, _speaker(speakers(review.sibling.dot), review.on))
    recorded = next((text for key in _RECORDED if parse(text := version.resource.get(key)) is not None), None)
    if recorded is None:
        recorded = next((one.date for one in said if one.date), None)
    dates = [one.date for one in said if one.date] + ([confirmed[1]] if confirmed else [])
    latest = max(dates, key=rank, default=recorded)
    return Facts(tuple(dict.fromkeys(said)), recorded, instant(min(entered)) if entered else None, confirmed, latest)


def _words(record: Record, version: Version) -> list[tuple[Dot, int]]:
    """What people wrote in this version, one word an author of an element, oldest first; of a dispute, its own side."""
    if record.untouched:
        return [(birth.dot, birth.at) for birth in record.births if birth.lane == PERSON]
    ats = {birth.dot: birth.at for birth in record.births if birth.lane == PERSON}
    ats |= {sibling.dot: sibling.at for place in standings(record) for sibling in place.person}
    if version.lane == PERSON:
        return [(dot, ats[dot]) for dot in version.dots if dot in ats]
    return [] if version.lane == SOURCE else sorted(ats.items())


def _speaker(speaker: Speaker, at: str | None) -> Said:
    return Said(PATIENT if speaker.patient else CARER, speaker.name, at)


def is_old(facts: Facts, at: str) -> bool:
    """True if nobody has said so in the year before `at`; what has no date at all counts as old."""
    if facts.latest is None:
        return True
    limit = f"{int(at[:4]) - 1:04}{at[4:10]}".replace("-02-29", "-02-28")
    return rank(facts.latest)[1] <= rank(limit)[0]


def instant(ms: int) -> str | None:
    """Milliseconds since 1970 as RFC 3339 in UTC, to the second; None outside the years 1970 to 9999."""
    if not 0 <= ms < 253_402_300_800_000:
        return None
    days, rest = divmod(ms, _DAY_MS)
    # H. Hinnant, civil_from_days: years begin in March, so that a leap day is the last of one.
    z = days + 719_468
    era, of_era = divmod(z, 146_097)
    year_of_era = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    day_of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month + 2) // 5 + 1
    month += 3 if month < 10 else -9
    year = year_of_era + era * 400 + (month <= 2)
    seconds = rest // 1_000
    clock = f"{seconds // 3_600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{year:04}-{month:02}-{day:02}T{clock}Z"


# As FHIR

BASE = "https://carnet.example/fhir/"
SAID_URL = BASE + "StructureDefinition/said-by"
RECORDED_URL = BASE + "StructureDefinition/recorded"
CONFIRMED_URL = BASE + "StructureDefinition/confirmed"
DISPUTED_URL = BASE + "StructureDefinition/disputed"
TAGS = BASE + "CodeSystem/summary-tag"
_ASSERTED = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def extensions(facts: Facts) -> list[Resource]:
    """The facts as extensions of the entry."""
    found = [{"url": SAID_URL, "extension": _said(one)} for one in facts.said]
    if facts.recorded is not None:
        found.append({"url": RECORDED_URL, "valueDateTime": facts.recorded})
    if facts.confirmed is not None:
        answer, _, said = facts.confirmed
        found.append({"url": CONFIRMED_URL, "extension": [{"url": "answer", "valueCode": answer}, *_said(said)]})
    return found


def _said(said: Said) -> list[Resource]:
    parts: list[Resource] = [{"url": "who", "valueCode": said.who}, {"url": "name", "valueString": said.name}]
    return [*parts, {"url": "date", "valueDateTime": said.date}] if said.date else parts


def security(facts: Facts) -> list[Resource]:
    """How meta.security says that a layperson asserts it: what no file says."""
    whos = {one.who for one in facts.said}
    if FILE in whos or not whos:
        return []
    if PATIENT in whos:
        return [{"system": _ASSERTED, "code": "PATAST", "display": "patient asserted"}]
    return [{"system": _ASSERTED, "code": "PACQAST", "display": "patient acquaintance asserted"}]


def provenance(facts: Facts, target: str, patient: str, recorded: str) -> Resource:
    """The Provenance of an entry, without id. `recorded`: used if nobody knows when it came into the vault."""
    agents: list[Resource] = []
    for said in facts.said:
        code = "enterer" if said.who == CARER else "author"
        who: dict[str, Any] = {"display": said.name}
        if said.who == PATIENT:
            who["reference"] = patient
        agents.append({"type": {"coding": [{"system": _PARTICIPANT, "code": code}]}, "who": who})
    if facts.confirmed is not None:
        who = {"display": facts.confirmed[2].name}
        agents.append({"type": {"coding": [{"system": _PARTICIPANT, "code": "verifier"}]}, "who": who})
    return {
        "resourceType": "Provenance",
        "target": [{"reference": target}],
        "recorded": facts.entered or recorded,
        "agent": agents or [{"who": {"display": "unknown"}}],
    }
