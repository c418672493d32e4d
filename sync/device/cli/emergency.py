"""Commands about emergency access: `emergency on | off`, and alone how it stands."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from sync.device import sharing
from sync.device.cli.context import DONE, Context
from sync.device.cli.sharing import document_of, draw, states, write_pictures
from sync.device.emergency import emergency_share, switch_off, switch_on
from sync.device.sharing import Share


async def run(context: Context, options: argparse.Namespace) -> int:
    """On, off, or how it stands."""
    async with context.phone() as phone:
        if options.action == "off":
            share: Share | None = await switch_off(phone, options.vault)
        elif options.action == "on":
            share = await switch_on(phone, options.vault)
        else:
            share = await emergency_share(phone, options.vault)
    on = share is not None and not share.held.word.revoked
    told: dict[str, Any] = {"on": on, "link": None, "share": None}
    if share is not None:
        link = sharing.link_of(share.held) if on else None
        told |= {"link": link, "share": document_of(share)}
        if link is not None:
            write_pictures(share.held, link, options)
    context.result(told)
    if not context.json:
        _say(context, share, told["link"])
    return DONE


def _say(context: Context, share: Share | None, link: str | None) -> None:
    if share is None:
        context.say("Emergency access is off. `carnet emergency on` makes a link for your wallet card and lock screen.")
        return
    if link is None:
        words = "The link opens nothing any more." if share.state == sharing.REVOKED else f"{states()[share.state]}."
        context.say(f"Emergency access is off. {words}")
        return
    context.say("Whoever has this link reads your allergies, problems and medicines, without a passcode:")
    context.say(f"\n    {link}\n")
    if sys.stdout.isatty():
        draw(context, link)
    context.say(
        f"It is {states()[share.state]}. The page asks for a name and a reason, and all owners are told at once."
    )
    context.say("Who opened it:  carnet share log Emergency      End it:  carnet emergency off")
