"""Glances of a vault's records, kept in the store so that a list reads no record that has not changed.

What it is: which kept glances still hold, and the keeping of those that had to be made. What it is not: state; the
table may be emptied at any time. Invariants: a glance counts only if it was made of the very rows that its record is
made of now, by the very code that runs now; whatever else it might depend on keeps it from being kept (`sync.fhir.
glance`). So nothing that writes a record has to know that there are glances. Spec: openapi/decisions/0130.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import NamedTuple

import msgspec

import sync.fhir
import sync.merge
from sync.device.collector import no_collecting
from sync.device.opened import Records
from sync.device.phone import Phone
from sync.device.reading import Vault, read_vault
from sync.device.refused import Refused
from sync.device.store.rows import Rows
from sync.fhir.duplicates import Look
from sync.fhir.glance import Glance
from sync.fhir.table import table_folder

PACK_BITS = 6  # bits of a handle that say in which pack its glance lies: 64 packs, each rewritten whole
_HANDLE_BITS = 63
_ROOMS = (*sync.fhir.__path__, *sync.merge.__path__, str(table_folder()))  # what a glance says is theirs alone


_Kept = tuple[bytes, Glance]  # the stamp of the rows that a glance was made of, and it


class Pack(msgspec.Struct, frozen=True, array_like=True):
    """Some glances of a vault by handle, and which code made them."""

    made_by: bytes
    glances: dict[int, _Kept]


_pack = msgspec.msgpack.Decoder(Pack)
_encode = msgspec.msgpack.Encoder().encode


class Fetched(NamedTuple):
    """A vault, and the glances that are kept of it by handle, whether they still hold or not."""

    vault: Vault
    known: dict[int, _Kept]


class Sight(NamedTuple):
    """A vault, a look at it, and what has to be written so that the next look is quicker."""

    vault: Vault
    look: Look
    unkept: dict[int, bytes]  # packs by their numbers


@functools.cache
def made_by() -> bytes:
    """16 bytes that name the code by which glances are made: another version's are not trusted."""
    digest = hashlib.sha256()
    for room in _ROOMS:
        for path in sorted(Path(room).rglob("*")):
            if path.suffix in (".py", ".json"):
                text = path.read_bytes()
                digest.update(len(text).to_bytes(8, "big") + text)
    return digest.digest()[:16]


async def fetch(rows: Rows, number: int) -> Fetched:
    """What a look at a vault needs of the store."""
    vault = await read_vault(rows, number)
    known: dict[int, _Kept] = {}
    for body in (await rows.get_glances(number)).values():
        known.update(_read(body))
    return Fetched(vault, known)


@no_collecting()
def see(fetched: Fetched) -> Sight:
    """A vault as lists and questions see it: only what has no glance that holds is read."""
    vault, known = fetched
    records = vault.shown
    assert isinstance(records, Records), "as `read_vault` gives them"
    stamps = {handle: records.stamp(handle) for handle in records.handles}
    holding = {handle: kept for handle, kept in known.items() if stamps.get(handle) == kept[0]}
    glances = {glance.id: glance for _, glance in holding.values()}
    others = [records.at(handle) for handle in stamps if handle not in holding]
    look = Look(vault, glances, others, lambda dot: vault.author(dot)[1])
    made = {(handle := records.handle(glance.id)): (stamps[handle], glance) for glance in look.made}
    packs: dict[int, dict[int, _Kept]] = {_pack_of(handle): {} for handle in [*made, *(known.keys() - holding.keys())]}
    for handle, kept in (holding | made).items() if packs else ():
        if (pack := _pack_of(handle)) in packs:
            packs[pack][handle] = kept
    return Sight(vault, look, {pack: _encode(Pack(made_by(), glances)) for pack, glances in packs.items()})


async def look_at(rows: Rows, number: int) -> Sight:
    """Both, for who has to go on in the same transaction."""
    return see(await fetch(rows, number))


async def keep(phone: Phone, sights: list[Sight]) -> None:
    """Keeps the glances that were made. They name the rows they are of: what was written meanwhile has others.

    Where the store has no room or is in use they are made again next time: what the command has done stands.
    """
    if any(sight.unkept for sight in sights):
        try:
            async with phone.store.transaction() as rows:
                there = await rows.vaults()
                for sight in sights:
                    if sight.vault.number in there:
                        await rows.put_glances(sight.vault.number, sight.unkept)
        except Refused as refused:
            if refused.code not in ("disk_full", "store_busy"):
                raise


def _pack_of(handle: int) -> int:
    return handle >> (_HANDLE_BITS - PACK_BITS)


def _read(body: bytes) -> dict[int, _Kept]:
    """The glances of a pack; none of one that other code has written."""
    try:
        pack = _pack.decode(body)
    except msgspec.DecodeError:
        return {}
    return pack.glances if pack.made_by == made_by() else {}
