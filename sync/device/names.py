"""Names of people, devices and the vault: registers of the one reserved record `@vault`, never known to the server."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sync.merge.change import PERSON, VAULT_RECORD, Edit, RecordId
from sync.merge.record import Record
from sync.merge.view import edit_preds, shown
from sync.wire.ids import DeviceId, PersonId

VAULT_NAME = "name"


def person_key(person: PersonId) -> str:
    """The register that holds a person's name."""
    return f"person/{person.hex()}"


def device_key(device: DeviceId) -> str:
    """The register that holds a device's name."""
    return f"device/{device.hex()}"


class Names:
    """Names as the vault knows them, with plain words where it knows none."""

    def __init__(self, records: Mapping[RecordId, Record]) -> None:
        self._record = records.get(VAULT_RECORD)

    def _name(self, key: str) -> str | None:
        seen = shown(self._record, key) if self._record is not None else None
        if seen is None or seen.value is None:
            return None
        try:
            return msgspec.json.decode(seen.value, type=str)
        except msgspec.DecodeError:
            return None

    def vault(self) -> str:
        """The vault's name."""
        return self._name(VAULT_NAME) or "unnamed vault"

    def person(self, person: PersonId) -> str:
        """A person's name."""
        return self._name(person_key(person)) or f"person {person.hex()[:6]}"

    def typed_device(self, device: DeviceId) -> str | None:
        """A device's name as somebody has typed it."""
        return self._name(device_key(device))

    def device(self, device: DeviceId) -> str:
        """A device's name."""
        return self._name(device_key(device)) or f"phone {device.hex()[:6]}"


def name_edit(record: Record | None, names: Mapping[str, str]) -> Edit:
    """The edit that gives these names (register key to text)."""
    held = record or Record(VAULT_RECORD)
    preds = sorted({dot for key in names for dot in edit_preds(held, key, PERSON)})
    sets = tuple((key, msgspec.json.encode(text)) for key, text in sorted(names.items()))
    return Edit(VAULT_RECORD, False, PERSON, None, tuple(preds), sets)
