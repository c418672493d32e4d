"""Commands about sending and what came of it: sync, status, findings, quarantine."""

from __future__ import annotations

import argparse

import msgspec

from sync.device.adopting import adopt_kept, decline_kept
from sync.device.aftermath import sync_and_see_to
from sync.device.cli.context import DONE, REFUSED, Context
from sync.device.cli.waiting import exit_code
from sync.device.notices import count_new
from sync.device.overview import findings, quarantined, read_finding, status
from sync.device.reading import choose_vault
from sync.device.refused import Refused

TOLD = {"diverged", "device_forked", "rolled_back"}  # somebody has to know, and nothing has failed


async def sync_now(context: Context, options: argparse.Namespace) -> int:
    """Sends what waits and takes in what is new."""
    async with context.phone() as phone:
        async with phone.store.transaction() as rows:
            only = [await choose_vault(rows, options.vault)] if options.vault else None
        with context.watching() as watch:
            report = await sync_and_see_to(phone, only, watch=watch)
        code = await exit_code(phone, only)
        async with phone.store.transaction() as rows:
            told = await count_new(rows)
    context.result(msgspec.to_builtins(report))
    failed = [vault for vault in report.vaults if vault.code]
    if not context.json:
        context.say(f"Sent {report.sent}, received {report.received}, in {report.requests} requests.")
        for vault in failed:
            context.say(f"  {vault.id[:8]}: {vault.code}. {vault.next or ''}")
        if report.shares:
            context.say(f"Not all shares could be brought to the server ({len(report.shares)} wait): sync again.")
        if told:
            context.say(f"You are to be told {told} thing{'s' * (told != 1)} about your account: `carnet status`.")
        if code:
            context.say("Something waits for you: `carnet status`.")
    stuck = [vault for vault in failed if vault.code not in TOLD]
    return REFUSED if stuck and len(stuck) == len(report.vaults) else code


async def show_status(context: Context, options: argparse.Namespace) -> int:
    """What is queued, what waits for a person, when each phone was last heard."""
    async with context.phone() as phone:
        found = await status(phone)
        code = await exit_code(phone, asked=bool(found["conflicts"]))
    context.result(found)
    if not context.json:
        context.say(f"Server {found['server']}, last synced {found['last_sync'] or 'never'}.")
        for notice in found["notices"]:
            context.say(f"{'NEW  ' if notice['new'] else ''}{notice['at']}  {notice['words']}")
        context.say(f"Waiting to be sent: {found['pending']} changes, {found['intents']} membership wishes.")
        for what, command in (("conflicts", "conflicts"), ("quarantined", "quarantine"), ("findings", "findings")):
            if found[what]:
                context.say(f"For you to look at: {found[what]} {what}: `carnet {command}`.")
        for row in found["shut_out"]:
            context.say(row["words"])
        for vault in found["halted"]:
            context.say(f"Nothing is sent in {vault['vault'][:8]}: {vault['why']}. See `carnet findings`.")
        if found["recovery_unconfirmed"] and not found["recovery"]["words"]:
            context.say("The recovery code has not been typed back yet: `carnet recovery confirm`.")
        for words in found["recovery"]["words"]:
            context.say(words)
        for device in found["devices"]:
            context.say(f"  {device['name']}: last heard {device['last_heard'] or 'not yet'}")
    return code


async def show_findings(context: Context, options: argparse.Namespace) -> int:
    """What the server or a member was caught at."""
    async with context.phone() as phone:
        if options.action == "read":
            if not options.id:
                raise Refused("no_such_finding")
            await read_finding(phone, options.id)
        found = await findings(phone)
    context.result(found)
    if not context.json:
        if not found:
            context.say("Nothing has been found.")
        for finding in found:
            context.say(f"{finding['id']}  {finding['words']}{'' if finding['unread'] else '  (read)'}")
    return DONE


async def show_quarantine(context: Context, options: argparse.Namespace) -> int:
    """What is kept outside the vault's state."""
    async with context.phone() as phone:
        if options.action == "adopt":
            await adopt_kept(phone, options.id or "")
        elif options.action == "decline":
            await decline_kept(phone, options.id or "")
        found = await quarantined(phone)
        code = await exit_code(phone)
    context.result(found)
    if not context.json:
        if not found:
            context.say("Nothing is in quarantine.")
        for kept in found:
            context.say(f"{kept['id']}  {kept['changes']} changes by {kept['person']}: {kept['why']}")
    return code
