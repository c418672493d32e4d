"""Commands about issuers of health cards: `issuers list | install | remove | sign`."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from crypto.public.keys import ED25519
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.device.cli.context import DONE, Context, cell, read_file
from sync.device.cli.files import write_whole
from sync.device.cli.terms import seed_of
from sync.device.issuers import Held, held_lists, install, uninstall
from sync.device.refused import Refused
from sync.vault.issuer_list import Body, Directory, make_list


async def run(context: Context, options: argparse.Namespace) -> int:
    """One action; without one, the list."""
    actions = {"list": _list, "install": _install, "remove": _remove, "sign": _sign}
    return await actions[options.action or "list"](context, options)


async def _list(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        held = await held_lists(phone, context.folder)
    _show(context, held)
    return DONE


async def _remove(context: Context, options: argparse.Namespace) -> int:
    async with context.phone() as phone:
        await uninstall(phone, context.folder, options.id)
        held = await held_lists(phone, context.folder)
    _show(context, held)
    return DONE


def _show(context: Context, held: list[Held]) -> None:
    context.result([_document(one) for one in held])
    if context.json:
        return
    if not held:
        context.hint("No list of issuers is on this phone: of a health card it says whose it is, and ticks none.")
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("id", "what", "issuers", "signed by"):
        table.add_column(column, overflow="fold")
    for one in held:
        body = one.list.body
        count = str(len(body.participating_issuers))
        table.add_row(one.list.id.hex()[:8], cell(f"{body.name} {body.version}"), count, cell(one.signed_by))
    context.console.print(table)


def _document(one: Held) -> dict[str, Any]:
    body = one.list.body
    return {
        "id": one.list.id.hex(),
        "name": body.name,
        "version": body.version,
        "issuers": len(body.participating_issuers),
        "signer": one.list.signer.hex(),
        "signed_by": one.signed_by,
    }


async def _install(context: Context, options: argparse.Namespace) -> int:
    data = read_file(options.file)
    async with context.phone() as phone:
        held = await install(phone, context.folder, data, options.trust)
    context.result(_document(held))
    if not context.json:
        count = len(held.list.body.participating_issuers)
        context.say(f"{count} issuers of health cards, signed by {held.signed_by}. Their cards are ticked from now on.")
    return DONE


async def _sign(context: Context, options: argparse.Namespace) -> int:
    """Signs a directory. The key is a file of 32 bytes in hex; one that is not there is made."""
    try:
        entries = msgspec.json.decode(read_file(options.file), type=Directory).participating_issuers
        key = SigningKey.from_seed(ED25519, Secret(seed_of(options.key_file)))
        data = make_list(Body(options.name, options.version, entries), key)
    except (msgspec.DecodeError, ValueError) as error:
        raise Refused("bad_issuers", "the directory or the key is not in order") from error
    write_whole(options.out, data)
    context.result({"issuers": len(entries), "bytes": len(data), "signer": key.public_key.hex()})
    if not context.json:
        context.say(f"Signed: {options.out}, {len(entries)} issuers. Signer: {key.public_key.hex()}")
    return DONE
