"""The heads of the ledger that the phones of one person have read, said to each other in a vault.

What it is: one register a phone, `ledger/DEVICE` of `@vault`, sealed and signed like every word of the vault, so that a
server that shows two phones two ledgers is found by the second that reads. What it is not: a proof that a server wrote
everything down. Invariants: only what a phone's own card wrote about itself counts, of one's own person and account; a
head that a person has passed over by beginning anew is not held against the server again.
Spec: openapi/protocol/ledger.md, LED-10.
"""

from __future__ import annotations

from typing import Any

import msgspec

from sync.device.identity import Identity
from sync.device.phone import Phone
from sync.device.reading import read_record
from sync.device.staging import stage
from sync.device.store.rows import Rows
from sync.fhir.exact import canonical
from sync.merge.change import PERSON, VAULT_RECORD, Edit, ordinal_of
from sync.merge.record import Record
from sync.merge.view import edit_preds
from sync.vault.ledger import Kept
from sync.wire.ids import HASH_BYTES, DeviceId
from sync.wire.item import OWNER

_PREFIX = "ledger/"
_PASSED = 26  # number of the store's singleton
_passed = msgspec.msgpack.Decoder(list[bytes])


class Head(msgspec.Struct, frozen=True):
    """What a phone says that it has read: an account's head, and when its entry was written (ms since 1970 UTC)."""

    account: bytes
    number: int
    hash: bytes
    at_ms: int


_head = msgspec.json.Decoder(Head)


async def heads_of_others(rows: Rows, identity: Identity) -> dict[DeviceId, Kept]:
    """What the other phones of this person have read of this account's ledger, but for what was passed over."""
    body = await rows.get_single(_PASSED)
    passed = set(_passed.decode(body)) if body else set()
    found: dict[DeviceId, Kept] = {}
    for number in await rows.vaults():
        table = (await rows.get_vault(number)).log.table
        me = table.cards.get(identity.device)
        for device, (head, author) in _said(await read_record(rows, number, VAULT_RECORD)).items():
            card = table.cards.get(device)
            hers = me is not None and card is not None and card.person == me.person and card.ordinal == author
            if not hers or device == identity.device or head.account != identity.account or head.hash in passed:
                continue
            if device not in found or head.number > found[device].number:
                found[device] = Kept(head.number, head.hash, head.at_ms)
    return found


async def say_head(phone: Phone, rows: Rows, identity: Identity, kept: Kept) -> None:
    """Says in the first vault that this phone owns what it has read, unless it stands there."""
    for number in await rows.vaults():
        state = await rows.get_vault(number)
        if state.removed or state.log.table.role(identity.device) != OWNER:
            continue
        record = await read_record(rows, number, VAULT_RECORD)
        standing = _said(record).get(identity.device)
        if standing is None or (standing[0].number, standing[0].hash) != (kept.number, kept.hash):
            await stage(phone, rows, identity, number, [_edit(record, identity, kept)])
        return


async def pass_over(rows: Rows, heads: dict[DeviceId, Kept]) -> None:
    """Holds none of these heads against the server any more: a person has begun anew."""
    body = await rows.get_single(_PASSED)
    before = _passed.decode(body) if body else []
    await rows.put_single(_PASSED, msgspec.msgpack.encode([*before, *(kept.hash for kept in heads.values())]))


def _edit(record: Record | None, identity: Identity, kept: Kept) -> Edit:
    key, held = _PREFIX + identity.device.hex(), record or Record(VAULT_RECORD)
    plain: Any = msgspec.to_builtins(Head(identity.account or b"", *kept))
    return Edit(VAULT_RECORD, False, PERSON, None, edit_preds(held, key, PERSON), ((key, canonical(plain)),))


def _said(record: Record | None) -> dict[DeviceId, tuple[Head, int]]:
    """What stands, each with the ordinal of the card that wrote it; what cannot be read is passed over."""
    found: dict[DeviceId, tuple[Head, int]] = {}
    for key in record.keys() if record is not None else ():
        if not key.startswith(_PREFIX) or record is None:
            continue
        try:
            device = DeviceId(bytes.fromhex(key.removeprefix(_PREFIX)))
        except ValueError:
            continue
        for one in record.siblings(key, PERSON):
            head = _read(one.value)
            if head is not None and len(device) == HASH_BYTES:
                found[device] = (head, ordinal_of(one.dot))
    return found


def _read(value: bytes | None) -> Head | None:
    if value is None:
        return None
    try:
        head = _head.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return None
    return head if head.number > 0 and len(head.hash) == HASH_BYTES else None
