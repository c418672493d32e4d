"""What a summary leaves out because its subject said so: registers of `@vault`, and the view without it.

What it is: the reading and writing of restrictions, and a vault in which what is restricted never was. What it is not:
a wall between members of a vault, who all hold its records; it is about what is handed to others.

Invariants: everything that makes a summary reads the view and nothing else, so that no count, order, date or reference
can tell; records that are shown as one are hidden as one; of two words that stand, hiding wins.
Spec: openapi/protocol/summary.md, "Restriction".
"""

from __future__ import annotations

from collections.abc import Iterable

from sync.fhir import duplicates
from sync.fhir.conflicts import Importer
from sync.fhir.envelope import VaultView
from sync.fhir.summary.selection import categories_of
from sync.fhir.view import merged_into
from sync.merge.change import PERSON, VAULT_RECORD, Edit, RecordId
from sync.merge.record import Record
from sync.merge.register import Sibling
from sync.merge.view import edit_preds

_RECORD, _CATEGORY = "restrict/record/", "restrict/category/"
_ON = b"true"


class Visible:
    """A vault without some of its records: for its readers they never were."""

    def __init__(self, view: VaultView, hidden: frozenset[RecordId]) -> None:
        self._view = view
        self._hidden = hidden

    def record(self, id: RecordId, /) -> Record | None:
        """A record that may be shown."""
        return None if id in self._hidden else self._view.record(id)

    def records(self) -> Iterable[Record]:
        """Every record that may be shown."""
        return (record for record in self._view.records() if record.id not in self._hidden)


def restricted_categories(view: VaultView) -> frozenset[str]:
    """The names of the sections of which nothing is handed out."""
    return frozenset(key.removeprefix(_CATEGORY) for key in _on(view, _CATEGORY))


def restricted_records(view: VaultView) -> frozenset[RecordId]:
    """The records that are hidden one by one, as they were named."""
    found = set()
    for key in _on(view, _RECORD):
        try:
            found.add(RecordId(bytes.fromhex(key.removeprefix(_RECORD))))
        except ValueError:
            continue
    return frozenset(found)


def with_their_likes(view: VaultView, ids: frozenset[RecordId]) -> frozenset[RecordId]:
    """These records, what is shown as one with any of them, and what they were merged into."""
    if not ids:
        return ids
    found = set(ids)
    for id_ in ids:
        record = view.record(id_)
        into = None if record is None else merged_into(record)
        if into is not None:
            found.add(into)
    for group in duplicates.same(view):
        if found.intersection(group):
            found.update(group)
    return frozenset(found)


def hidden_in(
    view: VaultView,
    importer: Importer,
    only: frozenset[RecordId] | None = None,
    without: frozenset[RecordId] = frozenset(),
) -> tuple[frozenset[RecordId], frozenset[str]]:
    """Every record that is hidden, and the sections of which any would stand in.

    Hidden for one reader besides: what stands in some section and is not in `only`, and what is in `without`.
    """
    categories, records = restricted_categories(view), restricted_records(view) | without
    if not categories and not records and only is None:
        return frozenset(), frozenset()
    placed = categories_of(view, importer)
    ids = with_their_likes(view, records | {id_ for id_, names in placed.items() if names & categories})
    if only is not None:
        ids |= {id_ for id_, names in placed.items() if names} - with_their_likes(view, only)
    return ids, categories.union(*(placed.get(id_, frozenset()) for id_ in ids))


def restrict_edit(held: Record | None, target: RecordId | str, on: bool) -> Edit:
    """The edit that hides a record (by id) or a category (by its section's name), or ends that."""
    key = _RECORD + target.hex() if isinstance(target, bytes) else _CATEGORY + target
    record = held or Record(VAULT_RECORD)
    value = _ON if on else None
    return Edit(VAULT_RECORD, False, PERSON, None, edit_preds(record, key, PERSON), ((key, value),))


def restriction_word(view: VaultView, target: RecordId | str) -> Sibling | None:
    """The word that hides something, the lowest dot's; None if nothing does."""
    key = _RECORD + target.hex() if isinstance(target, bytes) else _CATEGORY + target
    record = view.record(VAULT_RECORD)
    standing = record.siblings(key, PERSON) if record is not None else ()
    return next((sibling for sibling in standing if sibling.value == _ON), None)


def _on(view: VaultView, prefix: str) -> list[str]:
    record = view.record(VAULT_RECORD)
    keys = sorted(key for key in record.keys() if key.startswith(prefix)) if record is not None else []
    return [key for key in keys if record and any(sibling.value == _ON for sibling in record.siblings(key, PERSON))]
