"""Commands about this phone and its vaults: init, recovery, link, approve, vaults, members."""

from __future__ import annotations

import argparse
import sys

from sync.device.cli.context import DONE, Context
from sync.device.cli.waiting import exit_code
from sync.device.founding import confirm_recovery, found
from sync.device.linking import approve, show_code, wait_to_be_let_in
from sync.device.overview import members, vaults
from sync.device.reading import choose_vault, identity_of
from sync.device.refused import Refused
from sync.device.syncing import sync
from sync.wire.item import ROLE_WORDS


def origin(url: str) -> str:
    """A server's address as it is signed: scheme, host and port, nothing behind. Raises: Refused(bad_value)."""
    from urllib.parse import urlsplit

    parts = urlsplit(url if "//" in url else f"https://{url}")
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query:
        raise Refused("bad_value", "a server is https://host or http://127.0.0.1:port")
    return f"{parts.scheme}://{parts.netloc.lower()}"


async def init(context: Context, options: argparse.Namespace) -> int:
    """A new person, phone, account and vault. The code is shown before anything else can go wrong."""
    vault_name = options.vault or f"{options.name}’s records"
    async with context.phone(create=True) as phone:
        made = await found(
            phone, origin(options.server), options.name, options.device, vault_name, subject=options.subject == "self"
        )
        context.result(
            {
                "account": made.account.hex(),
                "device": made.device.hex(),
                "person": made.person.hex(),
                "vault": made.vault.hex(),
                "recovery_code": made.recovery_code,
            }
        )
        if not context.json:
            context.say(f"This phone is ready, and so is the vault “{vault_name}”.")
            context.say("Write this recovery code on paper. It is shown this once, and it opens everything:")
            context.say(f"\n    {made.recovery_code}\n")
            context.say("Then type two groups of it back:  carnet recovery confirm")
        try:
            await sync(phone)
        except Refused:
            context.hint("The server has not heard of the vault yet; the next sync brings it there.")
    return DONE


async def recovery(context: Context, options: argparse.Namespace) -> int:
    """Two groups of the recovery code typed back."""
    async with context.phone() as phone:
        async with phone.store.transaction() as rows:
            asked = sorted((await identity_of(rows)).recovery_check)
        answers = {place: context.ask(f"Group {place} of the recovery code:") for place in asked}
        confirmed = await confirm_recovery(phone, answers)
    if not confirmed:
        raise Refused("bad_code", "the groups are not those of the code", next="Look at the paper and type them again.")
    context.result({"confirmed": True})
    if not context.json:
        context.say("Right. Keep the paper where you would look for it.")
    return DONE


async def link(context: Context, options: argparse.Namespace) -> int:
    """A new phone of a person who has one."""
    async with context.phone(create=True) as phone:
        code = await show_code(phone, origin(options.server), options.device)
        context.line({"code": code})
        if not context.json:
            context.say("On the phone that is in already, type:\n")
            context.say(f"    carnet approve {code}\n")
            context.say("or scan this. The code lives ten minutes.")
        _show_qr(context, code)
        context.hint("Waiting …")
        linked = await wait_to_be_let_in(phone)
        async with phone.store.transaction() as rows:
            device = (await identity_of(rows)).device.hex()
        context.line({"linked": True, "device": device, "vaults": linked})
        if not context.json:
            context.say(f"Linked: {len(linked)} vault{'s' * (len(linked) != 1)} on this phone.")
        return await exit_code(phone)


def _show_qr(context: Context, text: str) -> None:
    if context.quiet or not sys.stderr.isatty():
        return
    import segno

    segno.make(text, error="m", boost_error=False).terminal(out=sys.stderr, compact=True)


async def approve_code(context: Context, options: argparse.Namespace) -> int:
    """Lets the phone that shows this code in."""
    if options.role or options.until:
        raise Refused("role_refused")
    async with context.phone() as phone:
        async with phone.store.transaction() as rows:
            only = [await choose_vault(rows, wanted) for wanted in options.vaults] if options.vaults else None
        approved = await approve(phone, " ".join(options.code), only)
    role = ROLE_WORDS[approved.role]
    context.result({"device": approved.device.hex(), "person": approved.person.hex(), "role": role})
    if not context.json:
        context.say(f"“{approved.name}” is let in. It is linked once it has synced: `carnet members` shows when.")
    return DONE


async def list_vaults(context: Context, options: argparse.Namespace) -> int:
    """The vaults on this phone."""
    async with context.phone() as phone:
        rows = await vaults(phone)
    context.result(rows)
    if not context.json:
        from rich.table import Table

        table = Table("vault", "role", "records", "waiting", "")
        for row in rows:
            note = "not checked against another phone yet" if row["unproved"] else ""
            table.add_row(row["name"], row["role"], str(row["records"]), str(row["pending"]), note)
        context.console.print(table)
    return DONE


async def list_members(context: Context, options: argparse.Namespace) -> int:
    """Who is in a vault."""
    async with context.phone() as phone:
        async with phone.store.transaction() as rows:
            number = await choose_vault(rows, options.vault)
        people = await members(phone, number)
    context.result(people)
    if not context.json:
        from rich.table import Table

        table = Table("person", "role", "phone", "last heard")
        for person in people:
            for device in person["devices"]:
                table.add_row(person["name"], person["role"], device["name"], device["last_heard"] or "not yet")
        context.console.print(table)
    return DONE
