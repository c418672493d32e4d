"""Files in and out: import of FHIR, where records came from, export. Each import is one local transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sync.device.adopting import own_set_aside
from sync.device.moments import when
from sync.device.phone import Phone
from sync.device.reading import choose_vault, identity_of, overlaid, read_vault
from sync.device.records import Labels
from sync.device.refused import Refused
from sync.device.staging import stage
from sync.fhir import bundle, exporting, importing
from sync.fhir import sources as fhir_sources
from sync.fhir.envelope import envelopes, is_envelope
from sync.fhir.view import is_deleted
from sync.merge.change import VAULT_RECORD, RecordId
from sync.merge.register import Sibling


async def import_files(
    phone: Phone,
    files: Sequence[tuple[str, bytes]],
    vault: str | None,
    *,
    source: str | None,
    same_person: bool,
    watch: Callable[[str, int, int], None] = lambda *_: None,
) -> dict[str, Any]:
    """Takes files (name, content) in, all or none; gives what it came to, as cli.md has it.

    `watch` is told before each file: its name, how many are done, how many there are.
    Raises: Refused with the first bad file's code; nothing is taken from the others then.
    """
    parsed = [(name, _parse(name, data)) for name, data in files]
    total: dict[str, Any] = {"added": 0, "updated": 0, "unchanged": 0, "held": [], "not_understood": []}
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
        number = await choose_vault(rows, vault)
        for place, (name, one) in enumerate(parsed):
            watch(name, place, len(parsed))
            plan = importing.plan(one, await read_vault(rows, number), same_person=same_person, source_name=source)
            if plan.edits:  # else nothing at all is written: the store stays byte for byte what it was
                await stage(phone, rows, identity, number, plan.edits)
            total["added"] += plan.added
            total["updated"] += plan.updated
            total["unchanged"] += plan.unchanged
            where = {"file": name} if len(files) > 1 else {}
            total["held"] += [{"where": row.where, "why": row.why} | where for row in plan.held]
            total["not_understood"] += [{"where": row.where, "why": row.why} | where for row in plan.not_understood]
    return total


def _parse(name: str, data: bytes) -> bundle.ParsedBundle:
    try:
        return bundle.parse(data)
    except bundle.ImportRefused as error:
        detail = f"{name}: {error.detail}" if error.detail else name
        raise Refused(error.code, detail, title=error.title, next=error.next) from error


async def sources(phone: Phone, vault: str | None) -> list[dict[str, Any]]:
    """Every imported file, the newest first."""
    out = []
    async with phone.store.transaction() as rows:
        for number in [await choose_vault(rows, vault)] if vault else await rows.vaults():
            read = await read_vault(rows, number)
            out += [
                {"id": one.id.hex(), "name": one.name, "newest": one.newest, "records": one.records}
                for one in fhir_sources.sources(read)
            ]
    return out


class Exported(NamedTuple):
    """A Bundle, how many records it holds, and the records with changes that nobody else has yet; those that are
    deleted by one of them are not in the Bundle."""

    bundle: dict[str, Any]
    records: int
    unsent: list[dict[str, Any]]


async def export_collection(phone: Phone, vault: str | None) -> Exported:
    """Everything as one Bundle (collection), with what waits to be sent, and beside what stands what of one's own was
    set aside. Raises: Refused."""
    async with phone.store.transaction() as rows:
        number = await choose_vault(rows, vault)
        read = await read_vault(rows, number)
        waiting = await rows.get_pending(number)
        waiting += await own_set_aside(rows, number, await identity_of(rows))
    read = read._replace(shown=overlaid(read.settled, waiting))
    unsent: dict[RecordId, set[str]] = defaultdict(set)
    for change in waiting:
        record = read.record(change.record)
        if change.record != VAULT_RECORD and record is not None and not is_envelope(record):
            unsent[change.record].update(key for key, _ in change.sets)

    def said_by(sibling: Sibling) -> tuple[str | None, str | None]:
        _, person = read.author(sibling.dot)
        at = when(sibling.at)
        return read.names.person(person), at if at is not None and at[:1].isdigit() else None

    made = exporting.collection(read, said_by=said_by, unsent=unsent)
    lines = Labels(read)
    listed = [
        {"id": id_.hex(), "label": lines.of(record), "deleted": is_deleted(record)}
        for id_ in sorted(unsent)
        if (record := read.record(id_)) is not None
    ]
    return Exported(made, exporting.records_in(made), listed)


async def export_document(phone: Phone, envelope: str, vault: str | None) -> tuple[dict[str, Any], int]:
    """An imported document given back as it was, by the beginning of its envelope's id; a deleted one as well.

    Raises: Refused (no_such_document, ambiguous, document_incomplete).
    """
    fitting = []
    async with phone.store.transaction() as rows:
        for number in [await choose_vault(rows, vault)] if vault else await rows.vaults():
            read = await read_vault(rows, number)
            fitting += [(read, one.id) for one in envelopes(read) if one.id.hex().startswith(envelope.lower())]
    if len(fitting) != 1:
        raise Refused("ambiguous" if fitting else "no_such_document")
    try:
        made = exporting.document(*fitting[0])
    except exporting.ExportRefused as error:
        raise Refused(error.code, "; ".join(error.where)) from error
    return made, len(made.get("entry", ())) if made.get("resourceType") == "Bundle" else 1
