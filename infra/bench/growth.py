"""Growth: what one phone's no-op and one-edit sync cost the server while its log, or the number of vaults, grows.

Each is taken at every size in the same server process, by processor time, so that a line that is flat is flat.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import httpx

from infra.bench import senders, warm
from infra.bench.load import Job, request, run
from infra.bench.plot import Line
from infra.bench.report import Row, at_most
from infra.bench.server import noop_figures
from infra.bench.servers import DATABASES, Running, carnet
from sync.device.outbox import SEND_BYTES_MAX, SEND_ITEMS_MAX
from sync.wire.exchange import VaultAsk
from tests.api.phone_kit import Phone, founding, wraps_for

VAULTS_AT_ONCE = 32  # vaults that one further phone founds, in one request
FLAT = 1.5  # the largest beside the smallest size: below it the difference is the machine's noise

_serial = itertools.count(1)


class Sizes(NamedTuple):
    """Records of one vault, and vaults of one server, ascending; how many requests each figure is taken from."""

    records: tuple[int, ...]
    vaults: tuple[int, ...]
    asks: int


def rows(sizes: Sizes, databases: Sequence[str] = DATABASES) -> tuple[list[Row], dict[str, list[Line]]]:
    """The rows, and the lines of the plot by panel."""
    out: list[Row] = []
    panels: dict[str, list[Line]] = {"records in the vault": [], "vaults on the server": []}
    for database in databases:
        with tempfile.TemporaryDirectory() as name, carnet(Path(name) / "server", database) as server:
            told = asyncio.run(_measured(server, sizes))
        for panel, lines in zip(panels, told, strict=True):
            for what, points in lines.items():
                ms = {f"{size:,}": value for size, value in points}
                growth = points[-1][1] / points[0][1]
                row = at_most("growth", f"{what}, {database}, by {panel}", "x", growth, FLAT)
                row.beside = {f"ms CPU at {size}": value for size, value in ms.items()}
                out.append(row)
                panels[panel].append(Line(f"{what}, {database}", points))
    return out, panels


async def _measured(server: Running, sizes: Sizes) -> tuple[dict[str, list[tuple[int, float]]], ...]:
    by_records: dict[str, list[tuple[int, float]]] = {"no-op": [], "push and pull": []}
    by_vaults: dict[str, list[tuple[int, float]]] = {"no-op": [], "push and pull": []}
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        small = await Phone("small", client, server.url).register()
        book = await small.found()
        count = 1
        for vaults in sizes.vaults:
            count += await _filled(server, client, vaults - count)
            await small.log_in()
            by_vaults["no-op"].append((vaults, noop_figures(server, small, book, sizes.asks)["noop_cpu"]))
            by_vaults["push and pull"].append(
                (vaults, (await warm.alone(server, small, book, _rounds(sizes)))["warm_cpu"])
            )
        large = await Phone("large", client, server.url).register()
        book = await large.found()
        for records in sizes.records:
            more = records - book.state.seq
            edits = senders.small_edits(more, book.state.seq, book.state.seq * 4_096 + 1)
            items = senders.frames(large, book, senders.one_each(edits))
            asks = senders.asks(book, items, SEND_BYTES_MAX, SEND_ITEMS_MAX)
            await large.log_in()
            told = run(Job(server.url, [[request(large.token, senders.body(ask)) for ask in asks]]))
            assert not told.failed, "an answer that is no 200"
            await large.log_in()
            by_records["no-op"].append((records, noop_figures(server, large, book, sizes.asks)["noop_cpu"]))
            told_warm = await warm.alone(server, large, book, _rounds(sizes))
            by_records["push and pull"].append((records, told_warm["warm_cpu"]))
    return by_records, by_vaults


def _rounds(sizes: Sizes) -> int:
    return max(3, sizes.asks // 20)


async def _filled(server: Running, client: httpx.AsyncClient, count: int) -> int:
    """Other people's vaults, so many more."""
    made = 0
    while made < count:
        other = await Phone(f"other {next(_serial)}", client, server.url).register()
        asks = []
        for _ in range(min(VAULTS_AT_ONCE, count - made)):
            book, item, epoch, live = founding(other.card, other.person)
            wraps = wraps_for(epoch.id, live)
            asks.append(VaultAsk(book.vault, 0, book.state.log_hash, 0, items=(item,), wraps=wraps))
        told = await other.sync(*asks)
        assert not any(vault.code for vault in told.vaults), "a vault that was not founded"
        made += len(asks)
    return max(0, made)
