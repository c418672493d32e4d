"""Kills under load, in a loop, with a look by a fresh client after each: `make prove`.

python -m tests.durability.kill_loop --database sqlite|postgres --seconds N [--seed N]

After each kill and restart everything written since the last renewal is read from the beginning, and at the end
everything there is. Prints how many acknowledged operations were checked, how often what was killed, and what was lost,
doubled or strange; exit code 1 if anything was.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx
import msgspec

from tests.durability.ledger import Found, Ledger
from tests.durability.load import Load
from tests.durability.machine import MACHINES, PostgresMachine, SqliteMachine

Machine = SqliteMachine | PostgresMachine
LOAD_SECONDS_MIN, LOAD_SECONDS_MAX = 0.3, 3.0  # of writing between two kills
RENEWAL = 8  # kills after which phones, vaults and shares are new, so that reading everything stays short


class Tally(msgspec.Struct):
    """What a loop did and found. `checked`: acknowledged operations, each once, as the last look found them."""

    database: str
    seed: int
    kills: Counter[str] = msgspec.field(default_factory=Counter)
    checked: Counter[str] = msgspec.field(default_factory=Counter)
    looks: int = 0  # how often an acknowledged operation was looked for, all looks together
    again: int = 0
    lost: int = 0
    doubled: int = 0
    strange: int = 0
    said: list[str] = []  # by phones that were shown less than what was acknowledged to them

    @property
    def is_whole(self) -> bool:
        return self.lost == self.doubled == self.strange == 0

    @property
    def operations(self) -> int:
        return sum(self.checked.values())

    def words(self) -> str:
        """All of it, in one paragraph."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.checked.items()))
        kills = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kills.items()))
        return (
            f"{self.database}, seed {self.seed}: {self.operations} acknowledged operations checked ({kinds}),"
            f" {self.looks} looks; {sum(self.kills.values())} kills ({kills}); {self.again} requests sent again;"
            f" lost {self.lost}, doubled {self.doubled}, strange {self.strange} {' '.join(self.said)}".rstrip()
        )


async def kill_loop(
    database: str,
    folder: Path,
    *,
    seconds: float = 1e9,
    kills: int = 10**9,
    longest: float = LOAD_SECONDS_MAX,
    seed: int = 0,
    fault: str = "",
) -> Tally:
    """Kills until the time or the number is over, or something was found.

    `longest`: seconds of writing between two kills; `fault`: of faulty_server.py.
    """
    rng, tally = random.Random(seed), Tally(database, seed)
    machine = await asyncio.to_thread(MACHINES[database], folder, fault)
    try:
        await asyncio.to_thread(machine.start)
        async with httpx.AsyncClient(timeout=30) as one, httpx.AsyncClient(timeout=30) as other:
            clients = [one, other][: len(machine.servers)]
            for client, server in zip(clients, machine.servers, strict=True):
                client.base_url = server.url
            load = Load(clients, rng)
            await _kill_under(load, machine, tally, time.monotonic() + seconds, kills, longest)
    finally:
        await asyncio.to_thread(machine.close)
    return tally


async def _kill_under(load: Load, machine: Machine, tally: Tally, end: float, kills: int, longest: float) -> None:
    rng = load.rng
    await load.start()
    try:
        while tally.is_whole and time.monotonic() < end and sum(tally.kills.values()) < kills:
            await asyncio.sleep(rng.uniform(LOAD_SECONDS_MIN, longest))
            done = sum(tally.kills.values())
            kind = machine.kinds[done] if done < len(machine.kinds) else rng.choice(machine.kinds)
            await machine.fail(rng, kind)
            tally.kills[kind] += 1
            if rng.random() < 0.7:  # else phones go on asking while it starts
                await load.traffic.park()
            await machine.mend()
            await load.traffic.park()
            tally.said += load.complaints()
            tally.lost += len(tally.said)
            await _look(load.ledgers, machine, tally)
            if tally.is_whole and (done + 1) % RENEWAL == 0:
                await load.renew()
            load.traffic.resume()
        if tally.is_whole:
            await load.stop()
            await _look([*load.finished, *load.ledgers], machine, tally)
        tally.again = load.traffic.again
    finally:
        await load.abandon()


async def _look(ledgers: list[Ledger], machine: Machine, tally: Tally) -> None:
    """Clients that have just been made look at every server in turn."""
    found = Found()
    async with contextlib.AsyncExitStack() as stack:
        fresh = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=server.url, timeout=30))
            for server in machine.servers
        ]
        for number, ledger in enumerate(ledgers):
            await ledger.look(fresh[number % len(fresh)], found)
    tally.checked = found.checked
    tally.looks += sum(found.checked.values())
    tally.lost += found.lost
    tally.doubled += found.doubled
    tally.strange += found.strange


def main() -> int:
    """Runs the loop and prints what it did."""
    parser = argparse.ArgumentParser(prog="kill_loop", description="kill -9 under load; is everything there?")
    parser.add_argument("--database", choices=sorted(MACHINES), required=True)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        run = kill_loop(options.database, Path(name), seconds=options.seconds, seed=options.seed)
        tally = asyncio.run(run)
    print(tally.words())
    return 0 if tally.is_whole and tally.operations else 1


if __name__ == "__main__":
    sys.exit(main())
