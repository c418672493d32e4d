"""What waits for a person in a vault, and settling it: conflicts of one record, and duplicates of two."""

from __future__ import annotations

from typing import Any, NamedTuple

from sync.device.moments import when
from sync.device.phone import Phone
from sync.device.reading import Vault, choose_vault, identity_of, read_vault
from sync.device.records import Labels, dot_text
from sync.device.refused import Refused
from sync.device.staging import stage
from sync.device.store.rows import Rows
from sync.fhir import conflicts, duplicates, resolving
from sync.fhir.conflicts import Conflict, ConflictValue
from sync.fhir.editable import EditRefused
from sync.fhir.sources import newer_in
from sync.fhir.view import resource_plain
from sync.merge.change import Edit, RecordId


class Question(NamedTuple):
    """One open question as cli.md has it."""

    id: str
    record: str
    kind: str
    element: str
    values: list[dict[str, Any]]
    label: str


def open_conflicts(vault: Vault) -> list[Conflict]:
    """Every open question, one a record, in the order of the records' ids; duplicates behind them."""
    newer = newer_in(vault)
    importer = lambda dot: vault.author(dot)[1]  # noqa: E731  one line where it is used
    found = [conflicts.find(record, newer, importer) for record in sorted(vault.records(), key=lambda r: r.id)]
    for pair in duplicates.propose(duplicates.Look(vault, importer=importer)):
        one, other = vault.record(pair.a), vault.record(pair.b)
        found.append(conflicts.duplicate(one, other, newer) if one and other else None)
    return [conflict for conflict in found if conflict is not None]


async def list_conflicts(phone: Phone, vault: str | None) -> list[Question]:
    """Open questions of one vault, or of all."""
    async with phone.store.transaction() as rows:
        read = [await read_vault(rows, number) for number in await _numbers(rows, vault)]
    return [_question(one, Labels(one), conflict) for one in read for conflict in open_conflicts(one)]


async def _numbers(rows: Rows, vault: str | None) -> list[int]:
    return [await choose_vault(rows, vault)] if vault else await rows.vaults()


def _question(vault: Vault, lines: Labels, conflict: Conflict) -> Question:
    record = vault.record(conflict.record)
    label = lines.of(record) if record else ""
    shown = resource_plain(record) if record else {}
    values = [_value(vault, lines, conflict, shown, value) for value in conflict.values]
    return Question(conflict.id, conflict.record.hex(), conflict.kind, conflict.element, values, label)


def _value(
    vault: Vault, lines: Labels, conflict: Conflict, shown: dict[str, Any], value: ConflictValue
) -> dict[str, Any]:
    device, person = vault.author(value.dots[0]) if value.dots else (None, None)
    return {
        "value": value.value,
        "words": lines.said(conflict, shown, value.value),
        "person": vault.names.person(person) if person else None,
        "device": vault.names.device(device) if device else None,
        "at": when(value.at),
        "lane": ("source", "person")[value.lane],
    }


async def resolve(
    phone: Phone,
    wanted: str,
    vault: str | None,
    *,
    take: int | None = None,
    value: Any = None,
    keep: bool = False,
    delete: bool = False,
    merge: str | None = None,
    not_same: bool = False,
) -> tuple[RecordId, str]:
    """Settles one question; gives the record that the answer is written on, and its dot. Raises: Refused."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        number, read, conflict = await _find(rows, wanted, vault)
        record = read.record(conflict.record)
        if record is None:
            raise Refused("no_such_conflict")
        newer = newer_in(read)
        try:
            if take is not None:
                edit = resolving.resolve_take(record, conflict, take)
            elif keep:
                edit = resolving.keep(record, conflict, newer)
            elif delete:
                edit = resolving.delete(record, conflict)
            elif not_same or merge is not None:
                edit = _pair(read, conflict, merge)
            else:
                edit = resolving.resolve_value(record, conflict, value, newer)
        except EditRefused as error:
            raise Refused(error.code, error.detail, next=error.next) from error
        dots = await stage(phone, rows, identity, number, [edit])
    return edit.record, dot_text(identity.device, dots[0])


def _pair(vault: Vault, conflict: Conflict, survivor: str | None) -> Edit:
    """The answer to a duplicate: not the same, or merged into the one that stays. Raises: Refused(bad_choice)."""
    record, other = vault.record(conflict.record), vault.record(conflict.other) if conflict.other else None
    if record is None or other is None:
        raise Refused("bad_choice", "this question is not about two records")
    if survivor is None:
        return resolving.not_same(record, other.id)
    staying = [one for one in (record, other) if one.id.hex().startswith(survivor.lower())]
    if len(staying) != 1:
        raise Refused("bad_choice", "--merge names the one of the two that stays")
    gone = other if staying[0] is record else record
    return resolving.merge(gone, staying[0].id)


async def _find(rows: Rows, wanted: str, vault: str | None) -> tuple[int, Vault, Conflict]:
    """The open question with this id, or about the record that a part of its id or label names. Raises: Refused."""
    by_id, by_record = [], []
    for number in await _numbers(rows, vault):
        read = await read_vault(rows, number)
        lines = Labels(read)
        for one in open_conflicts(read):
            record = read.record(one.record)
            label = lines.of(record).casefold() if record else ""
            if wanted and one.id.startswith(wanted):
                by_id.append((number, read, one))
            elif wanted and (one.record.hex().startswith(wanted.lower()) or wanted.casefold() in label):
                by_record.append((number, read, one))
    fitting = by_id or by_record
    if len(fitting) != 1:
        raise Refused("ambiguous" if fitting else "no_such_conflict")
    return fitting[0]


def questions_by_record(look: duplicates.Look) -> dict[RecordId, list[str]]:
    """Ids of open questions by record, both records of a duplicate: those of `open_conflicts`, by glances alone."""
    out: dict[RecordId, list[str]] = {}
    for id_ in sorted(look.glances):
        question = look.glances[id_].question
        if question is not None:
            out.setdefault(id_, []).append(question)
    for pair in duplicates.propose(look):
        if not look.glances[pair.a].merged and not look.glances[pair.b].merged:
            name = conflicts.duplicate_id(pair.a, pair.b)
            out.setdefault(pair.a, []).append(name)
            out.setdefault(pair.b, []).append(name)
    return out


def count_questions(look: duplicates.Look) -> int:
    """How many questions are open."""
    return len({name for names in questions_by_record(look).values() for name in names})
