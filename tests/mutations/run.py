"""Puts every way to be wrong into a copy of the tree and runs its checks: `python -m tests.mutations.run [NAME…]`.

First every check runs without any: one that is red by itself says nothing. Then one mutation at a time, in as many
copies as there are processors. Prints what noticed each, after how many tests, cases or worlds, in how many seconds.
Ends with 1 if anything is not noticed, or a check cannot be run. A NAME is a part of a mutation's name or rule.
"""

import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from tests.mutations.bad_days import BAD_DAYS_RULES
from tests.mutations.events import EVENTS
from tests.mutations.log import LOG
from tests.mutations.membership import MEMBERSHIP
from tests.mutations.merge import MERGE
from tests.mutations.mutation import Mutation
from tests.mutations.phone import PHONE_READS, PHONE_SENDS
from tests.mutations.pushes import PUSHES
from tests.mutations.requests import REQUESTS
from tests.mutations.server import SERVER
from tests.mutations.tree import Found, Tree

TABLES = {
    "merge": MERGE,
    "membership": MEMBERSHIP,
    "log, frames, keys": LOG,
    "the phone sends": PHONE_SENDS,
    "the phone reads": PHONE_READS,
    "bad days": BAD_DAYS_RULES,
    "the server": SERVER,
    "who asks": REQUESTS,
    "pushes": PUSHES,
    "events": EVENTS,
}
ALL = list(itertools.chain(*TABLES.values()))
SECONDS_MAX = 240.0  # of one check: the longest takes a minute where nothing is wrong
T = TypeVar("T")
R = TypeVar("R")


def in_trees(trees: list[Tree], what: Callable[[Tree, T], R], things: list[T]) -> list[R]:
    """Does something with each thing, each in a tree that nobody else uses meanwhile; gives the results in order."""
    free: SimpleQueue[Tree] = SimpleQueue()
    for tree in trees:
        free.put(tree)

    def one(thing: T) -> R:
        tree = free.get()
        try:
            return what(tree, thing)
        finally:
            free.put(tree)

    with ThreadPoolExecutor(len(trees)) as pool:
        return list(pool.map(one, things))


def red_by_themselves(trees: list[Tree], mutations: Iterable[Mutation]) -> list[str]:
    """The checks of these mutations that are red, or do not end, though nothing is wrong; and why."""
    checks = list(dict.fromkeys(check for mutation in mutations for check in mutation.caught_by))
    found = in_trees(trees, lambda tree, check: tree.check(check, SECONDS_MAX), checks)
    return [
        f"{check}: {one.by or one.broken}" for check, one in zip(checks, found, strict=True) if one.caught or one.broken
    ]


def _row(mutation: Mutation, check: str, found: Found) -> tuple[str, ...]:
    verdict = "caught" if found.caught else "NOT CAUGHT"
    by = found.by.partition("::")[2] or found.by or check
    return mutation.name, mutation.rule, verdict, by, str(found.examples), f"{found.seconds:.1f}"


def main(wanted: list[str]) -> int:
    """The exit code: 1 if a check is red by itself or anything is not noticed."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    chosen = [m for m in ALL if not wanted or any(word in f"{m.name} {m.rule}" for word in wanted)]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="carnet-mutations-") as folder:
        trees = [Tree(Path(folder, str(number))) for number in range(os.cpu_count() or 1)]
        red = red_by_themselves(trees, chosen)
        if red:
            console.print("Red though nothing is wrong:", *red, sep="\n", markup=False)
            return 1
        console.print(f"every check is green where nothing is wrong ({time.monotonic() - started:.0f} s)")

        def tried(tree: Tree, mutation: Mutation) -> list[Found]:
            results = tree.try_(mutation, SECONDS_MAX)
            word = "caught" if all(one.caught for one in results) else "NOT CAUGHT"
            console.print(f"{word}: {mutation.name}", markup=False, highlight=False)
            return results

        found = in_trees(trees, tried, chosen)
    table = Table("way to be wrong", "rule", "", "noticed by", "examples", "seconds")
    missed = 0
    for mutation, results in zip(chosen, found, strict=True):
        for check, one in zip(mutation.caught_by, results, strict=True):
            table.add_row(*_row(mutation, check, one))
            if not one.caught:
                missed += 1
                console.print(f"NOT CAUGHT: {mutation.name}, by {check}: {one.broken or 'green'}", markup=False)
    console.print(table)
    caught = sum(all(one.caught for one in results) for results in found)
    console.print(f"{caught} of {len(chosen)} ways to be wrong noticed, {time.monotonic() - started:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
