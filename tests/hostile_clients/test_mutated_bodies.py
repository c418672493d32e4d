"""Spoiled frames, entries, claims and bodies against a server process: a code each, nothing stored, no memory kept.

A slice of `python -m tests.hostile_clients.mutate 20000`, which `make prove` runs.
"""

from __future__ import annotations

import random
from pathlib import Path

from tests.hostile_clients.mutate import MEMORY_GROWTH_MAX, run
from tests.hostile_clients.mutations import BYTES, TREES, of_json, of_msgpack
from tests.hostile_clients.process_kit import sqlite_in

COUNT, EARLY = 1_000, 300


async def test_a_thousand_spoiled_bodies_get_a_code_each_and_leave_nothing(tmp_path: Path):
    """ERR-1, ERR-5, SYN-3, SYN-30 to SYN-40: and every kind reaches checks beyond its decoder."""
    told = await run(COUNT, 20_261_124, sqlite_in(tmp_path), tmp_path, EARLY)
    assert told.wrong == []
    assert told.stored() == {}
    assert told.late_bytes <= MEMORY_GROWTH_MAX * told.early_bytes
    assert told.sent.total() == COUNT
    assert all(told.passed[kind] > 0 for kind in told.sent)
    codes = {code for _, code in told.codes}
    assert codes >= {
        "malformed", "shape", "signature", "seen", "version", "chain", "quota", "rights", "vault_limit", "removed",
        "assertion_invalid", "revoked", "registration_closed", "too_many_devices", "link_taken", "too_large",
        "unsupported_media_type",
    }  # fmt: skip


def test_a_seed_gives_the_same_bodies_again_and_every_mutation_comes_up():
    """A run that failed can be had again."""
    data = b"\x93\x01\x92\xc4\x02ab\xc0\xa3abc"
    once, again = ([of_msgpack(random.Random(seed), data) for seed in range(400)] for _ in range(2))
    assert once == again
    assert {name for name, _ in once} == {*BYTES, *TREES, "non_canonical"}
    assert all(made != data for _, made in once)
    assert all(made != b'{"a":"b"}' for seed in range(300) for _, made in [of_json(random.Random(seed), b'{"a":"b"}')])
