"""Verbs on records: each reads what is shown (base ⊕ pending), lets fhir.editing make the edit, and stages it.

Walk 1 of the architecture: cli → here → fhir.editing → staging → the store. Nothing here talks to a server.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sync.device.glancing import look_at
from sync.device.phone import Phone
from sync.device.reading import Vault, choose_vault, identity_of, read_record, read_vault
from sync.device.refused import Refused
from sync.device.staging import stage
from sync.device.store.rows import Rows
from sync.fhir import editing, labels, references
from sync.fhir.conflicts import DELETED_WHILE_EDITED, DUPLICATE, Conflict
from sync.fhir.sources import newer_in
from sync.fhir.table import registers_of
from sync.fhir.view import is_deleted, resource_plain
from sync.merge.change import SOURCE, Dot, Edit, RecordId, number_of
from sync.merge.record import Record
from sync.merge.view import Newer

_ID_HEX = 64


# Makes an edit from the record as shown, 32 fresh random bytes, and what orders a source's copies.
Make = Callable[[Record, bytes, Newer | None], Edit | tuple[Edit, str]]


class Written(NamedTuple):
    """An edit that waits now: the record, its dot as `<device id>:<n>`, and the repetition it is about."""

    record: RecordId
    dot: str
    repetition: str | None = None


def dot_text(device: bytes, dot: Dot) -> str:
    """A dot as people and programs see it."""
    return f"{device.hex()}:{number_of(dot)}"


async def find_record(rows: Rows, wanted: str, vault: str | None) -> tuple[int, RecordId]:
    """The record that a whole id, a unique part of one, or a unique part of a label names. Raises: Refused."""
    numbers = [await choose_vault(rows, vault)] if vault else await rows.vaults()
    if not numbers:
        raise Refused("no_vault")
    if not wanted:
        raise Refused("no_such_record")
    if len(wanted) == _ID_HEX:
        for number in numbers:
            try:
                id_ = RecordId(bytes.fromhex(wanted))
            except ValueError:
                break
            record = await read_record(rows, number, id_)
            if not record.unknown:
                return number, id_
    starting: list[tuple[int, RecordId]] = []
    within, spoken, behind = list(starting), list(starting), list(starting)
    for number in numbers:
        look = (await look_at(rows, number)).look
        for id_, glance in look.glances.items():
            found = (number, id_)
            if id_.hex().startswith(wanted.lower()):
                starting.append(found)
            elif wanted.lower() in id_.hex():
                within.append(found)
            elif wanted.casefold() in glance.line.casefold():
                (spoken if labels.is_for_people(glance.type) and not glance.deleted else behind).append(found)
    for fitting in (
        starting,
        within,
        spoken,
        behind,
    ):  # what a person sees in a list is meant before what stands behind
        if len(fitting) == 1:
            return fitting[0]
        if len(fitting) > 1:
            raise Refused("ambiguous", f"{len(fitting)} records")
    raise Refused("no_such_record")


class Labels:
    """One line for each record of a vault, in a citizen's words; the index of references is built once."""

    def __init__(self, vault: Vault, index: references.Index | None = None) -> None:
        self._vault = vault
        self._index = index or references.Index(vault)
        self._newer = newer_in(vault)
        self._shown: dict[RecordId, dict[str, Any]] = {}

    def shown(self, record: Record) -> dict[str, Any]:
        """A record's resource as it is shown, made once; it is read and never changed."""
        found = self._shown.get(record.id)
        if found is None:
            found = self._shown[record.id] = resource_plain(record, self._newer)
        return found

    def of(self, record: Record) -> str:
        """The line of a record."""
        return labels.label(self.shown(record), lambda reference: self._target(record, reference))

    def said(self, conflict: Conflict, shown: dict[str, Any], value: dict[str, Any]) -> str:
        """One answer to a question, as the line that the record would have with it."""
        record = self._vault.record(conflict.record)
        if record is None or conflict.kind == DELETED_WHILE_EDITED:
            return ""
        if conflict.kind == DUPLICATE:
            record = self._vault.record(RecordId(bytes.fromhex(value["id"]))) or record
            return self.of(record)
        asked = registers_of(shown.get("resourceType"))
        names = {name for name in shown if asked.register_of(name).key in {k.split("/")[0] for k in conflict.registers}}
        resource = {name: element for name, element in shown.items() if name not in names} | value
        return labels.label(resource, lambda reference: self._target(record, reference))

    def is_for_people(self, record: Record) -> bool:
        """False for what only stands behind other records, and for what is deleted."""
        kind = str(self.shown(record).get("resourceType", ""))
        return labels.is_for_people(kind) and not is_deleted(record)

    def _target(self, record: Record, reference: Any) -> dict[str, Any] | None:
        id_ = self._index.resolve(record.id, reference)
        target = self._vault.record(id_) if id_ is not None else None
        return self.shown(target) if target is not None else None


async def create(phone: Phone, resource: dict[str, Any], vault: str | None) -> Written:
    """A record of one's own. Raises: Refused."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        number = await choose_vault(rows, vault)
        id_ = RecordId(phone.draw(32))
        dots = await stage(phone, rows, identity, number, [_made(lambda: editing.new(resource, id_))])
    return Written(id_, dot_text(identity.device, dots[0]))


async def write(phone: Phone, wanted: str, make: Make, vault: str | None) -> Written:
    """Makes one edit of one record as it is shown. Raises: Refused."""
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        number, id_ = await find_record(rows, wanted, vault)
        record = await read_record(rows, number, id_)
        newer = newer_in(await read_vault(rows, number)) if _has_copies(record) else None
        made = _made(lambda: make(record, phone.draw(32), newer))
        edit, repetition = (made, None) if isinstance(made, Edit) else made
        dots = await stage(phone, rows, identity, number, [edit])
    return Written(id_, dot_text(identity.device, dots[0]), repetition)


async def type_of(phone: Phone, wanted: str, vault: str | None) -> str:
    """The resource type of a record. Raises: Refused."""
    async with phone.store.transaction() as rows:
        number, id_ = await find_record(rows, wanted, vault)
        return str(resource_plain(await read_record(rows, number, id_), None).get("resourceType", ""))


def _has_copies(record: Record) -> bool:
    """True if a source's copies differ in age somewhere, so that which one is shown depends on the files' dates."""
    births = sum(birth.lane == SOURCE for birth in record.births)
    return births > 1 or any(len(siblings) > 1 for _, siblings in record.overlay(SOURCE))


def _made(make: Callable[[], Any]) -> Any:
    """What `make` gives. Raises: Refused instead of EditRefused."""
    try:
        return make()
    except editing.EditRefused as error:
        raise Refused(error.code, error.detail, next=error.next) from error
