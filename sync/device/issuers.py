"""Lists of issuers of health cards on this phone: whose lists count, and what they say of an issuer.

Lists are files beside the store: they say nothing of anyone. Whom a person has let in as signer is kept in the store,
apart from the signers of term packs: who knows words is not thereby believed about hospitals.
Spec: openapi/protocol/health-cards.md, SHC-13.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from sync.device.phone import Phone
from sync.device.refused import Refused
from sync.device.store.rows import Rows
from sync.vault.issuer_list import IssuerList, IssuersRefused, read_list

FOLDER = "issuers"
_TRUSTED = 42  # number of the store's singleton
_SUFFIX = ".issuers"
_WHY = {
    "form": "it is no list of issuers that somebody has signed",
    "newer_version": "it is of a newer kind",
    "signature": "its signature does not hold: it was altered",
    "body": "what is in it is not in order",
}
_decoder = msgspec.msgpack.Decoder(dict[bytes, str])


class Held(NamedTuple):
    """A list that counts on this phone. `signed_by`: what the person called its signer."""

    list: IssuerList
    signed_by: str


class Vouched(NamedTuple):
    """An issuer that is trusted here: what it is called, and by whose list (empty: by the person's own word)."""

    name: str
    by: str


async def held_lists(phone: Phone, folder: Path) -> list[Held]:
    """Every list that counts. What is not whole is passed over: it vouches for nobody."""
    async with phone.store.transaction() as rows:
        trusted = await _trusted(rows)
    return [
        Held(one, trusted[one.signer])
        for path in sorted((folder / FOLDER).glob("*" + _SUFFIX))
        if (one := _read(path)) is not None and one.signer in trusted
    ]


async def vouched(phone: Phone, folder: Path) -> Mapping[str, Vouched]:
    """`iss` → who it is, of every issuer on a list that counts."""
    return {
        iss: Vouched(name, held.signed_by)
        for held in reversed(await held_lists(phone, folder))
        for iss, name in held.list.names().items()
    }


async def install(phone: Phone, folder: Path, data: bytes, trust: str | None) -> Held:
    """Keeps a list. `trust`: what its signer is called from now on, for one who does not count yet. Raises: Refused."""
    try:
        found = read_list(data)
    except IssuersRefused as error:
        raise Refused("bad_issuers", _WHY[error.reason]) from error
    async with phone.store.transaction() as rows:
        trusted = await _trusted(rows)
        if found.signer not in trusted:
            if trust is None:
                raise Refused("unknown_issuers", found.signer.hex())
            trusted = trusted | {found.signer: trust}
            await rows.put_single(_TRUSTED, msgspec.msgpack.encode(trusted))
    try:
        (folder / FOLDER).mkdir(mode=0o700, exist_ok=True)
        path = folder / FOLDER / (found.id.hex() + _SUFFIX)
        path.with_suffix(".part").write_bytes(data)
        path.with_suffix(".part").replace(path)
    except OSError as error:
        raise Refused("not_written") from error
    return Held(found, trusted[found.signer])


async def uninstall(phone: Phone, folder: Path, wanted: str) -> None:
    """Removes a list, named by the beginning of its id. Raises: Refused."""
    found = [one for one in await held_lists(phone, folder) if wanted and one.list.id.hex().startswith(wanted)]
    if len(found) != 1:
        raise Refused("no_such_issuers")
    (folder / FOLDER / (found[0].list.id.hex() + _SUFFIX)).unlink(missing_ok=True)


async def _trusted(rows: Rows) -> dict[bytes, str]:
    body = await rows.get_single(_TRUSTED)
    return _decoder.decode(body) if body else {}


def _read(path: Path) -> IssuerList | None:
    try:
        return read_list(path.read_bytes())
    except (OSError, IssuersRefused):
        return None
