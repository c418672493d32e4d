"""Codes on a terminal: a recovery code with what to do about it; a link code, and the wait for who types it."""

from __future__ import annotations

import sys

from sync.device.cli.context import Context
from sync.device.cli.waiting import exit_code
from sync.device.linking import wait_to_be_let_in
from sync.device.phone import Phone
from sync.device.reading import identity_of


def show_recovery_code(context: Context, code: str, *, new: bool = False) -> None:
    """The code for a person to write down; with --json it is in the result alone."""
    if context.json:
        return
    context.say(f"Write this {'new ' * new}recovery code on paper. It opens everything:")
    context.say(f"\n    {code}\n")
    show_qr(context, code)
    context.say("Then type two groups of it back:  carnet recovery confirm")
    context.say("Until then this phone keeps it, and shows it again:  carnet recovery show")


async def show_and_wait(context: Context, phone: Phone, code: str, where: str, line: str) -> int:
    """The code of a phone that wants in, until it is; `where` somebody types `line`. Raises: Refused."""
    if not context.json:
        context.say(f"{where}, type:\n")
        context.say(f"    {line}\n")
        context.say("or scan this. The code lives ten minutes.")
    show_qr(context, code)
    context.hint("Waiting …")
    vaults = await wait_to_be_let_in(phone)
    async with phone.store.transaction() as rows:
        device = (await identity_of(rows)).device.hex()
    context.line({"linked": True, "device": device, "vaults": vaults})
    if not context.json:
        context.say(f"This phone is in: {len(vaults)} vault{'s' * (len(vaults) != 1)}.")
    return await exit_code(phone)


def show_qr(context: Context, text: str) -> None:
    """A code as a picture on a terminal, for another phone's camera."""
    if context.quiet or not sys.stderr.isatty():
        return
    import segno

    segno.make(text, error="m", boost_error=False).terminal(out=sys.stderr, compact=True)
