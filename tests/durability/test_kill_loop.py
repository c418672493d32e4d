"""SYN-10, SYN-31: killed under load on both databases, again and again, and everything acknowledged stands once.

A slice of `make prove` (kill_loop.py); and a server that acknowledges early is found out by it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.durability.kill_loop import kill_loop

KILLS = {"sqlite": 2, "postgres": 4}  # on PostgreSQL: the cluster, one server, one of its backends, a restart


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_whatever_is_killed_what_was_acknowledged_stands_once_and_in_order(database: str, tmp_path: Path):
    tally = await kill_loop(database, tmp_path, kills=KILLS[database], longest=1.0, seed=7)
    assert tally.is_whole, tally.words()
    assert sum(tally.kills.values()) == KILLS[database]
    assert tally.again > 0, "nothing was under way when it was killed"
    assert min(tally.checked[kind] for kind in ("frame", "entry", "device", "link post", "share made")) > 0


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_a_server_that_acknowledges_before_it_commits_is_found_out(database: str, tmp_path: Path):
    tally = await kill_loop(database, tmp_path, kills=7, longest=1.0, seed=7, fault="early")
    assert tally.lost > 0, tally.words()
