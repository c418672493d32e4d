"""The command `push`: what this phone wants to be woken and told for, and when it is not to be disturbed."""

from __future__ import annotations

import argparse

from sync.device.cli.context import DONE, Context
from sync.device.notices import WORDS
from sync.device.pushes import Wanted, show_pushes, stop_pushes, want_pushes
from sync.device.refused import Refused


async def run_push(context: Context, options: argparse.Namespace) -> int:
    """Shows, changes or ends what is registered."""
    async with context.phone() as phone:
        if options.action == "on":
            quiet = "" if options.no_quiet else options.quiet_hours
            kinds = WORDS.keys() - {"push_lost"}
            if not {*options.mute, *options.unmute} <= kinds:
                raise Refused("no_such_kind", ", ".join(sorted(kinds)))
            wanted = Wanted(options.wakes, tuple(options.mute), tuple(options.unmute), quiet, options.platform)
            found = await want_pushes(phone, wanted)
        elif options.action == "off":
            found = await stop_pushes(phone)
        else:
            found = await show_pushes(phone)
    context.result(found)
    if not context.json:
        if not found["on"]:
            context.say("This phone is not pushed to. It hears of changes when it syncs.")
        else:
            context.say(f"Woken when something changes: {'yes' if found['wakes'] else 'no'}.")
            context.say(f"Told at once of everything but: {', '.join(found['muted']) or 'nothing'}.")
            context.say(f"Quiet hours: {found['quiet'] or 'none'}. What may mean a theft comes through all the same.")
    return DONE
