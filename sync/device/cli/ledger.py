"""The command `ledger`: what happened to the account, checked and in words."""

from __future__ import annotations

import argparse
import re
from typing import Any

from sync.device.cli.context import DONE, WAITS, Context, cell
from sync.device.ledger import show_ledger
from sync.device.ledger_words import NO_PROOF
from sync.device.people import end_of_day
from sync.device.refused import Refused

_SPAN = re.compile(r"([1-9][0-9]{0,4})([hd])\Z")
_SPAN_MS = {"h": 3_600_000, "d": 86_400_000}
_DAY_MS = 86_400_000


async def show(context: Context, options: argparse.Namespace) -> int:
    """Fetches the ledger, checks it against what this phone last read, and shows it."""
    async with context.phone() as phone:
        since_ms = _since(options.since, phone.now_ms()) if options.since else 0
        found = await show_ledger(phone, since_ms=since_ms, accept=options.accept)
    context.result(found)
    finding = found["finding"]
    if not context.json:
        if found["entries"]:
            context.console.print(_table(found["entries"]))
        else:
            context.hint("Nothing stands in the list for that time.")
        if finding is None:
            context.hint(NO_PROOF)
        else:
            context.say(f"NOT AS IT WAS ({finding['code']}, at number {finding['number']}): {finding['words']}")
            context.say("Once you know why: `carnet ledger --accept` begins anew from what the server shows now.")
    return DONE if finding is None else WAITS


def _table(entries: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("", "when (UTC)", "what", "about", "who"):
        table.add_column(column, overflow="fold", no_wrap=column in ("", "when (UTC)"))
    for one in entries:
        at = (one["at"] or "")[:19].replace("T", " ")
        table.add_row("new" if one["new"] else "", at, cell(one["words"]), cell(_about(one)), cell(_who(one)))
    return table


def _about(one: dict[str, Any]) -> str:
    if one["share"] is not None:
        return one["share"]["label"] or f"share {one['share']['id'][:8]}"
    if one["vault"] is not None:
        return one["vault"]["name"] or f"vault {one['vault']['id'][:8]}"
    return one["device"] or ""


def _who(one: dict[str, Any]) -> str:
    if one["kind"] in ("share_opened", "passcode_wrong"):
        reader = one["reader"]
        return "cannot be read here" if reader is None else f"{reader['recipient']} (from {reader['address']})"
    return "this phone" if one["by_this_phone"] else one["by"] or ""


def _since(text: str, now_ms: int) -> int:
    """A beginning as people write it: hours or days ago, or a day. Raises: Refused(bad_since)."""
    if span := _SPAN.match(text.strip().lower()):
        return now_ms - int(span.group(1)) * _SPAN_MS[span.group(2)]
    try:
        return end_of_day(text, 0) - _DAY_MS
    except Refused as refused:
        raise Refused("bad_since") from refused
