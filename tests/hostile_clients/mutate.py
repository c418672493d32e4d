"""Sends spoiled frames, entries, claims and bodies to a real server: `python -m tests.hostile_clients.mutate N`.

Prints by kind how many passed the decoder and what was answered. Holds: every answer is a problem document or a
vault's code, never a failure; nothing is stored; memory after all is at most a tenth above what it was after a tenth.
`--database URL` takes another database than SQLite in a temporary folder; it must be empty.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import httpx

from sync.wire.errors import PROBLEMS, REFUSALS
from tests.api.phone_kit import read_answer
from tests.hostile_clients.bodies import FILLED, Bodies, Sent, moved_in
from tests.hostile_clients.process_kit import changes, dump_of_database, resident_bytes, server_process, sqlite_in

SENDERS = 6  # requests under way at a time
MEMORY_GROWTH_MAX = 1.1


class Told(NamedTuple):
    """What a run showed. `codes`: by kind and code. `passed`, `sent`: by kind. `wrong`: what must not be."""

    codes: Counter[tuple[str, str]]
    passed: Counter[str]
    sent: Counter[str]
    mutations: Counter[str]
    wrong: list[str]
    changed: dict[str, tuple[int, int]]
    early_bytes: int
    late_bytes: int

    def stored(self) -> dict[str, tuple[int, int]]:
        """Tables that changed. An answer `clock` lays a nonce down for a minute (ACC-5); what has ended may be gone."""
        nonces = sum(n for (_, code), n in self.codes.items() if code == "clock")
        return {table: rows for table, rows in self.changed.items() if table != "once" or rows[1] > nonces}


def said(answer: httpx.Response) -> str:
    """The code of an answer, or what is wrong with it in words."""
    if answer.headers.get("content-type") == "application/problem+json":
        code = answer.json()["code"]
        whole = answer.status_code == PROBLEMS[code].status and answer.status_code < 500
        return code if whole else f"wrong: {answer.status_code} {code}"
    if answer.status_code == 200 and answer.headers.get("content-type") == "application/msgpack":
        codes = {vault.code for vault in read_answer(answer.content).vaults}
        assert codes <= {None, *REFUSALS}
        return "+".join(sorted("taken note of" if code is None else code for code in codes)) or "nothing asked"
    if answer.status_code in (201, 204):
        return "as before"  # what was there already; that nothing is new, the tables show
    return f"wrong: {answer.status_code}"


async def run(count: int, seed: int, database: str, folder: Path, early: int) -> Told:
    """Sends `count` spoiled requests to a server over an empty database; memory is first read after `early`."""
    with server_process(database, folder, origin="http://carnet.test", address_per_minute_max=10_000) as (_, url):
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            family = await moved_in(client, "http://carnet.test")
    before = await dump_of_database(database)
    told = Told(Counter(), Counter(), Counter(), Counter(), [], {}, 0, 0)
    bodies = Bodies(family, seed)
    with server_process(database, folder, origin="http://carnet.test", **FILLED) as (pid, url):
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:

            async def send(left: list[int]) -> None:
                while left:
                    left.pop()
                    sent = bodies.next()
                    answer = await client.request(sent.method, sent.path, headers=sent.headers, content=sent.body)
                    _note(told, sent, said(answer))

            async def send_many(number: int) -> int:
                left = [0] * number
                await asyncio.gather(*(send(left) for _ in range(SENDERS)))
                return resident_bytes(pid)

            early_bytes = await send_many(early)
            late_bytes = await send_many(count - early) if count > early else early_bytes
    after = await dump_of_database(database)
    return told._replace(changed=changes(before, after), early_bytes=early_bytes, late_bytes=late_bytes)


def _note(told: Told, sent: Sent, code: str) -> None:
    told.sent[sent.kind] += 1
    told.passed[sent.kind] += sent.decodes
    told.mutations[sent.mutation] += 1
    told.codes[sent.kind, code] += 1
    unread = ("malformed", "shape", "too_large", "unsupported_media_type", "assertion_invalid")
    if code.startswith("wrong"):
        told.wrong.append(f"{sent.kind}, {sent.mutation}: {code} for {sent.body[:400].hex()}")
    elif not sent.decodes and sent.kind.startswith(("frame", "entry")) and code not in unread:
        told.wrong.append(f"{sent.kind}, {sent.mutation}: {code} though it does not decode: {sent.body[:900].hex()}")


def lines(told: Told) -> list[str]:
    """A run in words."""
    found = [f"{'':26}{'sent':>7}{'passed the decoder':>20}   answers"]
    for kind in told.sent:
        codes = ", ".join(f"{code} {n}" for (k, code), n in told.codes.most_common() if k == kind)
        found.append(f"{kind:26}{told.sent[kind]:>7}{told.passed[kind]:>20}   {codes}")
    found.append(f"{'all':26}{told.sent.total():>7}{told.passed.total():>20}")
    found.append("mutations: " + ", ".join(f"{name} {n}" for name, n in told.mutations.most_common()))
    mib = 1_048_576
    growth = told.late_bytes / told.early_bytes
    found.append(f"memory: {told.early_bytes / mib:.1f} MiB, at the end {told.late_bytes / mib:.1f} MiB ({growth:.3f})")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, help="how many requests")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", default="", help="URL of an empty database")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = options.database or sqlite_in(folder)
        told = asyncio.run(run(options.count, options.seed, database, folder, max(1, options.count // 10)))
    print("\n".join(lines(told)))
    assert not told.wrong, "\n".join(told.wrong[:10])
    assert not told.stored(), f"stored or gone (gone, new): {told.stored()}"
    assert told.late_bytes <= MEMORY_GROWTH_MAX * told.early_bytes, "memory grows with what is refused"


if __name__ == "__main__":
    main()
