"""Term packs on this phone: those that came with it, those that were installed, and whose packs count.

Packs are files beside the store: they say nothing of anyone. Whom a person has let in as signer is kept in the store.
Spec: openapi/protocol/terms.md, TRM-2, TRM-5 and TRM-10.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from sync.device.phone import Phone
from sync.device.refused import Refused
from sync.device.store.rows import Rows
from sync.terms.lexicon import Lexicon
from sync.terms.pack import Pack, PackRefused, read_pack
from sync.terms.pinned import SHIPPED

FOLDER = "terms"
_TRUSTED = 40  # number of the store's singleton
_SHIPPED = Path(__file__).parents[1] / "terms" / "packs"
_SUFFIX = ".pack"
_WHY = {
    "form": "it is no term pack",
    "newer_version": "it is of a newer kind",
    "signature": "its signature does not hold: it was altered",
    "body": "what is in it is not in order",
}
_decoder = msgspec.msgpack.Decoder(dict[bytes, str])


class Held(NamedTuple):
    """A pack that counts on this phone. `signed_by`: `carnet`, or what the person called its signer."""

    pack: Pack
    signed_by: str
    shipped: bool


async def trusted_signers(rows: Rows) -> dict[bytes, str]:
    """Key → name, of the signers that the person has let in."""
    body = await rows.get_single(_TRUSTED)
    return _decoder.decode(body) if body else {}


async def held_packs(phone: Phone, folder: Path) -> list[Held]:
    """Every pack that counts, the installed ones first. What is not whole is passed over: it says nothing."""
    async with phone.store.transaction() as rows:
        trusted = await trusted_signers(rows)
    installed = [
        Held(pack, trusted[pack.signer], False)
        for path in sorted((folder / FOLDER).glob("*" + _SUFFIX))
        if (pack := _read(path)) is not None and pack.signer in trusted
    ]
    return [*installed, *shipped_packs()]


def shipped_packs() -> list[Held]:
    """The packs that come with the phone."""
    found = [pack for path in sorted(_SHIPPED.glob("*" + _SUFFIX)) if (pack := _read(path)) is not None]
    return [Held(pack, "carnet", True) for pack in found if pack.signer == SHIPPED]


def lexicon_of(held: Iterable[Held], language: str) -> Lexicon:
    """What these packs say in a language."""
    return Lexicon(language, (one.pack for one in held))


async def install(phone: Phone, folder: Path, data: bytes, trust: str | None) -> Held:
    """Keeps a pack. `trust`: what its signer is called from now on, for one who does not count yet. Raises: Refused."""
    try:
        pack = read_pack(data)
    except PackRefused as error:
        raise Refused("bad_terms", _WHY[error.reason]) from error
    if pack.signer == SHIPPED:
        signed_by = "carnet"
    else:
        async with phone.store.transaction() as rows:
            trusted = await trusted_signers(rows)
            if pack.signer not in trusted:
                if trust is None:
                    raise Refused("unknown_signer", pack.signer.hex())
                trusted = trusted | {pack.signer: trust}
                await rows.put_single(_TRUSTED, msgspec.msgpack.encode(trusted))
            signed_by = trusted[pack.signer]
    try:
        (folder / FOLDER).mkdir(mode=0o700, exist_ok=True)
        path = folder / FOLDER / (pack.id.hex() + _SUFFIX)
        path.with_suffix(".part").write_bytes(data)
        path.with_suffix(".part").replace(path)
    except OSError as error:
        raise Refused("not_written") from error
    return Held(pack, signed_by, False)


async def uninstall(phone: Phone, folder: Path, wanted: str) -> None:
    """Removes an installed pack, named by the beginning of its id. Raises: Refused."""
    found = [one for one in await held_packs(phone, folder) if wanted and one.pack.id.hex().startswith(wanted)]
    if len(found) != 1 or found[0].shipped:
        raise Refused("no_such_terms")
    (folder / FOLDER / (found[0].pack.id.hex() + _SUFFIX)).unlink(missing_ok=True)


def _read(path: Path) -> Pack | None:
    try:
        return read_pack(path.read_bytes())
    except (OSError, PackRefused):
        return None
