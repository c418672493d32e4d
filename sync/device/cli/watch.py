"""Commands for a phone in the foreground: what others write as it comes, and what one was told of one's account."""

from __future__ import annotations

import argparse
import asyncio
import signal
from contextlib import suppress
from typing import Any

from sync.device.cli.context import DONE, Context, cell
from sync.device.notices import shown_notices
from sync.device.watching import AWAY, LISTENING, POLLING, Watching

_STANDS = {
    LISTENING: "Watching. What others write appears here; Ctrl-C ends it.",
    AWAY: "The server cannot be reached; this phone asks again by itself.",
    POLLING: "The server gives no live news now; this phone asks for it twice a minute.",
}
_WHAT = {
    "new": "new",
    "deleted": "deleted",
    "restored": "brought back",
    "noted": "a note was added",
    "disputed": "said to be wrong",
}


async def watch(context: Context, options: argparse.Namespace) -> int:
    """Stays in the foreground; each thing that happens is a line."""
    console = context.console

    def tell(happened: dict[str, Any]) -> None:
        context.line(happened)
        if not context.json and not context.quiet:
            console.print(_words(happened))

    async with context.phone() as phone:
        task = asyncio.create_task(Watching(phone, tell).run())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        try:
            with suppress(asyncio.CancelledError):
                await task
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
    return DONE


def _words(happened: dict[str, Any]) -> str:
    """One line, in rich's markup."""
    kind = happened["event"]
    if kind in _STANDS:
        return f"[dim]{_STANDS[kind]}[/]"
    if kind == "notice":
        return f"[dim]{_time(happened['at'])}[/]  [bold]{cell(happened['words'])}[/]"
    if kind == "vault":
        return f"A vault is new on this phone: [bold]{cell(happened['name'])}[/]"
    if kind == "questions":
        count = happened["count"]
        return f"  {count} question{'s' * (count != 1)} for you: `carnet conflicts`"
    who = f"[bold]{cell(happened['person'])}[/] ({cell(happened['device'])})"
    if kind == "many":
        return f"{who}: {happened['records']} records"
    elements = ", ".join(happened["elements"])
    what = _WHAT.get(happened["what"]) or (f"changed: {elements}" if elements else "changed")
    return f"[dim]{_time(happened['at'])}[/]  {who}: {cell(happened['label'])} – {cell(what)}"


def _time(at: str | None) -> str:
    """Hours and minutes (UTC) of a moment as the store has it."""
    return at[11:16] if at and len(at) > 16 else ""


async def list_notices(context: Context, options: argparse.Namespace) -> int:
    """What this phone was told about the account, newest first; it counts as seen from now on."""
    async with context.phone() as phone, phone.store.transaction() as rows:
        found = await shown_notices(rows)
    context.result(found)
    if not context.json:
        if not found:
            context.say("Nothing has been told about your account.")
        for notice in found:
            context.say(f"{'NEW  ' if notice['new'] else ''}{notice['at']}  {notice['words']}")
    return DONE
