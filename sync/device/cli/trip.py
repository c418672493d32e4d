"""The command before a journey: `trip --lang el,it`."""

from __future__ import annotations

import argparse

from sync.device.cli.context import DONE, Context, cell
from sync.device.languages import language
from sync.device.refused import Refused
from sync.device.trip import GAP, LOOK, checklist

_MARKS = {"ok": "[green]✓[/green]", LOOK: "[yellow]![/yellow]", GAP: "[bold red]✗[/bold red]"}


async def run(context: Context, options: argparse.Namespace) -> int:
    """What is ready, what is not, and the command for each gap."""
    langs = list(dict.fromkeys(language(one) for one in options.lang.split(",") if one.strip()))
    if not langs:
        raise Refused("no_such_language", options.lang)
    async with context.phone() as phone:
        items = await checklist(phone, context.folder, langs, options.vault)
    card = ",".join(langs[:2])
    rows = [item._replace(command=item.command.format(card) if item.command else None) for item in items]
    gaps = sum(item.state == GAP for item in rows)
    context.result({"languages": langs, "gaps": gaps, "items": [item._asdict() for item in rows]})
    if context.json or context.quiet:
        return DONE
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=3, overflow="fold")
    table.add_column(ratio=2, overflow="fold", style="dim")
    for item in rows:
        command = f"carnet {item.command}" if item.command else ""
        table.add_row(_MARKS[item.state], cell(item.what), cell(item.words), cell(command))
    context.console.print(table)
    context.say(
        "Nothing is missing." if not gaps else f"{gaps} gap{'s' * (gaps != 1)}; the command beside each closes it."
    )
    return DONE
