"""Records as a citizen reads them: one line each, and one record whole with who wrote what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sync.device.glancing import Sight, fetch, keep, see
from sync.device.moments import when
from sync.device.phone import Phone
from sync.device.questions import questions_by_record
from sync.device.reading import Vault, choose_vault
from sync.device.records import find_record
from sync.device.store.rows import Rows
from sync.fhir import duplicates, labels
from sync.fhir.exact import loads_or_none
from sync.fhir.glance import Glance
from sync.fhir.sources import listing_in, newer_in, source_among
from sync.fhir.view import DISPUTE, NOTE, remarks, resource, standings
from sync.merge.change import Change, Dot, RecordId
from sync.merge.history import history as steps_of
from sync.merge.record import Record
from sync.merge.register import Sibling
from sync.vault.content import resolve
from sync.vault.replay import Opened, names_needed, open_items


class Row(NamedTuple):
    """One line of a list, as cli.md has it."""

    id: str
    type: str
    label: str
    status: str | None
    source: str | None
    conflicts: int
    deleted: bool
    heading: str
    changed: str | None


async def list_rows(
    phone: Phone, vault: str | None, *, type_: str | None = None, text: str | None = None, deleted_too: bool = False
) -> list[Row]:
    """Records, grouped by type; without `deleted_too` those that are deleted or merely shown as another are left
    out."""
    async with phone.store.transaction() as rows:
        fetched = [await fetch(rows, number) for number in await _numbers(rows, vault)]
    sights = [see(one) for one in fetched]
    out: list[Row] = []
    for sight in sights:
        out += _rows(sight, type_, text.casefold() if text else None, deleted_too)
    await keep(phone, sights)
    return out


async def _numbers(rows: Rows, vault: str | None) -> list[int]:
    return [await choose_vault(rows, vault)] if vault else await rows.vaults()


def _rows(sight: Sight, type_: str | None, text: str | None, deleted_too: bool) -> list[Row]:
    vault, look = sight.vault, sight.look
    waiting = questions_by_record(look)
    named = _sources(sight)
    hidden = set() if deleted_too else {id_ for group in duplicates.same(look) for id_ in sorted(group)[1:]}
    found = []
    for id_, glance in look.glances.items():
        if (glance.deleted and not deleted_too) or id_ in hidden or (type_ and glance.type != type_):
            continue
        if not deleted_too and not type_ and not text and not labels.is_for_people(glance.type):
            continue
        if text and text not in glance.line.casefold() and text not in _all_text(vault.shown[id_]):
            continue
        row = Row(
            id_.hex(),
            glance.type,
            glance.line,
            glance.status,
            named(glance),
            len(waiting.get(id_, ())),
            glance.deleted,
            labels.type_word(glance.type),
            _changed_by(vault, glance),
        )
        found.append(row)
    order = {kind: place for place, kind in enumerate(labels.TYPE_ORDER)}
    return sorted(found, key=lambda row: (order.get(row.type, len(order)), row.type, row.label.casefold(), row.id))


def _sources(sight: Sight) -> Callable[[Glance], str | None]:
    """The source of each record; records of one file are asked about once."""
    vault, listing = sight.vault, listing_in(sight.vault, sight.look.envelopes)
    known: dict[tuple[RecordId, ...], str | None] = {}

    def named(glance: Glance) -> str | None:
        if glance.files not in known:
            files = [one for id_ in glance.files if (one := vault.record(id_)) is not None]
            if not files and glance.by_exit:
                return source_among(listing(glance.id))
            known[glance.files] = source_among(files)
        return known[glance.files]

    return named


def _changed_by(vault: Vault, glance: Glance) -> str | None:
    """Who last wrote on it by hand; None for a record that is as its source gave it."""
    if glance.last is None:
        return None
    _, person = vault.author(glance.last)
    return f"{'written' if glance.typed else 'changed'} by {vault.names.person(person)}"


def _all_text(record: Record) -> str:
    values = [place.value for place in standings(record) if place.value is not None]
    return b" ".join(values).decode(errors="replace").casefold()


async def show_record(phone: Phone, wanted: str, vault: str | None, *, history: bool) -> dict[str, Any]:
    """One record as cli.md has it. Raises: Refused."""
    async with phone.store.transaction() as rows:
        number, id_ = await find_record(rows, wanted, vault)
        fetched = await fetch(rows, number)
        read = fetched.vault
        steps = await _history(rows, read, id_) if history else None
    record = read.shown[id_]
    sight = see(fetched)
    waiting = questions_by_record(sight.look)
    await keep(phone, [sight])
    return {
        "id": id_.hex(),
        "resource": resource(record, newer_in(read)),
        "conflicts": waiting.get(id_, []),
        "notes": _notes(read, record),
        "provenance": [_provenance(read, place.key, s) for place in standings(record) for s in _spoken(place)],
        "history": steps,
    }


def _notes(vault: Vault, record: Record) -> list[dict[str, Any]]:
    """Annotations and disputes, oldest first."""
    kinds = {"note": NOTE, "dispute": DISPUTE}
    found = [(kind, remark) for kind, prefix in kinds.items() for remark in remarks(record, prefix)]
    out = []
    for kind, remark in sorted(found, key=lambda pair: pair[1].sibling.dot):
        device, person = vault.author(remark.sibling.dot)
        said = (remark.author, remark.at) if remark.from_file else (vault.names.person(person), when(remark.sibling.at))
        out.append(
            {
                "kind": kind,
                "text": remark.text,
                "person": said[0],
                "device": None if remark.from_file else vault.names.device(device),
                "at": said[1],
            }
        )
    return out


def _spoken(place: Any) -> tuple[Sibling, ...]:
    """The siblings that stand for what is shown: people's, else the newest of the source's."""
    return place.person or ((place.source,) if place.source is not None else ())


def _provenance(vault: Vault, element: str, sibling: Sibling) -> dict[str, Any]:
    device, person = vault.author(sibling.dot)
    how = "typed" if sibling.via is None else {"import": "imported"}.get(sibling.via.kind, "carried over")
    return {
        "element": element,
        "person": vault.names.person(person),
        "device": vault.names.device(device),
        "at": when(sibling.at),
        "how": how,
    }


async def _history(rows: Rows, vault: Vault, id_: RecordId) -> list[dict[str, Any]]:
    """Who wrote what, oldest first, read again from the log; waiting changes of this phone behind it."""
    changes = [c for c in await changes_in_log(rows, vault) if c.record == id_]
    changes += await rows.get_pending(vault.number, id_)
    out = []
    for step in steps_of(id_, changes):
        device, person = vault.author(step.change.dot)
        out.append(
            {
                "at": when(step.change.at),
                "person": vault.names.person(person),
                "device": vault.names.device(device),
                "element": step.key,
                "value": None if step.value is None else loads_or_none(step.value),
            }
        )
    return out


async def changes_in_log(rows: Rows, vault: Vault, after: int = 0) -> list[Change]:
    """The changes of good frames behind a seq, in the log's order."""
    state = vault.state
    good = [item for _, item, verdict in await rows.get_items(vault.number, after) if verdict is None]
    opened: list[Opened] = open_items(good, state)
    _, dots = names_needed(opened, state)
    births: dict[Dot, RecordId] = (await rows.get_births(vault.number, dots))[0]
    changes: list[Change] = []
    for frame in opened:
        if frame.content:
            changes += resolve(frame.content, 0, state.ordinals, state.vector, births.get, lambda _: True)
    return changes
