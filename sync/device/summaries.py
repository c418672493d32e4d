"""The patient summary of a vault on this phone, confirming its critical entries, and what is kept out of it.

Reads base ⊕ pending, so that it works offline and with open questions; what is answered is staged like any edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from crypto.secret.kdf import derive
from sync.device.moments import when
from sync.device.phone import Phone
from sync.device.reading import Vault, choose_vault, identity_of, read_vault
from sync.device.records import Labels, dot_text, find_record
from sync.device.refused import Refused
from sync.device.staging import stage
from sync.device.store.rows import Rows
from sync.fhir import editing
from sync.fhir.conflicts import Importer
from sync.fhir.datatype_words import code_of
from sync.fhir.sources import newer_in
from sync.fhir.summary.assembling import Options, Summary, build
from sync.fhir.summary.assertions import Speaker, instant
from sync.fhir.summary.giveaways import giveaways
from sync.fhir.summary.restriction import (
    hidden_in,
    restrict_edit,
    restricted_categories,
    restricted_records,
    restriction_word,
    with_their_likes,
)
from sync.fhir.summary.reviewing import STOPPED, review_edit
from sync.fhir.summary.sections import BY_NAME, MEDICINES
from sync.fhir.summary.selection import categories_of
from sync.merge.change import VAULT_RECORD, Dot, Edit, RecordId
from sync.wire.item import OWNER

_CLINICAL = "http://terminology.hl7.org/CodeSystem/{}-clinical"


class Restriction(NamedTuple):
    """What one act of hiding came to, as cli.md has it."""

    restricted: list[dict[str, Any]]
    gives_away: list[dict[str, Any]]
    dot: str | None


async def summarize(
    phone: Phone, vault: str | None, *, eu: bool = False, sections: Sequence[str] | None = None
) -> tuple[Summary, str]:
    """The summary of a vault, and the moment it was made. Raises: Refused."""
    async with phone.store.transaction() as rows:
        read = await read_vault(rows, await choose_vault(rows, vault))
    at = instant(phone.now_ms())
    if at is None:
        raise Refused("clock_wrong")
    return build(read, at, options_of(read, eu=eu, sections=sections)), at


def options_of(
    vault: Vault,
    *,
    eu: bool = False,
    sections: Sequence[str] | None = None,
    only: frozenset[RecordId] | None = None,
    without: frozenset[RecordId] = frozenset(),
) -> Options:
    """How this vault's summaries are made: ids that only its members can make, and who is who in it."""
    subject = vault.state.log.table.subject

    def speaker(dot: Dot) -> Speaker:
        _, person = vault.author(dot)
        return Speaker(vault.names.person(person), person == subject)

    return Options(
        derive(vault.state.head_key or vault.state.vault, "summary ids"),
        speaker,
        _importer(vault),
        None if subject is None else vault.names.person(subject),
        eu,
        None if sections is None else tuple(sections),
        only,
        without,
    )


async def confirm(phone: Phone, answers: Sequence[tuple[RecordId, str]], vault: str | None) -> list[dict[str, Any]]:
    """Keeps what a person said of entries, all or none; what has stopped is set so as well. Raises: Refused."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        number = await choose_vault(rows, vault)
        read = await read_vault(rows, number)
        on = instant(phone.now_ms())
        row = read.state.log.table.cards.get(identity.device)
        if on is None:
            raise Refused("clock_wrong")
        if row is None:
            raise Refused("not_member")
        told = []
        for id_, answer in answers:
            record = read.record(id_)
            if record is None or record.unknown:
                raise Refused("no_such_record")
            edits = [review_edit(record, row.person.hex(), answer, on)]
            if answer == STOPPED:
                edits += _stopped(read, id_)
            dots = await stage(phone, rows, identity, number, edits)
            told.append({"id": id_.hex(), "answer": answer, "dot": dot_text(identity.device, dots[0])})
    return told


def _stopped(vault: Vault, id_: RecordId) -> list[Edit]:
    """The edit by which an entry is no longer current; none where it has no such word or its question is open."""
    record = vault.shown[id_]
    newer = newer_in(vault)
    shown = Labels(vault).shown(record)
    kind = str(shown.get("resourceType"))
    try:
        if kind in MEDICINES and shown.get("status") != "stopped":
            return [editing.set_element(record, "status", "stopped", newer=newer)]
        if kind in ("AllergyIntolerance", "Condition") and code_of(shown.get("clinicalStatus")) != "inactive":
            system = _CLINICAL.format("allergyintolerance" if kind == "AllergyIntolerance" else "condition")
            value = {"coding": [{"system": system, "code": "inactive"}]}
            return [editing.set_element(record, "clinicalStatus", value, newer=newer)]
    except editing.EditRefused:
        return []
    return []


async def restrict(phone: Phone, wanted: str | None, vault: str | None, *, off: bool = False) -> Restriction:
    """Hides a record or a category from summaries, or ends that; without a name it only tells. Raises: Refused."""
    async with phone.store.transaction() as rows:
        number, target = await _target(rows, wanted, vault)
        read = await read_vault(rows, number)
        dot = None
        if target is not None:
            identity = await identity_of(rows)
            _refuse_others(read, identity.device)
            held = set(restricted_records(read)) | restricted_categories(read)
            edits = []
            for one in _named_by(read, target, off):
                if (one in held) == off:
                    edits.append(restrict_edit(read.record(VAULT_RECORD), one, not off))
            dots = await stage(phone, rows, identity, number, edits)
            dot = dot_text(identity.device, dots[-1]) if dots else None
            read = await read_vault(rows, number)
    importer = _importer(read)
    hidden, _ = hidden_in(read, importer)
    about = hidden
    if target is not None and not off:
        about = with_their_likes(read, frozenset([target])) if isinstance(target, bytes) else _of(read, target)
    given = [] if off else giveaways(read, about, importer)
    rest = [one for one in given if one.id not in hidden]
    gives_away = [{"id": one.id.hex(), "type": one.type, "label": one.label, "why": one.why} for one in rest]
    return Restriction(_restricted(read), gives_away, dot)


def _of(vault: Vault, category: str) -> frozenset[RecordId]:
    placed = categories_of(vault, _importer(vault))
    return frozenset(id_ for id_, names in placed.items() if category in names)


def _named_by(vault: Vault, target: RecordId | str, off: bool) -> list[RecordId | str]:
    """What is to be written: to show a record again, every word that hides it or its like."""
    if isinstance(target, str) or not off:
        return [target]
    likes = with_their_likes(vault, frozenset([target]))
    return sorted(likes & restricted_records(vault)) or [target]


async def _target(rows: Rows, wanted: str | None, vault: str | None) -> tuple[int, RecordId | str | None]:
    if wanted is None or wanted in BY_NAME:
        return await choose_vault(rows, vault), wanted
    number, id_ = await find_record(rows, wanted, vault)
    read = await read_vault(rows, number)
    if not categories_of(read, _importer(read)).get(id_):
        raise Refused("not_in_summary")
    return number, id_


def _refuse_others(vault: Vault, device: bytes) -> None:
    """Only the person whom the vault is about hides something; any owner while there is none. Raises: Refused."""
    table = vault.state.log.table
    row = next((row for id_, row in table.cards.items() if id_ == device), None)
    if row is None:
        raise Refused("not_member")
    subject = table.subject if table.subject is not None and table.cards_of(table.subject) else None
    if table.people[row.person].role != OWNER:
        raise Refused("not_owner")
    if subject is not None and row.person != subject:
        raise Refused("subject_hides")


def _restricted(vault: Vault) -> list[dict[str, Any]]:
    labels = Labels(vault)
    out: list[dict[str, Any]] = []
    targets: list[RecordId | str] = [*sorted(restricted_categories(vault)), *sorted(restricted_records(vault))]
    for target in targets:
        word = restriction_word(vault, target)
        by = None if word is None else vault.names.person(vault.author(word.dot)[1])
        told: dict[str, Any] = {"by": by, "at": None if word is None else when(word.at)}
        if isinstance(target, str):
            section = BY_NAME.get(target)
            out.append({"kind": "category", "id": target, "label": section.title if section else target} | told)
        else:
            record = vault.record(target)
            out.append({"kind": "record", "id": target.hex(), "label": labels.of(record) if record else ""} | told)
    return out


def _importer(vault: Vault) -> Importer:
    return lambda dot: vault.author(dot)[1]
