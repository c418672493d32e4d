"""The command `push`: what this phone wants to be woken and told for, and when it is not to be disturbed."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from sync.device.cli.context import DONE, Context
from sync.device.notices import WORDS
from sync.device.pushes import Wanted, show_pushes, stop_pushes, want_pushes


def arguments(command: Callable[..., argparse.ArgumentParser]) -> None:
    """What may be typed after `push`."""
    push = command(
        "push",
        run_push,
        "what this phone is woken and told for, and when it is not to be disturbed",
        "push on --quiet 22:00-07:00 --mute share_opened",
    )
    push.set_defaults(action=None)
    actions = push.add_subparsers(dest="action", metavar="ACTION")
    on = actions.add_parser("on", help="be pushed to, or change what for", allow_abbrev=False)
    on.add_argument("--wakes", action=argparse.BooleanOptionalAction, help="be woken when records change")
    kinds = tuple(WORDS.keys() - {"push_lost"})
    for name, text in (("mute", "do not push for this kind of news"), ("unmute", "push for it again")):
        on.add_argument(f"--{name}", action="append", default=[], choices=sorted(kinds), metavar="KIND", help=text)
    on.add_argument("--quiet", metavar="FROM-TO", help="hours of this machine in which only urgent news are pushed")
    on.add_argument("--no-quiet", action="store_true", help="no such hours")
    actions.add_parser("off", help="be pushed to no more", allow_abbrev=False)


async def run_push(context: Context, options: argparse.Namespace) -> int:
    """Shows, changes or ends what is registered."""
    async with context.phone() as phone:
        if options.action == "on":
            quiet = "" if options.no_quiet else options.quiet
            wanted = Wanted(options.wakes, tuple(options.mute), tuple(options.unmute), quiet)
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
