"""Whose file it is: so that no other person's records get into a vault without a question.

What it is: the person of a file (Composition.subject, else the one Patient), and the comparison of that Patient with
the persons a vault has been told are its subject. What it is not: a matcher of records. A shared identifier never
proves that two Patients are one (real files share them between different people), it only is no difference.

Invariants: a file asks at most one question, whatever is odd about it; a difference in any of name, birth date, sex or
identifier holds the whole file; what one side does not say is no difference, but two Patients who have nothing in
common to compare are not taken for one. The words name what differs, never the values. Spec:
openapi/protocol/import.md.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, NamedTuple

from sync.fhir.bundle import ParsedBundle, ParsedEntry
from sync.fhir.envelope import VaultView, envelopes
from sync.fhir.partial_dates import may_be_same, parse
from sync.fhir.references import Scope
from sync.fhir.registers import join
from sync.fhir.view import is_deleted, resource_plain
from sync.merge.change import PERSON, SOURCE, RecordId
from sync.merge.record import Record

_ABOUT = ("subject", "patient", "beneficiary")
_SEXES = ("male", "female", "other")
_WORDS = re.compile(r"[^\W_]+")


class FilePerson(NamedTuple):
    """`entry`: the index of the Patient whose file it is, None if there is none. `why`: what has to be asked, or
    None."""

    entry: int | None
    why: str | None


def scope_of(parsed: ParsedBundle) -> Scope[int]:
    """How the entries of a file name each other; by their index."""
    scope: Scope[int] = Scope()
    for entry in parsed.entries:
        id_ = entry.resource.get("id")
        scope.add(entry.index, entry.full_url, entry.resource["resourceType"], id_ if isinstance(id_, str) else None)
    return scope


def person_of(parsed: ParsedBundle, accepted: frozenset[int] = frozenset()) -> FilePerson:
    """The Patient whose file it is, and what has to be asked about the file alone.

    `accepted`: entries that are Patient records which the vault has as its subject already.
    """
    scope = scope_of(parsed)
    patients = [entry.index for entry in parsed.entries if entry.resource["resourceType"] == "Patient"]
    about = _counted(parsed, scope, frozenset(patients))
    named: int | None = None
    for entry in parsed.entries:
        if entry.resource["resourceType"] == "Composition":
            targets = [target for target in _targets(entry, scope) if target in patients]
            named = targets[0] if targets else None
            break
    if named is None and len(patients) > 1 and not accepted.issuperset(patients):
        most = max(patients, key=lambda index: (about.get(index, 0), -index))
        return FilePerson(most, f"It holds {len(patients)} persons and does not say whose file it is.")
    person = named if named is not None else (patients[0] if patients else None)
    others = [index for index in about if index != person and index not in accepted]
    if others:
        count = sum(about[index] for index in others)
        words = f"It holds {len(patients)} persons; {count} of its records are about another one than the file itself."
        return FilePerson(person, words)
    return FilePerson(person, None)


def why_another(parsed: ParsedBundle, person: FilePerson, view: VaultView) -> str | None:
    """What differs between the file's person and every person of the vault, in words; None if nothing, or no one is
    there."""
    entry = next((one for one in parsed.entries if one.index == person.entry), None)
    known = vault_persons(view)
    if entry is None or not known:
        return None
    reasons: list[str] = []
    for id_ in known:
        record = view.record(id_)
        for patient in () if record is None else _faces(record):
            differing = differences(entry.resource, patient)
            if not differing:
                return None
            reasons = reasons or differing
    return f"It is not about the person of this vault: {_listed(reasons)}." if reasons else None


def vault_persons(view: VaultView) -> list[RecordId]:
    """The Patient records that are the vault's subject: those of imported files, and those a person entered."""
    found = {one.person for one in envelopes(view) if one.person is not None}
    for record in view.records():
        kinds = {birth.body.get("resourceType") for birth in record.births if birth.lane == PERSON}
        if b'{"resourceType":"Patient"}' in kinds:
            found.add(record.id)
    there = (view.record(id_) for id_ in sorted(found))
    return [record.id for record in there if record is not None and not is_deleted(record)]


def differences(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    """In which of name, birth date, sex and identifier two Patients differ; `nothing to compare` if in none and alike
    in none."""
    found: list[str] = []
    alike = False
    for word, same in (
        ("name", _same_name(a, b)),
        ("birth date", _same_birth(a, b)),
        ("sex", _same_sex(a, b)),
        ("identifier", _same_identifier(a, b)),
    ):
        if same is False:
            found.append(f"another {word}")
        alike = alike or (same is True and word != "sex")
    return found if found or alike else ["there is nothing to compare them by"]


def _faces(record: Record) -> list[dict[str, Any]]:
    """A Patient as it is shown, and as its sources have it: a corrected spelling must not make a newer copy strange."""
    births = [join(birth.body) for birth in record.births if birth.lane == SOURCE]
    return [resource_plain(record), *births]


def _counted(parsed: ParsedBundle, scope: Scope[int], patients: frozenset[int]) -> dict[int, int]:
    """How many entries are about each Patient of the file."""
    counts: dict[int, int] = {}
    for entry in parsed.entries:
        if entry.resource["resourceType"] != "Patient":
            for target in set(_targets(entry, scope)) & patients:
                counts[target] = counts.get(target, 0) + 1
    return counts


def _targets(entry: ParsedEntry, scope: Scope[int]) -> list[int]:
    found = []
    for element in _ABOUT:
        value = entry.resource.get(element)
        for one in value if isinstance(value, list) else [value]:
            text = one.get("reference") if isinstance(one, dict) else None
            target = scope.find(text, entry.full_url) if isinstance(text, str) else None
            if target is not None:
                found.append(target)
    return found


def _same_name(a: dict[str, Any], b: dict[str, Any]) -> bool | None:
    ours, theirs = _names(a), _names(b)
    if not ours or not theirs:
        return None
    return any(one <= other or other <= one for one in ours for other in theirs)


def _names(patient: dict[str, Any]) -> list[frozenset[str]]:
    """Each name as a set of words without case, accents and order: `DE LAROSA, Marthe` is `Marthe De Larosa`."""
    found = []
    for name in _objects(patient.get("name")):
        given = name.get("given")
        parts = [name.get("family"), *(given if isinstance(given, list) else [])]
        text = " ".join(part for part in parts if isinstance(part, str)) or name.get("text")
        words = _words(text) if isinstance(text, str) else frozenset()
        if words:
            found.append(words)
    return found


def _words(text: str) -> frozenset[str]:
    folded = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()
    return frozenset(_WORDS.findall(folded))


def _same_birth(a: dict[str, Any], b: dict[str, Any]) -> bool | None:
    if parse(a.get("birthDate")) is None or parse(b.get("birthDate")) is None:
        return None
    return may_be_same(a["birthDate"], b["birthDate"])


def _same_sex(a: dict[str, Any], b: dict[str, Any]) -> bool | None:
    ours, theirs = a.get("gender"), b.get("gender")
    return ours == theirs if ours in _SEXES and theirs in _SEXES else None


def _same_identifier(a: dict[str, Any], b: dict[str, Any]) -> bool | None:
    """Whether they share one within a system, and False if a system numbers both and shares none."""
    ours, theirs = _numbers(a), _numbers(b)
    shared = ours.keys() & theirs.keys()
    if not shared:
        return None
    return any(ours[system] & theirs[system] for system in shared)


def _numbers(patient: dict[str, Any]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in _objects(patient.get("identifier")):
        system, value = one.get("system"), one.get("value")
        if (
            isinstance(system, str)
            and isinstance(value, str)
            and value.strip()
            and one.get("use") not in ("old", "temp")
        ):
            found.setdefault(system, set()).add(value.strip())
    return found


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
