"""What a sync has brought, for a person who looks on: who changed which record, and how, one line each.

Read from the items of the log behind the place where this phone stood before, so that it names what others wrote and
when, whatever became of it in the merge; what this phone wrote is no news to it. Not here: syncing, words of a screen.
Spec: openapi/protocol/cli.md.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sync.device.listing import changes_in_log
from sync.device.moments import when
from sync.device.questions import open_conflicts
from sync.device.reading import Vault, identity_of, read_vault
from sync.device.records import Labels
from sync.device.store.rows import Rows
from sync.fhir import labels
from sync.fhir.view import DISPUTE, NOTE
from sync.merge.change import GONE, LIFE, VAULT_RECORD, Change, RecordId

LINES_MAX = 20  # records of one vault that are named; an import of hundreds is one line


class News(NamedTuple):
    """`event`: `change` (one record by one phone), `many` (too many to name), `vault` (one that is new here) or
    `questions`. `words`: its members, as cli.md has them."""

    event: str
    words: dict[str, Any]


async def places(rows: Rows) -> dict[int, int]:
    """Where each vault's log stands on this phone."""
    return {number: (await rows.get_vault(number)).log.seq for number in await rows.vaults()}


async def look_for_news(rows: Rows, before: dict[int, int]) -> list[News]:
    """What is new since the places that `places` gave."""
    found: list[News] = []
    for number, seq in (await places(rows)).items():
        after = before.get(number)
        if after is None:
            vault = await read_vault(rows, number)
            found.append(News("vault", {"vault": vault.state.vault.hex(), "name": vault.names.vault()}))
        elif seq > after:
            found += await _of_vault(rows, number, after)
    return found


async def _of_vault(rows: Rows, number: int, after: int) -> list[News]:
    vault, me = await read_vault(rows, number), (await identity_of(rows)).device
    groups: dict[tuple[RecordId, bytes], list[Change]] = {}
    for change in await changes_in_log(rows, vault, after):
        device, _ = vault.author(change.dot)
        if device != me and change.record != VAULT_RECORD:
            groups.setdefault((change.record, device), []).append(change)
    if not groups:
        return []
    lines = Labels(vault)
    each = [_told(vault, lines, record, changes) for (record, _), changes in groups.items()]
    told = [one for one in each if one is not None]
    found = [News("change", one) for one in told] if len(told) <= LINES_MAX else _many(vault, groups)
    questions = len(open_conflicts(vault))
    return [*found, News("questions", {"vault": vault.state.vault.hex(), "count": questions})] if questions else found


def _told(vault: Vault, lines: Labels, id_: RecordId, changes: list[Change]) -> dict[str, Any] | None:
    record = vault.record(id_)
    if record is None:
        return None
    kind = str(lines.shown(record).get("resourceType", ""))
    if not labels.is_for_people(kind):
        return None
    device, person = vault.author(changes[-1].dot)
    keys = [key for change in changes for key, _ in change.sets]
    return {
        "vault": vault.state.vault.hex(),
        "record": id_.hex(),
        "type": kind,
        "label": lines.of(record),
        "what": _what(changes),
        "elements": sorted({key.partition("/")[0] for key in keys if not key.startswith("@")}),
        "person": vault.names.person(person),
        "device": vault.names.device(device),
        "at": when(changes[-1].at),
    }


def _what(changes: list[Change]) -> str:
    """`new`, `deleted`, `restored`, `noted`, `disputed` or `changed`, by the last of them that says more than that."""
    if any(change.birth for change in changes):
        return "new"
    for change in reversed(changes):
        for key, value in change.sets:
            if key == LIFE:
                return "deleted" if value == GONE else "restored"
            if key.startswith((NOTE, DISPUTE)):
                return "noted" if key.startswith(NOTE) else "disputed"
    return "changed"


def _many(vault: Vault, groups: dict[tuple[RecordId, bytes], list[Change]]) -> list[News]:
    counts: dict[bytes, int] = {}
    for _, device in groups:
        counts[device] = counts.get(device, 0) + 1
    return [
        News(
            "many",
            {
                "vault": vault.state.vault.hex(),
                "records": count,
                "person": vault.names.person(vault.state.log.table.cards[device].person),  # type: ignore[index]
                "device": vault.names.device(device),  # type: ignore[arg-type]
            },
        )
        for device, count in counts.items()
    ]
