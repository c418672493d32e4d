"""Commands about people and vaults: join, approve, members, vaults."""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta

from sync.device import people, vaults
from sync.device.cli.codes import show_and_wait, show_recovery_code
from sync.device.cli.context import DONE, Context, cell
from sync.device.cli.setup import SIGNING, origin
from sync.device.linking import approve, show_join_code
from sync.device.overview import members
from sync.device.overview import vaults as vaults_here
from sync.device.phone import Phone
from sync.device.reading import choose_vault
from sync.device.refused import Refused
from sync.device.syncing import sync
from sync.wire.item import ROLE_WORDS

_WAITS = "Kept on this phone; it holds from the next sync on: `carnet status` shows what waits."


async def join(context: Context, options: argparse.Namespace) -> int:
    """The first phone of a person whom somebody else lets in."""
    async with context.phone(create=True) as phone:
        who, key_type = (options.name, options.device), SIGNING.get(options.signing)
        code, recovery_code = await show_join_code(phone, origin(options.server), *who, key_type=key_type)
        context.line({"code": code, "recovery_code": recovery_code})
        if recovery_code:
            show_recovery_code(context, recovery_code)
        where = "On the phone of the person who lets you in"
        return await show_and_wait(context, phone, code, where, f"carnet approve {code} --role editor")


async def approve_code(context: Context, options: argparse.Namespace) -> int:
    """Lets the phone that shows this code in."""
    role = ROLE_WORDS.index(options.role) if options.role else None
    async with context.phone() as phone:
        until = people.end_of_day(options.until, phone.now_ms()) if options.until else None
        async with phone.store.transaction() as rows:
            only = [await choose_vault(rows, wanted) for wanted in options.vaults] if options.vaults else None
        approved = await approve(phone, " ".join(options.code), only, role=role, until=until)
    word = ROLE_WORDS[approved.role]
    context.result({"device": approved.device.hex(), "person": approved.person.hex(), "role": word})
    if not context.json:
        context.say(f"“{approved.name}” is let in as {word}. It has the records once it has synced.")
    return DONE


async def run_vaults(context: Context, options: argparse.Namespace) -> int:
    """The vaults on this phone, and what one does with a vault as a whole."""
    waits = False
    async with context.phone() as phone:
        if options.action == "new":
            if options.left:
                async with phone.store.transaction() as rows:
                    left = await choose_vault(rows, options.left)
                await vaults.exit_vault(phone, options.vault_or_name, left)
            else:
                await vaults.new_vault(phone, options.vault_or_name, subject=options.subject == "self")
            await _try_to_sync(phone)
        elif options.action == "leave":
            async with phone.store.transaction() as rows:
                number = await choose_vault(rows, options.vault_or_name)
            waits = not await vaults.leave(phone, number)
        elif options.action == "accept":
            await vaults.accept_vault(phone, options.vault_or_name)
        rows_ = [*await vaults_here(phone), *await vaults.invited(phone)]
    context.result(rows_)
    if waits:
        context.hint(_WAITS)
    if not context.json:
        from rich.table import Table

        table = Table("vault", "role", "records", "waiting", "")
        for row in rows_:
            table.add_row(cell(row["name"]), row["role"] or "", str(row["records"]), str(row["pending"]), _note(row))
        context.console.print(table)
    return DONE


def _note(row: dict[str, object]) -> str:
    if row.get("invitation"):
        return f"carnet vaults accept {str(row['id'])[:8]}"
    if row["role"] is None:
        return "this phone is not in it (any more); what you write stays here: `carnet status`"
    return "not checked against another phone yet" if row["unproved"] else ""


async def _try_to_sync(phone: Phone) -> None:
    try:
        await sync(phone)
    except Refused as refused:
        if refused.code not in people.OFFLINE:
            raise


def _last_day(until: str | None) -> str:
    """An end date as it was typed: the day that ends then."""
    if until is None or not until[:1].isdigit():
        return until or ""
    return (datetime.fromisoformat(until) - timedelta(milliseconds=1)).date().isoformat()


def _minute(moment: str | None) -> str | None:
    """A moment without what a table has no room for."""
    return f"{moment[:16].replace('T', ' ')} UTC" if moment and moment[:1].isdigit() else moment


async def run_members(context: Context, options: argparse.Namespace) -> int:
    """Who is in a vault, and who is not to be any more."""
    done = True
    async with context.phone() as phone:
        async with phone.store.transaction() as rows:
            number = await choose_vault(rows, options.vault)
        if options.action == "remove":
            done = await people.remove(phone, number, options.who)
        elif options.action == "role":
            done = await people.change_role(phone, number, options.who, ROLE_WORDS.index(options.role))
        elif options.action == "handover":
            done = await people.hand_over(phone, number, options.who)
        elif options.action == "add":
            until = people.end_of_day(options.until, phone.now_ms()) if options.until else None
            role = ROLE_WORDS.index(options.role)
            done = await people.add_known(phone, number, options.who, role, until)
        listed = await members(phone, number)
    context.result(listed)
    if not done:
        context.hint(_WAITS)
    elif options.action in ("remove", "role"):
        context.hint(
            "Links to these records made by somebody who is no owner any more open nothing: `carnet share list`."
        )
    if not context.json:
        from rich.table import Table

        table = Table("person", "role", "until", "phone", "last heard")
        for person in listed:
            role = person["role"] + (", the subject" if person["subject"] else "")
            for device in person["devices"]:
                heard = _minute(device["last_heard"]) or "not yet"
                table.add_row(cell(person["name"]), role, _last_day(person["until"]), cell(device["name"]), heard)
        context.console.print(table)
    return DONE
