"""What a vault holds as one phone shows it: base ⊕ pending. Nothing here writes.

One's own change is shown at once and enters the base only when the log brings it back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from crypto.secret.kdf import derive
from sync.device.identity import Identity, get_identity
from sync.device.names import Names
from sync.device.opened import read_records
from sync.device.refused import Refused
from sync.device.store.rows import Rows
from sync.merge.change import VAULT_RECORD, Change, Dot, RecordId, ordinal_of
from sync.merge.record import Record
from sync.merge.snapshot import digests, state_root
from sync.vault.state import VaultState
from sync.wire.ids import DeviceId, PersonId


class Vault(NamedTuple):
    """One vault, read: its state, its records with one's own waiting changes on top, the settled ones, the names."""

    number: int
    state: VaultState
    shown: Mapping[RecordId, Record]
    settled: Mapping[RecordId, Record]
    names: Names

    def record(self, id_: RecordId) -> Record | None:
        """A record as it is shown."""
        return self.shown.get(id_)

    def records(self) -> Iterable[Record]:
        """Every record but the vault's own names."""
        return (record for record in self.shown.values() if record.id != VAULT_RECORD)

    def author(self, dot: Dot) -> tuple[DeviceId, PersonId]:
        """Whose change a dot is."""
        device = self.state.devices[ordinal_of(dot)]
        return device, self.state.log.table.cards[device].person


async def identity_of(rows: Rows) -> Identity:
    """Who this phone is. Raises: Refused(no_store)."""
    identity = await get_identity(rows)
    if identity is None:
        raise Refused("no_store")
    return identity


async def read_vault(rows: Rows, number: int) -> Vault:
    """The whole vault; each record is opened when it is first asked for."""
    state = await rows.get_vault(number)
    shown, settled = await read_records(rows, number)
    return Vault(number, state, shown, settled, Names(shown))


def overlaid(settled: Mapping[RecordId, Record], pending: Iterable[Change]) -> dict[RecordId, Record]:
    """Settled records with waiting changes on top; the settled ones stay as they are."""
    waiting: dict[RecordId, list[Change]] = defaultdict(list)
    for change in pending:
        waiting[change.record].append(change)
    shown = dict(settled)
    for id_, changes in waiting.items():
        shown[id_] = (settled.get(id_) or Record(id_)).overlaid(changes)
    return shown


async def read_record(rows: Rows, number: int, id_: RecordId) -> Record:
    """One record as it is shown, without reading the others."""
    held = await rows.get_records(number, [id_])
    return (held.get(id_) or Record(id_)).overlaid(await rows.get_pending(number, id_))


async def choose_vault(rows: Rows, wanted: str | None) -> int:
    """The vault a command is about, by name or a unique part of its id. Raises: Refused."""
    numbers = await rows.vaults()
    if not numbers:
        raise Refused("no_vault")
    if wanted is None:
        if len(numbers) > 1:
            raise Refused("which_vault")
        return numbers[0]
    fitting = []
    for number in numbers:
        state = await rows.get_vault(number)
        name = Names({VAULT_RECORD: await read_record(rows, number, VAULT_RECORD)}).vault()
        if wanted.casefold() == name.casefold() or (wanted and wanted in state.vault.hex()):
            fitting.append(number)
    if len(fitting) != 1:
        raise Refused("ambiguous" if fitting else "unknown_vault")
    return fitting[0]


def root_of(vault: Vault) -> str | None:
    """The state root of what the log has settled, hex; None without the head epoch's key."""
    key = vault.state.head_key
    if key is None:
        return None
    return state_root(derive(key, "root"), digests(vault.settled.values())).hex()
