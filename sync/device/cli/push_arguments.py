"""What may be typed after `push`: apart from the command itself, so that reading arguments loads nothing of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from sync.device.cli.later import pushing


def add(command: Callable[..., argparse.ArgumentParser]) -> None:
    """The command and its actions."""
    push = command(
        "push",
        pushing.run_push,
        "what this phone is woken and told for, and when it is not to be disturbed",
        "push on --quiet 22:00-07:00 --mute share_opened",
    )
    push.set_defaults(action=None)
    actions = push.add_subparsers(dest="action", metavar="ACTION")
    on = actions.add_parser("on", help="be pushed to, or change what for", allow_abbrev=False)
    on.add_argument("--wakes", action=argparse.BooleanOptionalAction, help="be woken when records change")
    for name, text in (("mute", "do not push for this kind of news"), ("unmute", "push for it again")):
        on.add_argument(f"--{name}", action="append", default=[], metavar="KIND", help=text)
    hours = "hours of this machine in which only urgent news are pushed"
    on.add_argument("--quiet", dest="quiet_hours", metavar="FROM-TO", help=hours)
    platforms = ("android", "apple", "local")
    text = "who pushes to it: for trying a server out, because this phone has no app that hears a push"
    on.add_argument("--as", dest="platform", choices=platforms, help=text)
    on.add_argument("--no-quiet", action="store_true", help="no such hours")
    actions.add_parser("off", help="be pushed to no more", allow_abbrev=False)
