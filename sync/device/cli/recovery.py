"""Commands about the recovery code: recovery confirm, recover, recover --rehearse."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from sync.device.aftermath import sync_and_see_to
from sync.device.cli.codes import show_recovery_code
from sync.device.cli.context import DONE, WAITS, Context, read_file
from sync.device.cli.setup import SIGNING, origin
from sync.device.cli.waiting import exit_code
from sync.device.people import OFFLINE
from sync.device.phone import Phone
from sync.device.reading import identity_of
from sync.device.recovering import OwnPhone, Recovered, code_was_shown, read_code, recover
from sync.device.refused import Refused
from sync.device.rehearsing import confirm_recovery, rehearse
from sync.device.renewing import new_code, shown_again
from sync.wire.ids import DeviceId

ALL = "all"


async def recovery(context: Context, options: argparse.Namespace) -> int:
    """The recovery code of a phone that is in: confirmed, shown again, or another one."""
    if options.action == "confirm":
        return await _confirm(context)
    async with context.phone() as phone:
        new = options.action == "new"
        code = await (new_code(phone) if new else shown_again(phone))
        context.result({"recovery_code": code})
        show_recovery_code(context, code, new=new)
        if new:
            await _bring(context, phone)
    return DONE


async def _bring(context: Context, phone: Phone) -> None:
    """The new card into the vaults and the account, if there is network now."""
    try:
        await sync_and_see_to(phone)
    except Refused as refused:
        if refused.code not in OFFLINE:
            raise
    async with phone.store.transaction() as rows:
        waiting = [number for number in await rows.vaults() if (await rows.get_vault(number)).intents]
    if waiting:
        context.hint("The old code, if there is one, is good until the next sync; from then on this one is.")


async def _confirm(context: Context) -> int:
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


async def recover_now(context: Context, options: argparse.Namespace) -> int:
    """A new phone from the recovery code, or a proof of the code on a phone that is in."""
    if options.rehearse == bool(options.server or options.device or options.lost or options.signing):
        options.wrong("either --server and --device, or --rehearse")
    if not options.rehearse and not (options.server and options.device):
        options.wrong("--server and --device are needed")
    code = read_code(_code_in(options.code_file))
    if options.rehearse:
        async with context.phone() as phone:
            without = await rehearse(phone, code)
        context.result({"confirmed": True})
        if not context.json:
            context.say("The code is right: it would open your vaults on a new phone. It has not been used.")
        for name in without:
            context.hint(f"It does not open “{name}”: you have no recovery card there.")
        return DONE

    def choose(phones: Sequence[OwnPhone]) -> Sequence[DeviceId] | None:
        if options.lost:
            return _named(phones, options.lost)
        if not phones:
            return ()
        context.hint("Phones of yours that are in now:")
        for one in phones:
            context.hint(f"  {one.device.hex()[:8]}  {one.name}")
        if context.json:
            return None
        answer = context.ask("Which are lost? Names or ids with commas in between, `all`, or nothing:")
        return _named(phones, [part.strip() for part in answer.split(",") if part.strip()])

    async with context.phone(create=True) as phone:
        key_type = SIGNING.get(options.signing)
        made = await recover(phone, origin(options.server), options.device, code, choose, key_type=key_type)
        context.result(
            {
                "device": made.device.hex(),
                "vaults": [vault.hex() for vault in made.vaults],
                "recovery_code": made.recovery_code,
                "unproved": made.unproved,
            }
        )
        if not context.json:
            _tell(context, made)
        await code_was_shown(phone)
        return WAITS if made.waiting or not made.asked else await exit_code(phone)


def _tell(context: Context, made: Recovered) -> None:
    count = len(made.vaults)
    context.say(f"This phone is in: {count} vault{'s' * (count != 1)}. The old code opens nothing there any more.")
    if made.waiting:
        context.say(f"Not in yet: {made.waiting}. Let another phone there sync, then run the same command again.")
    if made.recovery_code:
        show_recovery_code(context, made.recovery_code, new=True)
    if made.unproved:
        context.say("No other phone has borne out what the server showed: see whether your newest entries are here.")


def _code_in(name: str) -> str:
    """The code in a file: its first line that is not empty. Raises: Refused(no_such_file, bad_code)."""
    try:
        lines = read_file(name).decode().splitlines()
    except UnicodeDecodeError as error:
        raise Refused("bad_code") from error
    return next((line for line in lines if line.strip()), "")


def _named(phones: Sequence[OwnPhone], wanted: Sequence[str]) -> list[DeviceId]:
    """The phones that were named, by name or a part of the id. Raises: Refused(no_such_device, ambiguous)."""
    if ALL in wanted:
        return [one.device for one in phones]
    found = []
    for text in wanted:
        fitting = [one for one in phones if text.casefold() == one.name.casefold() or text in one.device.hex()]
        if len(fitting) != 1:
            raise Refused("ambiguous" if fitting else "no_such_device", text)
        found.append(fitting[0].device)
    return found
