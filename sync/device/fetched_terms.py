"""Term packs from the server: which it has, and fetched whole.

What it is: a list and a file by its hash, asked for without a token, so that no account is named. What it is not: a
question about a term; nobody learns a code. Invariants: what comes is kept only if it has the hash that was asked for
and a signer that counts here. Spec: openapi/protocol/terms.md, TRM-15.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from sync.device.access import refusal
from sync.device.asking import decoded
from sync.device.phone import Phone
from sync.device.reading import identity_of
from sync.device.refused import Refused
from sync.device.terms import Held, held_packs, install
from sync.device.transport import Answered, Transport, Unreachable
from sync.terms.pack import pack_id
from sync.wire.limits import TERM_PACK_SERVED_BYTES_MAX
from sync.wire.terms import PACKS, PackList, PackListed


class Offered(NamedTuple):
    """A pack that the server has; `held`: this phone has it already."""

    listed: PackListed
    held: bool


class Fetched(NamedTuple):
    """What was kept, and what was not: the pack and why, a word of cli.md."""

    kept: list[Held]
    refused: list[tuple[PackListed, str]]


async def offered(phone: Phone, folder: Path) -> list[Offered]:
    """What the server of this phone has. Raises: Refused."""
    transport = await _transport(phone)
    try:
        return await _offered(phone, transport, folder)
    except (Answered, Unreachable) as error:
        raise refusal(error) from error
    finally:
        await transport.close()


async def fetch(phone: Phone, folder: Path, wanted: str | None, trust: str | None) -> Fetched:
    """Fetches what this phone lacks: all, or what a language or the beginning of an id names. Raises: Refused."""
    transport = await _transport(phone)
    done = Fetched([], [])
    try:
        found = await _offered(phone, transport, folder)
        named = [one for one in found if wanted is None or wanted == _short(one) or one.listed.id.startswith(wanted)]
        if wanted is not None and not named:
            raise Refused("no_such_terms", next="See `carnet terms available`.")
        if trust is not None and len(named) != 1:
            raise Refused("bad_value", "a signer is let in with one pack of his, named by its id")
        for listed in [one.listed for one in named if not one.held]:
            data = await transport.call("GET", f"{PACKS}/{listed.id}", longest=TERM_PACK_SERVED_BYTES_MAX)
            try:
                if pack_id(data).hex() != listed.id:
                    raise Refused("bad_terms", "the server handed out another file than it was asked for")
                done.kept.append(await install(phone, folder, data, trust))
            except Refused as refused:
                if wanted is not None:
                    raise
                done.refused.append((listed, refused.code))
    except (Answered, Unreachable) as error:
        raise refusal(error) from error
    finally:
        await transport.close()
    return done


async def _transport(phone: Phone) -> Transport:
    async with phone.store.transaction() as rows:
        return phone.connect((await identity_of(rows)).server)


async def _offered(phone: Phone, transport: Transport, folder: Path) -> list[Offered]:
    held = {one.pack.id.hex() for one in await held_packs(phone, folder)}
    listed: list[PackListed] = decoded(await transport.call("GET", PACKS), PackList)
    return [Offered(one, one.id in held) for one in listed]


def _short(one: Offered) -> str:
    return one.listed.language.split("-")[0]
