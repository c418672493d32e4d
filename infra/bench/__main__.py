"""`make bench`: measures, prints a table, writes the figures as JSON and the growth as a plot.

    python -m infra.bench [engine] [server] [phone] [shares] [push] [live] [growth] [--out DIR] [--runs N] [--small]

Everything is generated, on loopback, and gone afterwards but for the files in DIR (default: `bench/`, not kept in the
repository). `--small` goes through every row in seconds: its figures mean nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from infra.bench.report import Row, shown, written

SECTIONS = ("engine", "server", "phone", "shares", "push", "live", "growth")


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the sections that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m infra.bench", description="Carnet's figures beside the best.")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}; none: all")
    parser.add_argument("--out", type=Path, default=Path("bench"), metavar="DIR", help="where the files go")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="runs of which the median counts")
    parser.add_argument("--small", action="store_true", help="the smallest sizes, to see that it works")
    parser.add_argument("--alone", action="store_true", help="the engine without its peers, which need not be there")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.sections) - set(SECTIONS))
    if unknown:
        parser.error(f"no such section: {', '.join(unknown)}")
    rows: list[Row] = []
    for section in options.sections or SECTIONS:
        print(f"measuring: {section} …", flush=True)
        rows += _measured(section, options)
    shown(rows)
    written(rows, options.out / "figures.json", {"runs": options.runs, "small": options.small})
    print(f"written: {options.out}/figures.json")


def _measured(section: str, options: argparse.Namespace) -> list[Row]:
    # Each section imports what it needs: the phone's rows do not wait for the peers.
    small = options.small
    if section == "engine":
        from infra.bench import engine

        sizes = [50] if small else [1_000, 10_000]
        return [row for records in sizes for row in engine.rows(records, options.runs, not options.alone)]
    if section == "server":
        from infra.bench import server

        return server.rows(*((200, 64) if small else (5_000, 10_000)))
    if section == "phone":
        from infra.bench import phone

        return phone.rows(30 if small else 10_000, options.runs)
    if section == "shares":
        from infra.bench import shares

        return shares.rows(80 if small else 2_000, 1 if small else options.runs)
    if section == "live":
        from infra.bench import live

        return live.rows(*((40, 5) if small else (2_000, 200)))
    if section == "push":
        from infra.bench import pushes

        return pushes.rows(40, 1) if small else pushes.rows(10_000, 15)
    from infra.bench import growth, plot

    many = growth.Sizes((1_000, 10_000, 50_000), (1, 100, 10_000), 2_000)
    rows, panels = growth.rows(growth.Sizes((5, 10), (1, 3), 32), ["sqlite"]) if small else growth.rows(many)
    plot.drawn(panels, options.out / "growth.svg")
    return rows


if __name__ == "__main__":
    main()
