"""The command that makes a phone none: logout."""

from __future__ import annotations

import argparse

from sync.device.cli.context import DONE, Context
from sync.device.leaving import log_out, refuse_if_unsent, warnings
from sync.device.reading import identity_of
from sync.device.refused import Refused


async def logout(context: Context, options: argparse.Namespace) -> int:
    """Removes keys and records from this store, after asking; refused while something is unsent."""
    async with context.phone() as phone:
        await refuse_if_unsent(phone, options.discard)
        async with phone.store.transaction() as rows:
            name = (await identity_of(rows)).device_name
        for words in await warnings(phone):
            context.hint(words)
        context.hint(f"All keys and records of “{name}” leave this machine. That cannot be undone.")
        if context.ask("Type the name of this phone to log out:") != name:
            raise Refused("bad_choice", "that is not its name", next="Nothing has been changed.")
        done = await log_out(phone, options.discard)
    context.remove_store()
    context.result({"logged_out": True, "account": done.account, "vaults": done.vaults})
    if not context.json:
        context.say("Logged out. There is nothing of yours in this store any more.")
    if not done.account:
        context.hint("The account could not be told: remove this phone with `carnet members remove` on another one.")
    return DONE
