"""The figures: one row each, as a table for people and as JSON for machines.

A row says what it measures. Where something else did the same in the same run, `best` is the best of the others and
`ratio` how many times better than that ours is (above 1: ours is better); a row without one is read beside the run's
raw appends and no-op applications, which every run of the server's section prints.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

SHOWN_BESIDE = 3  # of what else was measured, the best; the file has all


class Row(msgspec.Struct, omit_defaults=True):
    """One figure. `target`: the bound that `judged` (`ours` or `ratio`) is held to; `most`: it is an upper bound."""

    section: str
    what: str
    unit: str
    ours: float | None
    beside: dict[str, float] = {}
    best: float | None = None
    ratio: float | None = None
    judged: str = ""
    target: float | None = None
    most: bool = False
    said: str = ""  # the target in words, or what there is to know

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None without one."""
        value = self.ratio if self.judged == "ratio" else self.ours
        if self.target is None or value is None:
            return None
        return value <= self.target if self.most else value >= self.target


def against(section: str, what: str, unit: str, ours: float, others: dict[str, float], wanted: float | None) -> Row:
    """A row where less is better, beside others that did the same; `wanted`: how many times better ours shall be."""
    if not others:
        return Row(section, what, unit, ours)
    best = min(others.values())
    said = "" if wanted is None else f">= {wanted:.2g} x"
    return Row(section, what, unit, ours, others, best, best / ours, "ratio", wanted, False, said)


def at_most(section: str, what: str, unit: str, ours: float, bound: float, **beside: float) -> Row:
    """A row that is held to an upper bound."""
    return Row(section, what, unit, ours, beside, judged="ours", target=bound, most=True, said=f"<= {bound:g}")


def at_least(section: str, what: str, unit: str, ours: float, bound: float, **beside: float) -> Row:
    """A row that is held to a lower bound."""
    return Row(section, what, unit, ours, beside, judged="ours", target=bound, said=f">= {bound:g}")


def plain(section: str, what: str, unit: str, ours: float | None, said: str = "", **beside: float) -> Row:
    """A row without a target."""
    return Row(section, what, unit, ours, beside, said=said)


def shown(rows: list[Row]) -> None:
    """Prints the table."""
    table = Table(title="Carnet beside the best", title_justify="left")
    for name in ("section", "what is measured", "unit", "ours", "beside it, in the same run", "x better", "target", ""):
        table.add_column(name, justify="right" if name in ("ours", "x better") else "left")
    last = ""
    for row in rows:
        if last and row.section != last:
            table.add_section()
        mark = {None: "", True: "[green]reached[/]", False: "[red]missed[/]"}[row.reached]
        others = sorted(row.beside.items(), key=lambda pair: pair[1])[:SHOWN_BESIDE]
        beside = ", ".join(f"{name} {_figure(value)}" for name, value in others)
        ratio = "" if row.ratio is None else _figure(row.ratio)
        name = row.section if row.section != last else ""
        table.add_row(name, row.what, row.unit, _figure(row.ours), beside, ratio, row.said, mark)
        last = row.section
    Console(width=max(Console().width, 150)).print(table)


def written(rows: list[Row], path: Path, options: dict[str, Any]) -> None:
    """Writes the same as JSON, with the machine it was measured on."""
    machine = {"python": sys.version.split()[0], "system": platform.system(), "cores": os.cpu_count()}
    out = [msgspec.to_builtins(row) | {"reached": row.reached} for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine, "options": options, "rows": out}, indent=2) + "\n")


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
