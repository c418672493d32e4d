"""Codes on a terminal: a recovery code with what to do about it, and a picture for another phone's camera."""

from __future__ import annotations

import sys

from sync.device.cli.context import Context


def show_recovery_code(context: Context, code: str, *, new: bool = False) -> None:
    """The code for a person to write down; with --json it is in the result alone."""
    if context.json:
        return
    context.say(f"Write this {'new ' * new}recovery code on paper. It opens everything:")
    context.say(f"\n    {code}\n")
    show_qr(context, code)
    context.say("Then type two groups of it back:  carnet recovery confirm")
    context.say("Until then this phone keeps it, and shows it again:  carnet recovery show")


def show_qr(context: Context, text: str) -> None:
    """A code as a picture on a terminal, for another phone's camera."""
    if context.quiet or not sys.stderr.isatty():
        return
    import segno

    segno.make(text, error="m", boost_error=False).terminal(out=sys.stderr, compact=True)
